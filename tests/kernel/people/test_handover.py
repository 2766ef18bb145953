"""Relève: two signatures, one waiting at a post, duty that follows them; instructions that end once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from beffroi.foundation.clock import DAY, HOUR, MINUTE
from beffroi.foundation.errors import BeffroiError, Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people import actions, queries
from beffroi.kernel.people.types import ANONYMOUS, HandoverState, InstructionEnd, InstructionKind, Post, Viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once

NOW = 1_780_000_000_000_000
BY = Actor(ActorKind.SYSTEM, "test", "Essai")
POSTS = (Post("pilot", "Salle de pilotage", ("lighting",)), Post("night", "Poste de nuit"))
CONTENT = {"open": [{"reference": "2026-000001", "title": "Coffret"}], "gaps": []}
Room = dict[str, Viewer]


def seat(name: str, post: str) -> Viewer:
    actions.sit_at(name, post, at=NOW)
    return queries.viewer_named(name)


@pytest.fixture
def room(db: None) -> Room:
    actions.publish_posts(POSTS, by=BY, at=NOW)
    for name, initials in (("lucie", "LM"), ("paul", "PB"), ("nadia", "NM")):
        actions.create_person(name, name.title(), initials, password=None, by=BY, at=NOW, reason="essai")
        actions.grant_clearance(name, "operator", by=BY, at=NOW, reason="essai")
    return {name: seat(name, "pilot") for name in ("lucie", "paul", "nadia")}


def sign(by: Viewer, text: str = "Nuit calme.", at: int = NOW) -> Any:
    return actions.hand_over_shift(text=text, content=CONTENT, shift_out="Nuit", shift_in="Matin", by=by, at=at)


def verbs(subject: str) -> list[str]:
    return [line.verb for line in reversed(list_lines()) if line.subject == subject]


def test_two_signatures_close_a_handover_and_duty_follows(room: Room) -> None:
    actions.begin_duty(by=room["lucie"], at=NOW)
    signed = sign(room["lucie"], at=NOW + HOUR)
    assert (signed.state, signed.content, signed.in_name) == (HandoverState.SIGNED_OUT, CONTENT, "")
    assert [duty.username for duty in queries.on_duty("pilot")] == []
    closed = actions.take_over_shift(signed.id, remark="Vu.", by=room["paul"], at=NOW + HOUR + MINUTE)
    assert (closed.state, closed.in_name, closed.in_at, closed.remark.text) == (
        HandoverState.CLOSED,
        "Paul",
        NOW + HOUR + MINUTE,
        "Vu.",
    )
    assert [(duty.username, duty.began_at) for duty in queries.on_duty("pilot")] == [("paul", NOW + HOUR + MINUTE)]
    assert queries.waiting_handover("pilot") is None
    lines = {line.verb: line for line in list_lines() if line.subject == f"handover:{signed.id}"}
    assert set(lines) == {"hand_over_shift", "take_over_shift"}
    assert lines["hand_over_shift"].content["sha256"] == lines["take_over_shift"].content["sha256"] == signed.digest


def test_a_second_signature_by_the_same_person_is_refused(room: Room) -> None:
    signed = sign(room["lucie"])
    with pytest.raises(Refused, match="two people"):
        actions.take_over_shift(signed.id, by=room["lucie"], at=NOW)
    assert queries.get_handover(signed.id, seen_by=room["lucie"]) == signed


def test_who_sits_elsewhere_signs_no_handover_of_this_post(room: Room) -> None:
    signed = sign(room["lucie"])
    with pytest.raises(Refused, match="sit at the post"):
        actions.take_over_shift(signed.id, by=seat("paul", "night"), at=NOW)


def test_one_handover_waits_at_a_post(room: Room) -> None:
    sign(room["lucie"])
    with pytest.raises(Conflict, match="Lucie signed it"):
        sign(room["paul"])
    sign(seat("nadia", "night"))
    assert [each.out_name for each in queries.list_handovers(seen_by=room["paul"])] == ["Nadia", "Lucie"]


def test_a_handover_taken_back_stays_to_be_read_and_its_author_is_on_duty(room: Room) -> None:
    signed = sign(room["lucie"])
    with pytest.raises(Refused, match="only who signed"):
        actions.withdraw_handover(signed.id, reason="une alarme de plus", by=room["paul"], at=NOW)
    with pytest.raises(Refused, match="write why"):
        actions.withdraw_handover(signed.id, reason=" ", by=room["lucie"], at=NOW)
    back = actions.withdraw_handover(signed.id, reason="une alarme de plus", by=room["lucie"], at=NOW + MINUTE)
    assert (back.state, back.withdraw_reason.text, back.content) == (
        HandoverState.WITHDRAWN,
        "une alarme de plus",
        CONTENT,
    )
    assert [duty.username for duty in queries.on_duty()] == ["lucie"]
    with pytest.raises(Conflict, match="took this hand-over back"):
        actions.take_over_shift(signed.id, by=room["paul"], at=NOW)
    assert sign(room["lucie"]).id > signed.id


def test_a_closed_handover_is_closed(room: Room) -> None:
    signed = sign(room["lucie"])
    actions.take_over_shift(signed.id, by=room["paul"], at=NOW)
    with pytest.raises(Conflict, match="Paul has countersigned"):
        actions.take_over_shift(signed.id, by=room["nadia"], at=NOW)
    with pytest.raises(Conflict, match="Paul has countersigned"):
        actions.withdraw_handover(signed.id, reason="trop tard", by=room["lucie"], at=NOW)
    with pytest.raises(NotFound):
        actions.take_over_shift(signed.id + 99, by=room["paul"], at=NOW)


@pytest.mark.parametrize(
    "act",
    [
        lambda by: actions.begin_duty(by=by, at=NOW),
        sign,
        lambda by: actions.write_instruction("instruction", "x", by=by, at=NOW),
        lambda by: queries.list_handovers(seen_by=by),
    ],
)
def test_who_has_no_clearance_signs_nothing(room: Room, act: Callable[[Viewer], object]) -> None:
    with pytest.raises(Forbidden):
        act(ANONYMOUS)
    assert queries.on_duty() == ()


def test_duty_is_at_one_post_at_a_time(room: Room) -> None:
    actions.begin_duty(by=room["lucie"], at=NOW)
    actions.begin_duty(by=room["lucie"], at=NOW + MINUTE)
    assert [duty.began_at for duty in queries.on_duty()] == [NOW]
    actions.begin_duty(by=seat("lucie", "night"), at=NOW + HOUR)
    assert [(duty.post, duty.began_at) for duty in queries.on_duty()] == [("night", NOW + HOUR)]
    actions.end_duty(by=room["lucie"], at=NOW + 2 * HOUR, reason="fin de journée")
    assert queries.duty_of("lucie") is None
    with pytest.raises(Conflict, match="not on duty"):
        actions.end_duty(by=room["lucie"], at=NOW + 2 * HOUR)
    assert verbs("person:lucie")[-4:] == ["begin_duty", "end_duty", "begin_duty", "end_duty"]


def test_instructions_stand_until_they_end_and_promises_come_first(room: Room) -> None:
    heed = actions.write_instruction("instruction", "Borne 12 en panne", by=room["lucie"], at=NOW, due_at=NOW + DAY)
    promise = actions.write_instruction(
        "promise", "Rappeler l'école", subject="incident:4", due_at=NOW + HOUR, by=room["lucie"], at=NOW
    )
    assert [each.id for each in queries.standing_instructions(("pilot",))] == [promise.id, heed.id]
    assert queries.standing_instructions(("night",)) == ()
    assert actions.expire_instructions(at=NOW + DAY - 1) == 0
    assert (actions.expire_instructions(at=NOW + DAY), actions.expire_instructions(at=NOW + DAY)) == (1, 0)
    assert [each.id for each in queries.standing_instructions(("pilot",))] == [promise.id]
    kept = actions.end_instruction(promise.id, "kept", by=room["paul"], at=NOW + DAY)
    assert (kept.end, kept.ended_by, kept.kind) == (InstructionEnd.KEPT, "Paul", InstructionKind.PROMISE)
    with pytest.raises(Conflict, match="ended by Paul"):
        actions.end_instruction(promise.id, "withdrawn", reason="x", by=room["lucie"], at=NOW + DAY)
    with pytest.raises(Conflict, match="ended by its date"):
        actions.end_instruction(heed.id, "kept", by=room["lucie"], at=NOW + DAY)
    assert verbs(f"instruction:{heed.id}") == ["write_instruction", "end_instruction"]


@pytest.mark.parametrize(
    ("kind", "text", "due_at", "said"),
    [
        ("order", "x", None, "choose among"),
        ("instruction", " ", None, "write the instruction first"),
        ("instruction", "x" * 2001, None, "2000 at most"),
        ("promise", "x", None, "by when"),
        ("promise", "x", NOW - HOUR, "past"),
        ("instruction", "x", NOW + 91 * DAY, "90 days"),
    ],
)
def test_an_instruction_that_cannot_be_kept_is_refused(
    room: Room, kind: str, text: str, due_at: int | None, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        actions.write_instruction(kind, text, due_at=due_at, by=room["lucie"], at=NOW)
    assert queries.standing_instructions(("pilot",)) == ()


@pytest.mark.django_db(transaction=True)
def test_each_signature_stands_whole_or_not_at_all(room: Room) -> None:
    lucie, paul = room["lucie"], room["paul"]
    actions.begin_duty(by=lucie, at=NOW)
    made: list[Any] = []
    assert assert_whole_or_nothing(lambda: sign(lucie)) > 5
    made += queries.list_handovers(seen_by=paul)
    assert assert_whole_or_nothing(lambda: actions.take_over_shift(made[0].id, by=paul, at=NOW)) > 5


@pytest.mark.django_db(transaction=True)
def test_of_two_who_countersign_at_once_one_is_told_who_was_first(room: Room) -> None:
    signed = sign(room["lucie"])
    outcomes = at_once(
        *(lambda who=who: actions.take_over_shift(signed.id, by=room[who], at=NOW) for who in ("paul", "nadia"))
    )
    refused = [each for each in outcomes if isinstance(each, BeffroiError)]
    closed = queries.get_handover(signed.id, seen_by=room["lucie"])
    assert [str(each) for each in refused] == [f"{closed.in_name} has countersigned this hand-over"]
    assert [duty.display_name for duty in queries.on_duty()] == [closed.in_name]
