"""Crews as the rooms see them: over the map, on the page by travel time, and what nobody sees."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from beffroi.console import crews_out, frames
from beffroi.foundation.clock import now
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.models import Person
from tests.console import scene
from tests.console.streets import lay
from tests.journeys import crews


@pytest.fixture
def town(db: None, tmp_path: Any) -> None:
    scene.set_up(tmp_path)
    lay(tmp_path)
    crews.set_up()


def page(path: str, username: str = "chefsalle") -> str:
    client = Client()
    client.force_login(Person.objects.get(username=username))
    return html.unescape(client.get(path).content.decode())


def on_duty(username: str = "equipiere", lon: float = 5.0416, lat: float = 47.3232) -> None:
    by = scene.who(username)
    actions.go_on_duty(headcount=2, by=by, at=now())
    actions.report_position(lon, lat, by=by, at=now())


def row(text: str, slug: str = "lumiere-1") -> str:
    found = re.search(rf'<li id="crew-{slug}".*?</li>', text, re.DOTALL)
    return found[0] if found else ""


def test_crew_is_drawn_on_duty_only_with_its_state_by_letter(town: None) -> None:
    assert row(page("/")) == ""
    on_duty()
    shown = row(page("/"))
    assert 'data-status="available" data-letter="D" data-lon="5.041600" data-lat="47.323200"' in shown
    actions.end_duty(by=scene.who("equipiere"), at=now())
    assert row(page("/")) == ""
    assert "hors service" in page("/crews")


def test_position_is_rough_during_a_break(town: None) -> None:
    on_duty()
    actions.take_break(by=scene.who("equipiere"), at=now())
    shown = row(page("/"))
    assert 'data-letter="P"' in shown
    assert "data-coarse" in shown
    assert "5.041600" not in shown


def test_page_sorts_by_travel_time_to_the_incident_and_says_why(town: None) -> None:
    on_duty()
    on_duty("cantonnier", 5.0400, 47.3240)
    incident = scene.trip("ARM-1")
    shown = page(f"/crews?incident={incident.reference}")
    rows = re.findall(r'<tr id="row-([\w-]+)">', shown)
    nearest = [each.unit.slug for each in queries.nearest(
        crews.Point(incident.lon, incident.lat), seen_by=scene.who("chefsalle"), at=now(),
        skills=queries.card_of(incident.category).skills,
    )]  # fmt: skip
    assert rows[:2] == nearest[:2]
    assert "min par les rues" in shown
    assert "Trajet" not in page("/crews")


def test_visitor_sees_no_crew_and_looking_is_told_once(town: None) -> None:
    on_duty()
    assert row(page("/", "visiteur")) == ""
    page("/crews")
    page("/")
    looked = [line for line in list_lines() if line.verb == "look_at_positions"]
    assert [line.actor.id for line in looked] == ["chefsalle"]


def test_old_page_and_frames_are_the_fresh_page(town: None) -> None:
    viewer = scene.who("chefsalle")
    mission = crews.proposed()
    by = scene.who("equipiere")
    acts = (
        lambda: actions.accept_mission(mission.number, by=by, at=now()),
        lambda: actions.depart(mission.number, by=by, at=now()),
        lambda: actions.arrive(mission.number, by=by, at=now()),
    )
    for act in acts:
        before = list_lines()[0].seq
        act()
        subjects = {
            name for line in list_lines()[: list_lines()[0].seq - before] for name in (line.subject, *line.related)
        }
        told = {each["target"]: each["html"] for each in frames.fragments_for(subjects, viewer)}
        assert told["crews-out"] == crews_out.render_out(viewer)
        assert incidents.get(mission.incident, viewer).reference in told["crews-out"]
    actions.report_position(5.0400, 47.3220, by=by, at=now())
    (moved,) = frames.fragments_for(["position:lumiere-1"], viewer)
    assert 'data-lon="5.040000"' in moved["html"]
