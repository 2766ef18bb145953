"""How a row or a feature of a file is read. Pure: what is wrong is told with where it stands and what to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from beffroi.foundation.errors import Malformed
from beffroi.foundation.geo import is_position


def geometry_of(feature: Mapping[str, Any], kinds: tuple[str, ...], where: str) -> BaseGeometry:
    """Return the geometry of a GeoJSON feature. Raises Malformed when it is of another kind or cannot be read."""
    try:
        found = shape(feature["geometry"])
        valid = bool(shapely.is_valid(found)) and not found.is_empty
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        raise Malformed(f"{where}: the geometry cannot be read ({error})") from error
    if found.geom_type not in kinds or not valid:
        raise Malformed(f"{where}: the geometry is a {found.geom_type}; expected a valid {' or '.join(kinds)}")
    west, south, east, north = found.bounds
    if not (is_position(west, south) and is_position(east, north)):
        raise Malformed(f"{where}: positions are not in degrees, longitude first (WGS 84)")
    return found


def text_of(row: Mapping[str, Any], name: str, where: str, *, limit: int, needed: bool = True) -> str:
    """Return a text of a row. Raises Malformed when it is missing or too long, saying where and what to write."""
    value = row.get(name)
    text = "" if value is None else str(value).strip().replace("\x00", "")
    if (needed and not text) or len(text) > limit:
        what = f"{len(text)} characters" if text else "empty"
        raise Malformed(f"{where}: `{name}` is {what}; write 1 to {limit} characters")
    return text


def number_of(row: Mapping[str, Any], name: str, where: str, *, lowest: float, highest: float) -> float:
    """Return a number of a row. Raises Malformed when it is none or out of bounds."""
    value = row.get(name)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise Malformed(f"{where}: `{name}` is {str(value)[:40]!r}; write a number") from error
    if not lowest <= number <= highest:
        raise Malformed(f"{where}: `{name}` is {number:g}; write {lowest:g} to {highest:g}")
    return number


def position_of(row: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Return the position of a row. Raises Malformed when it is not on the globe."""
    lon = number_of(row, "lon", where, lowest=-180, highest=180)
    lat = number_of(row, "lat", where, lowest=-90, highest=90)
    if not is_position(lon, lat):
        raise Malformed(f"{where}: the position is 0, 0, which says that none is known; write the real one")
    return lon, lat


_FLAGS = {"": False, "no": False, "0": False, "false": False, "yes": True, "1": True, "true": True}


def flag_of(row: Mapping[str, Any], name: str, where: str) -> bool:
    """Return a yes or no of a row, `no` when it is missing. Raises Malformed for another word."""
    value = row.get(name)
    word = "" if value is None else str(value).strip().casefold()
    if word not in _FLAGS:
        turn = "; turn the line round where traffic runs against it" if name == "oneway" else ""
        raise Malformed(f"{where}: `{name}` is {str(value)[:40]!r}; write true or false{turn}")
    return _FLAGS[word]
