"""Which log a position counts in, and a quarantine that outlives a log whose numbers begin again."""

from django.db import migrations, models

FORWARD = """
DROP INDEX twin_quarantine_once;
CREATE UNIQUE INDEX twin_quarantine_once ON twin_quarantine (stream, sequence, entry, received_at);
"""

BACKWARD = """
DROP INDEX twin_quarantine_once;
CREATE UNIQUE INDEX twin_quarantine_once ON twin_quarantine (stream, sequence, entry);
"""


class Migration(migrations.Migration):
    dependencies = [("twin", "0003_pending")]
    operations = [
        migrations.AddField(
            model_name="position",
            name="log",
            field=models.CharField(max_length=40, db_default=""),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
