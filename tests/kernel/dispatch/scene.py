"""What dispatch's tests share: a small profile, an incident, people of the room and of the crews, every act on a mission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.kernel.dispatch import actions, queries
from beffroi.kernel.dispatch.types import Card, Mission, Point, Profile, Times, Unit, UnitEntry, UnitKind
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents import queries as incident_queries
from beffroi.kernel.incidents.types import Category, Channel, Incident, Told
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind, Line
from beffroi.kernel.people.types import Role, Viewer
from tests.kernel.alarms.factories import viewer

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
CATEGORY = Category(code="street_dark", title="Rue dans le noir", desk="lighting", priority=2)
HERE = Point(5.04, 47.32)
LIGHT = UnitEntry("lumiere-1", "Éclairage 1", "LUM 1", UnitKind.LIGHTING_CREW, "lighting", "pilot", Point(5.05, 47.32),
                  skills=("electrical", "platform"), crew=("maud", "yann"))  # fmt: skip
OTHER = UnitEntry("lumiere-2", "Éclairage 2", "LUM 2", UnitKind.LIGHTING_CREW, "lighting", "pilot", Point(5.09, 47.34),
                  skills=("electrical",), crew=("omar",))  # fmt: skip
PATROL = UnitEntry("patrouille-1", "Patrouille 1", "PM 1", UnitKind.POLICE_PATROL, "police", "buildings",
                   Point(5.041, 47.32), skills=("public_order",), crew=("pm1",), anonymous=True)  # fmt: skip
PROFILE = Profile(
    units=(LIGHT, OTHER, PATROL),
    skills={"electrical": "Habilitation électrique", "platform": "Nacelle", "public_order": "Tranquillité publique"},
    cards=(Card(("street_dark",), ("electrical",), "Armoire sous tension.", ("Baliser", "Photo avant")),),
    times=Times(),
)


def set_up() -> None:
    """Put the crews and a category in force."""
    actions.publish_units(PROFILE, by=SYSTEM, at=T0)
    incidents.publish_profile((CATEGORY,), (), by=SYSTEM, at=T0)


def room(username: str = "lucie", desk: str = "") -> Viewer:
    """Return an operator of the room, who sends crews."""
    return viewer(username, desk=desk)


def crew(username: str = "maud") -> Viewer:
    """Return somebody of a crew."""
    return viewer(username, role=Role.CREW)


def call(at: int = T0, by: str = "lucie") -> Incident:
    """Open an incident by a call."""
    told = Told("street_dark", HERE.lon, HERE.lat, place="12 rue Monge", commune="Dijon", channel=Channel.PHONE)
    return incidents.open_incident(told, by=room(by), at=at).incident


def on_duty(username: str = "maud", headcount: int = 2, at: int = T0) -> Unit:
    """Bring somebody on duty in their crew."""
    return actions.go_on_duty(headcount=headcount, by=crew(username), at=at)


def proposed(username: str = "maud", at: int = T0 + SECOND, headcount: int = 2) -> Mission:
    """Return a mission proposed to the crew of somebody, who is on duty."""
    unit = on_duty(username, headcount)
    return actions.propose_mission(call().id, unit.slug, by=room(), at=at)


def mission(number: int) -> Mission:
    return queries.mission(number, seen_by=room("observer"))


def unit(slug: str = "lumiere-1", by: Viewer | None = None) -> Unit:
    return queries.unit(slug, seen_by=by or room("observer"))


def seen(incident: int) -> Incident:
    return incident_queries.get(incident, room("observer"))


def lines(room_name: str = "dispatch") -> list[Line]:
    """The lines of a room, the oldest first, without the profile's."""
    every = reversed(list_lines(limit=500, reach=EVERYTHING))
    return [line for line in every if line.room == room_name and not line.verb.startswith("publish_")]


def verbs(room_name: str = "dispatch") -> list[str]:
    return [line.verb for line in lines(room_name)]


Act = Callable[[int, Viewer, int], Any]
ACTS: dict[str, Act] = {
    "accept": lambda n, by, at: actions.accept_mission(n, by=by, at=at, token=f"a{at}"),
    "refuse": lambda n, by, at: actions.refuse_mission(n, reason="panne", by=by, at=at, token=f"r{at}"),
    "depart": lambda n, by, at: actions.depart(n, by=by, at=at, token=f"d{at}"),
    "arrive": lambda n, by, at: actions.arrive(n, by=by, at=at, token=f"v{at}"),
    "safe": lambda n, by, at: actions.make_safe(n, by=by, at=at, token=f"s{at}"),
    "sign": lambda n, by, at: actions.give_sign(n, by=by, at=at, token=f"g{at}"),
    "check": lambda n, by, at: actions.check_item(n, 0, by=by, at=at, token=f"c{at}"),
    "finish": lambda n, by, at: actions.finish(n, outcome="repaired", comment="réarmé", by=by, at=at, token=f"f{at}"),
    "cancel": lambda n, by, at: actions.cancel_mission(n, reason="erreur d’adresse", by=room(), at=at),
}
BEFORE: dict[str, tuple[str, ...]] = {
    "arrive": ("depart",),
    "safe": ("depart", "arrive"),
    "sign": ("depart", "arrive"),
    "check": ("depart", "arrive"),
    "finish": ("depart", "arrive"),
    "cancel": ("depart",),
}
"""What must have been done for an act to be possible."""


def do(act: str, number: int, by: Viewer, at: int = T0 + MINUTE) -> Any:
    """Do an act, by its name."""
    return ACTS[act](number, by, at)


def prepare(act: str, number: int, by: Viewer) -> None:
    """Do what must come before an act."""
    for place, step in enumerate(BEFORE.get(act, ())):
        do(step, number, by, T0 + (place + 2) * SECOND)
