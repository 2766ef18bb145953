"""Incidents united, separated, split and proposed as one, on the real database: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from beffroi.foundation.clock import MINUTE
from beffroi.foundation.errors import Conflict, Forbidden, Refused
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.models import Incident, IncidentAlarm, Pair
from beffroi.kernel.incidents.types import CloseReason, IncidentState
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, ActorKind
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import make_asset, relate, viewer
from tests.kernel.incidents.factories import T0, alarm, call, incident_of, seen, set_up, told, verbs, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def profile(db: None) -> None:
    set_up()


def two() -> tuple[int, int, int, int]:
    """Two cabinets trip; return (the first's incident, its alarm, the second's incident, its alarm)."""
    one, other = make_asset("A-1"), make_asset("A-2", lon=5.0404)
    first, second = alarm("cabinet_tripped", one), alarm("cabinet_tripped", other, T0 + 1)
    return incident_of(first), first, incident_of(second), second


def merge(moved: int, kept: int, by: str = "lucie", at: int = T0 + 10) -> Any:
    return actions.merge_incidents(moved, kept, by=viewer(by), at=at)


# -- uniting -----------------------------------------------------------------------------------------------------------


def test_united_incident_is_a_duplicate_and_all_it_held_follows() -> None:
    kept, first, moved, second = two()
    actions.attach_signal(moved, told(description="Un appel."), by=viewer("paul"), at=T0 + 5)
    after = merge(moved, kept)
    assert (after.id, after.alarm_ids, after.state, after.priority) == (kept, (first, second), IncidentState.NEW, 2)
    gone = seen(moved)
    assert (gone.state, gone.close_reason, gone.closed_by, gone.closed_at, gone.duplicate_of, gone.alarm_ids) == (
        IncidentState.DUPLICATE, CloseReason.DUPLICATE, "Lucie", T0 + 10, kept, (),
    )  # fmt: skip
    assert gone.duplicate_reference == after.reference
    assert [(each.description.text, each.first) for each in queries.signals_of(kept)] == [("Un appel.", gone.reference)]
    assert [each.id for each in queries.duplicates_of(kept, seen_by=viewer("lucie"))] == [moved]
    line = list_lines()[0]
    assert (line.verb, line.subject, line.related, line.content["into"]) == (
        "merge_incident", f"incident:{moved}", (f"incident:{kept}", f"alarm:{second}", "asset:A-2"), after.reference,
    )  # fmt: skip


def test_closing_as_a_duplicate_names_the_other_and_links_both_ways() -> None:
    kept, first, moved, second = two()
    with pytest.raises(Refused) as caught:
        actions.close_incident(moved, reason="duplicate", by=viewer("lucie"), at=T0 + 9)
    assert (caught.value.key, seen(moved).state) == ("unite-instead", IncidentState.NEW)
    after = actions.close_incident(
        moved, reason="duplicate", comment="Le même défaut.", duplicate_of=kept, by=viewer("lucie"), at=T0 + 10
    )
    gone = seen(moved)
    assert (after.id, after.alarm_ids) == (kept, (first, second))
    assert (gone.state, gone.duplicate_of, gone.close_reason) == (IncidentState.DUPLICATE, kept, CloseReason.DUPLICATE)
    assert [each.id for each in queries.duplicates_of(kept, seen_by=viewer("lucie"))] == [moved]
    assert queries.written([moved])[moved].close_comment.text == "Le même défaut."
    assert list_lines(reach=EVERYTHING)[0].personal.content == {"comment": "Le même défaut."}  # type: ignore[union-attr]
    with pytest.raises(Conflict, match="was united with"):
        actions.close_incident(moved, reason="duplicate", duplicate_of=kept, by=viewer("paul"), at=T0 + 11)
    actions.separate_incident(moved, by=viewer("lucie"), at=T0 + 12)
    assert (seen(moved).duplicate_of, queries.written([moved])[moved].close_comment.text) == (None, "")


def test_journals_of_both_are_read_together_in_true_order_with_their_origin() -> None:
    kept, first, moved, second = two()
    actions.note_incident(moved, "vu de la fenêtre", by=viewer("paul"), at=T0 + 3)
    before = {line.seq for number in (kept, moved) for line in queries.history(number)}
    merge(moved, kept)
    lines = queries.history(kept)
    assert before < {line.seq for line in lines}
    assert [line.seq for line in lines] == sorted((line.seq for line in lines), reverse=True)
    reference = seen(moved).reference
    assert queries.origins_of(kept) == {f"incident:{moved}": reference, f"alarm:{second}": reference}
    assert f"alarm:{first}" not in queries.origins_of(kept)


def test_one_that_stays_takes_the_priority_the_owner_and_the_life_of_the_other() -> None:
    kept, first, moved, _second = two()
    alarm("cabinet_tripped", _asset(first), T0 + 2, "return")
    assert seen(kept).state == IncidentState.RESOLVED
    Incident.objects.filter(pk=moved).update(priority=1)
    actions.take_incident(moved, by=viewer("paul"), at=T0 + 3)
    after = merge(moved, kept)
    assert (after.priority, after.owner, after.state, after.resolved_at) == (1, "paul", IncidentState.IN_PROGRESS, None)


def _asset(alarm_id: int) -> int:
    return int(apps.get_model("alarms", "Alarm").objects.get(pk=alarm_id).asset_id)


def test_alarm_of_a_duplicate_that_comes_back_goes_to_the_one_that_stays() -> None:
    kept, first, moved, second = two()
    merge(moved, kept)
    for number in (first, second):
        alarm("cabinet_tripped", _asset(number), T0 + 20, "return")
    assert (seen(kept).state, seen(moved).state) == (IncidentState.RESOLVED, IncidentState.DUPLICATE)
    alarm("cabinet_tripped", _asset(second), T0 + 30)
    door = alarm("door_open", _asset(second), T0 + 31)
    assert (seen(kept).state, seen(moved).state, incident_of(door)) == (
        IncidentState.NEW,
        IncidentState.DUPLICATE,
        kept,
    )
    assert Incident.objects.count() == 2
    actions.separate_incident(moved, by=viewer("lucie"), at=T0 + 40)
    assert incident_of(door) == moved, "it came through that one's equipment"


def test_uniting_refuses_itself_the_closed_and_whom_the_door_refuses() -> None:
    kept, _first, moved, _second = two()
    with pytest.raises(Refused, match="not united with itself"):
        merge(kept, kept)
    with pytest.raises(Forbidden):
        actions.merge_incidents(moved, kept, by=viewer("visite", role=Role.VISITOR), at=T0 + 5)
    actions.close_incident(kept, reason="false_alarm", comment="essai", by=viewer("paul"), at=T0 + 6)
    with pytest.raises(Conflict, match="was closed by Paul"):
        merge(moved, kept)
    with pytest.raises(Conflict, match="was closed by Paul"):
        merge(kept, moved)
    assert (seen(moved).state, IncidentAlarm.objects.filter(incident_id=moved).count()) == (IncidentState.NEW, 1)


def test_no_cycle_and_no_act_on_a_duplicate() -> None:
    kept, _first, moved, _second = two()
    merge(moved, kept)
    for act in (
        lambda: merge(kept, moved),
        lambda: merge(moved, kept),
        lambda: actions.take_incident(moved, by=viewer("paul"), at=T0 + 11),
        lambda: actions.reopen_incident(moved, reason="non", by=viewer("paul"), at=T0 + 11),
        lambda: actions.close_incident(moved, reason="repaired", by=viewer("paul"), at=T0 + 11),
        lambda: actions.attach_signal(moved, told(), by=viewer("paul"), at=T0 + 11),
    ):
        with pytest.raises(Conflict, match=f"was united with {seen(kept).reference} by Lucie") as told_by:
            act()
        assert told_by.value.key == "already-united"
    assert verbs()[-1] == "merge_incident"


# -- separating and splitting ------------------------------------------------------------------------------------------


def test_separating_gives_back_what_was_its_own_even_through_two_unions() -> None:
    kept, first, moved, second = two()
    third = alarm("cabinet_tripped", make_asset("A-3"), T0 + 2)
    top = incident_of(third)
    merge(moved, kept)
    merge(kept, top, at=T0 + 11)
    assert seen(top).alarm_ids == (first, second, third)
    after = actions.separate_incident(kept, by=viewer("paul"), at=T0 + 12)
    assert (after.id, after.alarm_ids, after.state, seen(top).alarm_ids) == (
        kept,
        (first, second),
        IncidentState.NEW,
        (third,),
    )
    after = actions.separate_incident(moved, by=viewer("paul"), at=T0 + 13)
    assert (after.alarm_ids, seen(kept).alarm_ids, seen(moved).duplicate_of) == ((second,), (first,), None)
    with pytest.raises(Conflict, match="is no duplicate any more"):
        actions.separate_incident(moved, by=viewer("paul"), at=T0 + 14)
    assert set(Pair.objects.values_list("state", flat=True)) == {"rejected"}


def test_separated_incident_goes_back_to_its_owner_or_is_resolved_when_its_alarms_are_over() -> None:
    kept, _first, moved, second = two()
    actions.take_incident(moved, by=viewer("paul"), at=T0 + 5)
    merge(moved, kept)
    assert seen(kept).owner == "paul"
    after = actions.separate_incident(moved, by=viewer("lucie"), at=T0 + 11)
    assert (after.owner, after.state) == ("paul", IncidentState.IN_PROGRESS)
    merge(moved, kept, at=T0 + 12)
    alarm("cabinet_tripped", _asset(second), T0 + 13, "return")
    after = actions.separate_incident(moved, by=viewer("lucie"), at=T0 + 14)
    assert (after.state, after.resolved_at) == (IncidentState.RESOLVED, T0 + 14)


def test_split_takes_alarms_signals_and_notes_into_a_new_incident() -> None:
    kept, first, moved, second = two()
    merge(moved, kept)
    actions.attach_signal(kept, told(description="Un appel."), by=viewer("paul"), at=T0 + 11)
    actions.note_incident(kept, "cela ne va pas ensemble", by=viewer("paul"), at=T0 + 12)
    note = list_lines()[0].seq
    (signal,) = queries.signals_of(kept)
    apart = actions.split_incident(
        kept, alarm_ids=[second], signal_ids=[signal.id], notes=[note], by=viewer("lucie"), at=T0 + 13
    )
    assert (apart.title, apart.alarm_ids, apart.state, apart.asset_code) == (
        "Armoire disjonctée – Équipement A-2", (second,), IncidentState.NEW, "A-2",
    )  # fmt: skip
    assert (seen(kept).alarm_ids, queries.signals_of(kept)) == ((first,), ())
    assert [each.description.text for each in queries.signals_of(apart.id)] == ["Un appel."]
    carried, split = list_lines(reach=EVERYTHING)[:2]
    assert (carried.verb, carried.subject, carried.related, words(carried), carried.content["line"]) == (
        "carry_note", f"incident:{apart.id}", (f"incident:{kept}",), "cela ne va pas ensemble", note,
    )  # fmt: skip
    assert (split.verb, split.related) == ("split_incident", (f"incident:{kept}", f"alarm:{second}", "asset:A-2"))
    assert carried.seq in {line.seq for line in queries.history(apart.id)} & {
        line.seq for line in queries.history(kept)
    }


def test_split_into_a_former_incident_makes_it_live_again() -> None:
    kept, first, moved, second = two()
    door = alarm("door_open", _asset(second), T0 + 2)
    merge(moved, kept)
    after = actions.split_incident(kept, alarm_ids=[door], into=moved, by=viewer("lucie"), at=T0 + 11)
    assert (after.id, after.alarm_ids, after.state, after.duplicate_of) == (moved, (door,), IncidentState.NEW, None)
    assert seen(kept).alarm_ids == (first, second)


def test_split_refuses_nothing_everything_and_what_is_elsewhere() -> None:
    kept, first, moved, second = two()
    by = viewer("lucie")
    with pytest.raises(Refused, match="nothing is chosen"):
        actions.split_incident(kept, by=by, at=T0 + 5)
    with pytest.raises(Refused, match="everything would leave"):
        actions.split_incident(kept, alarm_ids=[first], by=by, at=T0 + 5)
    with pytest.raises(Conflict, match=f"alarm {second} is not in"):
        actions.split_incident(kept, alarm_ids=[second], by=by, at=T0 + 5)
    with pytest.raises(Refused, match="is no note"):
        actions.split_incident(kept, notes=[1], by=by, at=T0 + 5)
    merge(moved, kept)
    actions.split_incident(kept, alarm_ids=[second], by=viewer("paul"), at=T0 + 11)
    with pytest.raises(Conflict, match=f"alarm {second} is not in .* any more: Paul moved it to BF-"):
        actions.split_incident(kept, alarm_ids=[second], by=by, at=T0 + 12)


# -- comparing ---------------------------------------------------------------------------------------------------------


def test_alarms_of_one_cause_end_as_one_incident_by_the_rule() -> None:
    cabinet, gateway, light = make_asset("A-1"), make_asset("G-1", "sensor"), make_asset("P-1", "light_point")
    relate(cabinet, "feeds", gateway, light)
    silent = alarm("cabinet_silent", gateway, T0)
    tripped = alarm("cabinet_tripped", cabinet, T0 + MINUTE)
    assert Incident.objects.count() == 2
    assert actions.compare_incidents(at=T0 + 2 * MINUTE) == 2
    (alive,) = queries.list_open(seen_by=viewer("lucie"))
    assert (alive.alarm_ids, alive.title, alive.priority) == (
        (silent, tripped),
        "Armoire disjonctée – Équipement A-1",
        2,
    )
    line = list_lines()[0]
    assert (line.verb, line.actor.kind, line.actor.id) == ("merge_incident", ActorKind.RULE, "one_feeder")
    assert line.content["facts"] == {
        "distance_m": 0.0, "gap_s": 60, "relation": "feeds", "through": "Équipement A-1", "category": "family",
    }  # fmt: skip
    assert Pair.objects.get().state == "united"
    while actions.compare_incidents(at=T0 + 3 * MINUTE):
        pass
    assert Incident.objects.filter(to_compare=True).count() == 0
    separated = next(row.pk for row in Incident.objects.exclude(duplicate_of=None))
    actions.separate_incident(separated, by=viewer("lucie"), at=T0 + 4 * MINUTE)
    actions.compare_incidents(at=T0 + 5 * MINUTE)
    assert len(queries.list_open(seen_by=viewer("lucie"))) == 2, "what a person separated, no rule unites"


def test_two_that_people_answer_for_are_proposed_and_not_united() -> None:
    cabinet, gateway = make_asset("A-1"), make_asset("G-1", "sensor")
    relate(cabinet, "feeds", gateway)
    one, other = incident_of(alarm("cabinet_silent", gateway)), incident_of(alarm("cabinet_tripped", cabinet, T0 + 1))
    actions.take_incident(one, by=viewer("lucie"), at=T0 + 2)
    actions.take_incident(other, by=viewer("paul"), at=T0 + 2)
    actions.compare_incidents(at=T0 + 3)
    assert (Pair.objects.get().state, verbs()[-1]) == ("proposed", "propose_link")
    (proposal,) = queries.proposals_of(one, seen_by=viewer("lucie"))
    assert (proposal.other.id, proposal.facts.relation, proposal.title, proposal.later) == (
        other, "feeds", "Même armoire", True,
    )  # fmt: skip


def test_call_about_a_known_matter_is_proposed_with_its_reason_on_both() -> None:
    tripped = incident_of(alarm("cabinet_tripped", make_asset("A-1", **_at(5.0405))))
    called = call(at=T0 + 6 * MINUTE).id
    assert (call(category="noise", at=T0 + 7 * MINUTE).proposed, actions.compare_incidents(at=T0 + 8 * MINUTE)) == (
        0,
        3,
    )
    for mine, other in ((tripped, called), (called, tripped)):
        (proposal,) = queries.proposals_of(mine, seen_by=viewer("lucie"))
        assert (proposal.other.id, proposal.rule, proposal.title) == (other, "told_again", "Signalé à nouveau")
        assert (proposal.facts.gap_s, proposal.facts.category, seen(mine).proposed) == (360, "family", 1)
        assert proposal.facts.distance_m == pytest.approx(38, abs=1)
    line = list_lines()[0]
    assert (line.verb, line.subject, line.related[0]) == ("propose_link", f"incident:{called}", f"incident:{tripped}")


def _at(lon: float, lat: float = 47.32) -> dict[str, float]:
    from beffroi.foundation.geo import point_to_metres

    x_m, y_m = point_to_metres(lon, lat)
    return {"lon": lon, "lat": lat, "x_m": x_m, "y_m": y_m}


def test_confirmed_proposal_unites_and_a_rejected_one_never_comes_back() -> None:
    first, second, third = call().id, call(at=T0 + 1).id, call(at=T0 + 2).id
    actions.compare_incidents(at=T0 + 3)
    assert seen(first).proposed == 2
    kept = actions.confirm_link(second, first, by=viewer("lucie"), at=T0 + 4)
    assert (kept.id, seen(second).duplicate_of) == (first, first)
    actions.reject_link(first, third, by=viewer("paul"), at=T0 + 5)
    with pytest.raises(Conflict, match="Paul decided of it first"):
        actions.confirm_link(first, third, by=viewer("lucie"), at=T0 + 6)
    with pytest.raises(Conflict, match="Paul decided of it first"):
        actions.reject_link(third, first, by=viewer("lucie"), at=T0 + 6)
    actions.note_incident(first, "changé", by=viewer("lucie"), at=T0 + 7)
    Incident.objects.update(to_compare=True)
    actions.compare_incidents(at=T0 + 8)
    assert seen(first).proposed == 0
    assert verbs()[-2:] == ["reject_link", "note_incident"]


def test_comparing_many_takes_few_statements_each(django_assert_max_num_queries: Any) -> None:
    for place in range(30):
        call(at=T0 + place, lon=5.04 + place / 100_000)
    Incident.objects.update(to_compare=False)
    last = call(at=T0 + 60, category="noise").id
    assert Incident.objects.filter(to_compare=True).values_list("id", flat=True).get() == last
    with django_assert_max_num_queries(20):
        actions.compare_incidents(at=T0 + 61)


# -- at the same instant -----------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(transactional_db: None) -> Callable[..., list[str]]:
    """Do acts at the same instant, each on a connection of its own; return who won, or what the others were told."""

    def run(*acts: Callable[[], Any]) -> list[str]:
        gate = threading.Barrier(len(acts))

        def one(act: Callable[[], Any]) -> str:
            gate.wait()
            try:
                act()
            except (Conflict, Refused) as told_by:
                return told_by.reason
            finally:
                connection.close()
            return "done"

        with ThreadPoolExecutor(len(acts)) as pool:
            return [future.result() for future in [pool.submit(one, act) for act in acts]]

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(4))
def test_of_two_unions_at_once_one_wins_and_the_other_is_told_by_whom(
    at_once: Callable[..., list[str]], _round: int
) -> None:
    set_up()
    kept, first, moved, second = two()
    lucie, paul = viewer("lucie"), viewer("paul")
    said = at_once(
        lambda: actions.merge_incidents(moved, kept, by=lucie, at=T0 + 10),
        lambda: actions.merge_incidents(kept, moved, by=paul, at=T0 + 10),
    )
    assert sorted(each == "done" for each in said) == [False, True]
    assert "was united with" in next(each for each in said if each != "done")
    assert ("by Lucie" if said[0] == "done" else "by Paul") in next(each for each in said if each != "done")
    (alive,) = queries.list_open(seen_by=lucie)
    assert alive.alarm_ids == (first, second)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(4))
def test_of_a_union_and_a_closing_at_once_one_wins(at_once: Callable[..., list[str]], _round: int) -> None:
    set_up()
    kept, _first, moved, _second = two()
    lucie, paul = viewer("lucie"), viewer("paul")
    said = at_once(
        lambda: actions.merge_incidents(moved, kept, by=lucie, at=T0 + 10),
        lambda: actions.close_incident(moved, reason="no_action", comment="rien", by=paul, at=T0 + 10),
    )
    assert sorted(each == "done" for each in said) == [False, True]
    told_by = next(each for each in said if each != "done")
    assert "by Lucie" in told_by if said[0] == "done" else "was closed by Paul" in told_by


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(4))
def test_of_two_splits_of_one_alarm_at_once_one_wins(at_once: Callable[..., list[str]], _round: int) -> None:
    set_up()
    kept, first, moved, second = two()
    lucie, paul = viewer("lucie"), viewer("paul")
    actions.merge_incidents(moved, kept, by=lucie, at=T0 + 9)
    said = at_once(
        lambda: actions.split_incident(kept, alarm_ids=[second], by=lucie, at=T0 + 10),
        lambda: actions.split_incident(kept, alarm_ids=[second], by=paul, at=T0 + 10),
        lambda: actions.attach_signal(kept, told(), by=paul, at=T0 + 10),
    )
    assert (said[2], sorted(each == "done" for each in said[:2])) == ("done", [False, True])
    assert "moved it to" in next(each for each in said if each != "done")
    assert sorted(alive.alarm_ids for alive in queries.list_open(seen_by=lucie)) == [(first,), (second,)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(4))
def test_alarm_that_returns_while_its_incident_is_united_is_not_lost(
    at_once: Callable[..., list[str]], _round: int
) -> None:
    set_up()
    kept, first, moved, second = two()
    lucie = viewer("lucie")
    assets = [_asset(first), _asset(second)]
    at_once(
        lambda: actions.merge_incidents(moved, kept, by=lucie, at=T0 + 10),
        lambda: [alarm("cabinet_tripped", asset, T0 + 10, "return") for asset in assets],
    )
    alive = [each for each in queries.list_open(seen_by=lucie) if each.state != IncidentState.RESOLVED]
    assert alive == []
