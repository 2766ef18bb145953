"""What if: a replay over history finds what the watch would have told on the day, and stores it beside the change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from django.apps import apps
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.foundation.clock import DAY, SECOND, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms import actions
from beffroi.kernel.alarms.rules import Watch
from beffroi.kernel.alarms.rules.definition_entries import entry_of
from beffroi.kernel.alarms.rules.replay import Replay
from beffroi.kernel.people.types import Role
from beffroi.kernel.twin import actions as twin
from tests.kernel.alarms.factories import TRIPPED, a_definition, make_asset, viewer
from tests.kernel.alarms.test_compound import BURNS
from tests.kernel.alarms.test_revising import SYSTEM
from tests.kernel.alarms.test_watch import see

T0 = 19_000 * DAY
SAID = st.lists(
    st.tuples(st.sampled_from([3, 5]), st.integers(1, 8), st.sampled_from(["power_w", "dim_pct"]), st.sampled_from([0.0, 7.0, 60.0])),
    max_size=30,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(SAID, min_size=1, max_size=3), st.sampled_from([0.0, 3.0]))
def test_replay_finds_what_the_watch_told_on_the_day(
    stretches: list[list[tuple[int, int, str, float]]], on_s: float
) -> None:
    definition = replace(BURNS, on_delay_s=on_s)
    replayed = Replay(definition, (3, 5))
    watch = Watch([definition], [(3, "light_point"), (5, "light_point")])
    told = []
    for place, stretch in enumerate(stretches):
        base, end = place * 10, (place * 10 + 10) * SECOND
        said = {(asset, base + second, name): value for asset, second, name, value in stretch}
        values = {}
        for name in ("dim_pct", "power_w"):
            rows = [(asset, value, second * SECOND) for (asset, second, each), value in said.items() if each == name]
            columns = list(zip(*rows, strict=True)) or [(), (), ()]
            values[name] = (
                np.array(columns[0], np.int64), np.array(columns[1], np.float64), np.array(columns[2], np.int64),
            )  # fmt: skip
        replayed.take(values, end)
        for second in range(base, base + 10):
            for name in ("dim_pct", "power_w"):
                see(watch, name, second, **{f"a{a}": v for (a, s, n), v in said.items() if (s, n) == (second, name)})
            told += watch.due(0)
        told += watch.due(end)
    expected = sorted((each.at, each.asset_id) for each in told if each.kind == "raise")
    assert sorted((at, asset) for asset, at in replayed.raised) == expected


def test_replay_finds_the_silences_between_reports() -> None:
    mute = a_definition(quantity=None, operator=None, threshold=None, silence_periods=3.0)
    replayed = Replay(mute, (1, 2), {1: 60.0, 2: 60.0})
    at = np.array([0, 60, 400, 420], np.int64) * SECOND
    replayed.take({"voltage_v": (np.array([1, 1, 1, 2]), np.zeros(4), at)}, 500 * SECOND)
    assert replayed.raised == [(1, 240 * SECOND)]
    replayed.take({}, 1000 * SECOND)
    assert replayed.raised == [(1, 240 * SECOND), (1, 580 * SECOND), (2, 600 * SECOND)]
    assert replayed.outcome(0, 1) == {"alarms": 3, "by_day": [3], "top": [(1, 2), (2, 1)]}


@pytest.mark.django_db
def test_open_change_is_played_beside_the_version_in_force() -> None:
    actions.publish_definitions([TRIPPED], by=SYSTEM, at=T0)
    asset = make_asset("CAB-1")
    twin.ensure_history(T0 - 2 * DAY, T0)
    number = twin.ensure_quantities(["feeder_state"])["feeder_state"]
    history = apps.get_model("twin", "History")
    for seconds, value in ((10, 1.0), (14, 0.0), (100, 1.0), (200, 0.0), (90_000, 1.0), (90_500, 0.0)):
        moment = to_datetime(T0 - 2 * DAY + seconds * SECOND)
        history.objects.create(
            asset_id=asset, quantity_id=number, value=value, observed_at=moment, received_at=moment, quality=0
        )
    nadia = viewer("nadia", role=Role.ALARM_ENGINEER)
    draft = actions.draft_definition(entry_of(replace(TRIPPED, on_delay_s=8.0)), reason="essai", by=nadia, at=T0)
    found = actions.replay_revision(draft.id, days=2, by=nadia, at=T0).what_if
    assert found is not None
    assert found["present"] == {"alarms": 3, "by_day": [2, 1], "top": [["CAB-1", 3]], "assets": 1, "sampled": 1}
    assert found["proposed"] == {"alarms": 2, "by_day": [1, 1], "top": [["CAB-1", 2]], "assets": 1, "sampled": 1}
    with pytest.raises(Refused, match="from 1 to 14"):
        actions.replay_revision(draft.id, days=15, by=nadia, at=T0)
    actions.drop_definition(draft.id, by=nadia, at=T0)
    with pytest.raises(Conflict, match="closed"):
        actions.replay_revision(draft.id, days=2, by=nadia, at=T0)
