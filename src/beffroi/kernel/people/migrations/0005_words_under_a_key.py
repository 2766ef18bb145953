"""What people wrote in hand-overs and instructions goes under the key of its case, as their lines in the journal already are.

What was frozen in a hand-over that is signed stays as it was: its digest is in the journal. Later ones hold it encrypted.
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

SETTLED = "SET CONSTRAINTS ALL IMMEDIATE"
"""A table is not altered while checks of its rows wait for the end of the transaction."""

STEP = 500
COLUMNS = {"instruction": ("text", "end_reason"), "handover": ("text", "remark", "withdraw_reason")}
NEEDED = {("instruction", "text")}


def _as(kind: str, converted: str, empty: str) -> str:
    said = []
    for table, columns in COLUMNS.items():
        for name in columns:
            place = f"ALTER TABLE people_{table} ALTER COLUMN {name}"
            said += [f"{place} DROP DEFAULT;", f"{place} TYPE {kind} USING {converted.format(name)};"]
            if kind == "bytea" and (table, name) not in NEEDED:
                said.append(f"{place} SET DEFAULT {empty};")
    return " ".join(said)


def encrypt(apps: Any, schema_editor: Any) -> None:
    """Put what is in clear under the key of its case, made where none stands."""
    keys, ring, at = apps.get_model("journal", "Key").objects, queries.masters(), clock.now()
    for table, columns in COLUMNS.items():
        rows = apps.get_model("people", table.capitalize()).objects
        for row in list(rows.order_by("pk")):
            if not any(getattr(row, name) for name in columns):
                continue
            ring = ring or dict([actions.make_master(at)])
            about = _case(table, row)
            number, key = _key_of(keys, about, ring, at)
            for name in columns:
                setattr(row, name, _encrypted(bytes(getattr(row, name)), number, key, about))
            row.save(update_fields=columns)


def _case(table: str, row: Any) -> str:
    kind, _sep, number = row.subject.partition(":") if table == "instruction" else ("", "", "")
    return f"case:incident-{number}" if kind == "incident" and number.isdigit() else f"case:{table}-{row.pk}"


def _key_of(keys: Any, about: str, ring: dict[str, bytes], at: int) -> tuple[Any, bytes]:
    row = keys.filter(subject=about, master__in=list(ring), destroyed_at=None).order_by("id").last()
    if row is not None:
        return row.id, rules.unwrap_key(bytes(row.wrapped), master=ring[row.master], subject=about)
    name, master = list(ring.items())[-1]
    key, number = secrets.token_bytes(rules.KEY_BYTES), new_id(at)
    wrapped = rules.wrap_key(key, master=master, subject=about, nonce=secrets.token_bytes(rules.NONCE_BYTES))
    keys.create(id=number, subject=about, wrapped=wrapped, master=name, made_at=to_datetime(at))
    return number, key


def _encrypted(content: bytes, number: Any, key: bytes, about: str) -> bytes:
    if not content:
        return b""
    nonce = secrets.token_bytes(rules.NONCE_BYTES)
    return rules.encrypt_kept(content, key=key, key_id=number, name=WORDS, about=about, nonce=nonce)


def decrypt(apps: Any, schema_editor: Any) -> None:
    """Put back in clear what can be opened; what was erased stays empty."""
    for table, columns in COLUMNS.items():
        for row in apps.get_model("people", table.capitalize()).objects.order_by("pk"):
            read = queries.read_words([bytes(getattr(row, name)) for name in columns])
            for name in columns:
                setattr(row, name, read.words(getattr(row, name)).text.encode())
            row.save(update_fields=columns)


def write_anew(apps: Any, schema_editor: Any) -> None:
    """Write each table anew by its primary key, so that the pages that held texts in clear are given back."""
    with schema_editor.connection.cursor() as cursor:
        for table in COLUMNS:
            cursor.execute(f"CLUSTER people_{table} USING people_{table}_pkey")
            cursor.execute(f"ALTER TABLE people_{table} SET WITHOUT CLUSTER")


class Migration(migrations.Migration):
    dependencies = [("people", "0004_shifts_and_handovers"), ("journal", "0005_find_quickly")]
    operations = [
        migrations.RunSQL(
            _as("bytea", "convert_to({}, 'UTF8')", "''::bytea"),
            _as("text", "convert_from({}, 'UTF8')", "''"),
            state_operations=[
                migrations.AlterField(
                    table,
                    name,
                    models.BinaryField()
                    if (table, name) in NEEDED
                    else models.BinaryField(default=b"", db_default=b""),
                )
                for table, columns in COLUMNS.items()
                for name in columns
            ],
        ),
        migrations.RunPython(encrypt, decrypt),
        migrations.RunSQL(SETTLED, SETTLED),
        migrations.RunPython(write_anew, migrations.RunPython.noop),
    ]
