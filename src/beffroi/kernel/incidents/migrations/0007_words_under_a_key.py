"""What people wrote freely of incidents goes under the key of its case; the words that are searched are titles and places.

Texts become bytes, the bytes are encrypted, then the tables are written anew: no page of them keeps what was in clear. Old
dumps and the write-ahead log do, for as long as they are kept; so do the reasons in the journal's lines before this one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import migrations, models

from beffroi.foundation import clock
from beffroi.foundation.clock import to_datetime
from beffroi.foundation.ids import new_id
from beffroi.kernel.journal import actions, queries, rules
from beffroi.kernel.journal.types import WORDS

SETTLED = "SET CONSTRAINTS ALL IMMEDIATE"
"""A table is not altered while checks of its rows wait for the end of the transaction."""

STEP = 1_000
COLUMNS = {
    "incident": ("description", "close_comment", "hold_reason"),
    "signal": ("description",),
    "mark": ("reason",),
    "pause": ("reason", "proof"),
    "transfer": ("reason", "answer"),
}
NEEDED = {("pause", "reason"), ("pause", "proof"), ("transfer", "reason")}
TABLES = tuple(f"incidents_{table}" for table in COLUMNS)

SEARCH = """
ALTER TABLE incidents_incident ADD COLUMN search tsvector GENERATED ALWAYS AS (
    to_tsvector('pg_catalog.french', incidents_words({words}))
) STORED;
CREATE INDEX incidents_incident_search ON incidents_incident USING gin (search);
"""
NO_SEARCH = "ALTER TABLE incidents_incident DROP COLUMN search;"
NOW = "title || ' ' || place || ' ' || commune"
BEFORE = f"{NOW} || ' ' || description || ' ' || close_comment"
WORDED = """
CREATE INDEX incidents_incident_worded ON incidents_incident (id)
    WHERE description <> ''::bytea OR close_comment <> ''::bytea;
"""
NOT_WORDED = "DROP INDEX incidents_incident_worded;"


def _as(kind: str, converted: str, empty: str) -> Iterator[str]:
    for table, columns in COLUMNS.items():
        for name in columns:
            place = f"ALTER TABLE incidents_{table} ALTER COLUMN {name}"
            yield f"{place} DROP DEFAULT;"
            yield f"{place} TYPE {kind} USING {converted.format(name)};"
            if kind == "bytea" and (table, name) not in NEEDED:
                yield f"{place} SET DEFAULT {empty};"


BYTES = " ".join(_as("bytea", "convert_to({}, 'UTF8')", "''::bytea"))
TEXTS = " ".join(_as("text", "convert_from({}, 'UTF8')", "''"))


class Keys:
    """The keys of cases, made as the journal makes them, on the tables as they are at this migration."""

    def __init__(self, apps: Any) -> None:
        self.table = apps.get_model("journal", "Key")
        self.at = clock.now()
        self.ring = queries.masters()

    def of_cases(self, subjects: Iterable[str]) -> dict[str, tuple[Any, bytes]]:
        """Return number and key of each case, made where none stands that opens here."""
        wanted = sorted(set(subjects))
        if wanted and not self.ring:
            self.ring = dict([actions.make_master(self.at)])
        found = {}
        for row in self.table.objects.filter(subject__in=wanted, master__in=list(self.ring), destroyed_at=None):
            master = self.ring[row.master]
            found[row.subject] = row.id, rules.unwrap_key(bytes(row.wrapped), master=master, subject=row.subject)
        name, master = list(self.ring.items())[-1] if self.ring else ("", b"")
        made = []
        for subject in wanted:
            if subject in found:
                continue
            key, number = secrets.token_bytes(rules.KEY_BYTES), new_id(self.at)
            nonce = secrets.token_bytes(rules.NONCE_BYTES)
            wrapped = rules.wrap_key(key, master=master, subject=subject, nonce=nonce)
            made.append(
                self.table(id=number, subject=subject, wrapped=wrapped, master=name, made_at=to_datetime(self.at))
            )
            found[subject] = number, key
        self.table.objects.bulk_create(made)
        return found


def encrypt(apps: Any, schema_editor: Any) -> None:
    """Put what is in clear under the key of the case where it was written; that of a duplicate's signal is its own."""
    keys = Keys(apps)
    for table, columns in COLUMNS.items():
        rows = apps.get_model("incidents", table.capitalize()).objects
        after = 0
        while batch := list(rows.filter(pk__gt=after).order_by("pk")[:STEP]):
            after = batch[-1].pk
            cases = {row.pk: f"case:incident-{_case(table, row)}" for row in batch if any(getattr(row, c) for c in columns)}
            found = keys.of_cases(cases.values())
            for row in batch:
                for name in columns if row.pk in cases else ():
                    number, key = found[cases[row.pk]]
                    setattr(row, name, _encrypted(bytes(getattr(row, name)), number, key, cases[row.pk]))
            told = [row for row in batch if row.pk in cases]
            rows.bulk_update(told, columns, batch_size=STEP)
    # What was digested held the words: a short text is guessed from its digest.
    apps.get_model("incidents", "Signal").objects.exclude(digest=None).update(digest=None)


def _case(table: str, row: Any) -> int:
    if table == "incident":
        return int(row.pk)
    return int(row.first_id or row.incident_id) if table == "signal" else int(row.incident_id)


def _encrypted(content: bytes, number: Any, key: bytes, about: str) -> bytes:
    if not content:
        return b""
    nonce = secrets.token_bytes(rules.NONCE_BYTES)
    return rules.encrypt_kept(content, key=key, key_id=number, name=WORDS, about=about, nonce=nonce)


def decrypt(apps: Any, schema_editor: Any) -> None:
    """Put back in clear what can be opened; what was erased stays empty."""
    for table, columns in COLUMNS.items():
        rows = apps.get_model("incidents", table.capitalize()).objects
        for row in rows.order_by("pk").iterator(STEP):
            read = queries.read_words([bytes(getattr(row, name)) for name in columns])
            for name in columns:
                setattr(row, name, read.words(getattr(row, name)).text.encode())
            row.save(update_fields=columns)


def write_anew(apps: Any, schema_editor: Any) -> None:
    """Write each table anew by its primary key, so that the pages that held texts in clear are given back."""
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CLUSTER {table} USING {table}_pkey")
            cursor.execute(f"ALTER TABLE {table} SET WITHOUT CLUSTER")


def _altered() -> Iterator[Any]:
    for table, columns in COLUMNS.items():
        for name in columns:
            field = models.BinaryField() if (table, name) in NEEDED else models.BinaryField(default=b"", db_default=b"")
            yield migrations.AlterField(table, name, field)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0006_evidence"), ("journal", "0005_find_quickly")]
    operations = [
        migrations.RunSQL(NO_SEARCH, SEARCH.format(words=BEFORE)),
        migrations.RunSQL(BYTES, TEXTS, state_operations=[*_altered()]),
        migrations.RunPython(encrypt, decrypt),
        migrations.RunSQL(SETTLED, SETTLED),
        migrations.RunSQL(SEARCH.format(words=NOW), NO_SEARCH),
        migrations.RunSQL(WORDED, NOT_WORDED),
        migrations.RunPython(write_anew, migrations.RunPython.noop),
    ]
