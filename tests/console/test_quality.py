"""The alarm conscience page: figures beside their targets, for a post, with the worst of the week."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from beffroi.console.quality import percent
from beffroi.foundation.clock import SECOND, now
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms import queries
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people import actions as people
from beffroi.kernel.people import queries as people_queries
from beffroi.kernel.people.types import Post
from tests.console import scene

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]
FIGURE = re.compile(r'<tr id="figure-(\w+)" data-mark="(\w+)">.*?<b>(.*?)</b>', re.DOTALL)


def _figures(html: str) -> dict[str, tuple[str, str]]:
    return {name: (value, mark) for name, mark, value in FIGURE.findall(html)}


def test_quiet_post_has_nothing_to_measure_and_says_so(enter: Enter) -> None:
    html = enter().get("/quality").content.decode()
    found = _figures(html)
    assert found["per_10_min"] == ("0", "good")
    assert found["low"] == ("–", "none")
    assert "Aucune alarme cette semaine" in html


def test_flooded_post_is_judged_and_its_worst_alarm_named_with_its_card(enter: Enter) -> None:
    people.publish_posts([Post("traffic", "PC Circulation", ("traffic",))], by=people.SYSTEM, at=now())
    at = now() - 5 * scene.MINUTE
    for i in range(4):
        scene.happen("raise", scene.TRIPPED, ["ARM-1", "ARM-2", "ARM-3"], at=at + i * SECOND)
        scene.happen("return", scene.TRIPPED, ["ARM-1", "ARM-2", "ARM-3"], at=at + i * SECOND)
    scene.happen("raise", "intersection_dark", ["C-1"])
    alarms.watch_alarms(people_queries.posts(), at=now())
    client = enter()
    html = client.get("/quality", {"period": "8h"}).content.decode()
    found = _figures(html)
    assert (found["chattering"], found["medium"], found["high"]) == (
        ("3", "bad"),
        ("92\u202f%", "bad"),
        ("7,7\u202f%", "good"),
    )
    assert found["peak_10_min"][1] in ("good", "fair")
    assert re.search(
        r'id="worst-lighting_cabinet_tripped".*?<td class="num">12</td><td class="num">92', html, re.DOTALL
    )
    assert "Défaut d&#x27;isolement" in html
    assert 'href="/definitions/lighting_cabinet_tripped"' in html
    assert "Avalanche d’alarmes" in html
    traffic = client.get("/quality", {"post": "traffic"}).content.decode()
    assert (_figures(traffic)["high"], "worst-intersection_dark" in traffic) == (("100\u202f%", "bad"), True)
    assert "worst-lighting_cabinet_tripped" not in traffic


def test_page_is_for_those_who_see_alarms(enter: Enter) -> None:
    assert enter("visiteur").get("/quality").status_code == 200
    assert enter("technicien").get("/quality").status_code == 403


@pytest.mark.parametrize(("share", "text"), [(0, "0"), (0.004, "0,4"), (0.1, "10"), (0.923, "92")])
def test_share_is_written_with_a_decimal_under_ten(share: float, text: str) -> None:
    assert percent(share) == f"{text}\u202f%"


def test_what_is_said_at_closing_is_counted_for_the_definition_and_told(enter: Enter) -> None:
    client = enter()
    for code, said in (("ARM-1", "yes"), ("ARM-2", "no"), ("ARM-3", "")):
        incident = scene.trip(code)
        body = {"reason": "false_alarm", "comment": "Essai.", "useful": said}
        assert client.post(f"/incidents/{incident.reference}/close", body).status_code == 302
    assert queries.verdicts(scene.TRIPPED) == (1, 1)
    html = client.get("/quality").content.decode()
    assert re.search(r'id="worst-lighting_cabinet_tripped".*?<td>1 / 1</td>', html, re.DOTALL)
    told = [line.content.get("useful") for line in list_lines(limit=50) if line.verb == "close_incident"]
    assert told == [None, False, True]


def test_chattering_and_stale_alarms_are_marked_in_the_queue(enter: Enter) -> None:
    at = now() - 2 * scene.MINUTE
    for i in range(3):
        scene.happen("raise", scene.TRIPPED, ["ARM-1"], at=at + i * SECOND)
        if i < 2:
            scene.happen("return", scene.TRIPPED, ["ARM-1"], at=at + i * SECOND)
    scene.happen("raise", scene.TRIPPED, ["ARM-2"], at=now() - 25 * 60 * scene.MINUTE)
    alarms.watch_alarms(people_queries.posts(), at=now())
    rows = list(scene.rows_of(enter().get("/").content.decode()).values())
    marks = [re.findall(r'class="mark">(.*?)<', row) for row in rows]
    assert sorted(marks) == [["bavarde"], ["plus de 24 h"]]
