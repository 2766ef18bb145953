"""`beffroi import WHAT FILE`: an inventory or a territory from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from beffroi.app.shell import actor, set_up_django
from beffroi.foundation.clock import now


@click.command("import")
@click.argument("what", type=click.Choice(["assets", "relations", "communes", "streets", "addresses"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(what: str, file: Path) -> None:
    """Take an inventory or a territory from a file; all of it or nothing."""
    set_up_django()
    from beffroi.kernel.places import actions as places
    from beffroi.kernel.twin import actions as twin

    steps: dict[str, Callable[..., int]] = {
        "assets": twin.import_assets,
        "relations": twin.import_relations,
        "communes": places.import_communes,
        "streets": places.import_streets,
        "addresses": places.import_addresses,
    }
    count = steps[what](file, by=actor(), at=now())
    click.echo(f"{count} {what} imported from {file.name}")
