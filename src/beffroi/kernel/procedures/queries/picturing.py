"""Pictures of the steps of runs: which were attached for a step, and which step a picture is of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from beffroi.foundation.errors import NotFound
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Evidence
from beffroi.kernel.procedures import rules
from beffroi.kernel.procedures.queries.running import runs_of_incident
from beffroi.kernel.procedures.types import Evidence as Wanted
from beffroi.kernel.procedures.types import Placed, Run, RunStatus


@dataclass(frozen=True, slots=True)
class ToPicture:
    """A step that stands and wants a picture: the name that a picture gives it, its title, and how many were attached."""

    name: str
    title: str
    taken: int


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


def steps_to_picture(incident: int, pictures: Collection[Evidence] | None = None) -> tuple[ToPicture, ...]:
    """Return the steps of an incident's runs that stand and want a picture, in their order. The caller has asked the door."""
    runs = [each for each in runs_of_incident(incident) if each.state.status is RunStatus.RUNNING]
    wanted = [
        (run, placed)
        for run in runs
        for placed in rules.placed(run.state)
        if placed.step.evidence is Wanted.PICTURE and placed.run is not None and rules.is_standing(placed.run)
    ]
    if not wanted:
        return ()
    attached = incidents.evidence_of(incident) if pictures is None else pictures
    return tuple(
        ToPicture(rules.picture_name(run.id, placed.key), placed.step.title, len(of_step(attached, run.id, placed)))
        for run, placed in wanted
    )


def picture_name_of(incident: int, run: int, key: str) -> str:
    """Return the name that a picture gives to a step of a run of an incident. Raises NotFound for what is no such step."""
    for each in runs_of_incident(incident):
        if each.id == run and rules.step_named(each.state, key) is not None:
            return rules.picture_name(run, key)
    raise NotFound(f"no run {run} of this incident has a step `{key[:80]}`")


def known_picture_name(incident: int, name: str) -> str:
    """Return a name that a picture gives to a step of an incident's runs, empty for none: a picture is not lost for it."""
    return name if name and name in pictured_steps(runs_of_incident(incident)) else ""
