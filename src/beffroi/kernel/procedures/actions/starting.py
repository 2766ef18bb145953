"""Starting a procedure on an incident."""

from __future__ import annotations

import msgspec
from django.db import IntegrityError, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, NotFound
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import OPEN_STATES
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.procedures import models, queries, rules
from beffroi.kernel.procedures.actions.once import Sent, done_before
from beffroi.kernel.procedures.actions.recording import Held, act_line, require_run, write
from beffroi.kernel.procedures.queries.facts import given_from
from beffroi.kernel.procedures.rules import Moved
from beffroi.kernel.procedures.types import Run, RunState


def start(procedure: str, incident: int, *, by: Viewer, at: Instant, token: str = "") -> Run:
    """Start a procedure in force on an incident; its steps are those of now, whatever is put in force after. Journalled.

    Raises Forbidden, NotFound (no such incident or procedure), Conflict when the incident is over or the procedure runs
    on it already, saying who started it. With a token, what was started with it is answered and nothing is done again.
    """
    found = incidents.get(incident, by)
    sent = Sent("start", 0, "", {"procedure": procedure, "incident": found.id}, token)
    known_run = done_before(sent, by)
    if known_run is not None:
        return queries.run(known_run, by)
    known = queries.library()
    if procedure not in known:
        raise NotFound(f"no procedure in force is called `{procedure[:48]}`")
    pinned = rules.pin(known[procedure], known)
    given = given_from(found, at)
    try:
        with transaction.atomic():
            row = models.Run(
                incident_id=found.id,
                code=pinned.code,
                version=pinned.version,
                title=pinned.title,
                desk=found.desk,
                commune=found.commune,
                started_at=to_datetime(at),
                started_by_id=by.id,
            )
            held = Held(row, RunState(()), found, given)
            require_run(held, by)
            if found.state not in OPEN_STATES:
                raise Conflict(f"{found.reference} is {found.state}: reopen it first", key="already-closed")
            state, happened = rules.begin(pinned, given, at)
            row.state = msgspec.to_builtins(state)
            row.save()
            line = act_line(held, "start_procedure", by, procedure=pinned.code)
            return write(held, Moved(state, happened), "start", [line], by=by, at=at, sent=sent)
    except IntegrityError as error:
        known_run = done_before(sent, by)  # the same, at the same instant
        if known_run is not None:
            return queries.run(known_run, by)
        first = models.Run.objects.select_related("started_by").filter(incident_id=found.id, code=procedure).last()
        who = first.started_by.display_name if first and first.started_by else "somebody"
        raise Conflict(
            f"{pinned.title} runs already on {found.reference}: started by {who}", key="runs-already"
        ) from error
