"""Finding places: addresses by text, the nearest address, the commune of a position. The caller asks the door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.db import connection
from scipy.spatial import KDTree
from shapely.geometry import Point, shape

from beffroi.foundation.geo import point_to_metres, to_metres
from beffroi.kernel.places import models, rules
from beffroi.kernel.places.types import Address, Commune, NearAddress

MAX_LIMIT = 50
_LEAST_LIKENESS = 0.45

_BY_WORDS = """
SELECT street, commune, lon, lat FROM places_thoroughfare t
WHERE {words}
ORDER BY (SELECT count(*) FROM unnest(%s::text[]) AS w WHERE t.folded LIKE '%% ' || w || ' %%') DESC,
    length(folded), folded
LIMIT %s
"""
_BY_LIKENESS = """
SELECT street, commune, lon, lat FROM places_thoroughfare
WHERE word_similarity(%s, folded) >= %s
ORDER BY word_similarity(%s, folded) DESC, length(folded), folded
LIMIT %s
"""
_NUMBERS = """
SELECT a.number, s.street, s.commune, a.lon, a.lat
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS s(street, commune, place)
CROSS JOIN LATERAL (
    SELECT number, lon, lat FROM places_address
    WHERE commune = s.commune AND street = s.street
    ORDER BY lower(number) <> %s, abs(coalesce(substring(number FROM '^[0-9]{1,6}')::int, 1000000) - %s), length(number)
    LIMIT 1
) a
ORDER BY lower(a.number) <> %s, s.place
"""
_NEAREST = """
SELECT number, street, commune, lon, lat, point(x_m, y_m) <-> point(%s, %s) AS far FROM places_address
WHERE point(x_m, y_m) <@ box(point(%s, %s), point(%s, %s))
ORDER BY far LIMIT 1
"""


def search_addresses(text: str, limit: int = 10) -> tuple[Address, ...]:
    """Find addresses from what a person types: accents, case, order and short forms do not matter, nor one slip.

    With a number: that number in each street that fits, or the nearest number there is in it. Without: the streets.
    At most 50, best first.
    """
    wanted = rules.sought(text)
    most = max(1, min(limit, MAX_LIMIT))
    if not wanted.words:
        return ()
    streets = _by_words(wanted, most) or _by_likeness(wanted, most)
    if not wanted.number:
        return tuple(Address("", street, commune, lon, lat) for street, commune, lon, lat in streets)
    first = int(wanted.number.split()[0])
    names, communes = [row[0] for row in streets], [row[1] for row in streets]
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [names, communes, wanted.number, first, wanted.number])
        return tuple(Address(*row) for row in cursor.fetchall())


def _by_words(wanted: rules.Sought, limit: int) -> list[tuple[str, str, float, float]]:
    conditions = " AND ".join(f"({' OR '.join(['folded LIKE %s'] * len(forms))})" for forms in wanted.words)
    patterns = [f"% {form}%" for forms in wanted.words for form in forms]
    with connection.cursor() as cursor:
        whole = [form for forms in wanted.words for form in forms]
        cursor.execute(_BY_WORDS.format(words=conditions), [*patterns, whole, limit])
        return list(cursor.fetchall())


def _by_likeness(wanted: rules.Sought, limit: int) -> list[tuple[str, str, float, float]]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_LIKENESS, [wanted.text, _LEAST_LIKENESS, wanted.text, limit])
        return list(cursor.fetchall())


def nearest_address(lon: float, lat: float, within_m: float = 150.0) -> NearAddress | None:
    """Return the nearest address to a position, or None when there is none within so many metres."""
    x, y = point_to_metres(lon, lat)
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, [x, y, x - within_m, y - within_m, x + within_m, y + within_m])
        row = cursor.fetchone()
    if row is None or row[5] > within_m:
        return None
    return NearAddress(Address(*row[:5]), float(row[5]))


def nearest_addresses(points: Sequence[tuple[float, float]], within_m: float = 150.0) -> tuple[NearAddress | None, ...]:
    """Return, for each (lon, lat), the nearest address or None: for a whole inventory at once.

    Reads every address of the post (some 30 bytes of coordinates each, and the texts of those found).
    """
    if not points:
        return ()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, x_m, y_m FROM places_address ORDER BY id")
        rows = cursor.fetchall()
    if not rows:
        return (None,) * len(points)
    lon, lat = np.asarray(points, dtype=float).T
    there = np.column_stack(to_metres(lon, lat))
    tree = KDTree(np.asarray([(row[1], row[2]) for row in rows]))
    far, place = (np.atleast_1d(found) for found in tree.query(there, distance_upper_bound=within_m))
    ids = [rows[index][0] if index < len(rows) else "" for index in place]
    found = _addresses(sorted(set(ids) - {""}))
    return tuple(
        NearAddress(found[key], metres) if key else None for key, metres in zip(ids, far.tolist(), strict=True)
    )


def _addresses(ids: list[str]) -> dict[str, Address]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, number, street, commune, lon, lat FROM places_address WHERE id = ANY(%s)", [ids])
        return {row[0]: Address(*row[1:]) for row in cursor.fetchall()}


def communes() -> tuple[Commune, ...]:
    """Return every commune, the most peopled first."""
    rows = models.Commune.objects.order_by("-population", "name").values_list("code", "name", "population")
    return tuple(Commune(*row) for row in rows)


def commune_at(lon: float, lat: float) -> Commune | None:
    """Return the commune in whose outline a position lies; on a shared limit the most peopled one."""
    rows = models.Commune.objects.filter(west__lte=lon, east__gte=lon, south__lte=lat, north__gte=lat)
    here = Point(lon, lat)
    for row in rows.order_by("-population"):
        if shape(row.outline).covers(here):
            return Commune(row.code, row.name, row.population)
    return None
