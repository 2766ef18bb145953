"""What people write of incidents is kept under the key of its case: erased with it, everywhere, copies too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from beffroi.foundation.clock import DAY, HOUR, MINUTE
from beffroi.foundation.settings import settings
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.queries import MOST_OPENED, Filters
from beffroi.kernel.incidents.types import CloseReason, Written
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind, PersonalState, Words
from beffroi.kernel.people import actions as people
from beffroi.kernel.people import queries as people_queries
from beffroi.kernel.people.types import Role, Viewer
from tests.database import as_owner
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.incidents.factories import T0, alarm, call, incident_of, seen, told
from tests.kernel.incidents.factories import set_up as set_up_links
from tests.kernel.incidents.scene import BODIES, chief, said_of, traffic

pytestmark = pytest.mark.django_db
DPO = Actor(ActorKind.PERSON, "delphine", "Delphine O.")
NAMES = ("Zénobie", "Quasimodo", "Clothilde", "Barnabé", "Philomène", "Anatole", "Hortense", "Gaspard", "Eulalie")


@pytest.fixture(autouse=True)
def profile(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "journal_keys", tmp_path / "keys")
    set_up_links()
    actions.publish_bodies(BODIES, by=DPO, at=T0)


def erase(*incidents: int, at: int = T0 + DAY) -> None:
    for number in incidents:
        journal.erase_personal(f"case:incident-{number}", reason="droit à l’effacement", by=DPO, at=at)


def dump() -> Iterator[tuple[str, str]]:
    """Every value of every table of the database as text, bytes read as text too, by the table that holds it."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                for value in row:
                    whole = bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else value
                    yield table, str(whole)


def tables_that_say(*words: str) -> set[tuple[str, str]]:
    """Where the database says any of these words."""
    return {(table, word) for table, text in dump() for word in words if word.casefold() in text.casefold()}


def live_a_life(lucie: Viewer) -> int:
    """Have an incident with every text that people may write of one; return it."""
    number = call(description="Zénobie est tombée devant chez elle.", at=T0).id
    actions.take_incident(number, by=lucie, at=T0 + 1)
    actions.qualify_incident(number, priority=1, reason="Quasimodo insiste", by=lucie, at=T0 + 2)
    actions.mark_incident(number, "engaged", by=lucie, at=T0 + 3)
    actions.correct_mark(
        number, "engaged", effective_at=T0 + 2, reason="Clothilde l'a dit par radio", by=lucie, at=T0 + 4
    )
    actions.hold_incident(
        number, reason="Barnabé a les clés", until=T0 + HOUR, proof="message de Philomène", by=lucie, at=T0 + 5
    )
    actions.note_incident(number, "Anatole rappelle à 8 h", by=lucie, at=T0 + 6)
    actions.propose_transfer(number, to="traffic", reason="Hortense le demande", by=lucie, at=T0 + 7)
    actions.refuse_transfer(number, reason="Gaspard dit non", by=traffic(), at=T0 + 8)
    actions.close_incident(number, reason="no_action", comment="Eulalie s'en charge", by=lucie, at=T0 + 9)
    return number


def test_what_people_write_is_read_by_who_may_and_stands_nowhere_in_clear() -> None:
    number = live_a_life(viewer("lucie"))
    assert said_of(number) == Written(
        Words("Zénobie est tombée devant chez elle."), Words("Eulalie s'en charge"), Words()
    )
    (pause,) = queries.pauses(number)
    (transfer,) = queries.transfers(number)
    assert (pause.reason.text, pause.proof.text) == ("Barnabé a les clés", "message de Philomène")
    assert (transfer.reason.text, transfer.answer.text) == ("Hortense le demande", "Gaspard dit non")
    assert [mark.reason.text for mark in queries.marks(number)] == ["", "Clothilde l'a dit par radio"]
    assert tables_that_say(*NAMES) == set()


def test_erasing_the_case_makes_it_unreadable_everywhere_and_says_so() -> None:
    number = live_a_life(viewer("lucie"))
    beside = call(description="Un autre appel.", lon=5.2, at=T0).id
    erase(number)
    gone = Words("", PersonalState.ERASED, T0 + DAY, "droit à l’effacement")
    assert said_of(number) == Written(gone, gone, Words())
    (pause,), (transfer,) = queries.pauses(number), queries.transfers(number)
    assert (pause.reason, pause.proof, transfer.reason, transfer.answer) == (gone, gone, gone, gone)
    assert [signal.description for signal in queries.signals_of(number)] == [gone]
    assert said_of(beside).description == Words("Un autre appel.")
    lines = [line for line in list_lines(limit=500, reach=EVERYTHING) if line.subject == f"incident:{number}"]
    assert {line.personal.state for line in lines if line.personal} == {PersonalState.ERASED}
    assert not any(name in repr(lines) for name in NAMES)
    assert queries.list_incidents(Filters(text="Zénobie"), seen_by=viewer("lucie")) == ()


def test_who_may_not_read_what_names_persons_is_told_no_more_than_that_it_was_erased() -> None:
    number = live_a_life(viewer("lucie"))
    withheld = Words("", PersonalState.WITHHELD)
    assert queries.written([number], readable=False)[number].description == withheld
    assert queries.transfers(number, readable=False)[0].reason == withheld
    assert queries.list_incidents(Filters(text="Zénobie"), seen_by=viewer("omar", role=Role.INTEGRATION)) == ()
    assert [each.id for each in queries.list_incidents(Filters(text="Zénobie"), seen_by=viewer("lucie"))] == [number]
    erase(number)
    assert queries.written([number], readable=False)[number].description.state is PersonalState.ERASED


def test_signal_that_moved_with_a_union_goes_with_the_case_where_it_was_told() -> None:
    kept, moved = call(description="Chez Anatole.", at=T0).id, call(description="Chez Hortense.", lon=5.0402).id
    actions.merge_incidents(moved, kept, by=chief(), at=T0 + 2)
    erase(moved)
    assert [(each.description.text, each.description.state) for each in queries.signals_of(kept)] == [
        ("", PersonalState.ERASED),
        ("Chez Anatole.", PersonalState.READABLE),
    ]
    back = actions.separate_incident(moved, by=chief(), at=T0 + 2 * DAY)
    assert queries.signals_of(back.id)[0].description.state is PersonalState.ERASED


def test_what_is_split_off_goes_with_its_origin_the_carried_note_too() -> None:
    number = call(description="Chez Anatole.", at=T0).id
    actions.attach_signal(number, told(description="Et chez Hortense."), by=viewer("lucie"), at=T0 + 1)
    actions.note_incident(number, "Gaspard a vu.", by=viewer("lucie"), at=T0 + 2)
    (note,) = queries.note_lines(number, reach=EVERYTHING)
    second = queries.signals_of(number)[0].id
    apart = actions.split_incident(number, signal_ids=[second], notes=[note.seq], by=chief(), at=T0 + 3).id
    actions.note_incident(apart, "Propre à celui-ci.", by=viewer("lucie"), at=T0 + 4)
    assert said_of(apart).description.text == "Et chez Hortense."
    carried = next(line for line in list_lines(reach=EVERYTHING) if line.verb == "carry_note")
    assert carried.personal is not None
    assert (carried.subject, carried.personal.about) == (f"incident:{apart}", f"case:incident-{number}")
    erase(number)
    assert said_of(apart).description.state is PersonalState.ERASED
    assert [each.description.state for each in queries.signals_of(apart)] == [PersonalState.ERASED]
    states = {line.verb: line.personal.state for line in queries.history(apart, reach=EVERYTHING) if line.personal}
    assert (states["carry_note"], states["note_incident"]) == (PersonalState.ERASED, PersonalState.READABLE)
    assert queries.cases_of(apart) == (f"case:incident-{apart}", f"case:incident-{number}")


def test_instruction_about_an_incident_goes_with_its_case_in_the_hand_over_that_froze_it_too() -> None:
    number = call(description="Chez Anatole.", at=T0).id
    lucie = viewer("lucie")
    said = people.write_instruction(
        "promise", "Rappeler Hortense", subject=f"incident:{number}", due_at=T0 + HOUR, by=lucie, at=T0
    )
    assert (said.text.text, tables_that_say("Hortense")) == ("Rappeler Hortense", set())
    erase(number)
    assert people_queries.get_instruction(said.id).text.state is PersonalState.ERASED


def test_what_is_written_after_an_erasure_is_under_a_new_key() -> None:
    number = call(at=T0).id
    actions.note_incident(number, "Anatole", by=viewer("lucie"), at=T0 + 1)
    erase(number)
    actions.note_incident(number, "Hortense", by=viewer("lucie"), at=T0 + 2 * DAY)
    states = [line.personal.state for line in queries.note_lines(number, reach=EVERYTHING) if line.personal]
    assert states == [PersonalState.READABLE, PersonalState.ERASED]


def test_message_sent_twice_is_one_also_after_its_words_were_erased() -> None:
    first = call(key="k-1", at=T0)
    erase(first.id)
    again = actions.open_incident(told(), by=viewer("lucie"), at=T0 + 2 * DAY, key="k-1")
    assert (again.incident.id, again.new) == (first.id, False)


def test_words_are_looked_for_with_those_of_title_and_place() -> None:
    number = call(description="Plus aucun lampadaire allumé chez Mme Œuvrard.", place="12 rue de l’Évêché", at=T0).id
    tripped = incident_of(alarm("cabinet_tripped", make_asset("A-1"), T0 + 1))
    actions.attach_signal(tripped, told(description="Fumée visible."), by=viewer("lucie"), at=T0 + 2)
    actions.close_incident(
        number, reason=str(CloseReason.CANCELLED), comment="Voisine rassurée", by=viewer("lucie"), at=T0 + 3
    )

    def found(text: str, **more: Any) -> list[int]:
        asked = Filters(text=text, **more)
        return [each.id for each in queries.list_incidents(asked, seen_by=viewer("lucie"))]

    for text in ("lampadaires eveche", "oeuvrard", "ŒUVRARD noire", "voisines rassure", "12 lampadaire"):
        assert found(text) == [number], text
    assert (found("lampadaire armoire"), found("armoire")) == ([], [tripped])
    assert found("lampadaire", until=T0 - MINUTE) == []
    assert seen(number).title == "Rue dans le noir"


def test_search_opens_no_more_than_so_many_of_the_newest() -> None:
    assert MOST_OPENED == 400
    numbers = [call(description=f"appel {place}", lon=5.2, at=T0 + place).id for place in range(3)]
    asked = Filters(text="appel")
    assert [each.id for each in queries.list_incidents(asked, seen_by=viewer("lucie"))] == numbers[::-1]
    assert [each.id for each in queries.list_incidents(asked, seen_by=viewer("lucie"), before=numbers[2])] == [
        numbers[1],
        numbers[0],
    ]
