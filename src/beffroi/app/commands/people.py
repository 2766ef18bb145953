"""`beffroi token …`, `person …`: accounts, their clearances, and tokens for machines."""

from __future__ import annotations

import click

from beffroi.app.shell import actor, set_up_django
from beffroi.foundation.clock import now


@click.group()
def token() -> None:
    """Bearer tokens for the API."""


@token.command("create")
@click.argument("name")
@click.option("--person", default=None, help="Account it acts for; by default an account for machines, `integration`.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=None, help="Days for which it is valid; default: until revoked."
)
def token_create(name: str, person: str | None, days: int | None) -> None:
    """Make a token; prints it, once."""
    set_up_django()
    from beffroi.app.accounts import create_token_for

    click.echo(create_token_for(name, person, days, by=actor(), at=now()))


@click.group()
def person() -> None:
    """Accounts and clearances."""


@person.command("add")
@click.argument("username")
@click.option("--name", required=True, help="Name shown to others.")
@click.option("--initials", required=True)
@click.option(
    "--role", required=True, help="operator, room_supervisor, visitor, city_it, data_protection or integration"
)
@click.option("--reason", required=True, help="Why this clearance is given; kept in the journal.")
@click.password_option()
def person_add(username: str, name: str, initials: str, role: str, reason: str, password: str) -> None:
    """Open an account with one clearance."""
    set_up_django()
    from beffroi.app.accounts import open_account

    open_account(username, name, initials, role, password, reason=reason, by=actor(), at=now())
    click.echo(f"{username} may sign in as {role}")
