"""Finding places: addresses by text, the nearest address, the commune of a position. The caller asks the door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.db import connection, transaction
from shapely.geometry import Point, shape

from beffroi.foundation.geo import point_to_metres, to_metres
from beffroi.kernel.places import models, rules
from beffroi.kernel.places.types import Address, Commune, NearAddress

MAX_LIMIT = 50
_LEAST_LIKENESS = "0.4"

_BY_WORDS = """
SELECT street, commune, lon, lat FROM places_thoroughfare t
WHERE {conditions}
ORDER BY (SELECT count(*) FROM unnest(%s::text[]) AS w WHERE t.folded LIKE '%% ' || w || ' %%') DESC, {likeness}
    length(folded), folded
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
    streets = _by_words(wanted, (), wanted.words, most) or _by_likeness(wanted, most)
    if not wanted.number:
        return tuple(Address("", street, commune, lon, lat) for street, commune, lon, lat in streets)
    first = int(wanted.number.split()[0])
    names, communes = [row[0] for row in streets], [row[1] for row in streets]
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [names, communes, wanted.number, first, wanted.number])
        return tuple(Address(*row) for row in cursor.fetchall())


_Forms = tuple[str, ...]
_StreetRow = tuple[str, str, float, float]


def _by_words(wanted: rules.Sought, alike: Sequence[_Forms], exact: Sequence[_Forms], limit: int) -> list[_StreetRow]:
    """Find streets that hold a beginning of each exact word, and something like one of the others."""
    conditions = [f"({' OR '.join(['folded LIKE %s'] * len(forms))})" for forms in exact]
    if alike:
        conditions.append(f"({' OR '.join(['%s::text <%% folded'] * len(alike))})")
    slips = [forms[-1] for forms in alike]
    query = _BY_WORDS.format(conditions=" AND ".join(conditions), likeness="%s::text <<-> folded, " * len(alike))
    patterns = [f"% {form}%" for forms in exact for form in forms]
    whole = [form for forms in wanted.words for form in forms]
    with connection.cursor() as cursor:
        cursor.execute(query, [*patterns, *slips, whole, *slips, limit])
        return list(cursor.fetchall())


def _by_likeness(wanted: rules.Sought, limit: int) -> list[_StreetRow]:
    """Find streets when no street holds all the words: words that stand nowhere are slips; else the rarest decides."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [_LEAST_LIKENESS])
        patterns = [[f"% {form}%" for form in forms] for forms in wanted.words]
        counts = ", ".join(["count(*) FILTER (WHERE folded LIKE ANY(%s))"] * len(patterns))
        cursor.execute(f"SELECT {counts} FROM places_thoroughfare", patterns)
        known = dict(zip(wanted.words, cursor.fetchone(), strict=True))
        slips = [forms for forms, streets in known.items() if not streets and len(forms[-1]) > 2]
        held = [forms for forms, streets in known.items() if streets]
        if slips:
            found = _by_words(wanted, slips, held, limit)
            return found or (_by_words(wanted, (), held, limit) if len(held) > len(slips) else [])
        return _by_words(wanted, (), [min(held, key=lambda forms: known[forms])], limit) if held else []


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
    from scipy.spatial import KDTree  # half a second of work, which every process of the post would pay at its start

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
