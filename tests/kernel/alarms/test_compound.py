"""Rules of several quantities: columns and CEL agree, whatever is said, absent, late or said at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.foundation.clock import SECOND
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.alarms.types import Comparison, Definition, Transition
from tests.kernel.alarms.factories import a_definition
from tests.kernel.alarms.test_watch import see, told

QUANTITIES = ("power_w", "dim_pct", "lamp_state")
OPERATORS = (">", ">=", "<", "<=", "==", "!=")
ASSETS = ((3, "light_point"), (5, "light_point"), (9, "light_point"), (10, "lighting_cabinet"))


def a_rule(*comparisons: Comparison, **changes: Any) -> Definition:
    fields = {
        "code": "lamp",
        "asset_class": "light_point",
        "quantity": comparisons[0].quantity if comparisons else None,
    }
    return a_definition(**fields | {"operator": None, "threshold": None, "comparisons": comparisons} | changes)


BURNS = a_rule(Comparison("power_w", ">", 10.0, 4.0), Comparison("dim_pct", "<=", 0.0), code="burns")
EITHER = a_rule(Comparison("power_w", ">", 10.0), Comparison("dim_pct", ">=", 50.0), join="any", code="either")
SUM = a_rule(expression="power_w - dim_pct > 20.0", quantity="power_w", code="sum")

VALUE = st.sampled_from([0.0, 1.0, 2.0, 5.0, 8.0, 10.0, 12.0, 50.0, float("nan"), float("inf")])
COMPARISON = st.one_of(
    st.builds(
        Comparison,
        st.sampled_from(QUANTITIES[:2]),
        st.sampled_from(OPERATORS[:4]),
        st.sampled_from([1.0, 5.0, 8.0, 10.0]),
        st.sampled_from([0.0, 0.0, 3.0]),
    ),
    st.builds(
        Comparison, st.sampled_from(QUANTITIES), st.sampled_from(OPERATORS[4:]), st.sampled_from([0.0, 1.0, 2.0])
    ),
)
RULES = st.lists(
    st.tuples(st.lists(COMPARISON, min_size=1, max_size=4), st.sampled_from(["all", "any"])), min_size=1, max_size=3
)
DELAYS = st.sampled_from([0.0, 1.0, 3.0])
BATCH = st.dictionaries(
    st.tuples(st.sampled_from(QUANTITIES), st.sampled_from([3, 5, 9, 10, 77])),
    st.tuples(VALUE, st.integers(-3, 0)),
    max_size=8,
)


def definitions_of(rules: list[tuple[list[Comparison], str]], on_s: float, off_s: float) -> list[Definition]:
    """One definition for each rule: a single comparison in its plain form, several as a list."""
    made = []
    for place, (comparisons, join) in enumerate(rules):
        name, delays = f"rule_{place}", {"on_delay_s": on_s, "off_delay_s": off_s}
        if len(comparisons) == 1:
            (one,) = comparisons
            made.append(
                a_definition(
                    code=name, asset_class="light_point", quantity=one.quantity, operator=one.operator,
                    threshold=one.threshold, dead_band=one.dead_band, **delays,
                )
            )  # fmt: skip
        else:
            made.append(a_rule(*comparisons, code=name, join=join, **delays))
    return made


def hand_over(watch: Watch, now: int, batch: dict[tuple[str, int], tuple[float, int]]) -> None:
    for quantity in QUANTITIES:
        rows = [(asset, value, now + late) for (name, asset), (value, late) in batch.items() if name == quantity]
        if rows:
            ids, values, seconds = zip(*rows, strict=True)
            watch.observe(
                quantity, np.array(ids, np.int64), np.array(values, np.float64), np.array(seconds, np.int64) * SECOND
            )


@settings(max_examples=300, deadline=None)
@given(RULES, DELAYS, DELAYS, st.lists(BATCH, max_size=12))
def test_columns_and_cel_agree(
    rules: list[tuple[list[Comparison], str]],
    on_s: float,
    off_s: float,
    batches: list[dict[tuple[str, int], tuple[float, int]]],
) -> None:
    """Every operator, absent quantities, values that are none, dead bands, late values, batches of any make-up."""
    definitions = definitions_of(rules, on_s, off_s)
    by_columns, by_cel = Watch(definitions, ASSETS), Watch(definitions, ASSETS, by_cel=True)
    last: dict[tuple[str, int], int] = {}
    for now, batch in enumerate(batches, 1000):
        newer = {key: said for key, said in batch.items() if now + said[1] >= last.get(key, 0)}
        last |= {key: now + late for key, (_, late) in newer.items()}
        came: list[tuple[Transition, ...]] = []
        for watch in (by_columns, by_cel):
            hand_over(watch, now, newer)
            came.append(tuple(sorted(watch.due(now * SECOND), key=lambda t: (t.at, t.code, t.asset_id, t.kind))))
        assert [(t.kind, t.code, t.asset_id, t.at) for t in came[0]] == [
            (t.kind, t.code, t.asset_id, t.at) for t in came[1]
        ]


def test_two_values_of_one_report_are_judged_together() -> None:
    watch = Watch([BURNS], ASSETS)
    see(watch, "power_w", 10, a3=60.0)
    assert told(watch, 10) == []  # dim_pct has never been heard: unknown
    see(watch, "dim_pct", 20, a3=50.0)
    see(watch, "power_w", 20, a3=60.0)
    assert told(watch, 20) == []
    see(watch, "dim_pct", 30, a3=0.0)
    see(watch, "power_w", 30, a3=1.5)  # off, and dark: for an instant one value was the old one
    assert told(watch, 30) == []
    see(watch, "power_w", 40, a3=60.0)
    assert told(watch, 40) == [("raise", "burns", 3, 60.0, 40)]


def test_dead_band_of_one_comparison_keeps_the_alarm() -> None:
    watch = Watch([BURNS], ASSETS)
    for at_s, power in ((10, 12.0), (20, 7.0), (30, 6.0)):
        see(watch, "dim_pct", at_s, a3=0.0)
        see(watch, "power_w", at_s, a3=power)
    assert told(watch, 30) == []
    watch = Watch([BURNS], ASSETS)
    seen = []
    for at_s, power in ((10, 12.0), (20, 7.0), (30, 6.0)):
        see(watch, "dim_pct", at_s, a3=0.0)
        see(watch, "power_w", at_s, a3=power)
        seen += told(watch, at_s)
    assert seen == [("raise", "burns", 3, 12.0, 10), ("return", "burns", 3, 6.0, 30)]


def test_any_holds_without_the_quantity_that_is_shown() -> None:
    watch = Watch([EITHER], ASSETS)
    see(watch, "dim_pct", 10, a5=70.0)
    assert [(t.kind, t.asset_id, t.value) for t in watch.due(10 * SECOND)] == [("raise", 5, None)]


def test_expression_is_judged_on_last_values() -> None:
    watch = Watch([SUM], ASSETS)
    assert watch.quantities == {"power_w", "dim_pct"}
    see(watch, "power_w", 10, a3=80.0, a5=80.0)
    see(watch, "dim_pct", 12, a3=50.0)
    assert told(watch, 12) == [("raise", "sum", 3, 80.0, 12)]
    see(watch, "dim_pct", 20, a3=70.0)
    assert told(watch, 20) == [("return", "sum", 3, 80.0, 20)]


def test_compound_rules_are_restored_from_the_store() -> None:
    watch = Watch([BURNS, EITHER], ASSETS)
    values = {"power_w": [(3, 60.0, 10 * SECOND), (5, 3.0, 10 * SECOND)], "dim_pct": [(3, 0.0, 11 * SECOND)]}
    watch.restore(values, [("burns", 3, 11 * SECOND), ("either", 5, 5 * SECOND)])
    assert told(watch, 20) == [("raise", "either", 3, 60.0, 11)]
    see(watch, "dim_pct", 30, a3=10.0, a5=10.0)
    assert told(watch, 30) == [("return", "burns", 3, 60.0, 30), ("return", "either", 5, 3.0, 30)]


def test_new_inventory_keeps_the_last_values() -> None:
    watch = Watch([BURNS], ASSETS)
    see(watch, "dim_pct", 10, a5=0.0, a9=0.0)
    watch.set_assets([(1, "light_point"), (5, "light_point")])
    see(watch, "power_w", 20, a1=50.0, a5=50.0, a9=50.0)
    assert told(watch, 20) == [("raise", "burns", 5, 50.0, 20)]


def test_new_definitions_keep_running_delays() -> None:
    cold = a_definition(
        code="cold", asset_class="building", quantity="temperature_degc", operator="<", threshold=5.0,
        on_delay_s=100.0, off_delay_s=50.0,
    )  # fmt: skip
    mute = a_definition(
        code="mute", asset_class="building", quantity=None, operator=None, threshold=None, silence_periods=3.0,
        on_delay_s=100.0,
    )  # fmt: skip
    assets = [(1, "building"), (2, "building"), (3, "building")]
    before = Watch([cold, mute], assets)
    see(before, "temperature_degc", 0, a2=1.0)
    assert told(before, 100) == [("raise", "cold", 2, 1.0, 100)]
    see(before, "temperature_degc", 110, a1=1.0)
    see(before, "temperature_degc", 120, a2=9.0)
    before.hear(np.array([3]), np.array([3.0]), 115 * SECOND)
    see(before, "temperature_degc", 140, a1=2.0, a2=9.0)
    assert told(before, 140) == []
    last = {"temperature_degc": [(1, 2.0, 140 * SECOND), (2, 9.0, 140 * SECOND)]}
    quicker = a_definition(
        code="cold", version=2, asset_class="building", quantity="temperature_degc", operator="<", threshold=5.0,
        on_delay_s=60.0, off_delay_s=50.0,
    )  # fmt: skip
    after = Watch([quicker, mute], assets)
    after.restore(last, [("cold", 2, 100 * SECOND)])
    after.keep_delays(before)
    assert told(after, 300) == [
        ("raise", "cold", 1, 2.0, 170),
        ("return", "cold", 2, 9.0, 170),
        ("raise", "mute", 3, 3.0, 215),
    ]
    other = a_definition(code="cold", asset_class="building", quantity="temperature_degc", operator="<", threshold=4.0,
                         on_delay_s=100.0, off_delay_s=50.0)  # fmt: skip
    changed = Watch([other], assets)
    changed.restore(last, [("cold", 2, 100 * SECOND)])
    changed.keep_delays(before)
    assert told(changed, 300) == [("return", "cold", 2, 9.0, 190), ("raise", "cold", 1, 2.0, 240)]
