"""Taking in a city's reference files: communes, streets, addresses. The whole file or nothing, journalled once.

What a file names again is brought up to date; what it no longer names stays. A row that cannot be read raises Malformed
with its line (or its feature, counted from 1) and what to write.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Malformed
from beffroi.foundation.geo import to_metres
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.places import rules
from beffroi.kernel.places.models import Commune, Street, StreetBase
from beffroi.kernel.places.types import RoadClass

ROOM = "places"
ADDRESS_COLUMNS = ("id", "number", "street", "commune", "lon", "lat")
_CHUNK = 5_000

_MERGE_ADDRESSES = """
INSERT INTO places_address (id, number, street, commune, lon, lat, x_m, y_m)
SELECT id, number, street, commune, lon, lat, x_m, y_m FROM incoming_address
ON CONFLICT (id) DO UPDATE SET number = excluded.number, street = excluded.street, commune = excluded.commune,
    lon = excluded.lon, lat = excluded.lat, x_m = excluded.x_m, y_m = excluded.y_m
"""
_STREETS = """
SELECT DISTINCT ON (commune, street) street, commune, lon, lat FROM (
    SELECT *, abs(rank() OVER w - (count(*) OVER (PARTITION BY commune, street) + 1) / 2) AS off_middle
    FROM places_address
    WINDOW w AS (PARTITION BY commune, street ORDER BY substring(number FROM '^[0-9]{1,6}')::int, number, id)
) a ORDER BY commune, street, off_middle
"""


def import_communes(file: Path, *, by: Actor, at: Instant) -> int:
    """Take in municipalities from GeoJSON (Polygon or MultiPolygon; code, name, population); return how many."""
    rows = []
    for where, feature in _features(file):
        properties = feature.get("properties") or {}
        outline = rules.geometry_of(feature, ("Polygon", "MultiPolygon"), where)
        west, south, east, north = outline.bounds
        rows.append(
            Commune(
                code=rules.text_of(properties, "code", where, limit=16),
                name=rules.text_of(properties, "name", where, limit=80),
                population=int(rules.number_of(properties, "population", where, lowest=0, highest=1e8)),
                outline=feature["geometry"],
                west=west,
                south=south,
                east=east,
                north=north,
            )
        )
    _check_unique(((row.code, f"feature {place}") for place, row in enumerate(rows, 1)), file, "code")
    fields = ["name", "population", "outline", "west", "south", "east", "north"]
    with transaction.atomic():
        Commune.objects.bulk_create(rows, update_conflicts=True, unique_fields=["code"], update_fields=fields)
        _tell("import_communes", file, {"communes": len(rows)}, by, at)
    return len(rows)


def import_streets(file: Path, *, by: Actor, at: Instant) -> int:
    """Take in stretches of street from GeoJSON (LineString; id, name, class, commune, …); return how many.

    Every process that holds the streets in memory reads them again at its next question.
    """
    rows = [_street(feature, where) for where, feature in _features(file)]
    _check_unique(((row.id, f"feature {place}") for place, row in enumerate(rows, 1)), file, "id")
    fields = ["name", "street_class", "commune", "oneway", "bridge", "speed_kmh", "line"]
    with transaction.atomic():
        base, _made = StreetBase.objects.select_for_update().get_or_create(id=1, defaults={"stamp": ""})
        Street.objects.bulk_create(
            rows, batch_size=_CHUNK, update_conflicts=True, unique_fields=["id"], update_fields=fields
        )
        base.stamp = hashlib.sha256(f"{base.stamp} {_digest(file)}".encode()).hexdigest()
        base.save()
        _tell("import_streets", file, {"streets": len(rows)}, by, at)
    _analyse("places_street")
    return len(rows)


def _street(feature: Mapping[str, Any], where: str) -> Street:
    properties = feature.get("properties") or {}
    rules.geometry_of(feature, ("LineString",), where)
    word = rules.text_of(properties, "class", where, limit=24)
    kind = rules.road_class(word)
    if kind is None:
        raise Malformed(f"{where}: `class` is {word!r}; write one of {', '.join(RoadClass)}")
    limited = properties.get("speed_kmh") not in (None, "")
    return Street(
        id=rules.text_of(properties, "id", where, limit=40),
        name=rules.text_of(properties, "name", where, limit=120, needed=False),
        street_class=kind,
        commune=rules.text_of(properties, "commune", where, limit=80, needed=False),
        oneway=rules.flag_of(properties, "oneway", where),
        bridge=rules.flag_of(properties, "bridge", where),
        speed_kmh=rules.number_of(properties, "speed_kmh", where, lowest=1, highest=200)
        if limited
        else rules.LIMITS_KMH[kind],
        line=[point[:2] for point in feature["geometry"]["coordinates"]],
    )


def import_addresses(file: Path, *, by: Actor, at: Instant) -> int:
    """Take in addresses from CSV (id, number, street, commune, lon, lat; WGS 84); return how many.

    Streets as people type them are drawn from the addresses again afterwards.
    """
    with transaction.atomic():
        count = _copy_addresses(file)
        with connection.cursor() as cursor:
            cursor.execute(_MERGE_ADDRESSES)
            cursor.execute("DROP TABLE incoming_address")
            cursor.execute(_STREETS)
            streets = cursor.fetchall()
            cursor.execute("DELETE FROM places_thoroughfare")
            with cursor.copy("COPY places_thoroughfare (street, commune, lon, lat, folded) FROM STDIN") as copy:
                for row in streets:
                    copy.write_row((*row, rules.folded_street(row[0], row[1])[:240]))
        _tell("import_addresses", file, {"addresses": count, "streets": len(streets)}, by, at)
    _analyse("places_address")
    _analyse("places_thoroughfare")
    return count


def _copy_addresses(file: Path) -> int:
    count = 0
    with connection.cursor() as cursor, file.open(encoding="utf-8-sig", newline="") as text:
        cursor.execute("CREATE TEMPORARY TABLE incoming_address (LIKE places_address) ON COMMIT DROP")
        rows = _address_rows(csv.DictReader(text), file.name)
        with cursor.copy(f"COPY incoming_address ({', '.join(ADDRESS_COLUMNS)}, x_m, y_m) FROM STDIN") as copy:
            while chunk := list(islice(rows, _CHUNK)):
                x, y = to_metres([row[4] for row in chunk], [row[5] for row in chunk])
                for row, x_m, y_m in zip(chunk, x.tolist(), y.tolist(), strict=True):
                    copy.write_row((*row, x_m, y_m))
                count += len(chunk)
    return count


def _address_rows(reader: csv.DictReader[str], name: str) -> Iterator[tuple[str, str, str, str, float, float]]:
    missing = [column for column in ADDRESS_COLUMNS if column not in _header(reader, name)]
    if missing:
        raise Malformed(f"{name}: the header lacks {', '.join(missing)}; it must hold {', '.join(ADDRESS_COLUMNS)}")
    seen: dict[str, int] = {}
    for row in _csv_rows(reader, name):
        where = f"{name}, line {reader.line_num}"
        key = rules.text_of(row, "id", where, limit=48)
        if key in seen:
            raise Malformed(f"{where}: `id` {key} is already on line {seen[key]}; give each address its own")
        seen[key] = reader.line_num
        number = rules.folded_number(rules.text_of(row, "number", where, limit=12, needed=False))
        street = rules.text_of(row, "street", where, limit=120)
        commune = rules.text_of(row, "commune", where, limit=80)
        yield (key, number, street, commune, *rules.position_of(row, where))


def _header(reader: csv.DictReader[str], name: str) -> Sequence[str]:
    try:
        return reader.fieldnames or ()
    except (csv.Error, UnicodeDecodeError) as error:
        raise _not_csv(name, 0, error) from error


def _not_csv(name: str, line: int, error: Exception) -> Malformed:
    return Malformed(f"{name}, after line {line}: {error}; write CSV in UTF-8, with commas")


def _csv_rows(reader: csv.DictReader[str], name: str) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except (csv.Error, UnicodeDecodeError) as error:
        raise _not_csv(name, reader.line_num, error) from error


def _features(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        features = content["features"]
    except (UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{file.name} is no GeoJSON FeatureCollection in UTF-8: {error}") from error
    if not isinstance(features, list):
        raise Malformed(f"{file.name}: `features` must be a list")
    for place, feature in enumerate(features, 1):
        where = f"{file.name}, feature {place}"
        if not isinstance(feature, dict):
            raise Malformed(f"{where}: expected a GeoJSON Feature")
        yield where, feature


def _check_unique(keys: Iterator[tuple[str, str]], file: Path, name: str) -> None:
    seen: dict[str, str] = {}
    for key, where in keys:
        if key in seen:
            raise Malformed(f"{file.name}, {where}: `{name}` {key} is already in {seen[key]}; each has its own")
        seen[key] = where


def _tell(verb: str, file: Path, counts: Mapping[str, int], by: Actor, at: Instant) -> None:
    append([Entry(by, ROOM, verb, f"file:{file.name}"[:160], content={**counts, "sha256": _digest(file)})], at=at)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _analyse(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT places_analyse(%s)", [table])
