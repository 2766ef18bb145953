"""Crews for journeys: a small profile, a mission proposed by the room, a phone in somebody's hand."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from beffroi.foundation.clock import now
from beffroi.kernel.dispatch import actions
from beffroi.kernel.dispatch.types import Card, Mission, Point, Profile, Times, UnitEntry, UnitKind
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.types import Category, Channel, Told
from beffroi.kernel.people.actions import SYSTEM
from tests.console import scene
from tests.kernel.incidents.photos import photo

CATEGORIES = (
    Category(code="street_dark", title="Rue dans le noir", desk="lighting", priority=2),
    Category(code="bollard_stuck", title="Borne bloquée", desk="traffic", priority=2),
    Category(code="fallen_tree", title="Arbre ou branche à terre", desk="citizens", priority=3),
    Category(code="flooded_road", title="Chaussée inondée", desk="traffic", priority=2),
    Category(code="obstruction", title="Obstacle sur la chaussée", desk="traffic", priority=3),
)
LIGHT = UnitEntry(
    "lumiere-1", "Éclairage 1", "LUM 1", UnitKind.LIGHTING_CREW, "lighting", "pilot", Point(5.05, 47.32),
    skills=("electrical",), crew=("equipiere",),
)  # fmt: skip
OTHER = UnitEntry(
    "voirie-1", "Voirie 1", "VOI 1", UnitKind.ROAD_CREW, "traffic", "traffic", Point(5.06, 47.32), crew=("cantonnier",)
)
CARD = Card(
    ("street_dark",), (), "Armoire sous tension. Travail au bord de la chaussée.",
    ("Baliser", "Consigner, vérifier l’absence de tension", "Réarmer"),
)  # fmt: skip
PHONE: dict[str, Any] = {
    "width": 360,
    "height": 740,
    "has_touch": True,
    "is_mobile": True,
    "permissions": ["geolocation"],
    "geolocation": {"longitude": 5.0432, "latitude": 47.3219, "accuracy": 12},
}
PHOTO = {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": photo(width=1200, height=900)}


def set_up() -> None:
    """Put two crews and what may be signalled in force."""
    profile = Profile(units=(LIGHT, OTHER), skills={"electrical": "Habilitation"}, cards=(CARD,), times=Times())
    actions.publish_units(profile, by=SYSTEM, at=now())
    incidents.publish_profile(CATEGORIES, (), by=SYSTEM, at=now())


def call() -> int:
    """Open an incident by a call."""
    told = Told(
        "street_dark", 5.0415, 47.3220, place="27 boulevard Henri-Poincaré", commune="Dijon", channel=Channel.PHONE
    )
    return incidents.open_incident(told, by=scene.who(), at=now()).incident.id


def proposed(instructions: str = "Le gardien ouvre le portail. Se présenter à l’accueil.") -> Mission:
    """Have the crew on duty and a mission proposed to it."""
    actions.go_on_duty(headcount=1, by=scene.who("equipiere"), at=now())
    return actions.propose_mission(call(), "lumiere-1", instructions=instructions, by=scene.who(), at=now())


def sent(page: Page) -> None:
    """Wait until nothing waits to be sent."""
    page.locator("#unsent:not(.waits)").wait_for()
