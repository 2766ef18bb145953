"""Sun and clock over the city: when lamps burn, and what hour people live by."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from beffroi.foundation.clock import Instant, to_datetime

LAMPS_BELOW_DEG = -2.0
"""Lamps burn when the sun is lower than this: ten minutes or so after sunset."""
DIMMED_FROM_H, DIMMED_UNTIL_H = 23.0, 5.0
DIMMED_PCT = 50


def sun_elevation_deg(at: Instant, lon: float, lat: float) -> float:
    """Return the sun's height above the horizon, to half a degree: enough for lamps."""
    moment = to_datetime(at)
    day = moment.timetuple().tm_yday + (moment.hour + moment.minute / 60 + moment.second / 3600) / 24
    turn = 2 * math.pi * (day - 81) / 365.24
    declination = math.radians(23.44) * math.sin(turn)
    equation_min = 9.87 * math.sin(2 * turn) - 7.53 * math.cos(turn) - 1.5 * math.sin(turn)
    solar_h = moment.hour + moment.minute / 60 + moment.second / 3600 + lon / 15 + equation_min / 60
    hour_angle = math.radians(15 * (solar_h - 12))
    height = math.sin(math.radians(lat)) * math.sin(declination)
    height += math.cos(math.radians(lat)) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, height))))


def local_hour(at: Instant) -> float:
    """Return the hour of the day in metropolitan France, 0 to 24; summer time after directive 2000/84/EC."""
    moment = to_datetime(at)
    local = moment + timedelta(hours=2 if _last_sunday(moment.year, 3) <= moment < _last_sunday(moment.year, 10) else 1)
    return local.hour + local.minute / 60 + local.second / 3600


def lamp_level_pct(at: Instant, lon: float, lat: float) -> int:
    """Return how far lamps are lit: 0 by day, 100 at night, dimmed in its middle."""
    if sun_elevation_deg(at, lon, lat) >= LAMPS_BELOW_DEG:
        return 0
    hour = local_hour(at)
    return DIMMED_PCT if hour >= DIMMED_FROM_H or hour < DIMMED_UNTIL_H else 100


def _last_sunday(year: int, month: int) -> datetime:
    """Return 01:00 UTC of the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
