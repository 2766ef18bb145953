"""Positions: WGS 84 longitude and latitude outside, projected metres inside.

PostgreSQL's own geometry compares with an absolute 1e-6, which is a tenth of a metre in degrees and nothing in metres:
in degrees it answers wrongly (docs/decisions/0003). So every position is stored in metres too, and that is indexed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from beffroi.foundation.settings import settings


@lru_cache(maxsize=4)
def _transformer(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def to_metres(
    lon: Sequence[float] | NDArray[np.float64], lat: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project degrees to metres in the city's own system (setting `crs`; Lambert-93 unless told)."""
    x, y = _transformer(settings().crs).transform(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    return np.asarray(x, dtype=float), np.asarray(y, dtype=float)


def point_to_metres(lon: float, lat: float) -> tuple[float, float]:
    """Project one position to metres."""
    x, y = _transformer(settings().crs).transform(lon, lat)
    return float(x), float(y)


def is_position(lon: float, lat: float) -> bool:
    """Tell whether a position is on the globe. (0, 0) is not: it is what a receiver without a fix says."""
    return -180 <= lon <= 180 and -90 <= lat <= 90 and not (lon == 0 and lat == 0)
