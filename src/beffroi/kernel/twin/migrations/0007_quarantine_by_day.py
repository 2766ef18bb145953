"""What lies in quarantine, by day and source: counted where it is written, so that bounding it reads no frame."""

from django.db import migrations, models

FORWARD = """
ALTER TABLE twin_quarantineday SET (fillfactor = 20);
INSERT INTO twin_quarantineday (day, source_id, rows, bytes, seen, dropped)
SELECT (received_at AT TIME ZONE 'UTC')::date, coalesce(source_id, 0), count(*), sum(octet_length(payload)), count(*), 0
FROM twin_quarantine GROUP BY 1, 2;
"""


class Migration(migrations.Migration):
    dependencies = [("twin", "0006_identity")]
    operations = [
        migrations.CreateModel(
            name="QuarantineDay",
            fields=[
                ("pk", models.CompositePrimaryKey("day", "source_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("source_id", models.BigIntegerField()),
                ("rows", models.BigIntegerField(default=0)),
                ("bytes", models.BigIntegerField(default=0)),
                ("seen", models.BigIntegerField(default=0)),
                ("dropped", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
