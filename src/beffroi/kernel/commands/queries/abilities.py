"""What equipment can be asked for, as the city's profile says it now, or as it was when something was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from beffroi.foundation.errors import NotFound
from beffroi.kernel.commands import models
from beffroi.kernel.commands.types import Ability


def abilities() -> tuple[Ability, ...]:
    """Return every ability in force, in the order of the city's profile."""
    return tuple(ability_from(row.body) for row in models.Ability.objects.order_by("place", "slug"))


def abilities_of(asset_class: str) -> tuple[Ability, ...]:
    """Return what a class of equipment can be asked for, in the order of the city's profile."""
    return tuple(each for each in abilities() if each.asset_class == asset_class)


def ability_named(slug: str) -> Ability:
    """Return an ability by its slug. Raises NotFound naming those there are."""
    row = models.Ability.objects.filter(slug=slug.replace("\x00", "")).first()
    if row is None:
        known = ", ".join(models.Ability.objects.order_by("slug").values_list("slug", flat=True))
        raise NotFound(f"no ability is called `{slug[:48]}`; there are {known or 'none'}")
    return ability_from(row.body)


def commanding() -> frozenset[str]:
    """Return the connectors that carry commands."""
    return frozenset(models.Commanding.objects.values_list("connector", flat=True))


def ability_from(body: Mapping[str, Any]) -> Ability:
    """Return an ability as the database keeps it."""
    return msgspec.convert(body, Ability)


def ability_body(ability: Ability) -> dict[str, Any]:
    """Return an ability as the database keeps it."""
    return msgspec.json.decode(msgspec.json.encode(ability), type=dict[str, Any])
