"""The command `beffroi`. Each command says what it did, or what is wrong and how to mend it, in one line."""

from __future__ import annotations

import sys
from typing import Any

import click

from beffroi.app.commands.alarms import alarms
from beffroi.app.commands.city import city
from beffroi.app.commands.gateways import gateway
from beffroi.app.commands.importing import import_
from beffroi.app.commands.journal import journal
from beffroi.app.commands.people import person, token
from beffroi.app.commands.post import doctor, down, up
from beffroi.app.commands.procedure import procedure
from beffroi.app.commands.processes import process
from beffroi.app.commands.sources import bus, source
from beffroi.foundation.errors import BeffroiError


class _Group(click.Group):
    """Turns our errors into one line on the standard error and the exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BeffroiError as error:
            click.echo(f"beffroi: {error.reason}", err=True)
        except Exception as error:
            if not _is_lost_database(error):
                raise
            click.echo(
                "beffroi: the database does not answer: start the post (`beffroi up`), or set BEFFROI_DATABASE_URL",
                err=True,
            )
        sys.exit(1)


def _is_lost_database(error: Exception) -> bool:
    from django.db import InterfaceError, OperationalError

    return isinstance(error, OperationalError | InterfaceError)


@click.group(cls=_Group)
@click.version_option(package_name="beffroi")
def main() -> None:
    """Beffroi, the open connected command post of a metropolis."""


for command in (
    up,
    down,
    doctor,
    process,
    source,
    bus,
    gateway,
    import_,
    token,
    person,
    alarms,
    journal,
    procedure,
    city,
):
    main.add_command(command)
