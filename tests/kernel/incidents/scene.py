"""What the tests of an incident's life share: a city's profile, people on duty, an incident, and every act on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import transaction

from beffroi.foundation.clock import HOUR, MINUTE, SECOND, to_datetime
from beffroi.kernel.alarms import actions as alarm_actions
from beffroi.kernel.alarms.types import Transition
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.rules import replay
from beffroi.kernel.incidents.types import Body, Deadline, Incident, Written
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind, Entry, Line
from beffroi.kernel.people.types import Role, Viewer
from tests.kernel.alarms.factories import TRIPPED, make_asset, moves, viewer

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
BODIES = (
    Body("lighting", "Éclairage", True),
    Body("traffic", "Circulation", True),
    Body("police", "Police municipale", True),
    Body("state_roads", "Routes de l'État", False, "permanence"),
)
DEADLINES = (
    Deadline("acknowledged", 60),
    Deadline("taken", 300),
    Deadline("safe", 3600),
    Deadline("resolved", 7200),
    Deadline("transfer", 900),
)


def set_up() -> int:
    """Put a definition, the deadlines and the bodies in force; return a cabinet."""
    alarm_actions.publish_definitions([TRIPPED], by=SYSTEM, at=T0)
    actions.publish_deadlines(DEADLINES, by=SYSTEM, at=T0)
    actions.publish_bodies(BODIES, by=SYSTEM, at=T0)
    return make_asset("A-014")


def happen(*transitions: Transition, at: int = T0) -> None:
    """What the engine does with transitions, in one transaction."""
    with transaction.atomic():
        applied = alarm_actions.apply_transitions(transitions, at=at)
        append([*applied.lines, *actions.follow_alarms(applied, at=at)], at=at)


def trip(asset: int, at: int = T0) -> int:
    """Trip a cabinet; return the incident."""
    happen(*moves("raise", "cabinet_tripped", asset, at=at), at=at)
    return int(Row.objects.latest("id").pk)


def restore(asset: int, at: int) -> None:
    """Give the cabinet its current back."""
    happen(*moves("return", "cabinet_tripped", asset, at=at), at=at)


def come_to_work(username: str, at: int = T0) -> Viewer:
    """Sign somebody in, as the door writes it."""
    who = viewer(username)
    with transaction.atomic():
        append([Entry(who.actor, "people", "sign_in", f"person:{username}")], at=at)
    return who


def go_home(username: str, at: int) -> None:
    """Sign somebody out."""
    with transaction.atomic():
        append([Entry(viewer(username).actor, "people", "sign_out", f"person:{username}")], at=at)


def seen(incident: int) -> Incident:
    return queries.get(incident, viewer("observer"))


def said_of(incident: int) -> Written:
    """What people wrote of it, for who may read that."""
    return queries.written([incident])[incident]


def why(line: Line) -> str:
    """The reason that somebody wrote in a line, for who may read that."""
    return str(line.personal.content.get("reason", "")) if line.personal else ""


def lines(incident: int, *only: str) -> list[Line]:
    """The lines of an incident in their order, those of these verbs alone if any is named."""
    every = [line for line in _every() if line.subject == f"incident:{incident}"]
    return [line for line in every if not only or line.verb in only]


def _every() -> list[Line]:
    return list(reversed(list_lines(limit=500, reach=EVERYTHING)))


def replayed(incident: int) -> dict[str, Any]:
    """The row as the lines of the journal give it, encrypted parts too."""
    told = [part for line in _every() for part in (line.content, line.personal.content if line.personal else {})]
    return replay(incident, told)


def verbs(incident: int) -> list[str]:
    return [line.verb for line in lines(incident)]


def hire(username: str, role: Role = Role.OPERATOR, desk: str = "") -> Viewer:
    """Open an account with a clearance that is written down: for whom others name."""
    who = viewer(username, role=role, desk=desk)
    fields = {"role": role, "desk": desk, "valid_from": to_datetime(0), "granted_by": "test", "reason": "test"}
    apps.get_model("people", "Clearance").objects.create(person_id=who.id, **fields)
    return who


def chief() -> Viewer:
    return viewer("chief", role=Role.ROOM_SUPERVISOR)


def traffic() -> Viewer:
    return viewer("tania", desk="traffic")


Act = Callable[[int, Viewer, int], Any]
ACTS: dict[str, Act] = {
    "acknowledge": lambda n, by, at: actions.acknowledge_incident(n, by=by, at=at),
    "qualify": lambda n, by, at: actions.qualify_incident(n, priority=1, reason="carrefour", by=by, at=at),
    "take": lambda n, by, at: actions.take_incident(n, by=by, at=at),
    "note": lambda n, by, at: actions.note_incident(n, "vu", by=by, at=at),
    "mark": lambda n, by, at: actions.mark_incident(n, "engaged", by=by, at=at),
    "correct": lambda n, by, at: actions.correct_mark(n, "received", effective_at=T0 - 1, reason="appel", by=by, at=at),
    "hold": lambda n, by, at: actions.hold_incident(
        n, reason="pièce", until=at + HOUR, proof="courriel du fournisseur", by=by, at=at
    ),
    "resume": lambda n, by, at: actions.resume_incident(n, by=by, at=at),
    "pause": lambda n, by, at: actions.declare_pause(
        n, begin=T0 + 1, end=T0 + 2, reason="accès", proof="photo", by=by, at=at
    ),
    "associate": lambda n, by, at: actions.associate_desk(n, "police", by=by, at=at),
    "dissociate": lambda n, by, at: actions.dissociate_desk(n, "police", reason="sans objet", by=by, at=at),
    "propose": lambda n, by, at: actions.propose_transfer(n, to="traffic", reason="feu tricolore", by=by, at=at),
    "withdraw": lambda n, by, at: actions.withdraw_transfer(n, reason="erreur", by=by, at=at),
    "accept": lambda n, by, at: actions.accept_transfer(n, by=by, at=at),
    "refuse": lambda n, by, at: actions.refuse_transfer(n, reason="pas un feu", by=by, at=at),
    "outside": lambda n, by, at: actions.propose_transfer(n, to="state_roads", reason="rocade", by=by, at=at),
    "outside_yes": lambda n, by, at: actions.record_acceptance(n, who="M. Garde, permanence", by=by, at=at),
    "close": lambda n, by, at: actions.close_incident(n, reason="no_action", comment="travaux", by=by, at=at),
    "reopen": lambda n, by, at: actions.reopen_incident(n, reason="encore noir", by=by, at=at),
    "assign": lambda n, by, at: actions.assign_incident(n, to="karim", reason="fin de service", by=by, at=at),
}
BEFORE: dict[str, tuple[str, ...]] = {
    "mark": ("take",),
    "hold": ("take",),
    "resume": ("take", "hold"),
    "dissociate": ("associate",),
    "withdraw": ("propose",),
    "accept": ("propose",),
    "refuse": ("propose",),
    "outside_yes": ("outside",),
    "reopen": ("take", "hold", "propose", "close"),
    "close": ("take", "hold", "propose"),
}
"""What must have been done for an act to be possible."""


def do(act: str, incident: int, by: Viewer, at: int = T0 + MINUTE) -> Any:
    """Do an act, by its name."""
    return ACTS[act](incident, by, at)


def prepare(act: str, incident: int, by: Viewer) -> None:
    """Do what must come before an act."""
    for place, step in enumerate(BEFORE.get(act, ())):
        do(step, incident, by, T0 + (place + 1) * SECOND)
