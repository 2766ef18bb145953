"""The commands `beffroi journal …`: to verify, to erase, to change the master key."""

from __future__ import annotations

import sys
import time

import click

from beffroi.app.shell import actor, set_up_django
from beffroi.foundation.clock import now


@click.group()
def journal() -> None:
    """The main courante."""


@journal.command("verify")
@click.option("--since-seal", type=int, default=None, help="Begin after this seal instead of at the first line.")
def journal_verify(since_seal: int | None) -> None:
    """Prove that no line was altered, removed, inserted or moved; or say where."""
    set_up_django()
    from beffroi.kernel.journal.queries import verify

    began = time.monotonic()
    found = verify(since_seal)
    took = time.monotonic() - began
    click.echo(
        f"{found.lines} lines, {found.seals} seals, sealed up to {found.sealed_seq} of {found.last_seq}, in {took:.1f} s"
    )
    for broken in found.breaks:
        click.echo(f"BROKEN at {broken.where}: {broken.what}")
    if found.breaks:
        sys.exit(2)
    click.echo("the journal stands")


@journal.command("erase")
@click.argument("subject")
@click.option("--reason", required=True, help="Why it is erased; kept in the journal for ever.")
def journal_erase(subject: str, reason: str) -> None:
    """Destroy the key of a person (`person:…`) or a case (`case:…`): what the journal tells of it is read no more."""
    set_up_django()
    from beffroi.kernel.journal.actions import erase_personal

    lines = erase_personal(subject, reason=reason, by=actor(), at=now())
    click.echo(f"{lines} lines about {subject} are erased: their key is destroyed; the chain of seals is whole")
    click.echo(
        "note: an older backup still opens them until `beffroi journal rotate-key`, and the old master key is gone"
    )


@journal.command("rotate-key")
def journal_rotate_key() -> None:
    """Change the master key that wraps the keys of persons and cases; what older backups hold of them opens no more."""
    set_up_django()
    from beffroi.kernel.journal.actions import rotate_master

    count = rotate_master(by=actor(), at=now())
    click.echo(f"{count} keys are wrapped by a new master key; the old ones are removed from this post")
