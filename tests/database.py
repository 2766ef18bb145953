"""The tests' database: which PostgreSQL is started, and under which of its two roles something is done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from beffroi.app.embedded.postgres import Postgres
from beffroi.foundation.database import RUN_TIME

AS_THE_POST = f"-c role={RUN_TIME}"
"""What an address of the tests' database ends with, for the rights of the role under which the post runs."""


class _Named(Postgres):
    """A PostgreSQL whose programs are those of the folder that is named, instead of the wheel's."""

    locale = ("--locale=C.UTF-8",)

    @property
    def programs(self) -> Path:
        return Path(os.environ["BEFFROI_TEST_POSTGRES"])


Engine: type[Postgres] = _Named if "BEFFROI_TEST_POSTGRES" in os.environ else Postgres
"""The PostgreSQL that tests start."""


@contextmanager
def as_owner() -> Iterator[None]:
    """Do what only the owner of the tables may do, on the test's own connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        yield
        cursor.execute(f"SET ROLE {RUN_TIME}")


def filled() -> list[str]:
    """Return the rooms' tables that hold a row."""
    from django.db import connection

    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names))
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def unguarded() -> Iterator[None]:
    """Do what the tables' own guards forbid, as the owner: their triggers and their references look away."""
    from django.db import connection

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = origin")


def empty(tables: Sequence[str]) -> None:
    """Take every row of these tables away."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


class Kept:
    """The rows of a scene as its making left them, so that the next test has it without making it again."""

    def __init__(self) -> None:
        from django.db import connection

        self.rows: dict[str, bytes] = {}
        with as_owner(), connection.cursor() as cursor:
            for table in filled():
                with cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as rows:
                    self.rows[table] = b"".join(rows)

    def put_back(self) -> None:
        """Put the rows where they were, in place of what these tables hold."""
        from django.db import connection

        with unguarded(), connection.cursor() as cursor:
            empty(list(self.rows))
            for table, kept in self.rows.items():
                with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as rows:
                    rows.write(kept)
