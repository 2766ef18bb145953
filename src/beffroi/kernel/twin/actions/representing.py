"""The asset that stands for a source: what has an alarm of its own when the source is heard no more.

It is where its equipment is in the mean. It is expected as often as its source says, else as the second most talkative
piece of its equipment (one that fails is no silence of the source); what moves speaks in service only, and counts not.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from beffroi.kernel.twin.models import Source
from beffroi.kernel.twin.types import CLASSES, SOURCE, SOURCE_PREFIX

_REPRESENT = """
WITH paced AS (
    SELECT source_id, period_s, sum(count(*)) OVER (PARTITION BY source_id ORDER BY period_s) AS until,
        sum(count(*)) OVER (PARTITION BY source_id) AS every
    FROM twin_asset
    WHERE source_id = ANY(%(sources)s) AND period_s IS NOT NULL AND NOT asset_class = ANY(%(unpaced)s)
    GROUP BY source_id, period_s
), pace AS (
    SELECT source_id, min(period_s) AS period_s FROM paced WHERE until >= least(2, every) GROUP BY source_id
), middle AS (
    SELECT source_id, avg(lon) AS lon, avg(lat) AS lat, avg(x_m) AS x_m, avg(y_m) AS y_m,
        CASE WHEN min(commune) = max(commune) THEN min(commune) END AS commune
    FROM twin_asset WHERE source_id = ANY(%(sources)s) AND asset_class <> %(source)s GROUP BY source_id
), wanted AS (
    SELECT s.*, coalesce(m.lon, 0) AS lon, coalesce(m.lat, 0) AS lat, coalesce(m.x_m, 0) AS x_m,
        coalesce(m.y_m, 0) AS y_m, coalesce(m.commune, '') AS commune, coalesce(s.period_s, p.period_s) AS pace_s
    FROM twin_source s LEFT JOIN middle m ON m.source_id = s.id LEFT JOIN pace p ON p.source_id = s.id
    WHERE s.id = ANY(%(sources)s)
)
INSERT INTO twin_asset AS old
    (code, asset_class, name, source_id, address, lon, lat, x_m, y_m, place, commune, period_s, properties, created_at)
SELECT %(prefix)s || code || CASE WHEN EXISTS
        (SELECT FROM twin_asset a WHERE a.code = %(prefix)s || w.code AND a.asset_class <> %(source)s) THEN '~' ELSE '' END,
    %(source)s, code, id, %(prefix)s || code, lon, lat, x_m, y_m, '', commune, pace_s, '{}', created_at
FROM wanted w ORDER BY id
ON CONFLICT (source_id) WHERE asset_class = 'source' DO UPDATE SET lon = excluded.lon, lat = excluded.lat,
    x_m = excluded.x_m, y_m = excluded.y_m, commune = excluded.commune, period_s = excluded.period_s
WHERE (old.lon, old.lat, old.commune, old.period_s)
    IS DISTINCT FROM (excluded.lon, excluded.lat, excluded.commune, excluded.period_s)
"""


def represent(source_ids: Iterable[int]) -> None:
    """Have an asset stand for each of these sources, in the caller's transaction, and bring it up to date."""
    unpaced = [SOURCE, *(slug for slug, entry in CLASSES.items() if entry.moves)]
    with connection.cursor() as cursor:
        cursor.execute(
            _REPRESENT, {"sources": list(source_ids), "unpaced": unpaced, "source": SOURCE, "prefix": SOURCE_PREFIX}
        )


def every_source() -> list[int]:
    """Return the number of each source."""
    return list(Source.objects.order_by("id").values_list("id", flat=True))
