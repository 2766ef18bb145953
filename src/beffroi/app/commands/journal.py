"""The commands `beffroi journal …`: to verify, to erase, to change the master key."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from beffroi.app.shell import actor, set_up_django
from beffroi.foundation.clock import Instant, now, to_datetime
from beffroi.foundation.settings import settings

if TYPE_CHECKING:
    from beffroi.kernel.journal.queries import Part, Walked


@click.group()
def journal() -> None:
    """The main courante."""


@journal.command("verify")
@click.option("--full", is_flag=True, help="Read everything again, not only what follows the last verification.")
@click.option("--since-seal", type=int, default=None, help="Begin after this seal instead.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=None,
    help="Processes that share a large journal; default: cores.",
)
def journal_verify(full: bool, since_seal: int | None, processes: int | None) -> None:
    """Prove that no line was altered, removed, inserted or moved; or say where."""
    set_up_django()
    from beffroi.kernel.journal import actions, queries

    began = time.monotonic()
    witness = queries.this_witness()
    kept = None if full or since_seal is not None else queries.checkpoint(witness)
    cores = processes or os.cpu_count() or 1
    found = queries.verify(
        since_seal, after=kept.after if kept else None, witness=witness, processes=cores, spread=_spread
    )
    took = time.monotonic() - began
    if kept is not None:
        click.echo(f"behind seal {kept.after.number}, line {kept.after.last_seq}, verified {_when(kept.at)}", nl=False)
        click.echo(f"; all of it was last read {_when(kept.whole_at)} (--full reads it again)")
    click.echo(
        f"{found.lines} lines, {found.seals} seals, sealed up to {found.sealed_seq} of {found.last_seq}, in {took:.1f} s"
    )
    for note in found.notes:
        click.echo(f"note: {note}")
    for broken in found.breaks:
        click.echo(f"BROKEN at {broken.where}: {broken.what}")
    if found.breaks:
        sys.exit(2)
    if since_seal is None:
        actions.keep_checkpoint(witness, found, whole=kept is None, at=now())
    click.echo("the journal stands")


def _when(at: Instant) -> str:
    return f"{to_datetime(at).astimezone(ZoneInfo(settings().timezone)):%Y-%m-%d %H:%M}"


def _spread(walk: Callable[[Part], Walked], parts: Sequence[Part]) -> Iterable[Walked]:
    """Walk parts at the same time, each in a process of its own; one part in this one."""
    if len(parts) == 1:
        return [walk(parts[0])]
    with ProcessPoolExecutor(len(parts), get_context("spawn"), set_up_django) as pool:
        return list(pool.map(walk, parts))


@journal.command("adopt")
@click.option("--reason", required=True, help="Why an older state of the journal is taken; told for ever.")
def journal_adopt(reason: str) -> None:
    """Accept a database restored from a backup, older than the seals outside: sealing goes on, and what is lost is told."""
    set_up_django()
    from beffroi.kernel.journal import actions, queries

    lost = actions.adopt_restored(queries.this_witness(), reason=reason, by=actor(), at=now())
    click.echo(f"{lost} seals outside are of lines that this database does not hold: accepted, and told for ever")


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
