"""Every route, with every demonstration account, with a machine's token and with nobody: compared with a reviewed table.

`clearances.csv` beside this file is that table. A route that is not in it fails; so does a method that answers without
standing in it. `yes`: let in; `no`: refused (403); `sign in`: asked who it is (401, or sent to the login page).
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from beffroi.app.commands.alarms import PROFILE
from beffroi.console import gathering
from beffroi.foundation.clock import HOUR, Instant, now, to_datetime
from beffroi.foundation.ids import new_id
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms.rules import parse_definitions
from beffroi.kernel.alarms.rules.groups import LEAST
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.commands import queries as command_queries
from beffroi.kernel.commands.actions.asking import Draft, Target, put
from beffroi.kernel.commands.rules import parse_abilities
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch.rules import parse_profile
from beffroi.kernel.incidents import actions as acts
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.journal.actions import append, ask_erasure
from beffroi.kernel.journal.types import Entry
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.models import Person
from beffroi.kernel.people.queries import viewer_named
from beffroi.kernel.places import actions as places
from beffroi.kernel.procedures import actions as procedures
from beffroi.kernel.procedures.rules import parse_procedure
from beffroi.kernel.twin.actions import import_assets
from tests.kernel.alarms.factories import make_asset, moves
from tests.kernel.incidents.photos import photo

TABLE = Path(__file__).parent / "clearances.csv"
ACCOUNTS = ("anonymous", "visiteur", "operatrice", "chefsalle", "technicien", "integration")
MIGHTY = ("anonymous", "chefsalle", "technicien")
"""With whom the methods are tried that no row names: they must not answer."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CATCH_ALL = "^api(?:/.*)?$"
FRONT = "front"
LIVE = "live"
BODY = {"text": "note", "reason": "repaired", "comment": "fait", "language": "fr", "palette": "night"}
Walk = dict[tuple[str, str], dict[str, str]]


def _table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _served_by_django() -> Walk:
    rows = [row for row in _table() if row["served by"] == "web"]
    return {(row["route"], row["method"]): {name: row[name] for name in ACCOUNTS} for row in rows}


def _routes(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)


@pytest.fixture
def things(db: None, tmp_path: Path) -> dict[str, str]:
    """One of each thing that a route names, the demonstration's accounts, and a machine's token."""
    at = now()
    people.ensure_demonstration_accounts(at)
    people.create_person("integration", "Machine", "MA", password=None, by=people.SYSTEM, at=at, reason="test")
    people.grant_clearance("integration", "integration", by=people.SYSTEM, at=at, reason="test")
    file = tmp_path / "assets.csv"
    file.write_text("asset,class,lon,lat,name,source\nCAB-1,lighting_cabinet,5.04,47.32,Armoire,lighting\n")
    import_assets(file, by=people.SYSTEM, at=at)
    row, *_others = [
        Incident.objects.create(
            title="Armoire", category="lighting", priority=2, state="new", desk="lighting", lon=5.04, lat=47.32,
            opened_at=to_datetime(at),
        )
        for _ in range(LEAST)
    ]  # fmt: skip
    asset_id = str(_only("twin_asset"))
    supervisor = viewer_named("chefsalle")
    signed = people.hand_over_shift(text="", content={}, shift_out="Nuit", shift_in="Matin", by=supervisor, at=at)
    left = people.write_instruction("instruction", "x", by=supervisor, at=at)
    alarms.publish_definitions(parse_definitions(PROFILE.read_text()), by=people.SYSTEM, at=at)
    withdrawal = alarms.propose_withdrawal("bus_silent", reason="test", by=viewer_named("ingenieure"), at=at)
    alarm = _kept_aside("CAB-1", at)
    pictured = acts.attach_evidence(row.pk, kind="before", picture=photo(), by=supervisor, at=at)
    unit, mission, distress = _sent(row.pk, at)
    command = _commanded(at)
    return {
        **_run_on(row.pk, at),
        "picture": str(pictured.id),
        "unit": unit,
        "mission": str(mission),
        "distress": str(distress),
        "command": command,
        "step": "accept",
        "command_id": command,
        "name": "engaged",
        "definition": "building_fire",
        "revision": str(withdrawal.id),
        "reference": incidents.get(row.pk, viewer_named("chefsalle")).reference,
        "key": gathering.groups_of(viewer_named("chefsalle"))[0].key,
        "code": "CAB-1",
        "handover_id": str(signed.id),
        "instruction_id": str(left.id),
        "id": "CAB-1",
        "asset_id": asset_id,
        "seq": "1",
        "sequence": "1",
        "number": str(_asked_erasure(row.pk, at)),
        "alarm": str(alarm),
        "shelving": str(_only("alarms_shelving")),
        "withdrawal": str(_only("alarms_withdrawal")),
        "segment": "S1",
        "closure": str(_closed_street(tmp_path, at)),
        "x": "8420",
        "y": "5733",
        "token": people.create_token("integration", "t", by=people.SYSTEM, at=at, reason="test").secret,
    }


def _sent(incident: int, at: int) -> tuple[str, int, int]:
    """Send a crew for an incident, and have another in distress; return the crew, the mission, the distress."""
    profile = parse_profile((PROFILE.parent / "units.yaml").read_text())
    dispatch.publish_units(profile, by=people.SYSTEM, at=at)
    unit = dispatch.go_on_duty(by=viewer_named("equipiere"), at=at)
    mission = dispatch.propose_mission(incident, unit.slug, by=viewer_named("chefsalle"), at=at)
    return unit.slug, mission.number, dispatch.raise_distress(by=viewer_named("patrouille"), at=at).id


def _run_on(incident: int, at: int) -> dict[str, str]:
    """Start the test's own procedure, which told the room and wrote a letter; return what its routes name."""
    text = """
code: told
version: 1
title: Dit
desk: lighting
purpose: Dire.
roles: [{code: operator, title: Opérateur}]
steps:
  - {id: tell, kind: notification, title: Dire, to: [{desk: lighting}, {mail: a@example.org}], message: Dit.}
  - {id: do, title: Faire}
tests: [{name: dit, expect: [{at_s: 0, step: tell}, {at_s: 0, step: do, by: operator}]}]
"""
    procedures.publish_procedures([parse_procedure(text)], by=people.SYSTEM, at=at)
    run = procedures.start("told", incident, by=viewer_named("chefsalle"), at=at)
    written = procedures.propose_procedure_withdrawal("told", reason="test", by=viewer_named("ingenieure"), at=at)
    return {
        "procedure": "told",
        "procedure_change": str(written.id),
        "run": str(run.id),
        "run_step": "do",
        "value": "yes",
        "item": "0",
        "message": str(_only("procedures_message")),
        "letter": str(_only("procedures_letter")),
    }


def _commanded(at: int) -> str:
    """Have somebody ask a lamp for a level; return the number, which is that of the request too."""
    commands.publish_abilities(
        parse_abilities((PROFILE.parent / "abilities.yaml").read_text()),
        connectors=["mqtt_json"],
        by=people.SYSTEM,
        at=at,
    )
    lamp = make_asset("L-1", "light_point", "Dijon", source_id=_only("twin_source"))
    number, source = new_id(at), _only("twin_source")
    ability = command_queries.ability_named("set_level")
    person = viewer_named("ingenieure").id
    draft = Draft(ability, {"level_pct": 30.0}, "test", None, None, at, None, person, people.SYSTEM, None, False)
    with transaction.atomic():
        put(draft, [Target(lamp, source)], at=at)
    with connection.cursor() as cursor:  # one number stands for both here, so that one word serves every route
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("UPDATE commands_request SET id = %s", [number])
        cursor.execute("UPDATE commands_command SET id = %s, request_id = %s", [number, number])
    return str(number)


def _closed_street(folder: Path, at: Instant) -> int:
    """Take in two streets, and close one."""
    line = {"type": "LineString", "coordinates": [[5.04, 47.32], [5.05, 47.32]]}
    properties = {"name": "rue Haute", "class": "residential", "commune": "Dijon"}
    features = [{"type": "Feature", "geometry": line, "properties": {**properties, "id": key}} for key in ("S1", "S2")]
    file = folder / "streets.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    places.import_streets(file, by=people.SYSTEM, at=at)
    return places.close_street(["S2"], reason="test", until=at + HOUR, by=viewer_named("chefsalle"), at=at).id


def _asked_erasure(incident: int, at: int) -> int:
    """Ask for the erasure of an incident's case, as an officer does."""
    case, by = f"case:incident-{incident}", people.SYSTEM
    told = Entry(by, "incidents", "note_incident", f"incident:{incident}", about=case, personal={"text": "note"})
    with transaction.atomic():
        append([told], at=at)
    return ask_erasure(case, reason="test", by=by, at=at).id


def _kept_aside(code: str, at: Instant) -> int:
    """Raise an alarm, put it aside, and take its equipment out of service; return the alarm's number."""
    by, until = viewer_named("chefsalle"), at + HOUR
    with transaction.atomic():
        alarms.apply_transitions(moves("raise", "lighting_cabinet_tripped", _only("twin_asset"), at=at), at=at)
    number = _only("alarms_alarm")
    acts.shelve_alarm(number, until=until, reason="essai", by=by, at=at)
    acts.take_out_of_service(asset=code, until=until, reason="essai", by=by, at=at)
    return number


def _only(table: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {table}")
        return int(cursor.fetchone()[0])


def _example(route: str, things: dict[str, str]) -> str:
    plain = route.replace(CATCH_ALL, "api/nowhere")
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: things[match[1]], plain)


@pytest.fixture
def clients(things: dict[str, str]) -> dict[str, Client]:
    """One client for each account, signed in."""
    bearer = {"Authorization": f"Bearer {things['token']}"}
    found = {name: Client(raise_request_exception=False) for name in ACCOUNTS[:-1]}
    found["integration"] = Client(raise_request_exception=False, headers=bearer)
    for name in ACCOUNTS[1:-1]:
        found[name].force_login(Person.objects.get(username=name))
    return found


def _outcome(response: Any, route: str) -> str:
    status, leaving = response.status_code, route == "/logout"
    if status == 401 or (status == 302 and response["Location"].split("?")[0] == "/login" and not leaving):
        return "yes" if route == "/login" else "sign in"
    if status == 404 and CATCH_ALL in route:
        return "nothing"
    if status >= 500 or status == 404:
        return f"failed: {status}"
    return {403: "no", 405: "no such method"}.get(status, "yes")


def _ask(route: str, method: str, client: Client, things: dict[str, str]) -> str:
    cookies = client.cookies.copy()
    with transaction.atomic():
        if method == "POST":
            response = client.post(_example(route, things), BODY)
        else:
            response = client.generic(method, _example(route, things))
        transaction.set_rollback(True)
    client.cookies.clear()  # what was asked may have ended the session: the rollback brought it back
    client.cookies.update(cookies)
    return _outcome(response, route)


def test_every_route_lets_in_whom_the_table_says_and_nobody_else(
    things: dict[str, str], clients: dict[str, Client]
) -> None:
    table = _served_by_django()
    differences = []
    for route in _routes():
        for method in METHODS:
            expected = table.get((route, method), dict.fromkeys(MIGHTY, "no such method"))
            for account, outcome in expected.items():
                found = _ask(route, method, clients[account], things)
                closed = (route, method) not in table and found in ("no", "sign in", "nothing")
                if found != outcome and not closed:
                    differences.append(f"{method} {route} {account}: {found}, the table says {outcome}")
    assert differences == []


def test_every_route_is_in_the_table_and_the_table_names_no_other() -> None:
    served, listed = set(_routes()), {route for route, _ in _served_by_django()}
    assert {"not in the table": sorted(served - listed), "served no more": sorted(listed - served)} == {
        "not in the table": [],
        "served no more": [],
    }


def test_streams_let_in_whom_the_table_says(transactional_db: None) -> None:
    from starlette.requests import Request

    from beffroi.app.processes import live

    people.ensure_demonstration_accounts(now())
    rows = [row for row in _table() if row["served by"] == LIVE]
    assert sorted(route.path for route in live.app.routes) == sorted(row["route"] for row in rows)  # type: ignore[attr-defined]
    for account in ACCOUNTS[:-1]:
        client = Client()
        if account != "anonymous":
            client.force_login(Person.objects.get(username=account))
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        scope = {
            "type": "http", "method": "GET", "path": "/live/console", "query_string": b"",
            "headers": [(b"cookie", cookies.encode())],
        }  # fmt: skip
        response = asyncio.run(live.stream(Request(scope)))
        assert {200: "yes", 401: "sign in", 403: "no"}[response.status_code] == rows[0][account], account


def test_what_the_front_serves_itself_is_in_the_table() -> None:
    from beffroi.app.processes import front

    served = sorted(route.path for route in front.app.routes)  # type: ignore[attr-defined]
    handed_on = ["/live/{rest:path}", "/{rest:path}"]
    assert sorted([*(row["route"] for row in _table() if row["served by"] == FRONT), *handed_on]) == served


def test_every_row_says_why() -> None:
    assert [row["route"] for row in _table() if not row["why"]] == []


OFFICER = {
    ("/journal", "GET"), ("/journal/export", "POST"), ("/journal/erasures", "GET"), ("/journal/erasures/ask", "POST"),
    ("/journal/erasures/<int:number>/confirm", "POST"), ("/journal/erasures/<int:number>/withdraw", "POST"),
    ("/journal/<int:seq>", "GET"), ("/journal/<int:seq>/open", "POST"), ("/journal/<int:seq>/proof.json", "GET"),
    ("/login", "GET"), ("/login", "POST"), ("/logout", "POST"), ("/preferences", "GET"), ("/preferences", "POST"),
    ("/help", "GET"), ("/api/v1/journal", "GET"), ("/api/v1/journal/<sequence>/proof", "GET"),
    ("/api/v1/openapi.json", "GET"), ("/crew/worker.js", "GET"),
    ("/missions/<int:mission>/track", "GET"), ("/missions/<int:mission>/track", "POST"),
}  # fmt: skip
"""All that the data protection officer enters: the journal, the ways of crews for a purpose, and what everyone has."""


def test_the_data_protection_officer_enters_the_journal_and_nothing_of_the_room(things: dict[str, str]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(Person.objects.get(username="dpo"))
    entered = {(route, method) for route, method in _served_by_django() if _ask(route, method, client, things) == "yes"}
    assert entered == OFFICER


CREW = {
    ("/login", "GET"), ("/login", "POST"), ("/logout", "POST"), ("/preferences", "GET"), ("/preferences", "POST"),
    ("/help", "GET"),
    ("/api/v1/openapi.json", "GET"), ("/api/v1/addresses", "GET"), ("/api/v1/streets/way", "GET"),
    ("/api/v1/incidents", "POST"), ("/api/v1/incidents/categories", "GET"),
    ("/incidents/new", "GET"), ("/incidents/new", "POST"),
    *(("/api/v1/dispatch/" + name, "POST") for name in (
        "duty/begin", "duty/break", "duty/resume", "duty/unavailable", "duty/sharing", "duty/end", "positions", "distress",
    )),
    ("/api/v1/dispatch/mine", "GET"), ("/api/v1/dispatch/units/<unit>", "GET"), ("/api/v1/missions/<mission>", "GET"),
    *(("/api/v1/missions/<mission>/" + name, "POST") for name in (
        "accept", "refuse", "depart", "arrive", "make-safe", "sign", "check", "finish",
    )),
    ("/crew/", "GET"), ("/crew/worker.js", "GET"), ("/crew/day.json", "GET"),
    ("/crew/missions/<int:mission>/way.json", "GET"),
    *((f"/crew/{name}", "POST") for name in ("acts", "pictures", "problems", "position")),
    ("/api/v1/incidents/<reference>/evidence", "POST"),
}  # fmt: skip
"""All that somebody of a crew enters: their own duty, position, missions and distress, and telling what they find."""


def test_a_crew_enters_its_own_and_nothing_of_the_room(things: dict[str, str]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(Person.objects.get(username="equipiere"))
    entered = {(route, method) for route, method in _served_by_django() if _ask(route, method, client, things) == "yes"}
    assert entered == CREW
