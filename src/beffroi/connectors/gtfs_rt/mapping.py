"""What a feed of vehicle positions means: a report for each vehicle that says where it is."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from beffroi.connectors.gtfs_rt.settings import GtfsRtSettings
from beffroi.connectors.gtfs_rt.wire import EXCERPT_BYTES, BadEntity, Feed, VehiclePosition
from beffroi.foundation.bounds import check_address, check_instant
from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Quality, Rejected, Report

KMH_PER_MPS = 3.6
MAX_SPEED_KMH = 500.0
"""Faster than any train in service: beyond it the speed is in another unit than the standard's."""


def to_reports(feed: Feed, *, received_at: Instant, settings: GtfsRtSettings) -> tuple[Report | Rejected, ...]:
    """Return a report for each vehicle with a position, and what was rejected, in the feed's order.

    Raises Malformed for a feed dated too far from its receipt, too large, or without a single vehicle among its entities
    (an alerts or trip updates feed was given). An empty feed is an empty night.
    """
    if len(feed.entities) + feed.others > settings.max_entities:
        raise Malformed(f"{len(feed.entities) + feed.others} entities; expected {settings.max_entities} at most")
    if feed.others and not feed.entities:
        raise Malformed(f"none of the {feed.others} entities is a vehicle: alerts or trip updates, not positions")
    dated_at = None if feed.timestamp is None else feed.timestamp * SECOND
    quality = Quality.GOOD
    if dated_at is not None:
        check_instant(dated_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
        if received_at - dated_at > settings.stale_after_s * SECOND:
            quality = Quality.UNCERTAIN
    return tuple(_read(feed, dated_at, quality, received_at, settings))


def _read(
    feed: Feed, dated_at: Instant | None, quality: Quality, received_at: Instant, settings: GtfsRtSettings
) -> Iterator[Report | Rejected]:
    seen: set[str] = set()
    for entity in feed.entities:
        if isinstance(entity, BadEntity):
            yield Rejected(entity.reason, entity.excerpt)
        elif entity.latitude is not None:
            try:
                report = _to_report(entity, dated_at, quality, received_at, settings)
                if report.address in seen:
                    raise Malformed(f"vehicle {report.address[:60]!r} stands twice in the feed")
            except Malformed as error:
                yield Rejected(error.reason, msgspec.json.encode(entity)[:EXCERPT_BYTES])
            else:
                seen.add(report.address)
                yield report


def _to_report(
    vehicle: VehiclePosition,
    dated_at: Instant | None,
    quality: Quality,
    received_at: Instant,
    settings: GtfsRtSettings,
) -> Report:
    """Return the vehicle's report, dated by itself, else by the feed, else by the receipt (and then UNCERTAIN)."""
    address = check_address(vehicle.vehicle_id or vehicle.entity_id)
    observed_at = dated_at if not vehicle.timestamp else vehicle.timestamp * SECOND
    if observed_at is None:
        observed_at = received_at
        quality = Quality.UNCERTAIN
    check_instant(observed_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
    values = _position(vehicle)
    if not _add_motion(values, vehicle):
        quality = Quality.UNCERTAIN
    return Report(address, observed_at, values, quality)


def _position(vehicle: VehiclePosition) -> dict[str, float]:
    """Return longitude and latitude, to 1e-6 degree: single precision holds no more. Raises Malformed."""
    longitude, latitude = vehicle.longitude or 0.0, vehicle.latitude or 0.0
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise Malformed(f"position {longitude:g}, {latitude:g} is not on Earth; expected degrees WGS 84")
    if longitude == 0 and latitude == 0:
        raise Malformed("position 0, 0 is what a receiver without a fix says")
    return {"longitude_deg": round(longitude, 6), "latitude_deg": round(latitude, 6)}


def _add_motion(values: dict[str, float], vehicle: VehiclePosition) -> bool:
    """Add speed and heading where the vehicle gives them. False when one is impossible: left out, the position kept."""
    sound = True
    if vehicle.speed is not None:
        speed_kmh = vehicle.speed * KMH_PER_MPS
        if 0 <= speed_kmh <= MAX_SPEED_KMH:
            values["speed_kmh"] = round(speed_kmh, 2)
        else:
            sound = False
    if vehicle.bearing is not None:
        if 0 <= vehicle.bearing <= 360:
            values["heading_deg"] = round(vehicle.bearing % 360, 2)
        else:
            sound = False
    return sound
