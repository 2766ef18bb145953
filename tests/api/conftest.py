"""A post with a few things in it, and clients that hold a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from beffroi.foundation.clock import DAY, SECOND, to_datetime
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people import actions as people
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin.models import Asset, Counter, History, Quantity, Source, State

NOW = 1_780_000_000_000_000
BY = Actor(ActorKind.SYSTEM, "tests", "Tests")
Get = Callable[..., Any]


@pytest.fixture
def token(db: None) -> Callable[[str], str]:
    """Open an account with a role and return a token of it."""

    def make(role: str, *, commune: str = "", username: str = "") -> str:
        name = username or f"{role}-{commune or 'all'}".lower().replace(" ", "-")
        people.create_person(name, name, "XX", password=None, by=BY, at=NOW, reason="test")
        if role:
            people.grant_clearance(name, role, by=BY, at=0, reason="test", commune=commune)
        return people.create_token(name, "test", by=BY, at=NOW, reason="test").secret

    return make


@pytest.fixture
def get(token: Callable[[str], str]) -> Get:
    """Ask the API as an integration (or with another token); return the answer."""
    mine = token("integration")

    def ask(path: str, *, bearer: str = mine, **query: Any) -> Any:
        renamed = {name.rstrip("_"): value for name, value in query.items()}
        return Client(headers={"Authorization": f"Bearer {bearer}"}).get(f"/api/v1/{path}", renamed)

    return ask


@pytest.fixture
def city(db: None) -> dict[str, int]:
    """Three assets, one of which reported three times two quantities."""
    source = Source.objects.create(code="lighting", connector="mqtt_json", partition=3, created_at=to_datetime(NOW))
    rows = {}
    for place, (code, slug, commune) in enumerate(
        (("CAB-1", "lighting_cabinet", "Dijon"), ("L-1", "light_point", "Dijon"), ("L/2", "light_point", "Talant"))
    ):
        rows[code] = Asset.objects.create(
            code=code,
            asset_class=slug,
            name=f"Équipement {code}",
            source=source,
            address=code,
            lon=5.0 + place,
            lat=47.0,
            x_m=place,
            y_m=0,
            place="rue A",
            commune=commune,
            period_s=60,
            properties={"rated_w": 40},
            created_at=to_datetime(NOW),
        ).pk
    twin.ensure_history(NOW - DAY, NOW + DAY)
    numbers = twin.ensure_quantities(["lamp_state", "power_w"])
    for second in range(3):
        for name, value in (("lamp_state", 1.0), ("power_w", 40.0 + second)):
            at = to_datetime(NOW + second * SECOND)
            quantity = Quantity.objects.get(pk=numbers[name])
            History.objects.create(
                asset_id=rows["L-1"], quantity=quantity, value=value, observed_at=at, received_at=at, quality=0
            )
            State.objects.filter(asset_id=rows["L-1"], quantity=quantity).delete()
            State.objects.create(
                asset_id=rows["L-1"], quantity=quantity, value=value, observed_at=at, received_at=at, quality=0
            )
    Counter.objects.create(source=source, received=9, stored=6, quarantined=1, refused=2)
    return rows
