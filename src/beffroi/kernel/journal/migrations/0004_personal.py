"""Encrypted content about persons, the keys that open it, and the requests to erase it."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION journal_key_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.destroyed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a key of the journal that was destroyed stays destroyed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.id, NEW.subject, NEW.made_at) IS DISTINCT FROM (OLD.id, OLD.subject, OLD.made_at) THEN
        RAISE EXCEPTION 'a key of the journal belongs to one subject for ever' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_key_only_destroyed BEFORE UPDATE ON journal_key
    FOR EACH ROW EXECUTE FUNCTION journal_key_guard();
CREATE TRIGGER journal_key_no_delete BEFORE DELETE ON journal_key
    FOR EACH ROW EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_key_no_truncate BEFORE TRUNCATE ON journal_key
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();
CREATE INDEX journal_line_about ON journal_line (about, seq) WHERE about <> '';
"""
BACKWARD = """
DROP INDEX journal_line_about;
DROP TRIGGER journal_key_only_destroyed ON journal_key;
DROP TRIGGER journal_key_no_delete ON journal_key;
DROP TRIGGER journal_key_no_truncate ON journal_key;
DROP FUNCTION journal_key_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0003_find")]
    operations = [
        migrations.AddField("line", "about", models.CharField(max_length=160, default="", db_default="")),
        migrations.AddField("line", "personal", models.BinaryField(default=b"", db_default=b"")),
        migrations.CreateModel(
            name="Key",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("subject", models.CharField(max_length=160)),
                ("wrapped", models.BinaryField()),
                ("master", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("destroyed_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(default="")),
            ],
            options={"indexes": [models.Index(fields=["subject"], name="journal_key_subject")]},
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=160)),
                ("reason", models.TextField()),
                ("asked_by", models.CharField(max_length=128)),
                ("asked_by_name", models.CharField(max_length=200)),
                ("asked_at", models.DateTimeField()),
                ("outcome", models.CharField(default="", max_length=16)),
                ("decided_by_name", models.CharField(default="", max_length=200)),
                ("decided_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["subject"], condition=models.Q(outcome=""), name="journal_erasure_waiting"
                    )
                ]
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
