"""Plane geometry in metres around the city's centre, and the random streams. Degrees exist at the edges only."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

Metres = tuple[float, float]
"""East and north of the city's centre."""
Floats = NDArray[np.float64]
Random = np.random.Generator
LATITUDE_M = 111_132.0
EQUATOR_M = 111_320.0


def stream(seed: int, stage: str) -> Random:
    """Return the random stream of one stage: stages do not disturb one another when one of them changes."""
    return np.random.default_rng([seed, zlib.crc32(stage.encode())])


def stable_id(*parts: object, length: int = 10) -> str:
    """Return a short name that the same parts always give: lower-case hexadecimal, `length` characters."""
    return hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).hexdigest()[:length]


class Plane:
    """A local equirectangular frame: under 1 m of error in 20 km at this latitude, which a generated city can bear."""

    def __init__(self, centre: tuple[float, float]) -> None:
        self.lon, self.lat = centre
        self.x_m = EQUATOR_M * math.cos(math.radians(self.lat))

    def point(self, position: tuple[float, float]) -> Metres:
        """Return metres for degrees."""
        return (position[0] - self.lon) * self.x_m, (position[1] - self.lat) * LATITUDE_M

    def line(self, positions: Iterable[tuple[float, float]]) -> LineString:
        """Return the line through positions in degrees, in metres."""
        return LineString([self.point(position) for position in positions])

    def degrees(self, x: float, y: float) -> tuple[float, float]:
        """Return longitude and latitude with six decimals (about 10 cm)."""
        return round(x / self.x_m + self.lon, 6), round(y / LATITUDE_M + self.lat, 6)

    def to_degrees(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry in degrees with six decimals."""

        def convert(coordinates: Floats) -> Floats:
            columns = np.c_[coordinates[:, 0] / self.x_m + self.lon, coordinates[:, 1] / LATITUDE_M + self.lat]
            return np.asarray(columns.round(6))

        return shapely.transform(geometry, convert)


def smooth(line: LineString, times: int = 2) -> LineString:
    """Cut the corners of a line (Chaikin), keeping its ends."""
    points = np.asarray(line.coords)
    for _ in range(times):
        first = points[:-1] * 0.75 + points[1:] * 0.25
        second = points[:-1] * 0.25 + points[1:] * 0.75
        points = np.vstack([points[:1], np.stack([first, second], 1).reshape(-1, 2), points[-1:]])
    return LineString(points)


def blob(rng: Random, centre: Metres, radius_m: float, corners: int = 16, rough: float = 0.28) -> Polygon:
    """Return a rough round area, as land limits are."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radii = radius_m * (1 + rough * rng.uniform(-1, 1, corners))
    points = np.c_[centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)]
    rounded = smooth(LineString(np.vstack([points, points[:1]])), 2)
    return largest(Polygon(rounded.coords).buffer(0))


def polygons(geometry: BaseGeometry) -> list[Polygon]:
    """Return the polygons a geometry is made of, in its order."""
    return [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and not part.is_empty]


def stretch(line: LineString, start: float, end: float) -> LineString:
    """Return the part of a line between two shares of its length. Raises ValueError for a line without length."""
    part = substring(line, start, end, normalized=True)
    if not isinstance(part, LineString):
        raise ValueError("a line without length has no parts")
    return part


def lines(geometry: BaseGeometry) -> list[LineString]:
    """Return the lines a geometry is made of, in its order."""
    return [part for part in shapely.get_parts(geometry) if isinstance(part, LineString) and not part.is_empty]


def largest(geometry: BaseGeometry) -> Polygon:
    """Return the largest polygon of a geometry. Raises ValueError when it has none."""
    return max(polygons(geometry), key=lambda part: part.area)


def warp(rng: Random, waves: Sequence[tuple[float, float]]) -> Callable[[BaseGeometry], BaseGeometry]:
    """Return a displacement of the plane made of waves (length, height in metres): two shapes that touch still touch.

    Keep height x 2 pi / length under 0.4 for each wave, or the plane folds.
    """
    terms = []
    for length, height in waves:
        for axis in (0, 1):
            for _ in range(2):
                angle = rng.uniform(0, 2 * math.pi)
                k = 2 * math.pi / length
                terms.append((axis, height / 2, k * math.cos(angle), k * math.sin(angle), rng.uniform(0, 2 * math.pi)))

    def move(coordinates: Floats) -> Floats:
        moved = coordinates.copy()
        for axis, height, kx, ky, phase in terms:
            moved[:, axis] += height * np.sin(kx * coordinates[:, 0] + ky * coordinates[:, 1] + phase)
        return moved

    return lambda geometry: shapely.transform(geometry, move)


def aside(line: LineString, along_m: float, offset_m: float) -> Metres:
    """Return the point `offset_m` to the left of a line (right if negative), `along_m` from its start."""
    here = line.interpolate(along_m)
    step = min(along_m + 1, line.length)
    there, back = line.interpolate(step), line.interpolate(step - 1 if line.length > 1 else 0)
    dx, dy = there.x - back.x, there.y - back.y
    size = math.hypot(dx, dy) or 1.0
    return here.x - dy / size * offset_m, here.y + dx / size * offset_m


def spread(total: int, weights: Sequence[float]) -> list[int]:
    """Share a whole number in proportion to weights, exactly (largest remainders)."""
    scale = total / sum(weights)
    shares = [int(weight * scale) for weight in weights]
    left = sorted(range(len(weights)), key=lambda i: (shares[i] - weights[i] * scale, i))
    for index in left[: total - sum(shares)]:
        shares[index] += 1
    return shares


def keep_apart(points: Sequence[Metres], distance_m: float, count: int) -> list[int]:
    """Return the places in the list of the first `count` points that stand `distance_m` from those kept before.

    When they are too few, the distance shrinks by a tenth until the count is reached. Raises ValueError when there
    are fewer candidates than asked.
    """
    if len(points) < count:
        raise ValueError(f"{count} places asked, {len(points)} possible: lower the count in the profile")
    while count:
        kept: list[int] = []
        for index, (x, y) in enumerate(points):
            if all(math.hypot(x - points[other][0], y - points[other][1]) > distance_m for other in kept):
                kept.append(index)
                if len(kept) == count:
                    return kept
        distance_m = distance_m * 0.9 if distance_m > 1 else -1.0
    return []


def point(at: Metres) -> Point:
    """Return a point geometry."""
    return Point(at[0], at[1])
