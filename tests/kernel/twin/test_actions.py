"""The hot writes: last values, history by day, positions and their fence, counts, quarantine."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.app.engine.applying import raw_cursor
from beffroi.foundation.clock import DAY, SECOND, from_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.models import Gateway, History, Quarantine, State
from beffroi.kernel.twin.rules import columns
from tests.database import as_owner
from tests.kernel.twin.conftest import BY, NOW

pytestmark = pytest.mark.django_db


def store(*rows: tuple[int, int, float, int, int, int]) -> list[tuple[int, int]]:
    """Store rows and return the (asset, quantity) whose last value they are now."""
    for row in rows:
        actions.ensure_history(row[4], row[4])
    kept = actions.store_values(raw_cursor(), columns(rows))
    return list(zip(kept.asset_id.tolist(), kept.quantity_id.tolist(), strict=True))


@pytest.fixture
def power() -> int:
    return actions.ensure_quantities(["power_w"])["power_w"]


def last(asset: int) -> list[tuple[float, int]]:
    return [(row.value, from_datetime(row.observed_at)) for row in State.objects.filter(asset_id=asset)]


def test_last_value_is_the_one_observed_last(light: int, power: int) -> None:
    assert store((light, power, 1.0, NOW, NOW + 9, 0)) == [(light, power)]
    assert store((light, power, 2.0, NOW + 5, NOW + 10, 0)) == [(light, power)]
    assert last(light) == [(2.0, NOW + 5)]


def test_late_value_goes_to_the_history_alone(light: int, power: int) -> None:
    store((light, power, 1.0, NOW, NOW + 9, 0))
    assert store((light, power, 2.0, NOW - SECOND, NOW + 10, 0)) == []
    assert last(light) == [(1.0, NOW)]
    assert sorted(History.objects.filter(asset_id=light).values_list("value", flat=True)) == [1.0, 2.0]


def test_two_values_of_one_instant_leave_the_one_that_came_last(light: int, power: int) -> None:
    assert store((light, power, 1.0, NOW, NOW, 0), (light, power, 2.0, NOW, NOW, 0)) == [(light, power)]
    assert store((light, power, 3.0, NOW, NOW + 1, 0)) == [(light, power)]
    assert last(light) == [(3.0, NOW)]


def test_nothing_to_store_is_stored() -> None:
    assert store() == []


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8), st.floats(-1e9, 1e9)), max_size=8),
        max_size=5,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_state_agrees_with_a_dictionary_whatever_the_batches(
    light: int, power: int, batches: list[list[tuple[int, int, float]]]
) -> None:
    with as_owner():
        State.objects.all().delete()
        History.objects.filter(asset_id=light).delete()
    quantities = list(actions.ensure_quantities(["power_w", "voltage_v", "dim_pct"]).values())
    expected: dict[int, tuple[float, int]] = {}
    count = 0
    for number, batch in enumerate(batches):
        changed = store(*((light, quantities[q], value, NOW + at, NOW + number, 0) for q, at, value in batch))
        newest: dict[int, tuple[float, int]] = {}
        for q, at, value in batch:
            count += 1
            if quantities[q] not in newest or NOW + at >= newest[quantities[q]][1]:
                newest[quantities[q]] = (value, NOW + at)
        won = {q: kept for q, kept in newest.items() if q not in expected or kept[1] >= expected[q][1]}
        expected |= won
        assert sorted(changed) == sorted((light, q) for q in won)
    found = {row.quantity_id: (row.value, from_datetime(row.observed_at)) for row in State.objects.all()}
    assert found == expected
    assert History.objects.filter(asset_id=light).count() == count


def test_history_has_a_partition_for_each_day_and_drops_the_expired(light: int, power: int) -> None:
    for days in (0, 1, 40):
        store((light, power, float(days), NOW - days * DAY, NOW - days * DAY, 0))

    def partitions() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                " WHERE i.inhparent = 'twin_history'::regclass ORDER BY 1"
            )
            return [name for (name,) in cursor.fetchall()]

    assert [name for name in partitions() if name < "twin_history_202607"] == [
        "twin_history_20260418",
        "twin_history_20260527",
        "twin_history_20260528",
    ]
    assert actions.drop_expired(NOW, history_days=30, quarantine_days=30) == (1, 0)
    assert "twin_history_20260418" not in partitions()
    kept = History.objects.filter(asset_id=light).values_list("value", flat=True)
    assert sorted(kept) == [0.0, 1.0]


def test_position_advances_in_its_epoch_alone() -> None:
    position, first = actions.claim_position("S", 7)
    assert position == 0
    actions.advance_position(raw_cursor(), "S", 7, 120, first, NOW)
    assert actions.claim_position("S", 7) == (120, first + 1)
    with pytest.raises(Conflict, match="taken over by another engine"):
        actions.advance_position(raw_cursor(), "S", 7, 130, first, NOW)
    actions.advance_position(raw_cursor(), "S", 7, 125, first + 1, NOW)
    assert actions.claim_position("S", 7) == (125, first + 2)


def test_counts_add_up(light: int) -> None:
    source = queries.sources()[0].id
    for _ in range(2):
        actions.count(raw_cursor(), {source: actions.Tally(10, 7, 2, 1, NOW)})
    actions.count_denied("lighting", 3)
    actions.count_denied("nobody", 5)
    found = queries.totals()
    assert (found.received, found.stored, found.quarantined, found.refused) == (23, 14, 4, 5)
    assert found.received == found.stored + found.quarantined + found.refused


def test_quarantine_keeps_bytes_whole_and_text_that_postgresql_refuses() -> None:
    payload = bytes(range(256))
    row = actions.Quarantined("S", 1, 0, None, "readings/\0/x" + "é" * 500, payload, NOW, "quarantined", "why\0not")
    actions.quarantine(raw_cursor(), [row])
    kept = Quarantine.objects.get()
    assert (bytes(kept.payload), kept.reason, len(kept.topic)) == (payload, "why␀not", 400)


def test_frame_without_source_is_counted_as_quarantined() -> None:
    actions.quarantine(raw_cursor(), [actions.Quarantined("S", 1, 0, None, "t", b"", NOW, "quarantined", "no source")])
    found = queries.totals()
    assert (found.received, found.quarantined) == (1, 1)


def test_freshness_is_recorded_changed_and_withdrawn(light: int) -> None:
    for level in (1, 2):
        actions.set_freshness(raw_cursor(), [(light, level)], NOW + level)
        assert queries.freshness_of(light) == (level, NOW + level)
    actions.set_freshness(raw_cursor(), [(light, 0)], NOW + 3)
    assert queries.freshness_of(light) == (0, None)


@pytest.mark.parametrize("code", ["", "a/b", "a.b", "a b", "x" * 65, "a>", "#", "é\0"])
def test_source_whose_name_cannot_stand_in_a_topic_is_refused(code: str) -> None:
    with pytest.raises(Refused, match="cannot name a source"):
        actions.declare_source(code, "mqtt_json", by=BY, at=NOW)


def test_source_declared_with_another_connector_is_refused() -> None:
    actions.declare_source("s", "mqtt_json", by=BY, at=NOW)
    with pytest.raises(Refused, match="already read by the connector `mqtt_json`"):
        actions.declare_source("s", "chirpstack", by=BY, at=NOW)


def test_gateway_is_added_once_revoked_and_journalled() -> None:
    source = actions.declare_source("s", "mqtt_json", by=BY, at=NOW)
    actions.add_gateway("g", source, "hash", by=BY, at=NOW)
    with pytest.raises(Conflict, match="already called `g`"):
        actions.add_gateway("g", source, "hash", by=BY, at=NOW)
    assert [gateway.name for gateway in queries.gateways_in_force()] == ["g"]
    actions.revoke_gateway("g", by=BY, at=NOW, reason="stolen")
    assert queries.gateways_in_force() == ()
    assert Gateway.objects.count() == 1
    with pytest.raises(Refused, match="no gateway in force"):
        actions.revoke_gateway("g", by=BY, at=NOW, reason="again")
    assert [line.verb for line in list_lines(limit=10)][::-1] == ["declare_source", "add_gateway", "revoke_gateway"]
