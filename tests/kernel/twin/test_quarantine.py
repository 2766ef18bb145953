"""The quarantine's bounds: what goes, in which order, and that what is counted is what is there."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.foundation.clock import DAY, SECOND, to_datetime
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.actions import setting_aside
from beffroi.kernel.twin.models import Quarantine, QuarantineDay
from tests.kernel.faults import at_once
from tests.kernel.twin.conftest import BY, NOW

TODAY = NOW - NOW % DAY


def _row(number: int, *, source: int | None = None, size: int = 100, at: int = NOW) -> actions.Quarantined:
    return actions.Quarantined("mqtt", number, 0, source, "t", b"x" * size, at + number, "quarantined", "why")


def _put(*rows: actions.Quarantined) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        actions.quarantine(cursor, rows)


def _left() -> list[int]:
    return list(Quarantine.objects.order_by("received_at").values_list("sequence", flat=True))


def _agrees() -> bool:
    """Tell whether what is counted is what is there."""
    there: dict[tuple[date, int], tuple[int, int]] = {}
    for at, source, payload in Quarantine.objects.values_list("received_at", "source_id", "payload"):
        count, size = there.get((at.date(), source or 0), (0, 0))
        there[at.date(), source or 0] = (count + 1, size + len(payload))
    counted = {
        (row.day, row.source_id): (row.rows, row.bytes) for row in QuarantineDay.objects.all() if row.rows or row.bytes
    }
    return counted == there


@pytest.mark.usefixtures("db")
def test_within_its_bounds_nothing_goes() -> None:
    _put(*(_row(n) for n in range(10)))
    assert actions.bound_quarantine(max_rows=10, max_bytes=1_000) == 0
    assert queries.quarantined() == queries.Aside(10, 1_000, 0, ())


@pytest.mark.usefixtures("db")
def test_past_the_bound_of_rows_the_oldest_go_and_are_counted_by_day() -> None:
    _put(*(_row(n, at=TODAY - DAY) for n in range(30)))
    _put(*(_row(100 + n, at=TODAY) for n in range(30)))
    assert actions.bound_quarantine(max_rows=30, max_bytes=10**9) == 33
    assert _left() == list(range(103, 130)) and _agrees()
    today, before = to_datetime(TODAY).date(), to_datetime(TODAY - DAY).date()
    assert queries.quarantined() == queries.Aside(27, 2_700, 33, ((today, 3), (before, 30)))


@pytest.mark.usefixtures("db")
def test_past_the_bound_of_bytes_the_oldest_go_whatever_their_size() -> None:
    _put(*(_row(n, size=10 if n < 50 else 1_000) for n in range(60)))
    actions.bound_quarantine(max_rows=10**6, max_bytes=5_000)
    assert _left() == list(range(56, 60)) and _agrees()
    assert queries.quarantined().bytes == 4_000


@pytest.mark.usefixtures("db")
def test_more_than_one_chunk_goes_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting_aside, "CHUNK", 7)
    _put(*(_row(n) for n in range(100)))
    assert actions.bound_quarantine(max_rows=50, max_bytes=10**9) == 55
    assert _left() == list(range(55, 100)) and _agrees()


@pytest.mark.usefixtures("db")
def test_what_expires_is_not_counted_as_gone_for_want_of_room_and_the_totals_keep_it() -> None:
    source = actions.declare_source("lighting", "mqtt_json", by=BY, at=NOW).pk
    _put(*(_row(n, at=TODAY - 31 * DAY) for n in range(5)), _row(9, source=source, at=TODAY - 30 * DAY))
    assert actions.drop_expired(TODAY, history_days=1, quarantine_days=30)[1] == 5
    assert _left() == [9] and _agrees()
    assert queries.quarantined() == queries.Aside(1, 100, 0, ())
    assert queries.totals().quarantined == 5  # those of no source, since the store began


@pytest.mark.usefixtures("db")
def test_day_whose_count_is_wrong_is_set_right_and_does_not_stop_the_others() -> None:
    day = to_datetime(TODAY - 5 * DAY).date()
    QuarantineDay.objects.create(day=day, source_id=0, rows=1_000, bytes=10**6)
    _put(*(_row(n) for n in range(10)))
    assert actions.bound_quarantine(max_rows=20, max_bytes=10**9) == 0
    assert _left() == list(range(10)) and _agrees()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), max_size=12)),
            st.tuples(st.just("bound"), st.tuples(st.integers(1, 20), st.integers(1, 2_000))),
            st.tuples(st.just("expire"), st.integers(0, 4)),
        ),
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_agree_with_what_is_there_whatever_happens(db: None, steps: list[tuple[str, object]]) -> None:
    with transaction.atomic():
        number = 0
        for verb, what in steps:
            if verb == "put":
                rows = []
                for day, size in what:  # type: ignore[attr-defined]
                    number += 1
                    rows.append(_row(number, size=size, at=TODAY - day * DAY))
                _put(*rows)
            elif verb == "bound":
                most, size = what  # type: ignore[misc]
                before = _left()
                gone = actions.bound_quarantine(max_rows=most, max_bytes=size)
                assert _left() == before[gone:]  # the oldest, and no other
                found = queries.quarantined()
                assert found.rows <= most and found.bytes <= size
            else:
                actions.drop_expired(TODAY, history_days=400, quarantine_days=what)  # type: ignore[arg-type]
            assert _agrees()
        seen = sum(QuarantineDay.objects.values_list("seen", flat=True))
        assert seen == number
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_engines_write_while_room_is_made_and_nobody_waits_for_ever() -> None:
    """The counts are taken in one order by all: two engines and who makes room, at once, fail nobody."""
    stop = threading.Event()

    def write(source_days: int, start: int) -> int:
        for n in range(60):
            _put(*(_row(start + 10 * n + d, at=TODAY - d * DAY) for d in reversed(range(source_days))))
        stop.set()
        return 60 * source_days

    def make_room() -> int:
        gone = 0
        while not stop.is_set():
            gone += actions.bound_quarantine(max_rows=20, max_bytes=10**9)
        return gone + actions.bound_quarantine(max_rows=20, max_bytes=10**9)

    first, second, gone = at_once(lambda: write(4, 0), lambda: write(3, 100_000), make_room)
    assert (first, second) == (240, 180)
    assert isinstance(gone, int) and _agrees()
    assert queries.quarantined().dropped == 420 - len(_left())


@pytest.mark.usefixtures("db")
def test_removing_takes_a_moment_of_the_day_and_not_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days are those of UTC, whatever the session's time zone."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'Pacific/Auckland'")
    _put(_row(1, at=TODAY - SECOND), _row(2, at=TODAY))
    assert actions.bound_quarantine(max_rows=1, max_bytes=10**9) >= 1
    assert _left() in ([2], []) and _agrees()
