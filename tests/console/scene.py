"""A small town for the console's tests: a few pieces of equipment, the post's own alarm definitions, its accounts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import transaction

import beffroi.app
from beffroi.foundation.clock import DAY, SECOND, Instant, now, to_datetime
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.alarms.rules import parse_definitions
from beffroi.kernel.alarms.types import Transition
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents import queries as incident_queries
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.queries import viewer_named
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin.queries import get_asset
from tests.database import Kept

ASSETS = """asset,class,lon,lat,name,source,street
ARM-1,lighting_cabinet,5.0415,47.3220,Armoire A-1,lighting,rue de la Liberté
ARM-2,lighting_cabinet,5.0450,47.3230,Armoire A-2,lighting,rue Musette
ARM-3,lighting_cabinet,5.0380,47.3205,Armoire A-3,lighting,boulevard de Sévigné
L-1,light_point,5.0416,47.3222,Point lumineux 1,lighting,rue de la Liberté
L-2,light_point,5.0418,47.3223,Point lumineux 2,lighting,rue de la Liberté
BAT-1,building,5.0430,47.3210,Hôtel de ville <ancien>,buildings,place de la Libération
C-1,intersection,5.0400,47.3240,Carrefour Darcy,traffic,place Darcy
V-1,camera,5.0417,47.3221,Caméra Liberté,,rue de la Liberté
V-2,camera,5.0440,47.3228,Caméra Musette,,rue Musette
VEH-1,vehicle,5.0420,47.3225,Balayeuse 1,fleet,
"""
TRIPPED = "lighting_cabinet_tripped"
DEFINITIONS = Path(beffroi.app.__file__).parent / "profile" / "alarms.yaml"


_kept: list[Kept] = []


def set_up(folder: Path) -> None:
    """Declare the town and open the demonstration's accounts; where that was done before in this run, put it back."""
    at = now()
    twin.ensure_history(at - DAY, at + DAY)
    if _kept:
        _kept[0].put_back()
        return
    _declare(folder, at)
    _kept.append(Kept())


def _declare(folder: Path, at: Instant) -> None:
    file = folder / "assets.csv"
    file.write_text(ASSETS)
    twin.import_assets(file, by=people.SYSTEM, at=at)
    people.ensure_demonstration_accounts(at)
    alarms.publish_definitions(parse_definitions(DEFINITIONS.read_text()), by=people.SYSTEM, at=at)


def who(username: str = "operatrice") -> Viewer:
    """Return a demonstration account with its rights."""
    return viewer_named(username)


def happen(kind: Any, definition: str, codes: Iterable[str], *, at: Instant | None = None, value: float = 1.0) -> None:
    """Raise or return an alarm on equipment, with what follows, as the engine does it."""
    moment = now() if at is None else at
    moves = [Transition(kind, definition, get_asset(code).id, value, moment) for code in codes]
    with transaction.atomic():
        applied = alarms.apply_transitions(moves, at=moment)
        append([*applied.lines, *incidents.follow_alarms(applied, at=moment)], at=moment)


def trip(code: str = "ARM-1", *, at: Instant | None = None) -> Incident:
    """Trip a cabinet and return the incident that it opens."""
    happen("raise", TRIPPED, [code], at=at)
    return next(found for found in incident_queries.list_open(seen_by=who("chefsalle")) if found.asset_code == code)


def report(code: str, values: dict[str, float], *, at: Instant | None = None) -> None:
    """Store values as the last ones of an asset and in its history, without the readings path."""
    moment = to_datetime(now() if at is None else at)
    numbers = twin.ensure_quantities(values)
    asset = get_asset(code).id
    state, history = apps.get_model("twin", "State"), apps.get_model("twin", "History")
    for name, value in values.items():
        keys = {"asset_id": asset, "quantity_id": numbers[name]}
        told = {"value": value, "observed_at": moment, "received_at": moment, "quality": 0}
        state.objects.filter(**keys).delete()
        state.objects.create(**keys, **told)
        history.objects.create(**keys, **told)


def rows_of(html: str) -> dict[str, str]:
    """Return the rows of a queue by their id, without what belongs to one person's screen."""
    rows = re.findall(r'<li class="row" id="(incident-\d+)".*?</li>', html, re.DOTALL)
    whole = re.findall(r'<li class="row" id="incident-\d+".*?</li>', html, re.DOTALL)
    return {name: row.replace(' aria-current="true"', "") for name, row in zip(rows, whole, strict=True)}


def part(html: str, name: str) -> str:
    """Return the `<ul>` of that id."""
    found = re.search(rf'<ul id="{name}".*?</ul>', html, re.DOTALL)
    return found[0] if found else ""


MINUTE = 60 * SECOND


def silence(code: str) -> None:
    """Say that an asset has been silent for ten minutes."""
    from django.db import connection

    with connection.cursor() as cursor:
        twin.set_freshness(cursor, [(get_asset(code).id, 2)], now() - 10 * MINUTE)
