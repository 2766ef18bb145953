"""Taking alarms, signals and notes out of an incident that holds two matters: into a new one, or back into a former one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import Alarm
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import reference, refuse_closed
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of
from beffroi.kernel.incidents.actions.locking import hold
from beffroi.kernel.incidents.actions.merging import also_about, resolve_if_over, settle_pair
from beffroi.kernel.incidents.actions.rounds import begin
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import IncidentAlarm
from beffroi.kernel.incidents.models import Signal as SignalRow
from beffroi.kernel.incidents.queries import incident_of, last_move, living_of, note_lines, tree_of
from beffroi.kernel.incidents.types import Incident, IncidentEvent, IncidentState, PairState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import EVERYTHING, Entry, Line
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin


def split_incident(
    incident_id: int,
    *,
    alarm_ids: Sequence[int] = (),
    signal_ids: Sequence[int] = (),
    notes: Sequence[int] = (),
    into: int | None = None,
    by: Viewer,
    at: Instant,
) -> Incident:
    """Take what is chosen out of an incident; return the one that holds it from now on. Journalled.

    Without `into` a new incident opens for it; `into` names a duplicate of this one, which then lives again. Alarms and
    signals move; a note, being a line of the journal, stays where it was written and is written again there, with its
    number. The two are not proposed again. Raises Refused when nothing, or everything, is chosen; Forbidden; NotFound;
    and Conflict naming who moved an alarm first, or closed the incident.
    """
    if not (alarm_ids or signal_ids or notes):
        raise Refused("nothing is chosen: choose what does not belong to this incident", key="nothing-chosen")
    with transaction.atomic():
        held = hold(*(incident_id, into) if into is not None else (incident_id,))
        row = held.of(incident_id)
        require(by, Verb.LINK, Kind.INCIDENT, desk=row.desk, commune=row.commune)
        refuse_closed(row)
        taken = _checked_alarms(row, held.alarms[incident_id], alarm_ids)
        told = _checked_signals(row, held.alarms[incident_id], alarm_ids, signal_ids)
        written = _checked_notes(row, notes)
        apart = _new(row, taken, told, at) if into is None else _former(row, held.of(into), by, at)
        _move(row, apart, taken, told)
        rest = [alarm for alarm in held.alarms[incident_id] if alarm not in {each.id for each in taken}]
        for each, numbers in ((apart, [alarm.id for alarm in taken]), (row, rest)):
            resolve_if_over(each, numbers, at)
            each.version += 1
            each.save()
        settle_pair(row, apart, PairState.REJECTED, by_id=by.id, at=at)
        numbers = [alarm.id for alarm in taken]
        content: dict[str, Any] = {
            "from": reference(row),
            "title": apart.title,
            "count": len(taken) + len(told) + len(written),
        }
        line = line_of(apart, "split_incident", by.actor, asset_code=code_of_asset(apart), alarms=numbers, **content)
        append([also_about(line, row), *(_carried(note, row, apart, by) for note in written)], at=at)
        return incident_of(apart)


def _checked_alarms(row: Row, held: Sequence[int], wanted: Sequence[int]) -> tuple[Alarm, ...]:
    for number in wanted:
        if number not in held:
            raise Conflict(_moved_by(number, row), key="already-moved")
    return alarms.of_ids(wanted)


def _moved_by(alarm: int, row: Row) -> str:
    """Say where an alarm went, and by whom."""
    found, move = f"alarm {alarm} is not in {reference(row)}", last_move(alarm)
    return f"{found} any more: {move[0]} moved it to {move[1]}" if move else f"{found}: look again"


def _checked_signals(
    row: Row, held: Sequence[int], alarm_ids: Sequence[int], wanted: Sequence[int]
) -> tuple[SignalRow, ...]:
    signals = {signal.pk: signal for signal in SignalRow.objects.filter(incident_id=row.pk).order_by("id")}
    for number in wanted:
        if number not in signals:
            raise Conflict(f"signal {number} is not in {reference(row)} any more: look again", key="already-moved")
    everything = set(alarm_ids) == set(held) and set(wanted) == signals.keys()
    if everything and (held or signals):
        raise Refused("everything would leave this incident: leave at least one thing in it", key="nothing-left")
    return tuple(signals[number] for number in dict.fromkeys(wanted))


def _checked_notes(row: Row, wanted: Sequence[int]) -> tuple[Line, ...]:
    known = {line.seq: line for line in note_lines(row.pk, reach=EVERYTHING)}
    for number in wanted:
        if number not in known:
            raise Refused(f"line {number} is no note of {reference(row)}", key="note-unknown")
    return tuple(known[number] for number in dict.fromkeys(wanted))


def _new(row: Row, taken: Sequence[Alarm], told: Sequence[SignalRow], at: Instant) -> Row:
    """Open an incident for what is taken: named after its most urgent alarm, else after what was told, else as this one."""
    apart = Row(
        title=row.title, category=row.category, priority=row.priority, state=IncidentState.NEW, desk=row.desk,
        place=row.place, commune=row.commune, lon=row.lon, lat=row.lat, x_m=row.x_m, y_m=row.y_m,
        opened_at=to_datetime(at), origin=row.origin, channel=row.channel,
    )  # fmt: skip
    if told:
        apart.description, apart.channel = told[0].description, told[0].channel  # as kept: under the key of its origin
    if taken:
        first = taken[0]
        asset = twin.assets_by_id([first.asset_id])[first.asset_id]
        apart.title = f"{first.definition.title} – {asset.name or asset.code}"[:200]
        apart.category, apart.priority, apart.desk = first.definition.code, first.priority, first.desk
        apart.place, apart.commune, apart.asset_id = asset.place, asset.commune, asset.id
        apart.lon, apart.lat, apart.x_m, apart.y_m = asset.lon, asset.lat, asset.x_m, asset.y_m
    begin(apart, at)
    apart.save()
    fresh = Row.objects.select_related("asset").get(pk=apart.pk)
    fresh.__dict__["as_told"] = {}
    return fresh


def _former(row: Row, former: Row, by: Viewer, at: Instant) -> Row:
    """Make a duplicate of this incident live again, to take back what is chosen."""
    require(by, Verb.LINK, Kind.INCIDENT, desk=former.desk, commune=former.commune)
    if former.duplicate_of_id is None or living_of(former.pk) != row.pk:
        raise Conflict(f"{reference(former)} is no duplicate of {reference(row)}: look again", key="not-duplicate")
    former.duplicate_of_id, former.closed_at, former.closed_by_id, former.close_reason = None, None, None, ""
    former.close_comment = b""
    owned = former.owner_id is not None
    former.state = rules.next_state(IncidentState.DUPLICATE, IncidentEvent.SPLIT, owned=owned) or former.state
    former.resolved_at = None
    former.to_compare = True
    former.due_at = row.due_at = to_datetime(at)  # judged at once
    return former


def _move(row: Row, apart: Row, taken: Sequence[Alarm], told: Sequence[SignalRow]) -> None:
    """Move what is chosen. What a former incident leaves behind is this one's own from now on."""
    IncidentAlarm.objects.filter(incident_id=row.pk, alarm_id__in=[alarm.id for alarm in taken]).update(
        incident_id=apart.pk, first_id=None
    )
    SignalRow.objects.filter(pk__in=[signal.pk for signal in told]).update(incident_id=apart.pk, first_id=None)
    tree = tree_of(apart.pk)
    for links in (IncidentAlarm.objects, SignalRow.objects):
        links.filter(incident_id=row.pk, first_id__in=tree).update(first_id=None)


def _carried(note: Line, row: Row, apart: Row, by: Viewer) -> Entry:
    """Write a note again where it belongs: who wrote it, when it was written, and the number of its line.

    Its words stay under the key of the case where it was written: the copy goes with it.
    """
    text = str((note.personal.content if note.personal else note.content).get("text", ""))
    content: dict[str, Any] = {"line": note.seq, "written_by": note.actor.name}
    line = line_of(
        apart, "carry_note", by.actor, asset_code="", alarms=(), reason="", personal={"text": text}, **content
    )
    origin = note.personal.about if note.personal and line.about else line.about
    return also_about(replace(line, about=origin), row)
