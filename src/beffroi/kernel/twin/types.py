"""What the twin's room shows: frames, reports, assets, connectors' contract. No framework."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Literal, Protocol

import msgspec
from pydantic import BaseModel

from beffroi.foundation.clock import Instant
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Refused


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


class Answer(msgspec.Struct, frozen=True):
    """What equipment says of a command that it was given: that it takes it up, or that it refuses and why.

    It is no evidence that anything was done: that is a reading's (docs/explanation/commands.md).
    """

    address: str
    command: str
    accepted: bool
    reason: str
    observed_at: Instant


class Order(msgspec.Struct, frozen=True):
    """One command as a connector is given it to write: for which equipment, what, until when it may be begun."""

    command: str
    source: str
    address: str
    asset_class: str
    ability: str
    parameters: Mapping[str, float | str]
    expires_at: Instant
    properties: Mapping[str, Any] = {}


class WireCommand(msgspec.Struct, frozen=True):
    """What leaves for one order: where it goes (an MQTT topic, a register …) and the bytes."""

    topic: str
    payload: bytes


class Outcome(StrEnum):
    """What became of a wire command. `unreachable`: nothing has left, for certain; `in_doubt`: it may have."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    IN_DOUBT = "in_doubt"


class Receipt(msgspec.Struct, frozen=True):
    """What the other side said of a wire command at once. `reason` is in its words, for who asked."""

    outcome: Outcome
    reason: str = ""


class Unsupported(Refused):
    """This connector, or this equipment, has no way of doing what is asked: ask for something else."""

    key = "unsupported"


class Sender(Protocol):
    """The only I/O of a connector that commands by itself, and not over the field bus."""

    async def send(self, wire: WireCommand) -> Receipt:
        """Send once and never again by itself. Answers within a bounded time; raises nothing of the network's."""

    async def close(self) -> None:
        """Let go of what is open."""


@dataclass(frozen=True, slots=True)
class Commander:
    """How a connector commands. Without `client`, each wire command is published on the field bus (topic, payload).

    `encode` is pure and raises Unsupported. `pace` gives how many commands a second a source of these settings bears.
    """

    encode: Callable[[Order, Any], tuple[WireCommand, ...]]
    pace: Callable[[Any], float]
    client: Callable[[Any], Sender] | None = None
    topics: Callable[[Any, str], tuple[str, ...]] | None = None
    """Filters of the topics that this source's gateways may subscribe to; None: they need not."""


class Client(Protocol):
    """The only I/O of a connector that fetches: yields raw frames for ever. Raises Unreachable or Refused.

    `contact` tells when the source last answered, with something new or not: its source is heard then.
    """

    contact: Contact

    def frames(self) -> AsyncIterator[bytes]:
        """Yield each frame fetched, bounded in size; the caller publishes it before asking for the next."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector's manifest: what it is called, what it may do, and the functions the kernel's loop calls."""

    slug: str
    title: str
    edition: str
    settings: type[BaseModel]
    decode: Callable[[Frame, Any], Sequence[Report | Rejected | Answer]]
    topics: Callable[[Any, str], tuple[str, ...]]
    client: Callable[[Any], Client] | None = None
    direction: Literal["read", "read-command"] = "read"
    commands: Commander | None = None


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
        AssetClass("light_point", ("power_w", "dim_pct", "voltage_v", "lamp_state", "mode_state"), 900),
        AssetClass("lighting_cabinet", ("voltage_v", "power_w", "feeder_state", "door_state"), 60),
        AssetClass("intersection", ("controller_state", "plan_count", "mode_state"), 30),
        AssetClass("bollard", ("bollard_state", "cycle_count"), 60),
        AssetClass(
            "building",
            ("intrusion_state", "fire_state", "flood_state", "arming_state", "temperature_degc", "humidity_pct"),
            60,
        ),
        AssetClass(
            "boiler_room",
            ("boiler_state", "flow_temperature_degc", "return_temperature_degc", "setpoint_degc"),
            60,
        ),
        AssetClass("vehicle", ("longitude_deg", "latitude_deg", "speed_kmh", "heading_deg"), 20, moves=True),
        AssetClass("bus", ("longitude_deg", "latitude_deg", "speed_kmh", "heading_deg"), 30, moves=True),
        AssetClass("camera", (), None),
        AssetClass("sensor", ("temperature_degc", "humidity_pct", "battery_pct"), 600),
        AssetClass("source", (), 60),
    )
}
"""The classes the post knows. An inventory that names another is refused, with this list."""

SOURCE = "source"
"""The class of the asset that stands for a source, and the relation from what a source reports to that asset.

The relation is not stored: it follows from the source that the inventory names, for a hundred thousand as for one.
"""

SOURCE_PREFIX = "source:"
"""How the code of such an asset begins; no inventory may use it."""
