"""Find the lines that relate to a subject, the acts of one actor, and the uses of one verb."""

from django.db import migrations

FORWARD = """
CREATE INDEX journal_line_related ON journal_line USING gin (related);
CREATE INDEX journal_line_actor ON journal_line (actor_id, seq);
CREATE INDEX journal_line_verb ON journal_line (verb, seq);
"""
BACKWARD = "DROP INDEX journal_line_related; DROP INDEX journal_line_actor; DROP INDEX journal_line_verb;"


class Migration(migrations.Migration):
    dependencies = [("journal", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
