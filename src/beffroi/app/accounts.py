"""Accounts and tokens made from the command line."""

from __future__ import annotations

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Malformed, NotFound
from beffroi.kernel.journal.types import Actor
from beffroi.kernel.people import actions as people
from beffroi.kernel.people import queries as people_queries
from beffroi.kernel.people.types import Role

MACHINES = "integration"


def open_account(
    username: str, name: str, initials: str, role: str, password: str | None, *, reason: str, by: Actor, at: Instant
) -> None:
    """Open an account with one clearance everywhere. Raises Malformed for a role that does not exist."""
    if role not in set(Role):
        raise Malformed(f"no role is called `{role}`; there are: {', '.join(Role)}")
    people.create_person(username, name, initials, password=password, by=by, at=at, reason=reason)
    people.grant_clearance(username, Role(role), by=by, at=at, reason=reason)


def create_token_for(name: str, username: str | None, days: int | None, *, by: Actor, at: Instant) -> str:
    """Return a new token's secret. Without a person, it acts for the account of machines, opened at the first one."""
    account = username or MACHINES
    try:
        people_queries.viewer_named(account)
    except NotFound:
        if username is not None:
            raise
        open_account(
            MACHINES,
            "Intégrations",
            "API",
            Role.INTEGRATION,
            None,
            reason="account of the city's own programs",
            by=by,
            at=at,
        )
    return people.create_token(account, name, by=by, at=at, days=days, reason="asked for on the command line").secret
