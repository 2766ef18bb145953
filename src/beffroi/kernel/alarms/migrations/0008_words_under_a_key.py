"""Why an alarm is put aside, and why equipment is out of service, goes under a key: a text may name somebody.

As `incidents/0007`: texts become bytes, the bytes are encrypted, then the tables are written anew.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.db import migrations, models

from beffroi.foundation import clock
from beffroi.foundation.clock import to_datetime
from beffroi.foundation.ids import new_id
from beffroi.kernel.journal import actions, queries, rules
from beffroi.kernel.journal.types import WORDS

COLUMNS = {"shelving": ("reason",), "withdrawal": ("reason", "end_reason")}
SETTLED = "SET CONSTRAINTS ALL IMMEDIATE"
STEP = 1_000


def _as(kind: str, converted: str) -> str:
    places = [(f"ALTER TABLE alarms_{table} ALTER COLUMN {name}", name) for table, names in COLUMNS.items() for name in names]
    return " ".join(f"{place} DROP DEFAULT; {place} TYPE {kind} USING {converted.format(name)};" for place, name in places)


BYTES, TEXTS = _as("bytea", "convert_to({}, 'UTF8')"), _as("text", "convert_from({}, 'UTF8')")


def case_of(table: str, row: Any) -> str:
    return f"case:alarm-{row.alarm_id}" if table == "shelving" else f"case:withdrawal-{row.pk}"


def encrypt(apps: Any, schema_editor: Any) -> None:
    """Put what is in clear under the key of its case, made as the journal makes them, on its table as it is here."""
    ring, made, known = queries.masters(), [], {}
    keys = apps.get_model("journal", "Key")
    at = clock.now()

    def key_of(about: str) -> tuple[Any, bytes]:
        if about not in known:
            name, master = list(ring.items())[-1]
            key, number = secrets.token_bytes(rules.KEY_BYTES), new_id(at)
            nonce = secrets.token_bytes(rules.NONCE_BYTES)
            wrapped = rules.wrap_key(key, master=master, subject=about, nonce=nonce)
            made.append(keys(id=number, subject=about, wrapped=wrapped, master=name, made_at=to_datetime(at)))
            known[about] = number, key
        return known[about]

    for table, names in COLUMNS.items():
        rows = list(apps.get_model("alarms", table.capitalize()).objects.order_by("pk"))
        if rows and not ring:
            ring = dict([actions.make_master(at)])
        for row in rows:
            for name in names:
                if content := bytes(getattr(row, name)):
                    about = case_of(table, row)
                    number, key = key_of(about)
                    nonce = secrets.token_bytes(rules.NONCE_BYTES)
                    part = rules.encrypt_kept(content, key=key, key_id=number, name=WORDS, about=about, nonce=nonce)
                    setattr(row, name, part)
        apps.get_model("alarms", table.capitalize()).objects.bulk_update(rows, names, batch_size=STEP)
    keys.objects.bulk_create(made)


def decrypt(apps: Any, schema_editor: Any) -> None:
    """Put back in clear what can be opened; what was erased stays empty."""
    for table, names in COLUMNS.items():
        rows = apps.get_model("alarms", table.capitalize()).objects
        for row in rows.order_by("pk").iterator(STEP):
            read = queries.read_words([bytes(getattr(row, name)) for name in names])
            for name in names:
                setattr(row, name, read.words(getattr(row, name)).text.encode())
            row.save(update_fields=names)


def write_anew(apps: Any, schema_editor: Any) -> None:
    """Write each table anew by its primary key, so that the pages that held texts in clear are given back."""
    with schema_editor.connection.cursor() as cursor:
        for table in COLUMNS:
            cursor.execute(f"CLUSTER alarms_{table} USING alarms_{table}_pkey")
            cursor.execute(f"ALTER TABLE alarms_{table} SET WITHOUT CLUSTER")


class Migration(migrations.Migration):
    dependencies = [("alarms", "0007_commanded"), ("journal", "0005_find_quickly")]
    operations = [
        migrations.RunSQL(
            BYTES,
            TEXTS,
            state_operations=[
                migrations.AlterField(table, name, models.BinaryField(default=b""))
                for table, names in COLUMNS.items()
                for name in names
            ],
        ),
        migrations.RunPython(encrypt, decrypt),
        migrations.RunSQL(SETTLED, SETTLED),
        migrations.RunPython(write_anew, migrations.RunPython.noop),
    ]
