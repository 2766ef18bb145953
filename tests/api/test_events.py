"""Alarms and incidents through the API: a tripped cabinet, seen, taken, filtered, narrowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.db import transaction

from beffroi.api import shapes
from beffroi.foundation.clock import SECOND
from beffroi.kernel.alarms.actions import apply_transitions, publish_definitions
from beffroi.kernel.incidents.actions import follow_alarms, take_incident
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people.queries import viewer_named
from tests.api.conftest import BY, NOW
from tests.kernel.alarms.factories import TRIPPED, make_asset, moves

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.routes")]
Get = Callable[..., Any]


@pytest.fixture
def tripped(db: None) -> list[int]:
    """Three cabinets trip one after the other; each opens an incident."""
    publish_definitions([TRIPPED], by=BY, at=NOW)
    assets = [
        make_asset(f"CAB-{number}", commune=commune) for number, commune in enumerate(("Dijon", "Dijon", "Talant"))
    ]
    for place, asset in enumerate(assets):
        at = NOW + place * SECOND
        with transaction.atomic():
            applied = apply_transitions(moves("raise", "cabinet_tripped", asset, at=at), at=at)
            append([*applied.lines, *follow_alarms(applied, at=at)], at=at)
    return assets


def _items(response: Any, shape: Any) -> list[Any]:
    assert response.status_code == 200, response.content
    return list(msgspec.json.decode(response.content, type=shape).items)


def test_alarms_are_listed_filtered_and_paged(get: Get, tripped: list[int]) -> None:
    alarms = _items(get("alarms"), shapes.Alarms)
    assert [alarm.asset for alarm in alarms] == ["CAB-2", "CAB-1", "CAB-0"]
    first = alarms[-1]
    assert (first.code, first.state, first.priority, first.desk) == ("cabinet_tripped", "unacknowledged", 2, "lighting")
    assert (first.cause, first.response, first.allowable_time_s) == (TRIPPED.cause, TRIPPED.response, 3600)
    assert (first.commune, first.value, first.ended_at) == ("Dijon", 1.0, None)
    page = get("alarms", limit=2).json()
    rest = get("alarms", limit=2, cursor=page["next"]).json()
    assert [len(page["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    for query, found in (
        ({"asset": "CAB-1"}, ["CAB-1"]),
        ({"state": "acknowledged"}, []),
        ({"open": "true", "priority": "2", "desk": "lighting", "code": "cabinet_tripped"}, ["CAB-2", "CAB-1", "CAB-0"]),
        ({"desk": "traffic"}, []),
        ({"from": "2026-05-28T20:26:41Z", "to": "2026-05-28T20:26:42Z"}, ["CAB-1"]),
    ):
        assert [alarm.asset for alarm in _items(get("alarms", **query), shapes.Alarms)] == found, query


def test_incidents_are_listed_with_their_owner(get: Get, tripped: list[int], token: Callable[..., str]) -> None:
    token("operator", username="nadia")
    incidents = _items(get("incidents"), shapes.Incidents)
    assert [incident.asset for incident in incidents] == ["CAB-2", "CAB-1", "CAB-0"]
    assert all(incident.alarms and incident.reference and incident.state == "new" for incident in incidents)
    take_incident(incidents[0].id, by=viewer_named("nadia"), at=NOW + 9 * SECOND)
    taken = _items(get("incidents", owner="nadia", open="true"), shapes.Incidents)
    assert [(each.asset, each.owner, each.state) for each in taken] == [("CAB-2", "nadia", "in_progress")]
    assert taken[0].taken_at == "2026-05-28T20:26:49.000000Z"
    assert len(_items(get("incidents", commune="Dijon", category=taken[0].category), shapes.Incidents)) == 2
    page = get("incidents", limit=2).json()
    assert [item["asset"] for item in get("incidents", limit=2, cursor=page["next"]).json()["items"]] == ["CAB-0"]


def test_events_are_narrowed_to_where_the_clearance_holds(
    get: Get, tripped: list[int], token: Callable[..., str]
) -> None:
    here = token("operator", commune="Talant")
    assert [each.asset for each in _items(get("alarms", bearer=here), shapes.Alarms)] == ["CAB-2"]
    assert [each.asset for each in _items(get("incidents", bearer=here), shapes.Incidents)] == ["CAB-2"]


def test_status_counts_what_is_open(get: Get, tripped: list[int]) -> None:
    told = get("status").json()
    assert (told["alarms"], told["incidents"]) == ({"open": 3}, {"open": 3})


def test_journal_of_an_alarm_is_found_by_its_subject(get: Get, tripped: list[int]) -> None:
    alarm = _items(get("alarms", asset="CAB-1"), shapes.Alarms)[0]
    verbs = [line.verb for line in _items(get("journal", subject=f"alarm:{alarm.id}"), shapes.Lines)]
    assert verbs == ["open_incident", "raise_alarm"]


def test_an_incident_tells_its_deadlines_and_its_transfer(
    get: Get, tripped: list[int], token: Callable[..., str]
) -> None:
    from beffroi.kernel.incidents import actions
    from beffroi.kernel.incidents.types import Body, Deadline
    from beffroi.kernel.journal.actions import correct_line
    from beffroi.kernel.people import queries as people

    token("operator", username="nadia")
    actions.publish_deadlines([Deadline("taken", 60), Deadline("transfer", 900)], by=BY, at=NOW)
    actions.publish_bodies([Body("traffic", "Circulation", True)], by=BY, at=NOW)
    first = _items(get("incidents"), shapes.Incidents)[-1]
    actions.propose_transfer(first.id, to="traffic", reason="feu", by=viewer_named("nadia"), at=NOW + 30 * SECOND)
    actions.pass_time(NOW + 90 * SECOND)
    found = msgspec.json.decode(get(f"incidents/{first.reference}").content, type=shapes.IncidentDetail)
    assert (found.missed, found.due_at, found.proposed_to, found.round) == (["taken"], None, "traffic", 1)
    (transfer,) = found.transfers
    assert (transfer.to_name, transfer.state, transfer.from_desk, transfer.answered_at) == (
        "Circulation", "proposed", "lighting", None,
    )  # fmt: skip
    assert {"open_incident", "raise_alarm", "propose_transfer", "miss_deadline"} <= {line.verb for line in found.thread}
    about = found.thread[0]
    reach = people.reach_of(viewer_named("nadia"))
    correct_line(about.sequence, text="Non.", reason="erreur", by=BY, reach=reach, at=NOW + 95 * SECOND)
    thread = msgspec.json.decode(get(f"incidents/{first.reference}").content, type=shapes.IncidentDetail).thread
    corrections = [line.sequence for line in thread if line.corrects == about.sequence]
    assert len(corrections) == 1
    assert next(line.corrected_by for line in thread if line.sequence == about.sequence) == corrections
    for query in ({"late": "true", "asset": "CAB-0"}, {"concerns": "traffic"}, {"proposed_to": "traffic"}):
        assert [each.id for each in _items(get("incidents", **query), shapes.Incidents)] == [first.id], query
    assert _items(get("incidents", reopened="true"), shapes.Incidents) == []
    assert get("incidents/BF-26-999999").status_code == 404


def test_load_and_figures_of_a_post_are_read_and_a_wrong_period_is_refused(get: Get, tripped: list[int]) -> None:
    posts = msgspec.json.decode(get("alarms/posts").content, type=shapes.PostLoads).items
    assert [(each.post, each.desks, each.flood) for each in posts] == [("room", [], None)]
    asked = {"post": "room", "from": "2026-05-28T00:00:00Z", "to": "2026-06-28T00:00:00Z"}
    found = msgspec.json.decode(get("alarms/figures", **asked).content, type=shapes.AlarmFigures)
    assert (found.announced, found.peak_10_min, found.by_priority, found.marks["peak_10_min"]) == (
        3,
        3,
        {"2": 3},
        "good",
    )
    assert [(each.code, each.count, each.share) for each in found.worst] == [("cabinet_tripped", 3, 1.0)]
    assert get("alarms/figures", post="cellar").status_code == 404
    assert get("alarms/figures", **(asked | {"to": "2020-01-01T00:00:00Z"})).status_code == 422
