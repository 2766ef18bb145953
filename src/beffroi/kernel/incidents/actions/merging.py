"""Uniting two incidents that are one, and separating them again. Nothing is lost: what moves keeps where it was first.

The one that is united becomes a duplicate: closed by that very act, its alarms and what was told of it follow the other,
and the journal of both is read together. Each act asks the door for both, locks all that it moves, writes both, and ends
with its line: all of it stands, or nothing does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import reference, refuse_closed
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of, with_changes
from beffroi.kernel.incidents.actions.lines import kept as under_case
from beffroi.kernel.incidents.actions.locking import Held, hold
from beffroi.kernel.incidents.actions.rounds import end
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import IncidentAlarm, Pair
from beffroi.kernel.incidents.models import Signal as SignalRow
from beffroi.kernel.incidents.queries import incident_of, living_of, tree_of
from beffroi.kernel.incidents.types import CloseReason, Incident, IncidentEvent, IncidentState, PairState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer


def merge_incidents(incident_id: int, into: int, *, comment: str = "", by: Viewer, at: Instant) -> Incident:
    """Unite an incident with another, of which it becomes a duplicate; return the one that stays. Journalled.

    `comment` is what the person says of it, kept with the one that is closed. The one that stays takes the higher priority of the two, the desks of both, the owner of the other where it has none,
    and comes back where it was resolved and an alarm of the other stands. Raises Refused for one and the same incident, Forbidden,
    NotFound, and Conflict naming who closed or united one of them meanwhile.
    """
    if incident_id == into:
        raise Refused("an incident is not united with itself: name another", key="same-incident")
    written = rules.check_text(comment, "the comment") if comment.strip() else ""
    with transaction.atomic():
        held = hold(incident_id, into)
        moved, kept = held.of(incident_id), held.of(into)
        for row in (moved, kept):
            require(by, Verb.LINK, Kind.INCIDENT, desk=row.desk, commune=row.commune)
            refuse_closed(row)
        line = unite(held, moved, kept, actor=by.actor, by_id=by.id, at=at, comment=written)
        settle_pair(moved, kept, PairState.CONFIRMED, by_id=by.id, at=at)
        append([line], at=at)
        return incident_of(kept)


def unite(
    held: Held, moved: Row, kept: Row, *, actor: Actor, by_id: int | None, at: Instant, comment: str = ""
) -> Entry:
    """Move all that one incident holds to the other, close it as its duplicate, save both; return the line."""
    alarm_ids = held.alarms[moved.pk]
    alive = moved.state != IncidentState.RESOLVED and (not alarm_ids or bool(alarms.active_among(alarm_ids)))
    first = Coalesce(F("first_id"), Value(moved.pk))
    IncidentAlarm.objects.filter(incident_id=moved.pk).update(incident_id=kept.pk, first_id=first)
    SignalRow.objects.filter(incident_id=moved.pk).update(incident_id=kept.pk, first_id=first)
    content: dict[str, Any] = {"into": reference(kept), "title": moved.title, "kept_title": kept.title}
    moved.state, moved.duplicate_of_id = IncidentState.DUPLICATE, kept.pk
    end(moved, str(CloseReason.DUPLICATE), under_case(moved, comment, at), by_id, at)
    moved.due_clock, moved.due_at, moved.due_left_s = "", None, None
    moved.to_compare = False
    kept.priority = min(kept.priority, moved.priority)
    kept.associated = sorted({*kept.associated, moved.desk, *moved.associated} - {kept.desk})
    if kept.owner_id is None and moved.owner_id is not None:
        kept.owner_id, kept.taken_at = moved.owner_id, moved.taken_at
        kept.state = rules.next_state(IncidentState(kept.state), IncidentEvent.TAKE) or kept.state
    revived = rules.next_state(IncidentState(kept.state), IncidentEvent.REVIVE, owned=kept.owner_id is not None)
    if alive and revived is not None:
        kept.state, kept.resolved_at = revived, None
    kept.to_compare = True
    kept.due_at = to_datetime(at)  # what is more urgent is due sooner: judged at once
    for row in (moved, kept):
        row.version += 1
        row.save()
    line = line_of(
        moved, "merge_incident", actor, asset_code=code_of_asset(moved), alarms=alarm_ids,
        personal={"comment": comment}, **content,
    )  # fmt: skip
    return also_about(line, kept)


def separate_incident(incident_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Undo a union: the duplicate lives again with the alarms and signals that were its own; return it. Journalled.

    It goes back to its owner where it had one. The two are not proposed again. Raises Forbidden, NotFound, and Conflict
    when it is no duplicate: most often, somebody separated it first.
    """
    root = living_of(incident_id)
    with transaction.atomic():
        held = hold(incident_id, root)
        row, kept = held.of(incident_id), held.of(root)
        for each in (row, kept):
            require(by, Verb.LINK, Kind.INCIDENT, desk=each.desk, commune=each.commune)
        if row.duplicate_of_id is None or root == incident_id:
            raise Conflict(f"{reference(row)} is no duplicate any more: look again", key="not-duplicate")
        tree = tree_of(incident_id)
        if living_of(incident_id) != root:
            raise Conflict(f"{reference(kept)} is changing at this very moment: try again", key="changing")
        back = _take_back(row, kept, tree)
        row.duplicate_of_id, row.closed_at, row.closed_by_id, row.close_reason = None, None, None, ""
        row.close_comment = b""  # the line of the union tells it
        row.state = rules.next_state(IncidentState.DUPLICATE, IncidentEvent.SPLIT, owned=row.owner_id is not None) or ""
        row.resolved_at = None
        row.due_at = kept.due_at = to_datetime(at)  # judged at once
        rest = [alarm for alarm in held.alarms[root] if alarm not in set(back)]
        for each, alarm_ids in ((row, back), (kept, rest)):
            resolve_if_over(each, alarm_ids, at)
            each.version += 1
            each.save()
        settle_pair(row, kept, PairState.REJECTED, by_id=by.id, at=at)
        content: dict[str, Any] = {"from": reference(kept), "title": row.title}
        line = line_of(row, "separate_incident", by.actor, asset_code=code_of_asset(row), alarms=back, **content)
        append([also_about(line, kept)], at=at)
        return incident_of(row)


def _take_back(row: Row, kept: Row, tree: Sequence[int]) -> list[int]:
    """Bring back what was first in this incident, or in a duplicate of it; return the alarms."""
    links = IncidentAlarm.objects.filter(incident_id=kept.pk, first_id__in=tree)
    back = list(links.order_by("alarm_id").values_list("alarm_id", flat=True))
    signals = SignalRow.objects.filter(incident_id=kept.pk, first_id__in=tree)
    for moved in (links, signals):
        moved.filter(first_id=row.pk).update(incident_id=row.pk, first_id=None)
    for moved in (links, signals):
        moved.all().update(incident_id=row.pk)
    return back


def resolve_if_over(row: Row, alarm_ids: Sequence[int], at: Instant) -> None:
    """Resolve an incident whose alarms are all over, as it would have been had they returned while it held them."""
    after = rules.next_state(IncidentState(row.state), IncidentEvent.RESOLVE)
    if after is None or not alarm_ids or alarms.active_among(alarm_ids):
        return
    if SignalRow.objects.filter(incident_id=row.pk).exists():
        return  # somebody said that it is there: an alarm's return does not answer them
    row.state, row.resolved_at = after, to_datetime(at)


def settle_pair(one: Row, other: Row, state: PairState, *, by_id: int | None, at: Instant) -> None:
    """Write what was decided of two incidents, so that they are not proposed again."""
    elder, younger = sorted((one.pk, other.pk))
    decided = {"state": state, "decided_at": to_datetime(at), "decided_by_id": by_id}
    made = {**decided, "rule": "", "facts": {}, "proposed_at": to_datetime(at)}
    Pair.objects.update_or_create(elder_id=elder, younger_id=younger, defaults=decided, create_defaults=made)


def also_about(line: Entry, other: Row) -> Entry:
    """Relate a line to the other incident, whose page then follows it too, and tell what became of that one."""
    return with_changes(replace(line, related=(f"incident:{other.pk}", *line.related)), other)
