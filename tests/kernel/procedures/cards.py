"""Procedures of these tests, and an incident to run them on."""

from __future__ import annotations

from typing import Any

from django.apps import apps

from beffroi.foundation.clock import SECOND, from_datetime
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.rules import Doer, parse_procedure
from beffroi.kernel.procedures.rules.replay import replay
from beffroi.kernel.procedures.types import Procedure, Run, RunState
from tests.kernel.alarms.factories import viewer
from tests.kernel.incidents import factories as incidents

T0 = incidents.T0
SYSTEM = incidents.SYSTEM

CARD = """
code: dark
version: 1
title: Rue dans le noir
desk: lighting
purpose: Remettre la lumière sans danger.
for: {alarms: [cabinet_tripped], categories: [street_dark]}
roles:
  - {code: operator, title: Télécontrôleur, desk: lighting, post: pilot}
  - {code: supervisor, title: Chef de salle}
steps:
  - {id: look, title: Regarder les caméras, within_s: 60, evidence: note, escalate: {to: supervisor, after_s: 30}}
  - id: hit
    kind: question
    title: Un mât est-il touché ?
    answers: [{value: hit, label: Oui}, {value: whole, label: Non}]
  - id: by_hit
    kind: branch
    cases:
      - when: {hit: hit}
        steps:
          - {id: cordon, kind: procedure, procedure: cordon}
      - steps:
          - {id: calm, title: Attendre, kind: wait, for_s: 120, until: on_site}
  - id: both
    kind: parallel
    lanes:
      - steps: [{id: list, kind: checklist, title: Fermer, items: [Coffret fermé, Rue éclairée]}]
      - steps: [{id: tell, kind: notification, title: Prévenir, to: [{desk: police}], acknowledged: true,
                 message: "{reference} : {title}, {place}, {commune}, priorité {priority} à {time}"}]
  - {id: end, title: Écrire le compte rendu}
tests:
  - name: Rien n'est touché
    given: {alarm: cabinet_tripped}
    when:
      - {at_s: 10, confirm: look}
      - {at_s: 20, answer: hit, with: whole}
      - {at_s: 140, tick: list}
      - {at_s: 150, seen: tell}
      - {at_s: 160, confirm: end}
    expect:
      - {at_s: 0, step: look, by: operator, within_s: 60}
      - {at_s: 10, step: hit, by: operator}
      - {at_s: 20, step: calm}
      - {at_s: 140, step: list, by: operator}
      - {at_s: 140, step: tell}
      - {at_s: 150, step: end, by: operator}
      - {at_s: 160, end: done}
"""

CORDON = """
code: cordon
version: 4
title: Baliser
desk: lighting
purpose: Écarter le public.
roles: [{code: patrol, title: Patrouille, desk: police}]
steps:
  - {id: barrier, title: Poser les barrières, within_s: 600}
  - {id: photo, title: Photographier, evidence: picture}
tests:
  - name: Deux gestes
    when: [{at_s: 5, confirm: barrier}, {at_s: 9, confirm: photo}]
    expect:
      - {at_s: 0, step: barrier, by: patrol, within_s: 600}
      - {at_s: 5, step: photo, by: patrol}
      - {at_s: 9, end: done}
"""


def library(*texts: str) -> dict[str, Procedure]:
    """Return procedures by code."""
    found = [parse_procedure(text) for text in texts or (CARD, CORDON)]
    return {each.code: each for each in found}


def in_force(*texts: str) -> None:
    """Put procedures in force."""
    written = texts or (CARD, CORDON)
    kept = {parse_procedure(text).code: text for text in written}
    actions.publish_procedures(library(*written).values(), texts=kept, by=SYSTEM, at=T0)


def an_incident(**told: Any) -> Incident:
    """Open an incident by a call."""
    incidents.set_up()
    return incidents.call(by="nadia", **told)


def nadia() -> Viewer:
    """Return an operator of the lighting desk."""
    return viewer("nadia")


def started(*texts: str, at: int = T0) -> Run:
    """Start the card on an incident."""
    in_force(*texts)
    return actions.start("dark", an_incident().id, by=nadia(), at=at)


def states(run: Run | RunState) -> dict[str, str]:
    """Return the state of each step that was reached."""
    state = run.state if isinstance(run, Run) else run
    return {key: str(step.state) for key, step in state.steps.items()}


def again(number: int) -> RunState:
    """Return a run's state, made from its moves alone."""
    rows = apps.get_model("procedures", "Move").objects.select_related("by").filter(run_id=number).order_by("number")
    first = queries.run_of_row(apps.get_model("procedures", "Run").objects.get(pk=number)).state.lanes[0]
    return replay(first, [
        (row.verb, row.step, from_datetime(row.at), Doer(row.by.username if row.by else "", row.by_name), row.body)
        for row in rows
    ])  # fmt: skip


def assert_replayed(number: int) -> None:
    """A run's state is what its moves make of it."""
    assert queries.run_of_row(apps.get_model("procedures", "Run").objects.get(pk=number)).state == again(number)


def verbs() -> list[str]:
    """Return the verbs of the room's lines, the oldest first, without the library's."""
    lines = [line for line in reversed(list_lines(limit=500)) if line.room == "procedures"]
    return [line.verb for line in lines if line.verb not in ("publish_procedure", "withdraw_procedure")]


def later(seconds: float) -> int:
    """Return an instant of these tests."""
    return T0 + round(seconds * SECOND)
