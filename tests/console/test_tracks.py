"""The way of a crew: opened for a purpose, drawn with its times, kept until a stated day; what nobody else sees."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client

from beffroi.console import tracks
from beffroi.foundation.clock import DAY, MINUTE, SECOND, now
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.models import Mission, TrackPoint
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING
from tests.console import scene
from tests.console.streets import lay
from tests.journeys import crews

pytestmark = pytest.mark.django_db


@pytest.fixture
def mission(town: None, tmp_path: Any) -> int:
    """A mission that a crew has driven to for some minutes, and ended."""
    lay(tmp_path)
    crews.set_up()
    maud, began = scene.who("equipiere"), now() - 10 * MINUTE
    actions.go_on_duty(headcount=1, by=maud, at=began)
    number = actions.propose_mission(crews.call(), "lumiere-1", by=scene.who(), at=began).number
    actions.depart(number, by=maud, at=began)
    for step in range(8):
        at = began + (step + 1) * 30 * SECOND
        actions.report_position(5.0400 + step * 0.0002, 47.3232, observed_at=at, by=maud, at=at)
    actions.arrive(number, by=maud, at=began + 5 * MINUTE)
    return number


def page(client: Client, number: int, **body: str) -> str:
    answer = client.post(f"/missions/{number}/track", body) if body else client.get(f"/missions/{number}/track")
    assert answer["Cache-Control"] == "no-store"
    return " ".join(html.unescape(answer.content.decode()).split())


def test_way_is_not_shown_before_a_purpose_is_given(enter: Any, mission: int) -> None:
    client, before = enter("chefsalle"), len(list_lines(limit=200, reach=EVERYTHING))
    shown = page(client, mission)
    assert ("Points gardés : 8, jusqu’au" in shown, "Finalité" in shown, "data-track" in shown) == (True, True, False)
    assert client.post(f"/missions/{mission}/track", {"purpose": " "}).status_code == 422
    assert len(list_lines(limit=200, reach=EVERYTHING)) == before


def test_way_is_drawn_for_a_purpose_that_is_journalled(enter: Any, mission: int) -> None:
    shown = page(enter("chefsalle"), mission, purpose="réclamation d’un riverain")
    line = json.loads(re.search(r'data-track="([^"]+)"', shown)[1])  # type: ignore[index]
    assert (len(line), len(line[0]), line[0][0]) == (1, 8, [5.04, 47.3232])
    rows = re.findall(r'<tr data-track-hour="(\d\d:\d\d)" data-lon="([\d.]+)"', shown)
    assert (rows[0][1], rows[-1][1], len(rows) < 8) == ("5.040000", "5.041400", True)
    assert "rue" in shown.lower() and "Parcouru" in shown
    told = list_lines(limit=1)[0]
    assert (told.verb, told.purpose, told.actor.id) == ("open_track", "réclamation d’un riverain", "chefsalle")
    assert not re.search(r"5\.04\d", str(told.content))


def test_way_is_reached_from_the_mission_and_from_the_crews_by_who_may_open_it(enter: Any, mission: int) -> None:
    reference = queries.mission(mission, seen_by=scene.who("chefsalle")).reference
    for name, seen in (("chefsalle", True), ("operatrice", False)):
        client = enter(name)
        for path in (f"/incidents/{reference}/panel", "/crews"):
            assert (f"/missions/{mission}/track" in client.get(path).content.decode()) is seen, (name, path)
        assert client.get(f"/missions/{mission}/track").status_code == (200 if seen else 403)


def test_way_that_was_erased_is_said_with_its_day(enter: Any, mission: int) -> None:
    TrackPoint.objects.all().delete()
    Mission.objects.update(accepted_at=Mission.objects.get().proposed_at.replace(year=2020))
    shown = page(enter("chefsalle"), mission)
    assert ("le trajet a été effacé à son terme" in shown, "Finalité" in shown) == (True, False)
    assert "/track" not in enter("chefsalle").get("/crews").content.decode()


def test_mission_that_nobody_accepted_has_no_way_and_an_unknown_one_is_not_found(enter: Any, mission: int) -> None:
    Mission.objects.update(accepted_at=None)
    TrackPoint.objects.all().delete()
    client = enter("chefsalle")
    assert "qu’à partir de l’acceptation" in page(client, mission)
    assert client.get("/missions/999999/track").status_code == 404


def test_times_written_are_few_whatever_the_length_of_the_way() -> None:
    instants = [step * 10 * SECOND for step in range(5_000)]
    steps = [instants[700] + 1, instants[4_000]]
    places = tracks.chosen(instants, steps)
    assert {0, 700, 4_000, 4_999} <= set(places)
    assert (len(places) <= tracks.ROWS, places == sorted(places)) == (True, True)
    assert (tracks.chosen([], steps), tracks.chosen([DAY], steps)) == ([], [0])
