"""What every act of this room is made of: the crew locked first, the right asked, the answer kept, the line written last.

Lock order: the crew, its mission, then what incidents lock (alarms, incidents), then the journal's head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from beffroi.foundation.clock import DAY, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.foundation.settings import settings
from beffroi.kernel.dispatch import rules
from beffroi.kernel.dispatch.models import LIVE, Answer, Mission, Unit
from beffroi.kernel.dispatch.queries import is_of_crew, times
from beffroi.kernel.dispatch.types import MissionEvent, MissionState
from beffroi.kernel.incidents.rules import case_of
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.actions.accounts import signed_in
from beffroi.kernel.people.queries import may, require
from beffroi.kernel.people.types import Kind, Verb, Viewer

ROOM = "dispatch"
ANSWERS_KEPT: Instant = 7 * DAY
"""How long an answer is kept for a phone that sends its act again: longer than any phone stays offline on duty."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sent:
    """An act as a phone sends it: its token, what it is and is about. The same token for something else is refused."""

    token: str
    act: str
    about: str
    body: Mapping[str, Any]

    @property
    def digest(self) -> bytes:
        """What tells two acts apart."""
        return hashlib.sha256(msgspec.json.encode([self.act, self.about, dict(sorted(self.body.items()))])).digest()


def lock_unit(slug: str) -> Unit:
    """Lock a crew; whoever else acts on it waits. Raises NotFound."""
    row = Unit.objects.select_for_update().filter(slug=slug[:32], in_use=True).first()
    if row is None:
        raise NotFound(f"there is no crew `{slug[:32]}`")
    return row


def lock_mission(number: int) -> tuple[Unit, Mission]:
    """Lock a mission's crew, then the mission. Raises NotFound."""
    unit_id = (
        Mission.objects.filter(pk=number).values_list("unit_id", flat=True).first() if abs(number) < 10**12 else None
    )
    if unit_id is None:
        raise NotFound(f"there is no mission {number}")
    unit = Unit.objects.select_for_update().get(pk=unit_id)
    row = (
        Mission.objects.select_for_update(of=("self",)).select_related("unit", "incident", "proposed_by").get(pk=number)
    )
    row.unit = unit
    return unit, row


def live_mission(unit: Unit) -> Mission | None:
    """Return the live mission of a crew that is locked."""
    rows = Mission.objects.select_related("unit", "incident", "proposed_by")
    return rows.filter(unit_id=unit.pk, state__in=LIVE).first()


def require_crew(by: Viewer, unit: Unit, kind: Kind) -> bool:
    """Let a crew act for itself, or who sends it on its word by radio; tell which: True for the crew. Raises Forbidden."""
    if is_of_crew(by, unit):
        return True
    if may(by, Verb.REPORT, kind) and not may(by, Verb.MARK, kind, desk=unit.desk):
        raise Forbidden(f"{by.username} is not of the crew {unit.name}")
    require(by, Verb.MARK, kind, desk=unit.desk)
    return False


def answered_before(sent: Sent, by: Viewer, shape: type[_T]) -> _T | None:
    """Return the first answer of an act that came before with this token; None when it did not. Raises Refused.

    The crew is locked by then: the same act sent twice at once comes in an order.
    """
    if not sent.token:
        return None
    if len(sent.token) > 80 or not sent.token.isprintable():
        raise Refused("the token has 1 to 80 printable characters", key="key-malformed")
    known = Answer.objects.filter(person__username=by.username, token=sent.token).first()
    if known is None:
        return None
    if bytes(known.digest) != sent.digest:
        raise Refused(f"the token `{sent.token}` was used for something else: take a new one", key="key-reused")
    return msgspec.json.decode(bytes(known.answer), type=shape)


def keep_answer(sent: Sent, by: Viewer, answer: object, at: Instant) -> None:
    """Keep what an act was answered, for a phone that did not hear it."""
    if sent.token:
        Answer.objects.create(
            person_id=signed_in(by),
            token=sent.token,
            act=sent.act,
            about=sent.about,
            digest=sent.digest,
            answer=msgspec.json.encode(answer),
            erase_at=to_datetime(at + ANSWERS_KEPT),
        )


def mission_line(row: Mission, verb: str, actor: Actor, *, reason: str = "", **content: Any) -> Entry:
    """Return a line about a mission; the thread of its incident tells it too."""
    told = {
        "mission": row.pk,
        "crew": row.unit.callsign,
        "state": str(row.state),
        "title": row.title,
        "desk": row.unit.desk,
        "commune": row.commune,
        **content,
    }
    related = (f"incident:{row.incident_id}", f"unit:{row.unit.slug}")
    return Entry(actor, ROOM, verb, f"mission:{row.pk}", related, told, reason=reason)


def unit_line(unit: Unit, verb: str, actor: Actor, *, related: tuple[str, ...] = (), **content: Any) -> Entry:
    """Return a line about a crew."""
    told = {"crew": unit.callsign, "desk": unit.desk, "duty": str(unit.duty), **content}
    return Entry(actor, ROOM, verb, f"unit:{unit.slug}", related, told)


def watch(row: Mission, unit: Unit, at: Instant) -> None:
    """Write in a mission which silence it waits for, and until when."""
    state = MissionState(row.state)
    since = {
        MissionState.PROPOSED: row.proposed_at,
        MissionState.ACCEPTED: row.accepted_at,
        MissionState.EN_ROUTE: row.departed_at or row.accepted_at,
        MissionState.ON_SITE: row.arrived_at,
    }.get(state)
    found = rules.silence_of(
        state,
        priority=row.priority,
        since=at if since is None else from_datetime(since),
        moved_at=_instant(row.moved_at),
        sign_at=_instant(row.sign_at),
        alone=rules.is_alone(unit.headcount, unit.alone),
        times=times(),
    )
    if found is None or row.silent == found[0]:
        row.silence, row.due_at = "", None
    else:
        row.silence, row.due_at = found[0], to_datetime(found[1])


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)


def who_and_when(name: str, moment: datetime | None) -> str:
    """Return who did something and when, in the words that who comes second is told."""
    at = to_datetime(from_datetime(moment)).astimezone(ZoneInfo(settings().timezone)) if moment else None
    return (name or "somebody") + (f" at {at:%H:%M:%S}" if at else "")


def moved_on(row: Mission) -> Conflict:
    """Return the Conflict of who acts on a mission that moved on meanwhile: what became of it, by whom, when."""
    done = rules.DONE_BY[MissionEvent(row.last_act)]
    return Conflict(
        f"mission {row.pk} was {done} by {who_and_when(row.last_name, row.last_at)}; it is {row.state}: look again",
        key="mission-moved-on",
    )


def wrote(row: Mission, unit: Unit, event: MissionEvent, name: str, at: Instant) -> None:
    """Write in a mission and its crew who did what last: what who comes late is told."""
    row.last_act, row.last_name, row.last_at = event, name, to_datetime(at)
    row.version += 1
    if row.state not in LIVE:
        row.moved_at, row.moved_lon, row.moved_lat = None, None, None
    watch(row, unit, at)
    row.save()
    changed(unit)


def changed(unit: Unit) -> None:
    """Save a crew that is locked, one version further."""
    unit.version += 1
    unit.save()


def in_case(line: Entry, row: Mission, **texts: str) -> Entry:
    """Return a line with what people wrote freely in it, encrypted with the key of the incident's case."""
    written = {name: text for name, text in texts.items() if text}
    return replace(line, about=case_of(row.incident_id), personal=written) if written else line
