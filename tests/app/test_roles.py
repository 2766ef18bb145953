"""The role under which the post runs: it does all that the rooms need, and nothing that would let it change the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.conninfo import conninfo_to_dict

from beffroi.app import doctor, provision, roles
from beffroi.foundation.clock import DAY
from beffroi.foundation.database import OWNER, RUN_TIME
from beffroi.foundation.errors import Misconfigured
from beffroi.foundation.settings import settings
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal import queries as journal_queries
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.twin import actions as twin
from tests.database import Engine, as_owner

AT = 1_780_000_000_000_000
BY = Actor(ActorKind.SYSTEM, "test", "Essai")


@pytest.fixture
def written(transactional_db: None) -> None:
    """Two lines and their seal."""
    with transaction.atomic():
        journal.append([Entry(BY, "twin", "note", "asset:A") for _ in range(2)], at=AT)
    assert journal.seal(AT) is not None


def _powers() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        return roles.powers(cursor.connection)


TAMPERING = (
    "ALTER TABLE journal_line DISABLE TRIGGER ALL",
    "ALTER TABLE journal_line DISABLE TRIGGER journal_line_append_only",
    "SET session_replication_role = replica",
    "DROP TRIGGER journal_line_append_only ON journal_line",
    "CREATE OR REPLACE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION journal_refuse() CASCADE",
    "UPDATE journal_line SET reason = 'x'",
    "DELETE FROM journal_line",
    "TRUNCATE journal_line",
    "DROP TABLE journal_line CASCADE",
    "ALTER TABLE journal_line RENAME TO gone",
    "ALTER TABLE journal_line OWNER TO CURRENT_USER",
    "ALTER TABLE journal_line DROP COLUMN digest",
    "CREATE RULE quiet AS ON INSERT TO journal_line DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON journal_line FOR EACH ROW EXECUTE FUNCTION journal_refuse()",
    "SELECT 1 FROM journal_line FOR UPDATE",
    "UPDATE journal_seal SET last_seq = 1",
    "DELETE FROM journal_seal",
    "TRUNCATE journal_seal",
    "DROP TABLE journal_seal",
    "UPDATE journal_head SET id = 2",
    "UPDATE journal_head SET seq = 0",
    "DELETE FROM journal_head",
    "INSERT INTO journal_head VALUES (2, 0)",
    "TRUNCATE journal_head",
    "CREATE FUNCTION sly() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "CREATE TABLE journal_line_new (LIKE journal_line)",
    "CREATE SCHEMA mine",
    "ALTER TABLE journal_line SET SCHEMA pg_catalog",
    "CREATE ROLE friend SUPERUSER",
    f"ALTER ROLE {RUN_TIME} SUPERUSER",
    "COPY journal_line TO PROGRAM 'cat'",
    "DELETE FROM journal_key",
    "DELETE FROM django_migrations",
    "DELETE FROM twin_history",
    "DROP TABLE twin_history",
    "ALTER FUNCTION twin_make_history(date) RESET ALL",
    "SELECT twin_make_history('1999-12-31')",
    "SELECT places_analyse('journal_line')",
)


@pytest.mark.parametrize("statement", TAMPERING)
def test_the_posts_role_is_refused(written: None, statement: str) -> None:
    before = journal_queries.verify()
    with connection.cursor() as cursor:
        ours = cursor.connection
    with pytest.raises(psycopg.Error) as refused, ours.transaction():
        ours.execute(statement)
        ours.execute("SELECT count(*) FROM journal_line")
    assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege | psycopg.errors.InvalidParameterValue), (
        refused.value
    )
    assert (before.lines, before.breaks) == (2, ())
    assert journal_queries.verify() == before


def test_the_posts_role_gives_itself_nothing(written: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON journal_line, journal_seal, journal_head TO {RUN_TIME}")  # a warning, no more
    assert _powers() == ()


def test_a_table_of_ones_own_of_the_same_name_deceives_no_function_of_the_owner(written: None) -> None:
    """A temporary table stands before every other where a search path does not say otherwise."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("CREATE TEMPORARY TABLE twin_history (received_at timestamptz) PARTITION BY RANGE (received_at)")
        cursor.execute("CREATE TEMPORARY TABLE twin_history_20300101 (n int)")
        cursor.execute("SELECT twin_make_history('2030-01-01'), twin_drop_history('2030-01-02')")
        assert cursor.fetchone()[0] is True
        cursor.execute(
            "SELECT to_regclass('public.twin_history_20300101') IS NULL, to_regclass('twin_history_20300101')::text"
        )
        assert cursor.fetchone() == (True, "twin_history_20300101")
        transaction.set_rollback(True)


def test_days_of_history_are_made_and_dropped_without_owning_them(db: None) -> None:
    twin.ensure_history(AT, AT + 2 * DAY)
    twin.ensure_history(AT, AT + 2 * DAY)
    assert twin.drop_expired(AT + 2 * DAY, history_days=1, quarantine_days=30)[0] >= 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE pg_has_role(current_user, c.relowner, 'MEMBER'))"
            " FROM pg_inherits i JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'twin_history'::regclass"
        )
        kept, owned = cursor.fetchone()
    assert kept >= 2 and owned == 0


def test_granting_again_changes_nothing_and_what_was_given_by_hand_is_taken_back(transactional_db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        assert roles.grant(RUN_TIME) == 0
        cursor.execute(f"GRANT DELETE ON journal_line TO {RUN_TIME}")
        cursor.execute(f"GRANT UPDATE (reason) ON journal_line TO {RUN_TIME}")
        cursor.execute(f"REVOKE INSERT ON twin_asset FROM {RUN_TIME}")
        cursor.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        cursor.execute("GRANT EXECUTE ON FUNCTION twin_analyse() TO PUBLIC")
    assert _powers() == (
        "it may delete journal_line",
        "it may make tables and functions beside ours",
        "it may update journal_line",
    )
    with as_owner():
        assert roles.grant(RUN_TIME) == 7
        assert roles.grant(RUN_TIME) == 0
    assert _powers() == ()


def test_every_table_whose_lines_are_kept_may_only_be_added_to(transactional_db: None) -> None:
    """A table that refuses DELETE by a trigger of the journal is one of those narrowed in the room's rules."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname, has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname = 'journal_refuse' ORDER BY 1"
        )
        found = cursor.fetchall()
    assert len(found) >= 3 and [name for name, may in found if may] == []


def test_a_role_that_does_not_exist_is_named_with_what_to_do(transactional_db: None) -> None:
    with as_owner(), pytest.raises(Misconfigured, match=r"no role `nobody_here`.*use-your-own-postgresql"):
        roles.grant("nobody_here")


# -- a whole store, as it is prepared ----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Any, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server of its own; the post's settings and Django's connection lead to it."""
    server = Engine(
        tmp_path / "postgres", secrets=tmp_path / "secrets", log=tmp_path / "log", overrides={"fsync": "off"}
    )
    server.start()
    monkeypatch.setenv("BEFFROI_DATA", str(tmp_path))
    before = dict(connection.settings_dict)
    yield server
    connection.close()
    connection.settings_dict.clear()
    connection.settings_dict.update(before)
    monkeypatch.undo()
    settings.cache_clear()
    server.stop()


def _lead(monkeypatch: pytest.MonkeyPatch, url: str, owner_url: str | None) -> None:
    from beffroi.foundation.database import django_database

    monkeypatch.setenv("BEFFROI_DATABASE_URL", url)
    if owner_url is None:
        monkeypatch.delenv("BEFFROI_DATABASE_OWNER_URL", raising=False)
    else:
        monkeypatch.setenv("BEFFROI_DATABASE_OWNER_URL", owner_url)
    settings.cache_clear()
    connection.close()
    connection.settings_dict.update(django_database(url))


def _finding() -> doctor.Finding:
    return doctor._roles()


def test_store_of_before_with_one_role_goes_over_to_two_and_keeps_its_journal(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lead(monkeypatch, store.owner_url, None)  # as every post was until now
    provision.prepare_database()
    twin.ensure_history(AT, AT)
    with transaction.atomic():
        journal.append([Entry(BY, "twin", "note", "asset:A")], at=AT)
    journal.seal(AT)
    before = journal_queries.verify()
    assert "superuser" in _finding().what and _finding().good
    _lead(monkeypatch, store.url, store.owner_url)
    provision.prepare_database()
    assert connection.settings_dict["USER"] == RUN_TIME
    assert _powers() == () and journal_queries.verify() == before
    assert twin.drop_expired(AT + 9 * DAY, history_days=1, quarantine_days=30)[0] == 1
    with transaction.atomic():
        journal.append([Entry(BY, "twin", "note", "asset:A")], at=AT)
    assert _finding().good and "cannot change the journal" in _finding().what


def test_store_of_ones_own_whose_owner_is_no_superuser(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/how-to/use-your-own-postgresql.md says it: two plain roles, and a database that one of them owns."""
    with psycopg.connect(store.owner_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE city_owner LOGIN PASSWORD 'o'")
        admin.execute("CREATE ROLE city_run LOGIN PASSWORD 'r'")
        admin.execute("CREATE DATABASE city OWNER city_owner ENCODING 'UTF8' TEMPLATE template0")
    host = quote(str(conninfo_to_dict(store.url)["host"]), safe="")
    owner, run = (f"postgresql://city_{name}:{name[0]}@/city?host={host}" for name in ("owner", "run"))
    _lead(monkeypatch, run, owner)
    provision.prepare_database()
    provision.prepare_database()
    assert _powers() == () and _finding().good
    with transaction.atomic():
        journal.append([Entry(BY, "twin", "note", "asset:A")], at=AT)
    twin.ensure_history(AT, AT)
    _lead(monkeypatch, owner, None)
    assert _finding().good and "rights of the owner of the journal" in _finding().what
    _lead(monkeypatch, owner, owner)
    assert not roles.owner_is_apart()


def test_an_owner_known_and_a_role_that_is_too_strong_is_wrong(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _lead(monkeypatch, store.url, store.owner_url)
    provision.prepare_database()
    with psycopg.connect(store.owner_url, autocommit=True) as admin:
        admin.execute(f"GRANT {OWNER} TO {RUN_TIME}")
    assert not _finding().good and "rights of the owner of the journal" in _finding().what
