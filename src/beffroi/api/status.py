"""How the post is doing: counters since the store began, lag, what is open, the journal's marks."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Router

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import answer, write_instant
from beffroi.foundation import clock
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people.types import Kind, Verb
from beffroi.kernel.twin import queries as twin

router = Router(tags=["status"])


@router.get("/status", auth=door(Verb.SEE, Kind.STATUS), **answers(shapes.Status))
def status(request: Entered) -> HttpResponse:
    """Show how the post is doing."""
    totals = twin.totals()
    state = journal.sealing_state(clock.now())
    aside = twin.quarantined()
    return answer(
        shapes.Status(
            readings=shapes.ReadingTotals(
                totals.received, totals.stored, totals.quarantined, totals.refused, totals.by_source
            ),
            lag_s=twin.lag_by_partition(clock.now()),
            alarms=shapes.OpenCount(alarms.counts().open),
            incidents=shapes.OpenCount(incidents.counts().open),
            journal=shapes.JournalMarks(
                sequence=state.last_seq,
                sealed=state.sealed_seq,
                sealed_at=write_instant(state.sealed_at),
                stands_still=state.still_since is not None,
            ),
            quarantine=shapes.QuarantineMarks(aside.rows, aside.bytes, aside.dropped),
        )
    )
