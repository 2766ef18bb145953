"""The hot tables: history partitioned by day of receipt, room for HOT updates, positions indexed in metres."""

from django.db import migrations

FORWARD = """
CREATE TABLE twin_history (
    observed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    value double precision NOT NULL,
    asset_id bigint NOT NULL,
    quantity_id smallint NOT NULL,
    quality smallint NOT NULL
) PARTITION BY RANGE (received_at);
CREATE INDEX twin_history_asset ON twin_history (asset_id, quantity_id, observed_at);

ALTER TABLE twin_state SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE twin_position SET (fillfactor = 20);
ALTER TABLE twin_counter SET (fillfactor = 20);
CREATE UNIQUE INDEX twin_quarantine_once ON twin_quarantine (stream, sequence, entry);
CREATE INDEX twin_asset_place ON twin_asset USING gist (point(x_m, y_m));
"""

BACKWARD = """
DROP INDEX twin_asset_place;
DROP INDEX twin_quarantine_once;
DROP TABLE twin_history;
"""


class Migration(migrations.Migration):
    dependencies = [("twin", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
