"""Pictures of the steps of runs: which were attached for a step, and which step a picture is of."""

from __future__ import annotations

from collections.abc import Iterable

from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Evidence
from beffroi.kernel.procedures import rules
from beffroi.kernel.procedures.types import Placed, Run


def pictures_of_step(incident: int, run: int, placed: Placed) -> tuple[Evidence, ...]:
    """Return the pictures of an incident that were attached for a step, the oldest first; and, of those that name no
    step, those that came since it was reached: a crew's phone without network knows none. The caller has asked the door.
    """
    return of_step(incidents.evidence_of(incident), run, placed)


def of_step(pictures: Iterable[Evidence], run: int, placed: Placed) -> tuple[Evidence, ...]:
    """Return those of an incident's pictures that are of a step."""
    if placed.run is None:
        return ()
    named, since = rules.picture_name(run, placed.key), placed.run.opened_at
    return tuple(each for each in pictures if each.step == named or (not each.step and each.attached_at >= since))


def pictured_steps(runs: Iterable[Run]) -> dict[str, str]:
    """Return the titles of the steps of runs by the name that pictures give them, with the procedure's."""
    return {
        rules.picture_name(run.id, placed.key): f"{run.title} : {placed.step.title or placed.key}"
        for run in runs
        for placed in rules.placed(run.state)
    }
