"""Definitions, equipment and people of these tests: short to write, whole in content."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from django.apps import apps

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms.types import Definition, Transition
from beffroi.kernel.people.rules import rights_of
from beffroi.kernel.people.types import Role, Viewer

TRIPPED = Definition(
    code="cabinet_tripped",
    version=1,
    title="Armoire disjonctée",
    asset_class="lighting_cabinet",
    quantity="feeder_state",
    operator="==",
    threshold=1.0,
    silence_periods=None,
    on_delay_s=0,
    off_delay_s=0,
    dead_band=0,
    cause="Court-circuit.",
    consequence="Rue sombre.",
    response="Envoyer l'astreinte.",
    allowable_time_s=3600,
    priority=2,
    desk="lighting",
    opens_incident=True,
)

DARK = replace(
    TRIPPED, code="light_dark", title="Point sans tension", asset_class="light_point", quantity="voltage_v", operator="<",
    threshold=100.0, priority=3, opens_incident=False, release_delay_s=600.0,
    suppressed_by=("feeds:cabinet_tripped", "feeds:cabinet_silent"),
)  # fmt: skip
SILENT = replace(
    TRIPPED, code="cabinet_silent", title="Armoire muette", quantity=None, operator=None, threshold=None,
    silence_periods=6.0, priority=3, suppressed_by=("self:cabinet_tripped",), release_delay_s=0.0,
)  # fmt: skip


def a_definition(**changes: Any) -> Definition:
    """Return a definition that differs from the tripped cabinet's by these fields."""
    return replace(TRIPPED, **changes)


def make_asset(code: str, asset_class: str = "lighting_cabinet", commune: str = "Chenôve", **fields: Any) -> int:
    """Put a piece of equipment in the inventory; return its number."""
    values = {
        "name": f"Équipement {code}", "address": code, "lon": 5.04, "lat": 47.32, "x_m": 850_000.0, "y_m": 6_690_000.0,
        "place": "Rue des Essais", "period_s": 60, "created_at": to_datetime(0),
    }  # fmt: skip
    asset = apps.get_model("twin", "Asset")
    return int(asset.objects.create(code=code, asset_class=asset_class, commune=commune, **values | fields).pk)


def relate(source: int, kind: str, *targets: int) -> None:
    """Say that one asset feeds or contains others."""
    relation = apps.get_model("twin", "Relation")
    relation.objects.bulk_create([relation(from_asset_id=source, kind=kind, to_asset_id=target) for target in targets])


def viewer(username: str, *, role: Role = Role.OPERATOR, desk: str = "", commune: str = "") -> Viewer:
    """Return someone with this role there; the account is opened if it is not."""
    person = apps.get_model("people", "Person")
    found, _ = person.objects.get_or_create(
        username=username, defaults={"display_name": username.title(), "initials": username[:2].upper()}
    )
    rights = rights_of(role, desk=desk, commune=commune)
    return Viewer(username, found.display_name, found.initials, "fr", rights, id=found.pk)


def moves(
    kind: Literal["raise", "return"], code: str, *assets: int, at: Instant, value: float = 1.0
) -> list[Transition]:
    """Return the same transition on several assets."""
    return [Transition(kind, code, asset, value, at) for asset in assets]
