"""What a crew writes of its mission: whole or not at all, once for a token, and whatever became of the mission."""

from __future__ import annotations

import pytest

from beffroi.foundation.clock import MINUTE
from beffroi.foundation.errors import Forbidden, NotFound, Refused
from beffroi.kernel.dispatch import actions
from beffroi.kernel.journal import actions as journal
from tests.kernel.dispatch.scene import T0, crew, lines, proposed, room, set_up
from tests.kernel.faults import assert_whole_or_nothing, at_once

LATER = T0 + 10 * MINUTE


def notes() -> list[tuple[str, str, int]]:
    return [
        (str(line.personal.content.get("text", line.personal.state)), line.actor.id, line.effective_at)
        for line in lines()
        if line.verb == "note_mission" and line.personal
    ]


@pytest.mark.django_db
def test_note_is_personal_dated_by_the_phone_and_told_in_the_incidents_thread() -> None:
    set_up()
    number = proposed().number
    after = actions.note_mission(
        number, " Portail fermé. ", by=crew(), at=LATER, token="n-1", effective_at=LATER - MINUTE
    )
    assert (after.number, after.state) == (number, "proposed")
    assert notes() == [("Portail fermé.", "maud", LATER - MINUTE)]
    (line,) = [line for line in lines() if line.verb == "note_mission"]
    assert "Portail" not in str(line.content) and f"incident:{after.incident}" in line.related
    journal.erase_personal(f"case:incident-{after.incident}", reason="conservation", by=room().actor, at=LATER + 1)
    assert [text for text, _by, _at in notes()] == ["erased"]


@pytest.mark.django_db
def test_note_after_the_end_is_kept_and_one_that_is_nobodys_is_refused() -> None:
    set_up()
    number = proposed().number
    actions.cancel_mission(number, reason="doublon", by=room(), at=T0 + MINUTE)
    actions.note_mission(number, "Nous y étions.", by=crew(), at=LATER, token="n-1")
    actions.note_mission(number, "Nous y étions.", by=crew(), at=LATER + 1, token="n-1")
    assert [text for text, _by, _at in notes()] == ["Nous y étions."]
    for by, text, wrong in (
        (crew(), "  ", Refused),
        (crew(), "x" * 2_001, Refused),
        (crew("omar"), "vu", Forbidden),
        (room(desk="traffic"), "vu", Forbidden),
    ):
        with pytest.raises(wrong):
            actions.note_mission(number, text, by=by, at=LATER)
    with pytest.raises(NotFound):
        actions.note_mission(number + 1_000, "vu", by=crew(), at=LATER)
    with pytest.raises(Refused, match="something else"):
        actions.note_mission(number, "Autre chose.", by=crew(), at=LATER, token="n-1")
    assert len(notes()) == 1
    actions.note_mission(number, "Dit par radio.", by=room(), at=LATER)
    assert len(notes()) == 2


@pytest.mark.django_db(transaction=True)
def test_note_is_whole_or_nothing_and_sent_twice_at_once_is_one() -> None:
    set_up()
    number, by = proposed().number, crew()
    assert_whole_or_nothing(lambda: actions.note_mission(number, "vu", by=by, at=LATER, token="n-1"), least=4)
    one, other = at_once(*[lambda: actions.note_mission(number, "revu", by=by, at=LATER, token="n-2")] * 2)
    assert one == other
    assert [text for text, _by, _at in notes()] == ["vu", "revu"]
