"""What runs do by themselves: waits end, steps are late, people are told; runs of incidents that ended stop.

Each run names the instant at which it moves (`wake_at`), as the house does everywhere (docs/decisions/0022); the worker asks
each second for those whose instant came, and looks at those that wait for something observed (`watches`). One run a
transaction: a worker that is killed between two leaves each either as before or moved whole, and begins again.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.incidents.actions import keep_nameable
from beffroi.kernel.incidents.types import OPEN_STATES
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.asking import look_at_asked
from beffroi.kernel.procedures.actions.lines import line_of, rule_of
from beffroi.kernel.procedures.actions.recording import Held, write
from beffroi.kernel.procedures.queries.facts import given_from
from beffroi.kernel.procedures.rules import Moved
from beffroi.kernel.procedures.types import RunStatus

MOST_AT_ONCE = 200


def pass_time(at: Instant, *, limit: int = MOST_AT_ONCE) -> int:
    """Do what is due by itself at an instant; return how many runs moved. Called each second."""
    moment = to_datetime(at)
    due = Q(wake_at__lte=moment) | Q(watches=True) | ~Q(incident__state__in=[str(state) for state in OPEN_STATES])
    numbers = list(
        models.Run.objects.filter(due, status=RunStatus.RUNNING).order_by("wake_at", "id").values_list("id", flat=True)
    )
    return sum(_pass(number, at) for number in numbers[:limit])


def _pass(number: int, at: Instant) -> bool:
    with transaction.atomic():
        row = models.Run.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=number).first()
        if row is None or row.status != RunStatus.RUNNING:
            return False
        incident = queries.incidents_known([row.incident_id])[row.incident_id]
        held = Held(row, queries.state_of(row), incident, given_from(incident, at))
        if incident.state not in OPEN_STATES:
            return _stop_with_incident(held, at)
        before = row.moves
        if row.watches:
            keep_nameable(incident.id)
            held = look_at_asked(held, at)
        run, happened = rules.settle(held.state, held.given, at)
        if run != held.state or happened:
            write(held, Moved(run, happened), "pass", [], at=at)
        return row.moves > before


def _stop_with_incident(held: Held, at: Instant) -> bool:
    """Stop a run whose incident ended; what was not done is told."""
    moved = rules.stop(held.state, at)
    line = line_of(
        held.row,
        "stop_procedure",
        rule_of(held.row),
        opened_at=held.incident.opened_at,
        reason="incident_ended",
        left=rules.left_of(held.state),
    )
    write(held, moved, "stop", [line], at=at)
    return True
