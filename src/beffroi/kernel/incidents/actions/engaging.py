"""What crews do to an incident: sent for it, they date its clocks; in danger, they open one. The caller answers for the right.

The room of crews stands above this one: it locks its crew first, then asks here, and the journal's head comes last.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import act_line, done, refuse_closed
from beffroi.kernel.incidents.actions.locking import hold
from beffroi.kernel.incidents.actions.opening import Opened, open_known
from beffroi.kernel.incidents.actions.timing import begin_of, clocks_of, write_mark
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.queries import incident_of, living_of
from beffroi.kernel.incidents.types import (
    ENDED_STATES,
    Category,
    Clock,
    Incident,
    IncidentEvent,
    IncidentState,
    Told,
)
from beffroi.kernel.journal.types import Actor
from beffroi.kernel.people.types import Viewer


def hold_engaged(incident_id: int) -> Incident:
    """Keep an incident open until this transaction ends, and return it. Raises NotFound, and Conflict once it is closed."""
    row = hold(incident_id).of(incident_id)
    refuse_closed(row)
    return incident_of(row)


def keep_nameable(incident_id: int) -> None:
    """Wait for whoever acts on an incident, and have nobody act on it until this transaction ends: others name it meanwhile.

    For a room above that will write rows beside it after the journal's head is locked. Raises NotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM incidents_incident WHERE id = %s FOR KEY SHARE", [incident_id])
        if cursor.fetchone() is None:
            raise NotFound(f"there is no incident {incident_id}")


def follow_crew(
    incident_id: int, clock: Clock, *, crew: str, by: Viewer, at: Instant, effective_at: Instant
) -> Incident | None:
    """Date a clock by what a crew did, in the caller's transaction. Journalled. None where there is nothing to date.

    A clock that somebody dated already stays, an incident that ended too; one that was united with another is dated
    where it lives. A date that cannot be (before the reception, before the crew was engaged) is brought to what can.
    """
    number = living_of(incident_id)
    with transaction.atomic():
        held = hold(number)
        row = held.of(number)
        clocks = clocks_of(row)
        if row.state in ENDED_STATES or clock in clocks:
            return None
        least = max(begin_of(row), clocks.get(Clock.ENGAGED, 0) if clock == Clock.ON_SITE else 0)
        moment = min(max(effective_at, least), max(at, least))
        setattr(row, f"{clock}_at", to_datetime(moment))
        write_mark(row, clock, moment, by=by, at=at)
        after = _led(row)
        line = act_line(row, "mark_incident", by, held.alarms[number], after, clock=str(clock), crew=crew)
        return done(row, after, (), replace(line, effective_at=moment), at)


def open_for_crew(told: Told, category: Category, *, actor: Actor, at: Instant, key: str = "") -> Opened:
    """Open an incident about a crew in danger, in a category that does not depend on the city's profile. Journalled."""
    return open_known(told, category, actor=actor, at=at, key=key)


def _led(row: Row) -> IncidentState:
    """Return the state of an incident that a crew is sent for: in progress once somebody leads it."""
    state = IncidentState(row.state)
    after = rules.next_state(state, IncidentEvent.MARK, owned=row.owner_id is not None)
    return state if after is None or row.owner_id is None else after
