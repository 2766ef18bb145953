"""`beffroi alarms`: alarm definitions tried out without a post."""

from __future__ import annotations

import sys
from pathlib import Path

import click

PROFILE = Path(__file__).parent.parent / "profile" / "alarms.yaml"


@click.group()
def alarms() -> None:
    """Alarm definitions."""


@alarms.command("test")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def alarms_test(file: Path | None) -> None:
    """Run the tests that stand beside alarm definitions; without a file, those of the city's profile."""
    from beffroi.kernel.alarms.rules import parse_definitions, run_trials, told_words

    definitions = parse_definitions((file or PROFILE).read_text(encoding="utf-8"))
    outcomes = [(definition.code, outcome) for definition in definitions for outcome in run_trials(definition)]
    failed = [(code, outcome) for code, outcome in outcomes if not outcome.passed]
    for code, outcome in failed:
        click.echo(f"FAILED {code}: {outcome.name}")
        click.echo(f"       expected {told_words(outcome.expected)}")
        click.echo(f"       came     {told_words(outcome.came)}")
    for definition in definitions:
        if not definition.tests:
            click.echo(f"WITHOUT A TEST {definition.code}")
    click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} tests passed, {len(definitions)} definitions")
    sys.exit(1 if failed else 0)
