"""GTFS-Realtime feeds: `FeedMessage` bytes to structures that mirror the standard. Units are the standard's own.

Required fields are checked here entity by entity, because the Protocol Buffers library does not: one bad entity must
neither pass nor cost the whole feed. An absent optional field is None, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import Malformed

EXCERPT_BYTES = 512


class VehiclePosition(msgspec.Struct, frozen=True, kw_only=True):
    """`VehiclePosition` of one entity: degrees WGS 84, bearing from north clockwise, metres a second, POSIX seconds."""

    entity_id: str
    vehicle_id: str | None = None
    label: str | None = None
    trip_id: str | None = None
    route_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    bearing: float | None = None
    speed: float | None = None
    timestamp: int | None = None


class BadEntity(msgspec.Struct, frozen=True):
    """An entity that breaks the standard, with the reason and its first bytes."""

    reason: str
    excerpt: bytes


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One `FeedMessage`. `others` counts the entities that hold no vehicle (trip updates, alerts, deletions)."""

    version: str
    timestamp: int | None
    entities: tuple[VehiclePosition | BadEntity, ...]
    others: int = 0


def decode_feed(payload: bytes) -> Feed:
    """Decode one feed. Raises Malformed when it is no `FeedMessage` with a header; bad entities are told apart."""
    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(payload)
    except DecodeError as error:
        raise Malformed(f"not a GTFS-Realtime feed: {error}; the feed begins with {payload[:24]!r}") from error
    if not message.HasField("header") or not message.header.HasField("gtfs_realtime_version"):
        raise Malformed("not a GTFS-Realtime feed: no header with gtfs_realtime_version")
    header = message.header
    read = tuple(_decode_entity(entity) for entity in message.entity)
    entities = tuple(entity for entity in read if entity is not None)
    return Feed(
        version=_text(header.gtfs_realtime_version),
        timestamp=header.timestamp if header.HasField("timestamp") else None,
        entities=entities,
        others=len(read) - len(entities),
    )


def encode_feed(feed: Feed) -> bytes:
    """Encode the vehicle positions of a feed as a full data set. What is None is left out."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = feed.version
    if feed.timestamp is not None:
        message.header.timestamp = feed.timestamp
    for position in feed.entities:
        if isinstance(position, VehiclePosition):
            _encode_entity(message.entity.add(), position)
    return message.SerializeToString()


def encode_vehicle_positions(*, observed_at: Instant, vehicles: Iterable[VehiclePosition]) -> bytes:
    """Encode a GTFS-Realtime 2.0 full data set made at `observed_at` (sent in whole seconds)."""
    return encode_feed(Feed(version="2.0", timestamp=observed_at // SECOND, entities=tuple(vehicles)))


def _decode_entity(entity: Any) -> VehiclePosition | BadEntity | None:
    """Return the position, what is wrong with it, or None when the entity is no vehicle position."""
    if not entity.HasField("vehicle") or entity.is_deleted:
        return None
    try:
        return _decode_vehicle(entity)
    except Malformed as error:
        return BadEntity(error.reason, entity.SerializePartialToString()[:EXCERPT_BYTES])


def _decode_vehicle(entity: Any) -> VehiclePosition:
    if not entity.HasField("id"):
        raise Malformed("FeedEntity has no id, which is required")
    vehicle = entity.vehicle
    position = vehicle.position if vehicle.HasField("position") else None
    if position is not None and not (position.HasField("latitude") and position.HasField("longitude")):
        raise Malformed("Position lacks latitude or longitude, which are required")
    return VehiclePosition(
        entity_id=_text(entity.id),
        vehicle_id=_optional_text(vehicle.vehicle, "id"),
        label=_optional_text(vehicle.vehicle, "label"),
        trip_id=_optional_text(vehicle.trip, "trip_id"),
        route_id=_optional_text(vehicle.trip, "route_id"),
        latitude=_optional(position, "latitude"),
        longitude=_optional(position, "longitude"),
        bearing=_optional(position, "bearing"),
        speed=_optional(position, "speed"),
        timestamp=_optional(vehicle, "timestamp"),
    )


def _encode_entity(entity: Any, position: VehiclePosition) -> None:
    entity.id = position.entity_id
    vehicle = entity.vehicle
    vehicle.SetInParent()
    for holder, name, value in (
        (vehicle.vehicle, "id", position.vehicle_id),
        (vehicle.vehicle, "label", position.label),
        (vehicle.trip, "trip_id", position.trip_id),
        (vehicle.trip, "route_id", position.route_id),
        (vehicle.position, "latitude", position.latitude),
        (vehicle.position, "longitude", position.longitude),
        (vehicle.position, "bearing", position.bearing),
        (vehicle.position, "speed", position.speed),
        (vehicle, "timestamp", position.timestamp),
    ):
        if value is not None:
            setattr(holder, name, value)


def _optional(message: Any, name: str) -> Any:
    return getattr(message, name) if message is not None and message.HasField(name) else None


def _optional_text(message: Any, name: str) -> str | None:
    return _text(getattr(message, name)) if message.HasField(name) else None


def _text(value: str | bytes) -> str:
    """Return the text; the library hands over what is not UTF-8 as bytes. Raises Malformed."""
    if isinstance(value, bytes):
        raise Malformed(f"{value[:60]!r} is not UTF-8, which a string must be")
    return value
