"""Two roles of the database: one owns the tables and migrates, the other runs the post and has no power over the journal.

The owner is used while the post is prepared and never after. The other may read and write rows, and no more: it owns
nothing, makes nothing in the schema, and of the journal it can only add. Which rights it has follows from the tables
themselves, read from the catalogue after each migration: a new table needs no list to be kept (docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections, transaction
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from beffroi.foundation.database import database_url, django_database
from beffroi.foundation.errors import Misconfigured
from beffroi.foundation.settings import settings
from beffroi.kernel.journal.rules import RUN_TIME_RIGHTS as JOURNAL
from beffroi.kernel.twin.rules import RUN_TIME_RIGHTS as TWIN

ROWS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
NUMBERS = frozenset({"SELECT", "USAGE"})
NARROWED: Mapping[str, frozenset[str]] = {**JOURNAL, **TWIN, "django_migrations": frozenset({"SELECT"})}
"""Tables of which the post may do less than read and write rows."""

_RELATIONS = """
SELECT c.relname, c.relkind = 'S',
    coalesce((SELECT array_agg(a.privilege_type::text) FROM aclexplode(c.relacl) a WHERE a.grantee = r.oid), '{}'::text[])
        || coalesce((SELECT array_agg(x.privilege_type || ' (' || t.attname || ')')
            FROM pg_attribute t, aclexplode(t.attacl) x WHERE t.attrelid = c.oid AND x.grantee = r.oid), '{}'::text[]),
    EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
FROM pg_class c JOIN pg_roles r ON r.rolname = %s
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""

_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_roles r ON r.rolname = %s
WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef
    AND (SELECT array_agg(a.grantee ORDER BY a.grantee) FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE') IS DISTINCT FROM ARRAY[r.oid]"""

_SCHEMA = """
SELECT current_schema(), has_schema_privilege(%s, current_schema(), 'USAGE'), EXISTS (
    SELECT FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.nspname = current_schema() AND a.grantee = 0 AND a.privilege_type = 'CREATE')"""

_POWERS = """
SELECT 'it is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL SELECT 'it may make roles' FROM pg_roles WHERE rolname = current_user AND rolcreaterole AND NOT rolsuper
UNION ALL SELECT 'it has the rights of the owner of the journal' FROM pg_class
    WHERE oid = to_regclass('journal_line') AND pg_has_role(current_user, relowner, 'MEMBER')
UNION ALL SELECT 'it may make tables and functions beside ours' WHERE has_schema_privilege(current_schema(), 'CREATE')
UNION ALL SELECT 'it may ' || lower(p) || ' ' || c.relname FROM pg_class c, unnest(%s::text[]) p
    WHERE c.oid IN (to_regclass('journal_line'), to_regclass('journal_seal')) AND has_any_column_privilege(c.oid, p)
UNION ALL SELECT 'it may ' || lower(p) || ' ' || c.relname FROM pg_class c, unnest(%s::text[]) p
    WHERE c.oid IN (to_regclass('journal_line'), to_regclass('journal_seal'), to_regclass('journal_head'))
    AND has_table_privilege(c.oid, p)"""


def role_of(url: str) -> str:
    """Return the role that an address signs in as."""
    return str(conninfo_to_dict(url).get("user") or "")


def owner_is_apart() -> bool:
    """Tell whether this process knows the owner's address, another than that of the post's role."""
    owner = settings().database_owner_url
    return owner is not None and role_of(owner) != role_of(database_url())


@contextmanager
def as_owner() -> Iterator[None]:
    """Work under the role that owns the tables, where it is known; else under the one there is."""
    owner = settings().database_owner_url
    if owner is None:
        yield
        return
    ours = connections["default"]
    before = ours.settings_dict
    ours.close()
    ours.settings_dict = {**before, **django_database(owner)}
    try:
        yield
    finally:
        ours.close()
        ours.settings_dict = before


def grant(role: str) -> int:
    """Give a role the rights under which the post runs, and no other; return how many statements that took.

    Under the owner. A start that changes nothing reads the catalogue once. Raises Misconfigured when there is no such role.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            raise Misconfigured(
                f"the database has no role `{role}`, which BEFFROI_DATABASE_URL names: make it"
                " (docs/how-to/use-your-own-postgresql.md)"
            )
        statements = [*_schema(cursor, role), *_relations(cursor, role), *_functions(cursor, role)]
        for statement in statements:
            cursor.execute(statement.as_string(cursor.connection))
    return len(statements)


def _schema(cursor: Any, role: str) -> Iterator[sql.Composed]:
    cursor.execute(_SCHEMA, [role])
    name, may_use, all_may_make = cursor.fetchone()
    if not may_use:
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(name), sql.Identifier(role))
    if all_may_make:
        yield sql.SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC").format(sql.Identifier(name))


def _relations(cursor: Any, role: str) -> Iterator[sql.Composed]:
    cursor.execute(_RELATIONS, [role])
    for name, is_sequence, has, all_have in cursor.fetchall():
        wanted = NUMBERS if is_sequence else NARROWED.get(name, ROWS)
        kind = sql.SQL("SEQUENCE" if is_sequence else "TABLE")
        there, who = sql.Identifier(name), sql.Identifier(role)
        if all_have:
            yield sql.SQL("REVOKE ALL ON {} {} FROM PUBLIC").format(kind, there)
        if set(has) != wanted:
            yield sql.SQL("REVOKE ALL ON {} {} FROM {}").format(kind, there, who)
            rights = sql.SQL(", ").join(map(sql.SQL, sorted(wanted)))
            yield sql.SQL("GRANT {} ON {} {} TO {}").format(rights, kind, there, who)


def _functions(cursor: Any, role: str) -> Iterator[sql.Composed]:
    cursor.execute(_FUNCTIONS, [role])
    for (signature,) in cursor.fetchall():
        yield sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(sql.SQL(signature))
        yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(signature), sql.Identifier(role))


def powers(ours: Any) -> tuple[str, ...]:
    """Return what the role of a psycopg connection could do against the journal; nothing is what is wanted.

    Triggers refuse to change a line whatever the rights; these say who could put the triggers out of force.
    """
    rows = ours.execute(_POWERS, [["UPDATE"], ["DELETE", "TRUNCATE", "TRIGGER"]]).fetchall()
    return tuple(sorted(str(power) for (power,) in rows))
