"""The vectorised watch against a second-by-second reference that anyone can read, and its traps one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.foundation.clock import SECOND
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.alarms.types import Definition, Transition
from tests.kernel.alarms.factories import a_definition

COLD = a_definition(
    code="cold", asset_class="building", quantity="temperature_degc", operator="<", threshold=5.0, dead_band=2.0
)
HOT = a_definition(
    code="hot", asset_class="building", quantity="temperature_degc", operator=">=", threshold=8.0, dead_band=1.0
)
FIRE = a_definition(code="fire", asset_class="building", quantity="fire_state", operator="==", threshold=1.0)
CELLAR = a_definition(
    code="cellar", asset_class="sensor", quantity="temperature_degc", operator="!=", threshold=5.0, on_delay_s=3.0
)
MUTE = a_definition(
    code="mute", asset_class="sensor", quantity=None, operator=None, threshold=None, silence_periods=3.0
)
ASSETS = ((11, "building"), (7, "sensor"), (90, "building"), (8, "camera"))


def told(watch: Watch, at_s: float) -> list[tuple[str, str, int, float, float]]:
    return [(t.kind, t.code, t.asset_id, t.value, t.at / SECOND) for t in watch.due(round(at_s * SECOND))]


def see(watch: Watch, quantity: str, at_s: float, **values: float) -> None:
    ids = [int(name[1:]) for name in values]
    watch.observe(
        quantity,
        np.array(ids, np.int64),
        np.array(list(values.values()), np.float64),
        np.full(len(ids), round(at_s * SECOND), np.int64),
    )


@dataclass
class Slow:
    """The reference: each second, for each definition and asset, look at the last value and at how long it has held."""

    definitions: tuple[Definition, ...]
    assets: dict[int, str]
    told: list[Transition] = field(default_factory=list)
    values: dict[tuple[str, int], float] = field(default_factory=dict)
    active: set[tuple[str, int]] = field(default_factory=set)
    held_since: dict[tuple[str, int], int] = field(default_factory=dict)
    shown: dict[tuple[str, int], float] = field(default_factory=dict)

    def second(self, now: int, readings: Iterable[tuple[str, int, float]]) -> None:
        self._let_delays_end(now)
        for quantity, asset, value in readings:
            self.values[(quantity, asset)] = value
            for definition in self.definitions:
                if definition.quantity == quantity and self.assets.get(asset) == definition.asset_class:
                    self._judge(definition, asset, value, now)
        self._let_delays_end(now)

    def _judge(self, definition: Definition, asset: int, value: float, now: int) -> None:
        key = (definition.code, asset)
        abnormal = self._abnormal(definition, value, 0)
        normal = not self._abnormal(definition, value, definition.dead_band)
        contrary = normal if key in self.active else abnormal
        if contrary:
            self.held_since.setdefault(key, now)
        else:
            self.held_since.pop(key, None)
        if key in self.held_since:
            self.shown[key] = value

    @staticmethod
    def _abnormal(definition: Definition, value: float, band: float) -> bool:
        limit = definition.threshold or 0.0
        match definition.operator:
            case "<":
                return value < limit + band
            case ">=":
                return value >= limit - band
            case "==":
                return value == limit
            case _:
                return value != limit

    def _let_delays_end(self, now: int) -> None:
        for definition in self.definitions:
            for asset in self.assets:
                key = (definition.code, asset)
                if key not in self.held_since:
                    continue
                leaving = key in self.active
                delay = definition.off_delay_s if leaving else definition.on_delay_s
                if now - self.held_since[key] >= delay:
                    del self.held_since[key]
                    (self.active.discard if leaving else self.active.add)(key)
                    kind = "return" if leaving else "raise"
                    self.told.append(Transition(kind, *key, self.shown[key], now * SECOND))  # type: ignore[arg-type]


QUANTITIES = {"temperature_degc": (3.0, 5.0, 6.5, 7.5, 9.0), "fire_state": (0.0, 1.0)}
READING = st.sampled_from([(name, value) for name, values in QUANTITIES.items() for value in values])
SECOND_OF_READINGS = st.dictionaries(
    st.tuples(st.sampled_from(sorted(QUANTITIES)), st.sampled_from([7, 8, 11, 90, 12345])),
    st.sampled_from([3.0, 5.0, 6.5, 7.5, 9.0, 0.0, 1.0]),
    max_size=4,
)
DELAYS = st.sampled_from([0.0, 1.0, 2.0, 5.0])
DEFINITIONS = st.tuples(
    *(
        st.builds(
            a_definition,
            **{  # each with delays of its own
                "code": st.just(base.code),
                "asset_class": st.just(base.asset_class),
                "quantity": st.just(base.quantity),
                "operator": st.just(base.operator),
                "threshold": st.just(base.threshold),
                "dead_band": st.just(base.dead_band),
                "on_delay_s": DELAYS,
                "off_delay_s": DELAYS,
            },
        )
        for base in (COLD, HOT, FIRE, CELLAR)
    )
)


@settings(max_examples=300, deadline=None)
@given(DEFINITIONS, st.lists(st.tuples(SECOND_OF_READINGS, st.booleans()), max_size=40))
def test_watch_agrees_with_the_slow_reference(
    definitions: tuple[Definition, ...], seconds: list[tuple[dict[tuple[str, int], float], bool]]
) -> None:
    watch, slow = Watch(definitions, ASSETS), Slow(definitions, dict(ASSETS))
    quick: list[Transition] = []
    for now, (readings, asked) in enumerate(seconds, 1000):
        slow.second(now, [(quantity, asset, value) for (quantity, asset), value in readings.items()])
        for quantity in QUANTITIES:
            chosen = {f"a{asset}": value for (name, asset), value in readings.items() if name == quantity}
            see(watch, quantity, now, **chosen)
        quick += watch.due(now * SECOND) if asked else ()
    for now in range(1000 + len(seconds), 1010 + len(seconds)):
        slow.second(now, ())
    quick += watch.due((1009 + len(seconds)) * SECOND)
    key = lambda t: (t.at, t.code, t.asset_id, t.kind)  # noqa: E731
    chronology: dict[tuple[str, int], list[Transition]] = {}
    for transition in quick:
        chronology.setdefault((transition.code, transition.asset_id), []).append(transition)
    assert sorted(quick, key=key) == sorted(slow.told, key=key)
    for lived in chronology.values():
        assert [t.kind for t in lived] == ["raise" if i % 2 == 0 else "return" for i in range(len(lived))]
        assert [t.at for t in lived] == sorted(t.at for t in lived)


@settings(max_examples=150, deadline=None)
@given(DEFINITIONS, st.lists(st.tuples(SECOND_OF_READINGS, st.booleans()), max_size=30))
def test_watch_restored_raises_nothing_twice_and_forgets_nothing(
    definitions: tuple[Definition, ...], seconds: list[tuple[dict[tuple[str, int], float], bool]]
) -> None:
    """A process that dies at any second goes on from what the store knows, and ends where it would have ended.

    Only a delay that ran starts again at the last value: the reference is told so.
    """
    quantity_of = {definition.code: str(definition.quantity) for definition in definitions}
    watch, slow = Watch(definitions, ASSETS), Slow(definitions, dict(ASSETS))
    stored: dict[str, dict[int, tuple[float, int]]] = {name: {} for name in QUANTITIES}
    alarms: dict[tuple[str, int], int] = {}

    def store(transitions: Iterable[Transition]) -> None:
        for t in transitions:
            assert (t.kind == "raise") is ((t.code, t.asset_id) not in alarms)
            if t.kind == "raise":
                alarms[(t.code, t.asset_id)] = t.at
            else:
                del alarms[(t.code, t.asset_id)]

    for now, (readings, killed) in enumerate(seconds, 1000):
        slow.second(now, [(quantity, asset, value) for (quantity, asset), value in readings.items()])
        for (quantity, asset), value in readings.items():
            see(watch, quantity, now, **{f"a{asset}": value})
            stored[quantity][asset] = (value, now * SECOND)
        store(watch.due(now * SECOND))
        if killed:
            watch = Watch(definitions, ASSETS)
            values = {name: [(a, v, at) for a, (v, at) in rows.items()] for name, rows in stored.items()}
            watch.restore(values, [(code, asset, at) for (code, asset), at in alarms.items()])
            for code, asset in slow.held_since:
                slow.held_since[code, asset] = stored[quantity_of[code]][asset][1] // SECOND
    for now in range(1000 + len(seconds), 1012 + len(seconds)):
        slow.second(now, ())
    store(watch.due((1011 + len(seconds)) * SECOND))
    assert set(alarms) == slow.active


def test_raise_waits_for_the_on_delay_and_is_told_by_the_clock_alone() -> None:
    watch = Watch([a_definition(on_delay_s=10)], [(1, "lighting_cabinet")])
    see(watch, "feeder_state", 100, a1=1)
    assert told(watch, 109.9) == []
    assert told(watch, 110) == [("raise", "cabinet_tripped", 1, 1.0, 110)]
    assert told(watch, 500) == []


def test_condition_that_held_is_raised_even_if_the_next_reading_ends_it() -> None:
    watch = Watch([a_definition(on_delay_s=10, off_delay_s=5)], [(1, "lighting_cabinet")])
    see(watch, "feeder_state", 100, a1=1)
    see(watch, "feeder_state", 130, a1=0)
    assert told(watch, 131) == [("raise", "cabinet_tripped", 1, 1.0, 110)]
    assert told(watch, 140) == [("return", "cabinet_tripped", 1, 0.0, 135)]


def test_late_reading_that_is_now_the_state_ends_the_condition() -> None:
    watch = Watch([a_definition(on_delay_s=60)], [(1, "lighting_cabinet")])
    see(watch, "feeder_state", 0, a1=1)
    assert told(watch, 65) == [("raise", "cabinet_tripped", 1, 1.0, 60)]
    see(watch, "feeder_state", 50, a1=0)
    assert told(watch, 70) == [("return", "cabinet_tripped", 1, 0.0, 60)]


def test_reading_older_than_the_condition_changes_nothing() -> None:
    watch = Watch([a_definition()], [(1, "lighting_cabinet")])
    see(watch, "feeder_state", 100, a1=1)
    see(watch, "feeder_state", 99, a1=0)
    assert told(watch, 200) == [("raise", "cabinet_tripped", 1, 1.0, 100)]


def test_values_that_are_not_finite_and_strangers_change_nothing() -> None:
    watch = Watch([HOT, a_definition(operator="!=", threshold=0.0)], [(1, "lighting_cabinet"), (2, "building")])
    see(watch, "feeder_state", 1, a1=float("nan"), a2=1, a3=1)
    see(watch, "temperature_degc", 1, a2=float("inf"), a1=50)
    see(watch, "power_w", 1, a1=1)
    assert told(watch, 2) == []


def test_watch_of_nothing_is_quiet() -> None:
    watch = Watch([FIRE, MUTE], [])
    see(watch, "fire_state", 1, a1=1)
    watch.hear(np.array([1]), np.array([9.0]), 5)
    watch.restore({"fire_state": []}, [("fire", 1, 0)])
    assert (told(watch, 9), watch.quantities) == ([], frozenset({"fire_state"}))


def test_silence_is_raised_and_returns_when_the_asset_is_heard() -> None:
    watch = Watch([MUTE], ASSETS)
    for at_s, missed in ((10, 2.9), (20, 3.0), (30, 9.0), (35, float("nan")), (40, 0.1)):
        watch.hear(np.array([7, 11]), np.array([missed, 50.0]), at_s * SECOND)
    assert told(watch, 41) == [("raise", "mute", 7, 3.0, 20), ("return", "mute", 7, 0.1, 40)]


def test_restored_silence_stands_until_the_asset_is_heard() -> None:
    watch = Watch([MUTE], ASSETS)
    watch.restore({}, [("mute", 7, 5 * SECOND)])
    watch.hear(np.array([7]), np.array([float("nan")]), 10 * SECOND)
    assert told(watch, 11) == []
    watch.hear(np.array([7]), np.array([0.2]), 12 * SECOND)
    assert told(watch, 13) == [("return", "mute", 7, 0.2, 12)]


def test_asset_not_heard_since_the_start_may_fall_silent_but_its_alarm_stays() -> None:
    """A process that has just started counts from its own start: few periods missed are no sign of life."""
    watch = Watch([MUTE], [(7, "sensor"), (8, "sensor"), (9, "sensor")])
    watch.restore({}, [("mute", 7, 5 * SECOND), ("mute", 8, 5 * SECOND)])
    heard = np.array([False, True, False])
    watch.hear(np.array([7, 8, 9]), np.array([0.1, 0.1, 0.1]), 10 * SECOND, heard=heard)
    assert told(watch, 11) == [("return", "mute", 8, 0.1, 10)]
    watch.hear(np.array([7, 8, 9]), np.array([3.5, 0.1, 3.5]), 40 * SECOND, heard=heard)
    assert told(watch, 41) == [("raise", "mute", 9, 3.5, 40)]


def test_patience_of_one_definition_does_not_keep_the_silence_of_another_after_a_start() -> None:
    patient = replace(MUTE, code="patient", silence_periods=4320.0)
    watch = Watch([MUTE, patient], ASSETS)
    sensor, nobody = np.array([7], np.int64), np.array([False])
    watch.hear(sensor, np.array([2.9]), 10 * SECOND, heard=nobody)
    assert told(watch, 10) == []
    watch.hear(sensor, np.array([3.0]), 11 * SECOND, heard=nobody)
    assert told(watch, 11) == [("raise", "mute", 7, 3.0, 11.0)]


def test_restored_delay_goes_on_from_the_last_value() -> None:
    watch = Watch([a_definition(on_delay_s=10)], [(1, "lighting_cabinet")])
    watch.restore({"feeder_state": [(1, 1.0, 100 * SECOND)]}, [])
    assert told(watch, 109) == []
    assert told(watch, 110) == [("raise", "cabinet_tripped", 1, 1.0, 110)]


def test_new_inventory_keeps_conditions_and_returns_those_of_assets_that_left() -> None:
    watch = Watch([FIRE], [(1, "building"), (2, "building")])
    see(watch, "fire_state", 1, a1=1, a2=1)
    watch.due(2 * SECOND)
    watch.set_assets([(2, "building"), (3, "building"), (1, "camera")])
    see(watch, "fire_state", 3, a1=1, a2=1, a3=1)
    assert told(watch, 4) == [("raise", "fire", 3, 1.0, 3), ("return", "fire", 1, 1.0, 4)]
    see(watch, "fire_state", 5, a2=0)
    assert told(watch, 6) == [("return", "fire", 2, 0.0, 5)]


def test_memory_of_a_watch_follows_what_is_abnormal() -> None:
    watch = Watch([FIRE], [(asset, "building") for asset in range(1, 1001)])
    for at_s in range(1, 50):
        see(watch, "fire_state", at_s, **{f"a{asset}": float(at_s % 2) for asset in range(1, 11)})
    watch.due(50 * SECOND)
    see(watch, "fire_state", 60, **{f"a{asset}": 0.0 for asset in range(1, 1001)})
    watch.due(61 * SECOND)
    assert (watch._rules["fire"].entries, watch._timers, watch._told) == ({}, [], [])


def test_alarms_of_a_withdrawn_definition_return_at_the_next_start() -> None:
    watch = Watch([FIRE], [(1, "building")])
    watch.restore({}, [("fire", 1, 5 * SECOND), ("withdrawn", 1, 6 * SECOND)])
    assert told(watch, 9) == [("return", "withdrawn", 1, 0.0, 9)]
