"""Every write of the twin. The hot ones work on a cursor inside the engine's transaction."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from beffroi.foundation.clock import DAY, Instant, to_datetime
from beffroi.foundation.errors import Conflict, Malformed, Refused
from beffroi.foundation.geo import is_position, to_metres
from beffroi.foundation.settings import settings
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.twin.models import Gateway, Quantity, Source
from beffroi.kernel.twin.rules import LIVE, Columns, last_values, pack_history, partition_of
from beffroi.kernel.twin.types import CLASSES

ROOM = "twin"
ASSET_COLUMNS = ("asset", "class", "lon", "lat", "name", "source")
_OPTIONAL = ("address", "period_s", "place", "commune")
_HISTORY = (
    "COPY twin_history (observed_at, received_at, value, asset_id, quantity_id, quality) FROM STDIN (FORMAT BINARY)"
)
_MICROSECOND = "interval '1 microsecond'"
_ROWS = (
    "unnest(%b::bigint[], %b::smallint[], %b::float8[], %b::bigint[], %b::bigint[], %b::smallint[])"
    " AS new(asset_id, quantity_id, value, observed_us, received_us, quality)"
)
_OBSERVED = f"timestamptz 'epoch' + new.observed_us * {_MICROSECOND}"
_RECEIVED = f"timestamptz 'epoch' + new.received_us * {_MICROSECOND}"
_UPDATE_STATE = f"""
UPDATE twin_state AS old SET value = new.value, observed_at = {_OBSERVED}, received_at = {_RECEIVED}, quality = new.quality
FROM {_ROWS} WHERE old.asset_id = new.asset_id AND old.quantity_id = new.quantity_id AND old.observed_at <= {_OBSERVED}
RETURNING old.asset_id, old.quantity_id"""
_INSERT_STATE = f"""
INSERT INTO twin_state AS old (asset_id, quantity_id, value, observed_at, received_at, quality)
SELECT asset_id, quantity_id, value, {_OBSERVED}, {_RECEIVED}, quality FROM {_ROWS}
ON CONFLICT (asset_id, quantity_id) DO UPDATE
SET value = excluded.value, observed_at = excluded.observed_at, received_at = excluded.received_at, quality = excluded.quality
WHERE old.observed_at <= excluded.observed_at
RETURNING asset_id, quantity_id"""


@dataclass(slots=True)
class Tally:
    """What a batch adds to the counters of one source."""

    received: int = 0
    stored: int = 0
    quarantined: int = 0
    refused: int = 0
    last_received_at: Instant = 0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A frame, or an entity of a frame, that is kept aside with its reason. `verdict`: quarantined or refused."""

    stream: str
    sequence: int
    entry: int
    source_id: int | None
    topic: str
    payload: bytes
    received_at: Instant
    verdict: str
    reason: str


def store_values(cursor: Any, batch: Columns) -> Columns:
    """Write history and last values; return the rows that are now the last of their (asset, quantity).

    One COPY and one UPDATE for values seen before; an INSERT for those that are new. A value observed before the one
    already kept goes to the history only. In the caller's transaction.
    """
    if not len(batch):
        return batch
    with cursor.copy(_HISTORY) as stream:
        stream.write(pack_history(batch))
    newest = last_values(batch)
    won = _keys(cursor, _UPDATE_STATE, newest)
    if len(won) < len(newest):
        missing = [place for place, key in enumerate(_key_list(newest)) if key not in won]
        rest = newest.take(_array(missing))
        won |= _keys(cursor, _INSERT_STATE, rest)
    if len(won) == len(newest):
        return newest
    return newest.take(_array([place for place, key in enumerate(_key_list(newest)) if key in won]))


def _array(places: list[int]) -> Any:
    import numpy as np

    return np.asarray(places, dtype=np.int64)


def _key_list(rows: Columns) -> list[tuple[int, int]]:
    return list(zip(rows.asset_id.tolist(), rows.quantity_id.tolist(), strict=True))


def _keys(cursor: Any, statement: str, rows: Columns) -> set[tuple[int, int]]:
    cursor.execute(
        statement,
        [
            rows.asset_id.tolist(),
            rows.quantity_id.tolist(),
            rows.value.tolist(),
            rows.observed_at.tolist(),
            rows.received_at.tolist(),
            rows.quality.tolist(),
        ],
    )
    return set(cursor.fetchall())


def advance_position(cursor: Any, stream: str, partition: int, sequence: int, epoch: int, received_at: Instant) -> None:
    """Write how far a partition is applied, in the transaction of what it covers.

    Raises Conflict when another engine has claimed the partition since (the fencing epoch): nothing must be committed.
    """
    cursor.execute(
        "UPDATE twin_position SET sequence = %s, received_at = %s WHERE stream = %s AND partition = %s AND epoch = %s",
        [sequence, to_datetime(received_at), stream, partition, epoch],
    )
    if cursor.rowcount != 1:
        raise Conflict(f"partition {partition} of {stream} has been taken over by another engine")


def note_pending(pending: Mapping[tuple[str, int], int], at: Instant) -> None:
    """Write how many messages wait in each partition that this engine reads, as of now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE twin_position AS old SET pending = new.n, checked_at = %s"
            " FROM unnest(%s::text[], %s::smallint[], %s::bigint[]) AS new(s, p, n)"
            " WHERE old.stream = new.s AND old.partition = new.p",
            [
                to_datetime(at),
                [stream for stream, _ in pending],
                [partition for _, partition in pending],
                list(pending.values()),
            ],
        )


def claim_position(stream: str, partition: int) -> tuple[int, int]:
    """Open a new epoch on a partition; return (position, epoch). Whoever held it can commit nothing any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO twin_position (stream, partition, sequence, epoch, pending) VALUES (%s, %s, 0, 1, 0)"
            " ON CONFLICT (stream, partition) DO UPDATE SET epoch = twin_position.epoch + 1 RETURNING sequence, epoch",
            [stream, partition],
        )
        sequence, epoch = cursor.fetchone()
    return int(sequence), int(epoch)


def count(cursor: Any, tallies: Mapping[int, Tally]) -> None:
    """Add a batch's counts to those of each source."""
    for source_id, tally in sorted(tallies.items()):
        cursor.execute(
            "INSERT INTO twin_counter AS old (source_id, received, stored, quarantined, refused, denied, last_received_at)"
            " VALUES (%s, %s, %s, %s, %s, 0, %s) ON CONFLICT (source_id) DO UPDATE SET"
            " received = old.received + excluded.received, stored = old.stored + excluded.stored,"
            " quarantined = old.quarantined + excluded.quarantined, refused = old.refused + excluded.refused,"
            " last_received_at = greatest(old.last_received_at, excluded.last_received_at)",
            [
                source_id,
                tally.received,
                tally.stored,
                tally.quarantined,
                tally.refused,
                to_datetime(tally.last_received_at),
            ],
        )


def count_denied(source_code: str, denied: int) -> None:
    """Add publishes that the bus refused outside a gateway's permission (it acknowledges and drops them)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO twin_counter AS old (source_id, received, stored, quarantined, refused, denied)"
            " SELECT id, 0, 0, 0, %s, %s FROM twin_source WHERE code = %s ON CONFLICT (source_id) DO UPDATE SET"
            " refused = old.refused + excluded.refused, denied = old.denied + excluded.denied",
            [denied, denied, source_code],
        )


def quarantine(cursor: Any, rows: Sequence[Quarantined]) -> None:
    """Keep frames aside, whole, with their reason."""
    if not rows:
        return
    with cursor.copy(
        "COPY twin_quarantine (stream, sequence, entry, source_id, topic, payload, received_at, verdict, reason) FROM STDIN"
    ) as stream:
        for row in rows:
            stream.write_row(
                (
                    row.stream,
                    row.sequence,
                    row.entry,
                    row.source_id,
                    row.topic[:400].replace("\0", "␀"),
                    row.payload,
                    to_datetime(row.received_at),
                    row.verdict,
                    row.reason[:2000].replace("\0", "␀"),
                )
            )


def set_freshness(cursor: Any, changes: Sequence[tuple[int, int]], at: Instant) -> None:
    """Record which assets became stale or silent, and which are live again."""
    live = [asset for asset, level in changes if level == LIVE]
    late = [(asset, level) for asset, level in changes if level != LIVE]
    if live:
        cursor.execute("DELETE FROM twin_freshness WHERE asset_id = ANY(%s)", [live])
    if late:
        cursor.execute(
            "INSERT INTO twin_freshness (asset_id, level, since) SELECT a, l, %s FROM unnest(%s::bigint[], %s::smallint[])"
            " AS new(a, l) ON CONFLICT (asset_id) DO UPDATE SET level = excluded.level, since = excluded.since",
            [to_datetime(at), [asset for asset, _ in late], [level for _, level in late]],
        )


def ensure_quantities(names: Iterable[str]) -> dict[str, int]:
    """Return the number of each quantity, giving one to those that have none."""
    wanted = sorted(set(names))
    Quantity.objects.bulk_create([Quantity(name=name) for name in wanted], ignore_conflicts=True)
    return dict(Quantity.objects.filter(name__in=wanted).values_list("name", "id"))


def ensure_history(first: Instant, last: Instant) -> None:
    """Make the history's partitions for every day from `first` to `last` (bounded: 400 days)."""
    day = first - first % DAY
    with connection.cursor() as cursor:
        for start in range(day, min(last, day + 400 * DAY) + 1, DAY):
            begin = to_datetime(start)
            name = f"twin_history_{begin:%Y%m%d}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('twin_history'))")
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF twin_history"
                    f" FOR VALUES FROM ('{begin.isoformat()}') TO ('{(begin + timedelta(days=1)).isoformat()}')"
                )


def drop_expired(at: Instant, *, history_days: int, quarantine_days: int) -> tuple[int, int]:
    """Drop days of history and quarantined frames past their time; return how many of each."""
    oldest = f"twin_history_{to_datetime(at - history_days * DAY):%Y%m%d}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'twin_history'::regclass AND c.relname < %s",
            [oldest],
        )
        days = [name for (name,) in cursor.fetchall()]
        for name in days:
            cursor.execute(f"DROP TABLE {name}")
        cursor.execute("DELETE FROM twin_quarantine WHERE received_at < %s", [to_datetime(at - quarantine_days * DAY)])
        return len(days), cursor.rowcount


def declare_source(
    code: str, connector: str, *, by: Actor, at: Instant, options: Mapping[str, Any] | None = None
) -> Source:
    """Declare a source, or return the one declared. Its partition is decided here, for ever. Journalled.

    Raises Refused for a code that cannot stand in a topic, or a source already declared with another connector.
    """
    if not code or len(code) > 64 or not all(letter.isalnum() or letter in "-_" for letter in code):
        raise Refused(f"`{code}` cannot name a source: 1 to 64 letters, digits, `-` or `_`")
    with transaction.atomic():
        source, made = Source.objects.get_or_create(
            code=code,
            defaults={
                "connector": connector,
                "settings": dict(options or {}),
                "partition": partition_of(code, settings().partitions),
                "created_at": to_datetime(at),
            },
        )
        if source.connector != connector:
            raise Refused(f"source `{code}` is already read by the connector `{source.connector}`")
        changed = not made and options is not None and dict(options) != source.settings
        if changed:
            source.settings = dict(options or {})
            source.save(update_fields=["settings"])
        if made or changed:
            verb = "declare_source" if made else "configure_source"
            append([Entry(by, ROOM, verb, f"source:{code}", content={"connector": connector})], at=at)
            _tell("sources")
    return source


def add_gateway(name: str, source: Source, password_hash: str, *, by: Actor, at: Instant) -> Gateway:
    """Give a gateway the right to publish for one source. Raises Conflict when the name is taken. Journalled."""
    with transaction.atomic():
        gateway, made = Gateway.objects.get_or_create(
            name=name,
            defaults={"source": source, "password_hash": password_hash, "created_at": to_datetime(at)},
        )
        if not made:
            raise Conflict(f"a gateway is already called `{name}`: choose another name")
        content = {"source": source.code}
        append([Entry(by, ROOM, "add_gateway", f"gateway:{name}", (f"source:{source.code}",), content)], at=at)
        _tell("gateways")
    return gateway


def revoke_gateway(name: str, *, by: Actor, at: Instant, reason: str) -> None:
    """Withdraw a gateway's right to publish. Raises Refused when there is none of that name. Journalled."""
    with transaction.atomic():
        if not Gateway.objects.filter(name=name, revoked_at=None).update(revoked_at=to_datetime(at)):
            raise Refused(f"no gateway in force is called `{name}`")
        append([Entry(by, ROOM, "revoke_gateway", f"gateway:{name}", reason=reason)], at=at)
        _tell("gateways")


def _tell(what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('twin', %s)", [what])


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
            cursor.execute(_MERGE_ASSETS)
            cursor.execute("DROP TABLE incoming")
        content = {"assets": len(rows), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        append([Entry(by, ROOM, "import_assets", f"file:{file.name}", content=content)], at=at)
        _tell("assets")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE twin_asset")
    return len(rows)


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
        for raw in reader:
            yield _asset_row(raw, others, seen, f"{file.name}, line {reader.line_num}")


def _asset_row(raw: Mapping[str, str], others: Sequence[str], seen: set[str], where: str) -> dict[str, Any]:
    code = (raw["asset"] or "").strip()
    if not code or len(code) > 64 or code in seen:
        raise Malformed(f"{where}: `asset` must be given, once, in 64 characters at most; here `{code}`")
    seen.add(code)
    kind = CLASSES.get(raw["class"])
    if kind is None:
        raise Malformed(f"{where}: class `{raw['class']}` is unknown; known: {', '.join(CLASSES)}")
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
        append([Entry(by, ROOM, "import_relations", f"file:{file.name}", content={"relations": len(rows)})], at=at)
        _tell("assets")
    return len(rows)
