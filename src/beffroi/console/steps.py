"""Runs of procedures as a panel draws them: each step with who does it, by when, what it would do, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.console import step_words, words
from beffroi.console.thumbnails import Thumbnail, pictures_of, thumbnails
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.dispatch import queries as crews
from beffroi.kernel.dispatch.types import Candidate
from beffroi.kernel.incidents.queries import categories
from beffroi.kernel.incidents.types import OPEN_STATES, Incident
from beffroi.kernel.incidents.types import Evidence as Pictured
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import queries, rules
from beffroi.kernel.procedures.types import (
    Aim,
    Because,
    Branch,
    Checklist,
    Command,
    Dispatch,
    Evidence,
    Letter,
    Parallel,
    Placed,
    Progress,
    Proposal,
    Question,
    Run,
    RunStatus,
    Step,
    StepState,
    Wait,
)

GLYPHS = {
    StepState.DONE: "✓",
    StepState.SKIPPED: "⤼",
    StepState.TIMED_OUT: "⌛",
    StepState.FAILED: "✕",
    StepState.ASKED: "…",
    StepState.OPEN: "►",
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as a line of a run. `main`: the one that Enter does. `may`: this person may do it now."""

    key: str
    number: str
    kind: str
    title: str
    step: Step
    role: str
    depth: int
    glyph: str
    state: str
    at: int
    due_at: int
    late: bool
    told: bool
    by: str
    answer: str
    notes: tuple[str, ...]
    needs: str
    items: tuple[tuple[int, str, bool], ...]
    standing: bool
    by_hand: bool
    may: bool
    main: bool
    aim: Aim | None = None
    progress: Progress | None = None
    candidates: tuple[Candidate, ...] = ()
    letters: tuple[Letter, ...] = ()
    pictures: tuple[Thumbnail, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run as a panel draws it: where it stands, and its steps."""

    run: Run
    steps: tuple[ShownStep, ...]
    done: int
    count: int
    goes_on: bool
    may: bool
    roles: tuple[tuple[str, str], ...]


def runs_shown(incident: Incident, viewer: Viewer) -> list[ShownRun]:
    """Return the runs on an incident, those that go on first."""
    found = queries.runs_of_incident(incident.id, viewer)
    letters = queries.letters_of(incident.id) if found else ()
    pictures = pictures_of(incident, viewer) if any(_wants_pictures(run) for run in found) else ()
    first = next((run.id for run in found if queries.next_of(run) is not None), 0)
    return [_run(run, incident, viewer, letters, pictures, main=run.id == first) for run in found]


def context_of(incident: Incident, viewer: Viewer) -> dict[str, Any]:
    """Return what the panel shows of procedures: the runs, those that are proposed, and what may be done."""
    if not people.may(viewer, Verb.SEE, Kind.PROCEDURE):
        return {"runs": [], "proposed": (), "sees_procedures": False}
    runs = runs_shown(incident, viewer)
    may = _may(incident, viewer, "")
    is_open = incident.state in OPEN_STATES
    return {
        "sees_procedures": True,
        "runs": runs,
        "proposed": [(each.procedure, _because(each)) for each in queries.proposed_for(incident)] if may else [],
        "others": _others(runs) if may and is_open else (),
        "may_run": may and is_open,
        "has_address": queries.has_address(incident.id),
        "may_note": people.may(viewer, Verb.NOTE, Kind.INCIDENT, desk=incident.desk, commune=incident.commune),
    }


def _because(proposal: Proposal) -> str:
    """Return why a procedure is proposed, as it is read beside it."""
    if proposal.because is Because.ALARM:
        known = {each.code: each.title for each in alarms.definitions_in_force()}
        return _("pour l’alarme « %(name)s »") % {"name": known.get(proposal.of, proposal.of)}
    known = {each.code: each.title for each in categories()}
    name = known.get(proposal.of, proposal.of)
    if proposal.because is Because.ASSET_CLASS:
        return _("pour la catégorie « %(name)s », sur cette sorte d’équipement") % {"name": name}
    return _("pour la catégorie « %(name)s »") % {"name": name}


def render_messages(viewer: Viewer) -> SafeString:
    """Draw what is told to the person's post and nobody said seen; and to who keeps the procedures, letters that wait."""
    told = queries.messages_for(viewer) if people.may(viewer, Verb.SEE, Kind.PROCEDURE) else ()
    may = people.may(viewer, Verb.RUN, Kind.PROCEDURE)
    known = queries.incidents_known({each.incident for each in told})
    rows = [(each, known[each.incident].reference) for each in told]
    waiting = queries.letters_waiting() if people.may(viewer, Verb.REVIEW, Kind.PROCEDURE) else None
    with translation.override(viewer.language):
        return SafeString(
            render_to_string("console/messages.html", {"told": rows, "may": may, "waiting": waiting}).strip()
        )


def title_of(step: Step) -> str:
    """Return what a step is called: its title, or what its kind is."""
    if step.title:
        return step.title
    if isinstance(step, Wait):
        return _("Attendre %(time)s") % {"time": words.duration(step.for_s)}
    return _("En même temps") if isinstance(step, Parallel) else step.id


def kind_of(step: Step) -> str:
    """Return the kind of a step, as the file names it."""
    return str(step.__struct_config__.tag)


def lines_of(procedure: Any) -> list[dict[str, Any]]:
    """Return every step of a procedure as it is written, with its depth and under which condition: the card, the library."""
    return list(_written(procedure, procedure.steps, 0, ""))


def _written(procedure: Any, steps: tuple[Step, ...], depth: int, when: str) -> Any:
    for step in steps:
        if isinstance(step, Branch):
            for case in step.cases:
                told = " ; ".join(_condition(procedure, name, values) for name, values in case.when.items())
                condition = _("Si %(when)s") % {"when": told} if told else _("Sinon")
                yield from _written(procedure, case.steps, depth + 1, condition)
            continue
        yield {
            "step": step,
            "kind": kind_of(step),
            "title": title_of(step),
            "role": procedure.role(step).title,
            "depth": depth,
            "when": when,
            "within": words.duration(step.within_s) if step.within_s else "",
        }
        when = ""
        for way in rules.inside(step):
            yield from _written(procedure, way, depth + 1, "")


def _condition(procedure: Any, name: str, values: tuple[str, ...]) -> str:
    """Return a condition as people read it: the question and its answers in their own words."""
    asked = next((each for each in rules.every_step(procedure.steps) if each.id == name.partition(".")[0]), None)
    if name == "incident.night":
        return _("la nuit") if "yes" in values else _("le jour")
    if isinstance(asked, Question) and "." not in name:
        labels = {each.value: each.label for each in asked.answers}
        return f"{asked.title} {' / '.join(labels.get(value, value) for value in values)}"
    if asked is not None:
        states = (words.told(step_words.STEP_STATES, value) for value in values)
        return f"{asked.title or asked.id} : {', '.join(states)}"
    return f"{name.removeprefix('incident.')} : {', '.join(values)}"


def _wants_pictures(run: Run) -> bool:
    return any(each.step.evidence is Evidence.PICTURE for each in rules.placed(run.state))


def _run(
    run: Run,
    incident: Incident,
    viewer: Viewer,
    letters: tuple[Letter, ...],
    pictures: tuple[Pictured, ...],
    *,
    main: bool,
) -> ShownRun:
    placed = rules.placed(run.state)
    goes_on = run.state.status is RunStatus.RUNNING
    upcoming = queries.next_of(run) if main else None
    missions = crews.missions_of_incident(incident.id) if goes_on else ()
    steps = tuple(
        _step(run, each, str(place), incident, viewer, letters, missions, pictures, main=each == upcoming)
        for place, each in enumerate(placed, 1)
    )
    leaves = [each for each in steps if each.kind not in ("parallel", "procedure")]
    over = [each for each in leaves if each.state and not each.standing]
    roles = {role.code: role.title for lane in run.state.lanes for role in lane.roles}
    return ShownRun(
        run, steps, len(over), len(leaves), goes_on, goes_on and _may(incident, viewer, ""), tuple(roles.items())
    )


def _step(
    run: Run,
    placed: Placed,
    number: str,
    incident: Incident,
    viewer: Viewer,
    letters: tuple[Letter, ...],
    missions: Any,
    pictures: tuple[Pictured, ...],
    *,
    main: bool,
) -> ShownStep:
    step, known = placed.step, placed.run
    standing = run.state.status is RunStatus.RUNNING and known is not None and rules.is_standing(known)
    may = standing and _may(incident, viewer, placed.role.desk)
    at = clock.now()
    asks = may and known is not None and known.state is not StepState.ASKED
    answer = ""
    if isinstance(step, Question) and known:
        answer = next((each.label for each in step.answers if each.value == known.answer), "")
    items = (
        tuple((i, text, known is not None and i in known.ticked) for i, text in enumerate(step.items))
        if isinstance(step, Checklist)
        else ()
    )
    return ShownStep(
        key=placed.key,
        number=number,
        kind=kind_of(step),
        title=title_of(step),
        step=step,
        role=placed.role.title,
        depth=placed.depth,
        glyph=GLYPHS[known.state] if known else "",
        state=str(known.state) if known else "",
        at=(known.ended_at or known.opened_at) if known else 0,
        due_at=known.due_at if known and standing else 0,
        late=bool(known and known.late),
        told=bool(known and known.escalated),
        by=known.by_name if known else "",
        answer=answer,
        notes=run.notes.get(placed.key, ()),
        needs=str(step.evidence),
        items=items,
        standing=standing,
        by_hand=rules.is_by_hand(step),
        may=may,
        main=main and asks,
        aim=queries.aim(step, incident, seen_by=viewer, at=at) if asks and isinstance(step, Command) else None,
        progress=_progress(step, placed, missions),
        candidates=queries.candidates(step, incident, seen_by=viewer, at=at)
        if asks and isinstance(step, Dispatch)
        else (),
        letters=tuple(each for each in letters if each.run == run.id and each.step == placed.key),
        pictures=tuple(thumbnails(incident, queries.of_step(pictures, run.id, placed)))
        if step.evidence is Evidence.PICTURE
        else (),
    )


def _progress(step: Step, placed: Placed, missions: Any) -> Progress | None:
    if placed.run is None or not placed.run.reference or not isinstance(step, Command | Dispatch):
        return None
    try:
        return queries.progress_of(step, placed.run.reference, missions=missions)
    except BeffroiError:
        return None


def _may(incident: Incident, viewer: Viewer, desk: str) -> bool:
    desks = (incident.desk, *incident.associated, *([desk] if desk else []))
    return any(people.may(viewer, Verb.RUN, Kind.PROCEDURE, desk=each, commune=incident.commune) for each in desks)


def _others(runs: list[ShownRun]) -> tuple[tuple[str, str], ...]:
    running = {each.run.code for each in runs if each.goes_on}
    return tuple((code, each.title) for code, each in queries.library().items() if code not in running)
