"""Other desks and other bodies: associated with an incident, or asked to take it over. Until they accept, nothing moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import SECOND, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import (
    act_line,
    after_event,
    done,
    locked,
    mark_acknowledged,
    reference,
    with_alarms,
)
from beffroi.kernel.incidents.actions.lines import kept
from beffroi.kernel.incidents.actions.locking import hold
from beffroi.kernel.incidents.actions.rounds import answer_open, end
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import Transfer
from beffroi.kernel.incidents.queries import bodies, deadlines
from beffroi.kernel.incidents.types import (
    TRANSFER,
    Body,
    CloseReason,
    Incident,
    IncidentEvent,
    IncidentState,
    TransferState,
)
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer


def associate_desk(incident_id: int, desk: str, *, by: Viewer, at: Instant) -> Incident:
    """Have another desk of the post see an incident, write in it and date its clocks. Journalled.

    Raises Refused for what is no desk, Forbidden, NotFound, and Conflict when it is there already.
    """
    body = _body(desk)
    if not body.inside:
        raise Refused(f"{body.name} is no desk of this post: propose the incident to it instead", key="not-a-desk")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.TRANSFER, by)
        after_event(row, IncidentEvent.ACKNOWLEDGE)
        if desk == row.desk or desk in row.associated:
            raise Conflict(f"{body.name} has {reference(row)} already", key="already-associated")
        row.associated = [*row.associated, desk]
        return _same(row, "associate_desk", by, alarm_ids, at, desk_name=body.name, other=desk)


def dissociate_desk(incident_id: int, desk: str, *, reason: str, by: Viewer, at: Instant) -> Incident:
    """Have a desk concerned no more, saying why. Journalled. Raises Refused, Forbidden, NotFound, Conflict."""
    why = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.TRANSFER, by)
        if desk not in row.associated:
            raise Conflict(f"{desk[:32]} is not associated with {reference(row)}", key="not-associated")
        row.associated = [each for each in row.associated if each != desk]
        return _same(row, "dissociate_desk", by, alarm_ids, at, why=why, other=desk)


def propose_transfer(incident_id: int, *, to: str, reason: str, by: Viewer, at: Instant) -> Incident:
    """Ask a desk or a body outside to take an incident over, saying why. It stays this desk's until they accept.

    The answer is due within the time that the city's profile gives. Raises Refused, Forbidden, NotFound, and Conflict
    when another proposal stands.
    """
    why, body = rules.check_text(reason, "the reason"), _body(to)
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.TRANSFER, by)
        after_event(row, IncidentEvent.ACCEPT)
        if to == row.desk:
            raise Refused("it is this desk's already: choose another", key="same-desk")
        if row.proposed_to:
            raise Conflict(f"{reference(row)} is already proposed to {row.proposed_to}", key="already-proposed")
        within_s = rules.within_of(deadlines(), row.category, row.priority).get(TRANSFER)
        due = None if within_s is None else to_datetime(at + within_s * SECOND)
        Transfer.objects.create(
            incident_id=row.pk,
            from_desk=row.desk,
            to=to,
            reason=kept(row, why, at),
            proposed_at=to_datetime(at),
            proposed_by_id=by.id,
            due_at=due,
            state=TransferState.PROPOSED,
        )
        row.proposed_to, row.proposed_until = to, due
        row.missed = " ".join(each for each in row.missed.split() if each != TRANSFER)
        told: dict[str, Any] = {"to": to, "to_name": body.name, "until": from_datetime(due) if due else None}
        return _same(row, "propose_transfer", by, alarm_ids, at, why=why, **told)


def withdraw_transfer(incident_id: int, *, reason: str, by: Viewer, at: Instant) -> Incident:
    """Take a proposal back before its answer, saying why. Journalled. Raises Refused, Forbidden, NotFound, Conflict."""
    why = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids = locked(incident_id, Verb.TRANSFER, by)
        last = Transfer.objects.select_related("answered_by").filter(incident_id=row.pk).order_by("-id").first()
        _check_proposed(row, last)
        asked = row.proposed_to
        answer_open(row, TransferState.WITHDRAWN, by.id, at, kept(row, why, at))
        return _same(row, "withdraw_transfer", by, alarm_ids, at, why=why, to=asked)


def accept_transfer(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Take over, for one's own desk, an incident proposed to it: its desk and its owner change at the same instant.

    The desk that had it stays associated. Raises Forbidden, NotFound, Conflict when nothing is proposed any more.
    """
    with transaction.atomic():
        row, alarm_ids, body = _answering(incident_id, by)
        if not body.inside:
            raise Refused("write who said yes there, and when", key="outside-answer")
        after = after_event(row, IncidentEvent.ACCEPT)
        before = row.desk
        answer_open(row, TransferState.ACCEPTED, by.id, at)
        row.associated = [before, *(desk for desk in row.associated if desk not in (before, body.code))]
        row.desk, row.owner_id, row.taken_at = body.code, by.id, to_datetime(at)
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        told: dict[str, Any] = {"from": before, "to": body.code, "to_name": body.name}
        return done(row, after, lines, act_line(row, "accept_transfer", by, alarm_ids, after, **told), at)


def record_acceptance(
    incident_id: int, *, who: str, effective_at: Instant | None = None, by: Viewer, at: Instant
) -> Incident:
    """Write that a body outside took the incident over: who said yes there, and when. It ends here as not competent.

    Its alarms may still stand: another answers for them now. Raises Refused, Forbidden, NotFound, Conflict.
    """
    said = rules.check_text(who, "who said yes")
    moment = at if effective_at is None else effective_at
    with transaction.atomic():
        row, alarm_ids, body = _answering(incident_id, by)
        if body.inside:
            raise Refused(f"{body.name} accepts it in this console", key="inside-answer")
        after = after_event(row, IncidentEvent.HAND_OUT)
        asked = Transfer.objects.get(incident_id=row.pk, state=TransferState.PROPOSED)
        if not from_datetime(asked.proposed_at) <= moment <= at:
            raise Refused("they answered between the proposal and now: write when", key="time-ahead")
        written = kept(row, said, at)
        answer_open(row, TransferState.ACCEPTED, by.id, at, written)
        lines = with_alarms(row, alarm_ids, by, at)
        mark_acknowledged(row, by, at)
        end(row, str(CloseReason.NOT_COMPETENT), written, by.id, at)
        row.transferred_to = body.code
        told: dict[str, Any] = {"from": row.desk, "to": body.code, "to_name": body.name}
        line = act_line(row, "accept_transfer", by, alarm_ids, after, personal={"comment": said}, **told)
        return done(row, after, lines, replace(line, effective_at=moment), at)


def refuse_transfer(incident_id: int, *, reason: str, by: Viewer, at: Instant) -> Incident:
    """Say no to a proposal, saying why: for one's own desk, or as a body outside said it. It stays where it was.

    Raises Refused, Forbidden, NotFound, Conflict.
    """
    why = rules.check_text(reason, "the reason")
    with transaction.atomic():
        row, alarm_ids, body = _answering(incident_id, by)
        answer_open(row, TransferState.REFUSED, by.id, at, kept(row, why, at))
        return _same(row, "refuse_transfer", by, alarm_ids, at, why=why, to=body.code, to_name=body.name)


def _answering(incident_id: int, by: Viewer) -> tuple[Row, list[int], Body]:
    """Lock for an answer, which is the asked desk's; a body outside answers through the desk that asked it."""
    held = hold(incident_id)
    row, alarm_ids = held.of(incident_id), held.alarms[incident_id]
    last = Transfer.objects.select_related("answered_by").filter(incident_id=row.pk).order_by("-id").first()
    known = {body.code: body for body in bodies()}
    asked = known.get(last.to, Body(last.to, last.to)) if last else None
    desk = asked.code if asked is not None and asked.inside else row.desk
    require(by, Verb.TRANSFER, Kind.INCIDENT, desk=desk, commune=row.commune)
    _check_proposed(row, last)
    if asked is None:
        raise Conflict(f"{reference(row)} is proposed to nobody", key="not-proposed")
    return row, alarm_ids, asked


def _check_proposed(row: Row, last: Transfer | None) -> None:
    if row.proposed_to:
        return
    if last is None:
        raise Conflict(f"{reference(row)} is proposed to nobody", key="not-proposed")
    who = last.answered_by.display_name if last.answered_by else "a rule"
    raise Conflict(f"the proposal of {reference(row)} was {last.state} by {who}", key=f"transfer-{last.state}")


def _same(row: Row, verb: str, by: Viewer, alarm_ids: list[int], at: Instant, **told: Any) -> Incident:
    """End an act that leaves the state as it is."""
    state, why = IncidentState(row.state), str(told.pop("why", "") or "")
    return done(row, state, (), act_line(row, verb, by, alarm_ids, state, why=why, **told), at)


def _body(code: str) -> Body:
    known = {body.code: body for body in bodies()}
    if code not in known:
        raise Refused(f"no desk and no body is called `{code[:32]}`: choose one of the city's list", key="body-unknown")
    return known[code]
