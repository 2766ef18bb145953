"""An asset stands for each source: those declared before get theirs, in the middle of their equipment.

The statement is that of `actions/representing.py` as it was when this migration was written.
"""

from django.db import migrations, models

REPRESENT = """
WITH paced AS (
    SELECT source_id, period_s, sum(count(*)) OVER (PARTITION BY source_id ORDER BY period_s) AS until,
        sum(count(*)) OVER (PARTITION BY source_id) AS every
    FROM twin_asset
    WHERE source_id IS NOT NULL AND period_s IS NOT NULL AND asset_class NOT IN ('source', 'vehicle', 'bus')
    GROUP BY source_id, period_s
), pace AS (
    SELECT source_id, min(period_s) AS period_s FROM paced WHERE until >= least(2, every) GROUP BY source_id
), middle AS (
    SELECT source_id, avg(lon) AS lon, avg(lat) AS lat, avg(x_m) AS x_m, avg(y_m) AS y_m,
        CASE WHEN min(commune) = max(commune) THEN min(commune) END AS commune
    FROM twin_asset WHERE source_id IS NOT NULL AND asset_class <> 'source' GROUP BY source_id
), wanted AS (
    SELECT s.*, coalesce(m.lon, 0) AS lon, coalesce(m.lat, 0) AS lat, coalesce(m.x_m, 0) AS x_m,
        coalesce(m.y_m, 0) AS y_m, coalesce(m.commune, '') AS commune, coalesce(s.period_s, p.period_s) AS pace_s
    FROM twin_source s LEFT JOIN middle m ON m.source_id = s.id LEFT JOIN pace p ON p.source_id = s.id
)
INSERT INTO twin_asset AS old
    (code, asset_class, name, source_id, address, lon, lat, x_m, y_m, place, commune, period_s, properties, created_at)
SELECT 'source:' || code || CASE WHEN EXISTS
        (SELECT FROM twin_asset a WHERE a.code = 'source:' || w.code AND a.asset_class <> 'source') THEN '~' ELSE '' END,
    'source', code, id, 'source:' || code, lon, lat, x_m, y_m, '', commune, pace_s, '{}', created_at
FROM wanted w ORDER BY id
ON CONFLICT (source_id) WHERE asset_class = 'source' DO UPDATE SET lon = excluded.lon, lat = excluded.lat,
    x_m = excluded.x_m, y_m = excluded.y_m, commune = excluded.commune, period_s = excluded.period_s
WHERE (old.lon, old.lat, old.commune, old.period_s)
    IS DISTINCT FROM (excluded.lon, excluded.lat, excluded.commune, excluded.period_s)
"""


class Migration(migrations.Migration):
    dependencies = [("twin", "0007_quarantine_by_day")]
    operations = [
        migrations.AddField("source", "period_s", models.IntegerField(blank=True, null=True)),
        migrations.AddField("counter", "answered_at", models.DateTimeField(null=True)),
        migrations.AlterField("asset", "code", models.CharField(max_length=80, unique=True)),
        migrations.AddConstraint(
            "asset",
            models.UniqueConstraint(
                condition=models.Q(("asset_class", "source")), fields=("source",), name="twin_asset_of_source"
            ),
        ),
        migrations.RunSQL(REPRESENT, migrations.RunSQL.noop),
    ]
