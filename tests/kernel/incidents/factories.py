"""What links' tests share: a small profile, what people tell, what the engine does."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import transaction

from beffroi.foundation.clock import SECOND
from beffroi.kernel.alarms import actions as alarm_actions
from beffroi.kernel.alarms.types import Transition
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.types import Category, Channel, Correlation, Incident, Told
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind, Line
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, a_definition, viewer

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
DOOR = a_definition(code="door_open", title="Porte ouverte", quantity="door_state", priority=3)
DARK_CATEGORY = Category(code="street_dark", title="Rue dans le noir", desk="lighting", priority=2,
                         alarms=("cabinet_tripped", "cabinet_silent"))  # fmt: skip
CATEGORIES = (
    DARK_CATEGORY,
    Category(code="noise", title="Bruit, tapage", desk="police", priority=3),
    Category(code="fallen_tree", title="Arbre à terre", desk="citizens", priority=2),
)
SAFE = Correlation(
    code="one_feeder", title="Même armoire", sources=("alarm",), within_m=1500, within_min=30,
    relations=("same_asset", "feeds", "same_feeder"), category="family", safe=True,
)  # fmt: skip
AGAIN = Correlation(
    code="told_again",
    title="Signalé à nouveau",
    sources=("phone", "partner"),
    within_m=150,
    within_min=240,
    category="family",
)
RULES = (SAFE, AGAIN)
LON, LAT = 5.04, 47.32


def set_up() -> None:
    """Put the definitions and the profile in force."""
    alarm_actions.publish_definitions([TRIPPED, SILENT, DARK, DOOR], by=SYSTEM, at=T0)
    actions.publish_profile(CATEGORIES, RULES, by=SYSTEM, at=T0)


def happen(*transitions: Transition, at: int = T0) -> None:
    """What the engine does with transitions, in one transaction."""
    with transaction.atomic():
        applied = alarm_actions.apply_transitions(transitions, at=at)
        append([*applied.lines, *actions.follow_alarms(applied, at=at)], at=at)


def alarm(code: str, asset: int, at: int = T0, kind: Any = "raise") -> int:
    """Raise (or return) an alarm; return its number."""
    happen(Transition(kind, code, asset, 1.0, at), at=at)
    rows = apps.get_model("alarms", "Alarm").objects.filter(code=code, asset_id=asset)
    return int(rows.latest("id").pk)


def incident_of(alarm_id: int) -> int:
    """Return the incident that holds an alarm."""
    return queries.incidents_of_alarms([alarm_id])[alarm_id]


def told(category: str = "street_dark", lon: float = LON, lat: float = LAT, **more: Any) -> Told:
    """Return what somebody tells on the telephone."""
    return Told(**{"category": category, "lon": lon, "lat": lat, "place": "12 rue Monge", "commune": "Dijon",
                   "description": "La rue est noire.", "channel": Channel.PHONE} | more)  # fmt: skip


def call(at: int = T0, by: str = "lucie", key: str = "", **more: Any) -> Incident:
    """Open an incident by a call."""
    return actions.open_incident(told(**more), by=viewer(by), at=at, key=key).incident


def seen(number: int, by: str = "lucie") -> Incident:
    """Return an incident as a person sees it."""
    return queries.get(number, viewer(by))


def verbs(room: str = "incidents") -> list[str]:
    """Return the verbs of the journal's lines of a room, the oldest first, without the profile's."""
    return [
        line.verb
        for line in reversed(list_lines(limit=500))
        if line.room == room and not line.verb.startswith("publish_")
    ]


def words(line: Line) -> str:
    """Return what a person wrote in a line, for who may read what names persons."""
    return str(line.personal.content["text"]) if line.personal else ""
