"""The queue in groups: old page + frames = fresh page, in and out of flood, and one key on all of a group."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from beffroi.console import frames, gathering
from beffroi.foundation.clock import HOUR, SECOND, now
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import actions as people
from beffroi.kernel.people import queries as people_queries
from beffroi.kernel.people.types import Post
from tests.console import scene
from tests.journeys import crews

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
JSON = {"Accept": "application/json"}
CABINETS = ["ARM-1", "ARM-2", "ARM-3"]
ROW = re.compile(r'<li class="row[^"]*" id="([a-z]+-[0-9a-f]+)".*?</li>', re.DOTALL)


class Page:
    """What a page shows of the queue and of the load, and how frames change it: as web/src/live/patch.ts does."""

    def __init__(self, html: str) -> None:
        self.rows = {found[1]: found[0].replace(' aria-current="true"', "") for found in ROW.finditer(html)}
        self.flood = re.search(r'<div id="flood".*?</div>', html, re.DOTALL)[0]  # type: ignore[index]
        self.counters = scene.part(html, "counters")

    def apply(self, since: int, username: str = "operatrice") -> None:
        subjects = frozenset(journal.subjects_changed(since, journal.last_seq()))
        for fragment in frames.fragments_for(subjects, scene.who(username)):
            target, html = fragment["target"], fragment["html"]
            if fragment.get("list") == "queue":
                self.rows.pop(target, None)
                self.rows |= {target: str(html)} if html else {}
            elif target == "flood":
                self.flood = str(html)
                keys = re.search(r'data-groups="([^"]*)"', self.flood)[1].split()  # type: ignore[index]
                gone = [n for n in self.rows if n.startswith("group-") and n.removeprefix("group-") not in keys]
                self.rows = {name: row for name, row in self.rows.items() if name not in gone}
            elif target == "counters":
                self.counters = str(html)

    def shown(self) -> tuple[dict[str, str], str, str]:
        return dict(sorted(self.rows.items())), self.flood, self.counters


def _groups(page: Page) -> list[str]:
    return sorted(name for name in page.rows if name.startswith("group-"))


def _watch() -> None:
    alarms.watch_alarms(people_queries.posts(), at=now())


def _step(client: Client, page: Page, since: int, username: str = "operatrice") -> Page:
    """Hold the old page with its frames to a fresh one, and return that."""
    page.apply(since, username)
    fresh = Page(client.get("/").content.decode())
    assert page.shown() == fresh.shown()
    return fresh


def test_old_page_with_frames_is_a_fresh_page_into_a_flood_and_out_of_it(enter: Enter) -> None:
    client = enter()
    page, since = Page(client.get("/").content.decode()), journal.last_seq()
    at = now() - 5 * scene.MINUTE
    for i in range(4):
        scene.happen("raise", scene.TRIPPED, CABINETS, at=at + i * SECOND)
        page, since = _step(client, page, since), journal.last_seq()
        scene.happen("return", scene.TRIPPED, CABINETS, at=at + i * SECOND)
        page, since = _step(client, page, since), journal.last_seq()
    assert len(_groups(page)) == 1
    _watch()
    page, since = _step(client, page, since), journal.last_seq()
    assert "Avalanche d’alarmes" in page.flood
    assert "12 en 10 min" in page.flood
    assert "Avalanche depuis" in page.counters
    first = incidents.list_open(seen_by=scene.who())[0]
    client.post(f"/incidents/{first.reference}/close", {"reason": "returned_by_itself"})
    page, since = _step(client, page, since), journal.last_seq()
    assert _groups(page) == []  # two are no group
    alarms.watch_alarms(people_queries.posts(), at=now() + 20 * scene.MINUTE)
    page, since = _step(client, page, since), journal.last_seq()
    assert 'data-flood=""' in page.flood


def test_priority_1_stands_outside_the_groups(enter: Enter) -> None:
    scene.happen("raise", scene.TRIPPED, CABINETS)
    scene.happen("raise", "intersection_dark", ["C-1"])
    page = Page(enter().get("/").content.decode())
    urgent = next(each for each in incidents.list_open(seen_by=scene.who()) if each.priority == 1)
    group = page.rows[_groups(page)[0]]
    members = re.search(r'data-members="([^"]*)"', group)[1].split()  # type: ignore[index]
    assert str(urgent.id) not in members
    assert f"incident-{urgent.id}" in page.rows
    assert len(members) == 3


def test_group_is_opened_and_acknowledged_by_one_act(enter: Enter) -> None:
    scene.happen("raise", scene.TRIPPED, CABINETS)
    client = enter()
    page, since = Page(client.get("/").content.decode()), journal.last_seq()
    key = _groups(page)[0].removeprefix("group-")
    panel = client.get(f"/groups/{key}/panel").content.decode()
    seen = re.search(r'name="seen" value="(\d+)"', panel)[1]  # type: ignore[index]
    assert ("3 Armoire d&#x27;éclairage disjonctée" in panel, "Armoire A-2" in panel, seen) == (True, True, str(since))
    answer = client.post(f"/groups/{key}/acknowledge", {"seen": seen}, headers=JSON)
    assert (answer.status_code, answer.json()["said"]) == (200, "3 acquittements par un seul geste.")
    assert all(each.acknowledged_at for each in incidents.list_open(seen_by=scene.who()))
    page = _step(client, page, since)
    assert "acquittées" in page.rows[f"group-{key}"]
    again = client.post(f"/groups/{key}/acknowledge", {"seen": seen}, headers=JSON)
    assert (again.status_code, "a changé" in again.json()["detail"]) == (409, True)


def test_crews_that_are_out_are_counted_on_the_row_of_their_group(enter: Enter) -> None:
    crews.set_up()
    for name in ("equipiere", "cantonnier"):
        dispatch.go_on_duty(headcount=2, by=scene.who(name), at=now())
    scene.happen("raise", scene.TRIPPED, CABINETS)
    client = enter()
    page, since = Page(client.get("/").content.decode()), journal.last_seq()
    row = _groups(page)[0]
    assert "équipage" not in page.rows[row]
    first, second, _third = incidents.list_open(seen_by=scene.who())
    numbers = []
    for slug, incident, said in (("lumiere-1", first, "1 équipage<"), ("voirie-1", second, "2 équipages<")):
        numbers.append(dispatch.propose_mission(incident.id, slug, by=scene.who("chefsalle"), at=now()).number)
        page, since = _step(client, page, since), journal.last_seq()
        assert said in page.rows[row]
    dispatch.pass_time(now() + HOUR)
    page, since = _step(client, page, since), journal.last_seq()
    assert "silencieux" in page.rows[row]
    assert client.get(f"/groups/{row.removeprefix('group-')}/panel").content.decode().count("1 équipage") == 2
    for number in numbers:
        dispatch.cancel_mission(number, reason="doublon", by=scene.who("chefsalle"), at=now())
    page = _step(client, page, since)
    assert "équipage" not in page.rows[row]


def test_member_that_changed_meanwhile_is_left_and_told(enter: Enter) -> None:
    scene.happen("raise", scene.TRIPPED, CABINETS)
    client, seen = enter(), journal.last_seq()
    other = incidents.list_open(seen_by=scene.who())[0]
    enter("chefsalle").post(f"/incidents/{other.reference}/note", {"text": "Travaux annoncés."})
    key = gathering.groups_of(scene.who())[0].key
    said = client.post(f"/groups/{key}/acknowledge", {"seen": str(seen)}, headers=JSON).json()["said"]
    assert said == "2 acquittements par un seul geste. 1 laissé : il a changé entre-temps."
    assert client.post(f"/groups/{key}/acknowledge", {"seen": "hier"}).status_code == 422


def test_visitor_opens_a_group_and_does_not_acknowledge_it(enter: Enter) -> None:
    scene.happen("raise", scene.TRIPPED, CABINETS)
    client = enter("visiteur")
    key = gathering.groups_of(scene.who())[0].key
    assert "Acquitter le groupe" not in client.get("/", {"group": key}).content.decode()
    assert client.post(f"/groups/{key}/acknowledge", {"seen": "1"}).status_code == 403


def test_post_sees_its_desks_and_is_in_its_own_flood(enter: Enter) -> None:
    people.publish_posts([Post("traffic", "PC Circulation", ("traffic",))], by=people.SYSTEM, at=now())
    client = enter()
    client.post("/preferences", {"post": "traffic"})
    page, since = Page(client.get("/").content.decode()), journal.last_seq()
    for _ in range(4):
        scene.happen("raise", scene.TRIPPED, CABINETS)
        scene.happen("return", scene.TRIPPED, CABINETS)
    scene.happen("raise", "intersection_dark", ["C-1"])
    _watch()
    page = _step(client, page, since)
    assert [name.partition("-")[0] for name in page.rows] == ["incident"]
    assert ('data-flood=""' in page.flood, "<b>1</b>" in page.counters) == (True, True)
    assert "Avalanche d’alarmes" in enter("chefsalle").get("/").content.decode()
