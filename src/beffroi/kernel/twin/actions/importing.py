"""Inventories taken in from files: all of a file or nothing, each fault named with its line."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Malformed
from beffroi.foundation.geo import is_position, to_metres
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.twin.actions.declaring import ROOM, SOURCE_NAME, declare_source, names_source, tell
from beffroi.kernel.twin.actions.representing import every_source, represent
from beffroi.kernel.twin.models import Source
from beffroi.kernel.twin.types import CLASSES, SOURCE, SOURCE_PREFIX

ASSET_COLUMNS = ("asset", "class", "lon", "lat", "name", "source")
_OPTIONAL = ("address", "period_s", "place", "commune")
_LONGEST = {"name": 200, "address": 128, "place": 200, "street": 200, "commune": 80}


def import_assets(file: Path, *, by: Actor, at: Instant) -> int:
    """Take an inventory from a CSV file; return how many assets it holds. All or nothing, journalled once.

    Columns `asset, class, lon, lat, name, source`; optional `address, period_s, place, commune`; every other column is
    kept as a property. An asset already known is brought up to date. Sources not yet declared are read as `mqtt_json`.
    Raises Malformed naming the line and what to write.
    """
    rows = list(_asset_rows(file))
    codes = sorted({row["source"] for row in rows if row["source"]})
    x, y = to_metres([row["lon"] for row in rows], [row["lat"] for row in rows])
    with transaction.atomic():
        known = dict(Source.objects.filter(code__in=codes).values_list("code", "id"))
        for code in codes:
            if code not in known:
                known[code] = declare_source(code, "mqtt_json", by=by, at=at).pk
        with connection.cursor() as cursor:
            _copy_assets(cursor, rows, known, x.tolist(), y.tolist(), at)
            cursor.execute(_TAKEN_ADDRESS)
            if (taken := cursor.fetchone()) is not None:
                raise Malformed(
                    f"{file.name}: `{taken[0]}` has the address `{taken[1]}`, which `{taken[2]}` has already"
                )
            cursor.execute(_MERGE_ASSETS)
            cursor.execute("DROP TABLE incoming")
        represent(every_source())
        content = {"assets": len(rows), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        append([Entry(by, ROOM, "import_assets", f"file:{file.name}", content=content)], at=at)
        tell("assets")
    with connection.cursor() as cursor:
        cursor.execute("SELECT twin_analyse()")
    return len(rows)


_TAKEN_ADDRESS = """
SELECT new.code, new.address, old.code FROM incoming new JOIN twin_asset old USING (source_id, address)
WHERE old.code <> new.code LIMIT 1
"""
_MERGE_ASSETS = """
INSERT INTO twin_asset AS old (code, asset_class, name, source_id, address, lon, lat, x_m, y_m, place, commune, period_s,
    properties, created_at)
SELECT code, asset_class, name, source_id, address, lon, lat, x_m, y_m, place, commune, period_s, properties, created_at
FROM incoming
ON CONFLICT (code) DO UPDATE SET asset_class = excluded.asset_class, name = excluded.name, source_id = excluded.source_id,
    address = excluded.address, lon = excluded.lon, lat = excluded.lat, x_m = excluded.x_m, y_m = excluded.y_m,
    place = excluded.place, commune = excluded.commune, period_s = excluded.period_s, properties = excluded.properties
WHERE (old.asset_class, old.name, old.source_id, old.address, old.lon, old.lat, old.place, old.commune, old.period_s,
    old.properties) IS DISTINCT FROM (excluded.asset_class, excluded.name, excluded.source_id, excluded.address,
    excluded.lon, excluded.lat, excluded.place, excluded.commune, excluded.period_s, excluded.properties)
"""


def _copy_assets(
    cursor: Any, rows: Sequence[dict[str, Any]], sources: Mapping[str, int], x: list[float], y: list[float], at: Instant
) -> None:
    cursor.execute("CREATE TEMPORARY TABLE incoming (LIKE twin_asset INCLUDING DEFAULTS) ON COMMIT DROP")
    cursor.execute("ALTER TABLE incoming DROP COLUMN id")
    with cursor.copy(
        "COPY incoming (code, asset_class, name, source_id, address, lon, lat, x_m, y_m, place, commune, period_s,"
        " properties, created_at) FROM STDIN"
    ) as stream:
        made = to_datetime(at)
        for row, x_m, y_m in zip(rows, x, y, strict=True):
            stream.write_row(
                (
                    row["asset"],
                    row["class"],
                    row["name"],
                    sources.get(row["source"]),
                    row["address"],
                    row["lon"],
                    row["lat"],
                    x_m,
                    y_m,
                    row["place"],
                    row["commune"],
                    row["period_s"],
                    row["properties"],
                    made,
                )
            )


def _asset_rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        header = reader.fieldnames or []
        missing = [name for name in ASSET_COLUMNS if name not in header]
        if missing:
            raise Malformed(
                f"{file.name}: the header lacks {', '.join(missing)}; it must hold {', '.join(ASSET_COLUMNS)}"
            )
        others = [name for name in header if name not in ASSET_COLUMNS and name not in _OPTIONAL]
        seen: set[str] = set()
        addresses: dict[tuple[str, str], str] = {}
        for raw in reader:
            where = f"{file.name}, line {reader.line_num}"
            row = _asset_row(raw, others, seen, where)
            holder = addresses.setdefault((row["source"], row["address"]), row["asset"])
            if row["source"] and holder != row["asset"]:
                raise Malformed(
                    f"{where}: address `{row['address']}` of `{row['source']}` is that of `{holder}` already"
                )
            yield row


def _asset_row(raw: Mapping[str, str], others: Sequence[str], seen: set[str], where: str) -> dict[str, Any]:
    code = (raw["asset"] or "").strip()
    if not code or len(code) > 64 or code in seen:
        raise Malformed(f"{where}: `asset` must be given, once, in 64 characters at most; here `{code}`")
    if code.startswith(SOURCE_PREFIX):
        raise Malformed(f"{where}: `{code}` begins with `{SOURCE_PREFIX}`, which names what stands for a source")
    seen.add(code)
    for name, longest in _LONGEST.items():
        if len(raw.get(name) or "") > longest:
            raise Malformed(f"{where}: `{name}` has more than {longest} characters")
    if "\0" in "".join(value for value in raw.values() if isinstance(value, str)):
        raise Malformed(f"{where}: a NUL character stands in it; text is expected")
    if raw["source"] and not names_source(raw["source"]):
        raise Malformed(f"{where}: `{raw['source']}` cannot name a source: {SOURCE_NAME}")
    kind = CLASSES.get(raw["class"])
    if kind is None or kind.slug == SOURCE:
        known = ", ".join(slug for slug in CLASSES if slug != SOURCE)
        raise Malformed(f"{where}: class `{raw['class']}` is unknown; known: {known}")
    try:
        lon, lat = float(raw["lon"]), float(raw["lat"])
        period = int(raw["period_s"]) if raw.get("period_s") else kind.period_s
    except (TypeError, ValueError):
        raise Malformed(f"{where}: `lon` and `lat` are decimal degrees, `period_s` whole seconds") from None
    if not is_position(lon, lat):
        raise Malformed(f"{where}: ({raw['lon']}, {raw['lat']}) is not a longitude and a latitude in degrees")
    properties = {name: raw[name] for name in others if raw.get(name)}
    return {
        "asset": code,
        "class": kind.slug,
        "lon": lon,
        "lat": lat,
        "name": raw["name"] or code,
        "source": raw["source"] or "",
        "address": raw.get("address") or code,
        "place": raw.get("place") or raw.get("street") or "",
        "commune": raw.get("commune") or "",
        "period_s": period if raw["source"] else None,
        "properties": json.dumps(properties, ensure_ascii=False),
    }


def import_relations(file: Path, *, by: Actor, at: Instant) -> int:
    """Take relations (`from, kind, to`, by asset code) from a CSV file; return how many. All or nothing, journalled."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        if not {"from", "kind", "to"} <= set(reader.fieldnames or ()):
            raise Malformed(f"{file.name}: the header must be `from,kind,to`")
        rows = [(row["from"], row["kind"], row["to"]) for row in reader]
    if any(kind == SOURCE for _, kind, _ in rows):
        raise Malformed(
            f"{file.name}: the relation `{SOURCE}` follows from the inventory's column `source`: leave it out"
        )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE incoming (a text, kind text, b text) ON COMMIT DROP")
        with cursor.copy("COPY incoming (a, kind, b) FROM STDIN") as stream:
            for row in rows:
                stream.write_row(row)
        cursor.execute(
            "SELECT i.a, i.b FROM incoming i LEFT JOIN twin_asset a ON a.code = i.a LEFT JOIN twin_asset b ON b.code = i.b"
            " WHERE a.id IS NULL OR b.id IS NULL LIMIT 1"
        )
        if (unknown := cursor.fetchone()) is not None:
            raise Malformed(f"{file.name}: `{unknown[0]}` or `{unknown[1]}` is no asset: import the assets first")
        cursor.execute(
            "INSERT INTO twin_relation (from_asset_id, kind, to_asset_id) SELECT a.id, i.kind, b.id FROM incoming i"
            " JOIN twin_asset a ON a.code = i.a JOIN twin_asset b ON b.code = i.b ON CONFLICT DO NOTHING"
        )
        cursor.execute("DROP TABLE incoming")
        append([Entry(by, ROOM, "import_relations", f"file:{file.name}", content={"relations": len(rows)})], at=at)
        tell("assets")
    return len(rows)
