"""What a shift leaves to the next, read across the rooms: what is open, promised, silent, and what happened meanwhile.

The same reading is shown live, frozen in the hand-over that is signed, and compared with what has changed since. It is plain
JSON: what was signed must be read as it was in ten years.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from beffroi.console import reading, sending, words
from beffroi.console.pictures import place_words, short_title
from beffroi.foundation.clock import DAY, MINUTE, Instant, to_datetime
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import AlarmState, SetAside
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import Incident, IncidentState
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.types import Words
from beffroi.kernel.people import queries as people
from beffroi.kernel.people import rules
from beffroi.kernel.people.types import Instruction, InstructionKind, Shift, Viewer

SHOWN = 12
"""Rows of a list shown at once: the whole is read in a minute, the rest unfolds."""

MOST = 150
LATE_WITHOUT_OWNER: Instant = 10 * MINUTE
EVENTS = (
    "open_incident",
    "close_incident",
    "reopen_incident",
    "raise_alarm",
    "suppress_alarms",
    "open_flood",
    "sign_in",
)
Left = dict[str, Any]


def minute_of_day(at: Instant) -> int:
    """Return the minute of the local day of an instant."""
    local = timezone.localtime(to_datetime(at))
    return 60 * local.hour + local.minute


def turn_at(at: Instant) -> tuple[Shift, Shift, int]:
    """Return the hand-over at hand: who leaves, who comes, in how many minutes."""
    return rules.turn(people.shifts(), minute_of_day(at))


def began_at(shift: Shift, at: Instant) -> Instant:
    """Return when a shift began that was under way at an instant, or ended last: within a day before it."""
    return at - (minute_of_day(at) - shift.begins_min) % rules.DAY_MIN * MINUTE - at % MINUTE


def left(viewer: Viewer, at: Instant, since: Instant) -> Left:
    """Return what the post of this person would leave now: lists of rows as JSON values, and the events since."""
    mine = [each for each in reading.queue(viewer) if viewer.post.answers_for(each.desk)]
    codes = tuple(dict.fromkeys((viewer.post.code, *(each.code for each in people.posts()))))
    standing = people.standing_instructions(codes if not viewer.post.desks else (viewer.post.code,))
    return {
        "at": at,
        "since": since,
        "open": [_incident(each) for each in mine[:MOST]],
        "open_count": len(mine),
        "instructions": _instructions(standing, viewer),
        "silent": [
            {"code": each.code, "since": each.last_received_at} for each in reading.source_states() if each.silent
        ],
        "aside": _aside(viewer),
        "crews": _crews(viewer),
        "gaps": _gaps(mine, standing, viewer, at),
        "events": _events(since, at),
        "crew": [[duty.display_name, duty.initials, duty.began_at] for duty in people.on_duty(viewer.post.code)],
    }


def _crews(viewer: Viewer) -> list[dict[str, Any]]:
    """Return the crews of the post that are out: on a mission, and those on duty without one. No name, no position."""
    out = {
        each.unit: {"mission": each.title, "reference": each.reference, "state": str(each.state), "silent": each.silent}
        for each in dispatch.live_missions(seen_by=viewer, desks=viewer.post.desks)
    }
    return [
        {"name": unit.name, "callsign": unit.callsign, "status": str(unit.status), "until": unit.duty_until}
        | out.get(unit.slug, {})
        for unit in dispatch.units(seen_by=viewer, desks=viewer.post.desks, on_duty=True)
    ]


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "reference": incident.reference,
        "priority": incident.priority,
        "title": short_title(incident),
        "where": place_words(incident.asset_name or incident.place, incident.commune),
        "state": str(incident.state),
        "owner": incident.owner_initials,
        "opened_at": incident.opened_at,
    }


def _instructions(standing: Sequence[Instruction], viewer: Viewer) -> list[dict[str, Any]]:
    numbers = [int(name) for name in (each.subject.removeprefix("incident:") for each in standing) if name.isdigit()]
    references = {f"incident:{each.id}": each.reference for each in incidents.of_ids(numbers, seen_by=viewer)}
    return [
        {
            "id": each.id,
            "kind": str(each.kind),
            "kept": b64encode(each.kept).decode(),
            "reference": references.get(each.subject, ""),
            "due_at": each.due_at,
            "by": each.written_by,
            "at": each.written_at,
        }
        for each in standing
    ]


def _aside(viewer: Viewer) -> list[dict[str, Any]]:
    """Return what is kept from people, and until when: alarms put aside, equipment and sources out of service."""
    shelved = [
        _kept(each.title, each.asset_name or each.asset_code, each.kept, service=False)
        for each in alarms.list_shelvings(seen_by=viewer)
        if viewer.post.answers_for(each.desk)
    ]
    out = [
        _kept(
            each.title or each.asset_name or each.asset_code or each.source,
            each.asset_name if each.title else each.place,
            each.kept,
            service=True,
        )
        for each in alarms.list_withdrawals(seen_by=viewer)
        if not each.desk or viewer.post.answers_for(each.desk)
    ]
    return [*shelved, *out][:MOST]


def _kept(what: str, where: str, kept: SetAside, *, service: bool) -> dict[str, Any]:
    return {
        "what": what,
        "where": where,
        "service": service,
        "by": kept.by,
        "kept": b64encode(kept.why).decode(),
        "until": kept.until,
    }


def _gaps(mine: Sequence[Incident], standing: Sequence[Instruction], viewer: Viewer, at: Instant) -> dict[str, int]:
    """Return what is not as it should be when a shift ends: figures by name, those that are nought left out."""
    unseen = alarms.list_alarms(alarms.Filters(state=AlarmState.UNACKNOWLEDGED), seen_by=viewer, limit=500)
    found = {
        "unowned": sum(not each.owner and at - each.opened_at > LATE_WITHOUT_OWNER for each in mine),
        "unseen": sum(viewer.post.answers_for(each.desk) for each in unseen),
        "overdue": sum(
            each.kind is InstructionKind.PROMISE and each.due_at is not None and each.due_at < at for each in standing
        ),
        "resolved": sum(each.state is IncidentState.RESOLVED for each in mine),
    }
    return {name: count for name, count in found.items() if count}


def _events(since: Instant, until: Instant) -> dict[str, int]:
    """Return how often what happened, over a day at most."""
    counted = journal.verbs_between(max(since, until - DAY), until, EVENTS)
    return {verb: counted[verb] for verb in EVENTS if verb in counted}


def pictured(content: Left) -> Left:
    """Return a reading with what a template needs beside it: labels in the person's language, lists cut in two.

    One that was signed under another version may lack a list: it is shown empty. What people wrote stands in it encrypted:
    once its key is destroyed it is shown as erased, and what was signed is still what it was.
    """
    rows, instructions = content.get("open", []), content.get("instructions", [])
    parts = [b64decode(each["kept"]) for each in (*instructions, *content.get("aside", ())) if "kept" in each]
    read = journal.read_words(parts)
    return {
        "since": None,
        "open_count": len(rows),
        **content,
        "instructions": [_said(each, read, "text") for each in instructions],
        "aside": [_said(each, read, "reason") for each in content.get("aside", [])],
        "crews": [
            {
                **each,
                "said": sending.status_words(each["status"]),
                "silent": sending.silence_words(each.get("silent", "")),
            }
            for each in content.get("crews", [])
        ],
        "open_first": rows[:SHOWN],
        "open_rest": rows[SHOWN:],
        "beyond": content.get("open_count", len(rows)) - len(rows),
        "gaps": [(words.told(words.GAPS, name) % {"n": n}) for name, n in content.get("gaps", {}).items()],
        "events": [(words.told(words.SHIFT_EVENTS, name), n) for name, n in content.get("events", {}).items()],
    }


def _said(row: dict[str, Any], read: journal.Reading, name: str) -> dict[str, Any]:
    """Return a row with what a person wrote in it; one that was signed before it was encrypted holds it in clear."""
    kept = row.get("kept")
    text = Words(str(row.get(name, ""))) if kept is None else read.words(b64decode(kept))
    return {**row, name: text}
