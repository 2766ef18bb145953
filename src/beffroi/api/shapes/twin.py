"""Equipment and its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Reading(msgspec.Struct):
    """One value. `unit` is its symbol; for a quantity that is a state, `state` is the word and `value` its number."""

    quantity: str
    value: float
    unit: str
    state: str | None
    observed_at: str
    received_at: str
    quality: str


class Asset(msgspec.Struct):
    """A piece of equipment. `id` is its code; `period_s` is how often it is expected to report (null: it is not)."""

    id: str
    asset_class: str = msgspec.field(name="class")
    name: str
    source: str | None
    address: str
    lon: float
    lat: float
    place: str
    commune: str
    period_s: int | None
    properties: Mapping[str, Any]


class AssetDetail(Asset):
    """A piece of equipment with its last values. Freshness is `live`, `stale` or `silent`, and since when."""

    freshness: str
    fresh_since: str | None
    state: list[Reading]


class Assets(msgspec.Struct):
    """A page of equipment, by code."""

    items: list[Asset]
    next: str | None


class Readings(msgspec.Struct):
    """A page of values, in the order they were observed."""

    items: list[Reading]
    next: str | None
