"""The tests' database: which PostgreSQL is started, and under which of its two roles something is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
