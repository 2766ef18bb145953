"""`beffroi procedure`: procedures tried out without a post."""

from __future__ import annotations

import sys
from pathlib import Path

import click

PROFILE = Path(__file__).parent.parent / "profile" / "procedures"


@click.group()
def procedure() -> None:
    """Procedures (fiches réflexes)."""


@procedure.command("test")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def procedure_test(files: tuple[Path, ...]) -> None:
    """Run the tests that stand beside procedures; without a file, those of the city's library.

    What a file calls is sought among the files given, then in the library.
    """
    from beffroi.kernel.procedures.rules import expected_words, parse_library, problems_between, run_trials

    ours = {file.name: file for file in sorted(PROFILE.glob("*.yaml"))}
    tried = parse_library((str(file), file.read_text(encoding="utf-8")) for file in files or ours.values())
    library = {
        each.code: each for each in parse_library((name, file.read_text("utf-8")) for name, file in ours.items())
    }
    library |= {each.code: each for each in tried}
    problems = problems_between(library.values())
    for problem in problems:
        click.echo(f"WRONG  {problem}")
    if problems:
        sys.exit(1)
    outcomes = [(each, outcome) for each in tried for outcome in run_trials(each, library)]
    failed = [(each, outcome) for each, outcome in outcomes if not outcome.passed]
    for each, outcome in failed:
        click.echo(f"FAILED {each.code}: {outcome.name}")
        for label, lines in (("expected", outcome.expected), ("came", outcome.came)):
            click.echo(f"  {label}")
            for line in expected_words(lines):
                click.echo(f"    {line}")
        if outcome.error:
            click.echo(f"  then: {outcome.error}")
    click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} tests passed, {len(tried)} procedures")
    sys.exit(1 if failed else 0)
