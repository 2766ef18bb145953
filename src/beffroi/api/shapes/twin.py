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


class Source(msgspec.Struct):
    """A source of readings. `asset` stands for it; `heard_at` is when it last spoke, or answered who asked it.

    `period_s` is how often it is heard when all is well (null: it is not judged); `silent` of its `equipment` are not heard.
    """

    id: str
    connector: str
    asset: str
    period_s: int | None
    heard_at: str | None
    gateways: list[str]
    equipment: int
    silent: int


class Sources(msgspec.Struct):
    """Every source, by code; there is no other page."""

    items: list[Source]
    next: None = None
