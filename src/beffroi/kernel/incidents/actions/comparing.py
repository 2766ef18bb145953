"""Comparing incidents that opened or changed with their neighbours: proposed with the reason, or united by a safe rule.

Called by the worker, away from the readings' path. Bounded: so many incidents a turn, so many neighbours each, found by a
box in metres. A pair is proposed once: what a person rejected does not come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import reference
from beffroi.kernel.incidents.actions.lines import code_of_asset, line_of
from beffroi.kernel.incidents.actions.locking import hold
from beffroi.kernel.incidents.actions.merging import also_about, merge_incidents, settle_pair, unite
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import Pair
from beffroi.kernel.incidents.queries import (
    categories,
    compared,
    correlation,
    incident_of,
    neighbours,
    pair_of,
    twin_of,
)
from beffroi.kernel.incidents.types import Category, Correlation, Facts, Incident, PairState
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Verb, Viewer

MOST_A_TURN = 50


def compare_incidents(*, at: Instant, limit: int = MOST_A_TURN) -> int:
    """Compare the incidents that wait for it, the oldest first; return how many were. Each act in its own transaction.

    One that changes meanwhile is compared again at the next turn, and so is one of which a person holds the other half.
    """
    waiting = list(Row.objects.filter(to_compare=True).order_by("id").values_list("id", "version")[:limit])
    if not waiting:
        return 0
    ours, profile = correlation(), categories()
    for number, version in waiting:
        try:
            _compare(number, ours, profile, at)
        except Conflict:
            continue
        Row.objects.filter(pk=number, version=version).update(to_compare=False)
    return len(waiting)


def _compare(number: int, ours: Sequence[Correlation], profile: Sequence[Category], at: Instant) -> None:
    me, others = neighbours(number, ours, profile)
    if me is None or not others:
        return
    twin = twin_of((me, *others))
    for other in others:
        held = rules.compare(me, other, ours, twin)
        if held is None:
            continue
        rule, facts = held
        kept, moved = rules.stays(me, other)
        both_owned = me.owner is not None and other.owner is not None and me.owner != other.owner
        if not rule.safe or both_owned:
            _propose(min(number, other.id), max(number, other.id), rule, facts, at)
        elif _unite(moved, kept, rule, facts, at) and moved == number:
            return  # the rest is asked of the one that stays, which changed


def _unite(moved: int, kept: int, rule: Correlation, facts: Facts, at: Instant) -> bool:
    """Unite two by a safe rule; False when a person decided of one of them first."""
    with transaction.atomic():
        held = hold(moved, kept)
        rows = held.of(moved), held.of(kept)
        if any(row.closed_at is not None for row in rows) or pair_of(moved, kept) is not None:
            return False
        line = unite(held, *rows, actor=_actor(rule), by_id=None, at=at)
        _write(moved, kept, rule, facts, PairState.UNITED, at)
        append([_with_facts(line, rule, facts)], at=at)
        return True


def _propose(elder: int, younger: int, rule: Correlation, facts: Facts, at: Instant) -> None:
    with transaction.atomic():
        held = hold(elder, younger)
        one, other = held.of(elder), held.of(younger)
        if one.closed_at is not None or other.closed_at is not None or pair_of(elder, younger) is not None:
            return
        _write(elder, younger, rule, facts, PairState.PROPOSED, at)
        content: dict[str, Any] = {"title": other.title, "with": reference(one)}
        line = line_of(other, "propose_link", _actor(rule), asset_code=code_of_asset(other), **content)
        append([_with_facts(also_about(line, one), rule, facts)], at=at)


def _write(one: int, other: int, rule: Correlation, facts: Facts, state: PairState, at: Instant) -> None:
    decided = None if state is PairState.PROPOSED else to_datetime(at)
    Pair.objects.create(
        elder_id=min(one, other),
        younger_id=max(one, other),
        rule=rule.code,
        facts=asdict(facts),
        state=state,
        proposed_at=to_datetime(at),
        decided_at=decided,
    )


def confirm_link(incident_id: int, other_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Say that two incidents that are proposed are one: they are united; return the one that stays (`rules.stays`).

    Raises as `merge_incidents`, and Conflict when somebody decided of it first.
    """
    _still_proposed(incident_id, other_id)
    found = compared((incident_id, other_id), categories())
    if len(found) < 2:
        raise Conflict("one of the two is closed: look again", key="not-proposed")
    kept, moved = rules.stays(*found)
    return merge_incidents(moved, kept, by=by, at=at)


def reject_link(incident_id: int, other_id: int, *, by: Viewer, at: Instant) -> Incident:
    """Say that two incidents that are proposed are not one; they are not proposed again. Journalled.

    Return the first. Raises Forbidden, NotFound, and Conflict when somebody decided of it first, naming who.
    """
    with transaction.atomic():
        held = hold(incident_id, other_id)
        row, other = held.of(incident_id), held.of(other_id)
        for each in (row, other):
            require(by, Verb.LINK, Kind.INCIDENT, desk=each.desk, commune=each.commune)
        _still_proposed(incident_id, other_id)
        settle_pair(row, other, PairState.REJECTED, by_id=by.id, at=at)
        content: dict[str, Any] = {"title": row.title, "with": reference(other)}
        line = line_of(row, "reject_link", by.actor, asset_code=code_of_asset(row), **content)
        append([also_about(line, other)], at=at)
        return incident_of(row)


def _still_proposed(one: int, other: int) -> None:
    pair = pair_of(one, other)
    if pair is None:
        raise Conflict("nobody proposed that these two are one: unite them yourself", key="not-proposed")
    if pair.state != PairState.PROPOSED:
        who = pair.decided_by.display_name if pair.decided_by else "a rule"
        raise Conflict(f"{who} decided of it first ({pair.state})", key="already-decided")


def _actor(rule: Correlation) -> Actor:
    return Actor(ActorKind.RULE, rule.code, rule.title)


def _with_facts(line: Entry, rule: Correlation, facts: Facts) -> Entry:
    return replace(line, content={**line.content, "rule": rule.code, "facts": asdict(facts)})
