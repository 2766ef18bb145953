"""The database: where it is, and a plain psycopg connection for what does not pass through Django."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from beffroi.foundation.errors import Unreachable
from beffroi.foundation.settings import runtime_address, settings

DATABASE = "beffroi"
OWNER = "beffroi"
RUN_TIME = "beffroi_run"
"""The embedded server's roles: the one that owns the tables and migrates, and the one under which the post runs."""


def socket_url(socket_folder: str, password: str, role: str = RUN_TIME) -> str:
    """Return the URL of the embedded PostgreSQL behind a unix socket, for one of its roles."""
    return f"postgresql://{role}:{quote(password, safe='')}@/{DATABASE}?host={quote(socket_folder, safe='')}"


def database_url() -> str:
    """Return the address of PostgreSQL: the setting, else the embedded one of this post.

    Raises Unreachable where neither is known: the post was never started here.
    """
    url = settings().database_url or runtime_address("postgres")
    if url is None:
        raise Unreachable("no database is known: start the post (`beffroi up`) or set BEFFROI_DATABASE_URL")
    return url


def django_database(url: str) -> dict[str, Any]:
    """Return the entry of Django's DATABASES for a PostgreSQL URL."""
    parts = dict(conninfo_to_dict(url))
    known = {key: parts.pop(name, "") or "" for key, name in _DJANGO_KEYS.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **known,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**parts, "connect_timeout": 5},
    }


_DJANGO_KEYS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


def connect(*, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection outside Django. Raises Unreachable with what the server said."""
    try:
        return psycopg.connect(database_url(), autocommit=autocommit, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise Unreachable(f"PostgreSQL does not answer: {error}") from error
