"""Finding incidents: every kind of question, whatever the accents, page after page."""

from __future__ import annotations

from typing import Any

import pytest

from beffroi.foundation.clock import DAY
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.queries import Filters
from beffroi.kernel.incidents.types import IncidentState
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.incidents.factories import T0, alarm, call, incident_of, seen, set_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(db: None) -> dict[str, int]:
    set_up()
    dark = call(description="Plus aucun lampadaire allumé devant l’école.", place="12 rue de l’Évêché", at=T0).id
    tree = call(category="fallen_tree", place="3 boulevard de Sévigné", lon=5.03,
                                                  description="Un chêne sur la chaussée", at=T0 + DAY).id  # fmt: skip
    noise = call(category="noise", place="Cœur de ville", commune="Chenôve", lon=5.05, at=T0 + 2 * DAY).id
    tripped = incident_of(alarm("cabinet_tripped", make_asset("A-1"), T0 + 3 * DAY))
    return {"dark": dark, "tree": tree, "noise": noise, "tripped": tripped}


def found(known: dict[str, int], **filters: Any) -> list[str]:
    names = {number: name for name, number in known.items()}
    return [names[each.id] for each in queries.list_incidents(Filters(**filters), seen_by=viewer("lucie"))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("lampadaire", ["dark"]),
        ("LAMPADAIRES ecole", ["dark"]),
        ("école", ["dark"]),
        ("eveche", ["dark"]),
        ("évêché 12", ["dark"]),
        ("bd sevigne", ["tree"]),
        ("chêne chaussee", ["tree"]),
        ("coeur", ["noise"]),
        ("cœur", ["noise"]),
        ("armoire disjonctée", ["tripped"]),
        ("noire", ["noise", "dark"]),
        ("chenove", ["tripped", "noise"]),
        ("lampadaire sevigne", []),
        ("rue & | ! :* ' \\ % \x00", ["tripped", "noise", "dark"]),
        ("!!!", []),
        ("de la", ["tripped", "noise", "tree", "dark"]),
    ],
)
def test_words_are_found_in_any_order_whatever_the_accents(known: dict[str, int], text: str, names: list[str]) -> None:
    assert found(known, text=text) == names


def test_reference_finds_its_incident(known: dict[str, int]) -> None:
    for number in known.values():
        assert [each.id for each in queries.list_incidents(Filters(text=seen(number).reference.lower()),
                                                           seen_by=viewer("lucie"))] == [number]  # fmt: skip


def test_each_filter_narrows_and_all_together(known: dict[str, int]) -> None:
    actions.take_incident(known["tree"], by=viewer("paul"), at=T0 + 4 * DAY)
    assert found(known, category="street_dark") == ["tripped", "dark"]
    assert found(known, commune="Chenôve") == ["tripped", "noise"]
    assert found(known, state=IncidentState.IN_PROGRESS) == ["tree"]
    assert found(known, owner="paul") == ["tree"]
    assert found(known, since=T0 + DAY, until=T0 + 3 * DAY) == ["noise", "tree"]
    assert found(known, around=(5.03, 47.32), within_m=50) == ["tree"]
    assert found(known, around=(5.035, 47.32), within_m=2_000) == ["noise", "tree", "dark"]
    assert found(known, around=(5.035, 47.32), within_m=500) == ["tree", "dark"]
    assert found(known, text="sévigné", category="fallen_tree", commune="Dijon", priority=2, owner="paul",
                 around=(5.03, 47.32), since=T0) == ["tree"]  # fmt: skip


def test_pages_are_cut_by_key_and_miss_nothing(db: None) -> None:
    set_up()
    numbers = [call(at=T0 + place).id for place in range(7)]
    pages: list[int] = []
    before = None
    while page := queries.list_incidents(Filters(text="noire"), seen_by=viewer("lucie"), before=before, limit=3):
        pages += [each.id for each in page]
        before = pages[-1]
        call(at=T0 + 100)
    assert pages == sorted(numbers, reverse=True)


def test_what_a_person_may_not_see_is_not_found(known: dict[str, int]) -> None:
    here = viewer("ici", commune="Chenôve")
    assert [each.id for each in queries.list_incidents(Filters(text="noire"), seen_by=here)] == [known["noise"]]
    assert queries.list_incidents(Filters(text=seen(known["dark"]).reference), seen_by=here) == ()
