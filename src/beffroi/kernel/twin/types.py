"""What the twin's room shows: frames, reports, assets, connectors' contract. No framework."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, Protocol

import msgspec
from pydantic import BaseModel

from beffroi.foundation.clock import Instant


class Quality(IntEnum):
    """How far a value may be trusted, as the equipment itself says. Age is judged apart, from the instants."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What arrived, untouched. `topic` is the MQTT topic, or `frames/{source}` for what a connector fetched."""

    source: str
    topic: str
    payload: bytes
    received_at: Instant


class Report(msgspec.Struct, frozen=True):
    """What one asset says at one instant: each quantity's value, in the unit its name ends with.

    `address` is the name under which the source knows the asset. Values are finite.
    """

    address: str
    observed_at: Instant
    values: Mapping[str, float]
    quality: Quality = Quality.GOOD


class Rejected(msgspec.Struct, frozen=True):
    """One entity of a feed that could not be read, with the reason; the feed's other entities stand."""

    reason: str
    excerpt: bytes


class Client(Protocol):
    """The only I/O of a connector that fetches: yields raw frames for ever. Raises Unreachable or Refused."""

    def frames(self) -> AsyncIterator[bytes]:
        """Yield each frame fetched, bounded in size; the caller publishes it before asking for the next."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector's manifest: what it is called, what it may do, and the functions the kernel's loop calls."""

    slug: str
    title: str
    edition: str
    settings: type[BaseModel]
    decode: Callable[[Frame, Any], Sequence[Report | Rejected]]
    topics: Callable[[Any, str], tuple[str, ...]]
    client: Callable[[Any], Client] | None = None
    direction: Literal["read", "read-command"] = "read"


@dataclass(frozen=True, slots=True)
class AssetClass:
    """A kind of equipment: its quantities, and how often it is expected to report (None: it does not)."""

    slug: str
    quantities: tuple[str, ...]
    period_s: int | None
    moves: bool = False


@dataclass(frozen=True, slots=True)
class StateValue:
    """The last value of one quantity of one asset, never shown without its age."""

    quantity: str
    value: float
    observed_at: Instant
    received_at: Instant
    quality: Quality


@dataclass(frozen=True, slots=True)
class Asset:
    """A piece of equipment as every room sees it. Positions WGS 84, and x_m, y_m in metres (foundation.geo)."""

    id: int
    code: str
    asset_class: str
    name: str
    source: str | None
    address: str
    lon: float
    lat: float
    x_m: float
    y_m: float
    place: str
    commune: str
    period_s: int | None
    properties: Mapping[str, Any] = field(default_factory=dict)


CLASSES: Mapping[str, AssetClass] = {
    entry.slug: entry
    for entry in (
        AssetClass("light_point", ("power_w", "dim_pct", "voltage_v", "lamp_state"), 900),
        AssetClass("lighting_cabinet", ("voltage_v", "power_w", "feeder_state", "door_state"), 60),
        AssetClass("intersection", ("controller_state", "plan_count"), 30),
        AssetClass("bollard", ("bollard_state", "cycle_count"), 60),
        AssetClass(
            "building",
            ("intrusion_state", "fire_state", "flood_state", "temperature_degc", "humidity_pct"),
            60,
        ),
        AssetClass("vehicle", ("longitude_deg", "latitude_deg", "speed_kmh", "heading_deg"), 20, moves=True),
        AssetClass("bus", ("longitude_deg", "latitude_deg", "speed_kmh", "heading_deg"), 30, moves=True),
        AssetClass("camera", (), None),
        AssetClass("sensor", ("temperature_degc", "humidity_pct", "battery_pct"), 600),
    )
}
"""The classes the post knows. An inventory that names another is refused, with this list."""
