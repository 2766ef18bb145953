"""Definitions of these tests: short to write, whole in content."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from beffroi.kernel.alarms.types import Definition

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


def a_definition(**changes: Any) -> Definition:
    """Return a definition that differs from the tripped cabinet's by these fields."""
    return replace(TRIPPED, **changes)
