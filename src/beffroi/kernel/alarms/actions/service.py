"""Out of service: equipment under works, one definition on it, or a whole source. Its alarms are recorded, nobody is called.

A person takes it out, for a reason and until a date; a person puts it back. Past the date it is not put back by itself
(what stands on it would all come at once, on whoever is there): it is recalled, every day, until somebody ends it.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, NotFound
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.batch import Batch, together
from beffroi.kernel.alarms.actions.covering import covers_in_force, hold_covers
from beffroi.kernel.alarms.actions.rows import ROOM, Row, check_transaction, lock_alarms, person
from beffroi.kernel.alarms.rules import case_of_withdrawal, check_reason, check_withdrawal, next_state
from beffroi.kernel.alarms.rules.priorities import REMIND_EVERY
from beffroi.kernel.alarms.types import OPEN_STATES, AlarmEvent, AlarmState, Applied
from beffroi.kernel.journal.actions import keep_words
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people.queries import require, territories
from beffroi.kernel.people.types import Kind, Territory, Verb, Viewer
from beffroi.kernel.twin import queries as twin

MAX_RELATED = 200
"""Alarms that the line of a withdrawal is related to, so that what shows them follows; all are named in its content."""

REMINDER = Actor(ActorKind.SYSTEM, "beffroi", "Beffroi")


def take_out_of_service(
    *, until: Instant, reason: str, by: Viewer, at: Instant, asset: str = "", code: str = "", source: str = ""
) -> Applied:
    """Take out of service an asset, one definition (`code`) on it, or a source; in the caller's transaction.

    For the room's supervisor. Its open alarms are set aside, those that had returned end. Raises Forbidden, NotFound,
    Refused for the reason or the date, and Conflict naming who took it out already.
    """
    check_transaction()
    why = check_reason(reason)
    check_withdrawal(at=at, until=until)
    hold_covers(alone=True)
    draft = _of_source(source, by) if source else _of_asset(asset, code, by)
    known = models.Withdrawal.objects.select_related("by").filter(ended_at=None, code=draft.code)
    same = Q(asset=None, source=draft.source) if draft.asset is None else Q(source=None, asset=draft.asset)
    if first := known.filter(same).first():
        raise Conflict(f"it is out of service already, by {queries.kept_words(first)}", key="out-of-service")
    draft.by_id, draft.since, draft.until = person(by), to_datetime(at), to_datetime(until)
    draft.save()
    models.Withdrawal.objects.filter(pk=draft.pk).update(reason=keep_words(case_of_withdrawal(draft.pk), why, at=at))
    rows = lock_alarms(_covered(draft).values_list("id", flat=True))
    moved = [row for row in rows if _withdraw(row)]
    for state in {row.state for row in moved}:
        ended = {"ended_at": to_datetime(at)} if state == AlarmState.NORMAL else {}
        models.Alarm.objects.filter(pk__in=[row.id for row in moved if row.state == state]).update(
            state=state, withdrawal=draft, suppressed_by=None, commanded=None, rung=0, escalated_at=None, **ended
        )
    return Batch(at).applied(_told("take_out_of_service", draft, moved, by.actor, why, until=until))


def put_back_in_service(withdrawal_id: int, *, reason: str, by: Viewer, at: Instant) -> Applied:
    """Put back in service: the alarms recorded meanwhile that still stand come before people; in the caller's transaction.

    What another withdrawal or a shelving keeps stays where that one holds it. Raises Forbidden, NotFound, Refused without
    a reason, and Conflict naming who put it back first.
    """
    check_transaction()
    why = check_reason(reason)
    hold_covers(alone=True)
    withdrawal = (
        models.Withdrawal.objects.select_related("source", "asset", "ended_by").filter(pk=withdrawal_id).first()
    )
    if withdrawal is None:
        raise NotFound(f"nothing was taken out of service under the number {withdrawal_id}")
    _ask(withdrawal, by)
    if withdrawal.ended_at is not None:
        raise Conflict(queries.end_words(withdrawal), key="not-out-of-service")
    rows = lock_alarms(
        models.Alarm.objects.filter(withdrawal=withdrawal, state=AlarmState.OUT_OF_SERVICE).values_list("id", flat=True)
    )
    withdrawal.ended_at, withdrawal.ended_by_id = to_datetime(at), by.id
    withdrawal.end_reason = keep_words(case_of_withdrawal(withdrawal.pk), why, at=at)
    withdrawal.save()
    batch = Batch(at)
    _restore(batch, rows, by.actor)
    return batch.applied(_told("put_back_in_service", withdrawal, rows, by.actor, why))


def remind_withdrawals(*, at: Instant) -> Applied:
    """Recall what should be back in service and is not, once a day each; in the caller's transaction."""
    check_transaction()
    due = Q(reminded_at=None) | Q(reminded_at__lte=to_datetime(at - REMIND_EVERY))
    overdue = models.Withdrawal.objects.filter(due, ended_at=None, until__lte=to_datetime(at))
    rows = list(overdue.select_for_update(of=("self",)).select_related("source", "asset").order_by("id")[:100])
    models.Withdrawal.objects.filter(pk__in=[row.pk for row in rows]).update(reminded_at=to_datetime(at))
    lines = [_told("remind_out_of_service", row, [], REMINDER, "") for row in rows]
    return Applied(lines=tuple(lines))


def _of_source(code: str, by: Viewer) -> models.Withdrawal:
    found = next((source for source in twin.sources() if source.code == code), None)
    if found is None:
        raise NotFound(f"there is no source `{code[:60]}`")
    draft = models.Withdrawal(source_id=found.id, title=found.code)
    _ask(draft, by)
    return draft


def _of_asset(name: str, code: str, by: Viewer) -> models.Withdrawal:
    asset = twin.get_asset(name)
    about = [each for each in queries.definitions_in_force() if each.asset_class == asset.asset_class]
    if code:
        about = [definition for definition in about if definition.code == code]
        if not about:
            raise NotFound(f"no definition `{code[:60]}` concerns {asset.code}")
    desks = sorted({definition.desk for definition in about})
    draft = models.Withdrawal(
        asset_id=asset.id, code=code, title=about[0].title if code else "", desk=desks[0] if len(desks) == 1 else ""
    )
    for desk in desks or [""]:
        require(by, Verb.WITHDRAW, Kind.ALARM, desk=desk, commune=asset.commune)
    return draft


def _ask(withdrawal: models.Withdrawal, by: Viewer) -> None:
    """Ask the door. A source reaches over desks and communes: so must the clearance."""
    if withdrawal.asset is not None:
        require(by, Verb.WITHDRAW, Kind.ALARM, desk=withdrawal.desk, commune=withdrawal.asset.commune)
        return
    require(by, Verb.WITHDRAW, Kind.SOURCE)
    if territories(by, Verb.WITHDRAW, Kind.SOURCE) != (Territory(),):
        raise Forbidden("a source is taken out of service by who is cleared for every desk and commune")


def _covered(draft: models.Withdrawal) -> QuerySet[models.Alarm]:
    rows = models.Alarm.objects.filter(state__in=OPEN_STATES).order_by("id")
    if draft.asset is None:
        return rows.filter(asset__source=draft.source)
    rows = rows.filter(asset=draft.asset)
    return rows.filter(code=draft.code) if draft.code else rows


def _withdraw(row: Row) -> bool:
    """Set an alarm aside as the table says; tell whether it moved."""
    after = next_state(row.state, AlarmEvent.WITHDRAW, latching=row.definition.latching, holds=row.holds)
    row.state = after or row.state
    return after is not None


def _restore(batch: Batch, rows: list[Row], actor: Actor) -> None:
    covers = covers_in_force().over(row.key for row in rows)
    out, kept = [], []
    for row in rows:
        cover = covers.get(row.key)
        after = next_state(
            row.state, AlarmEvent.RESTORE, latching=row.definition.latching, holds=row.holds,
            cover=cover.state if cover else None,
        )  # fmt: skip
        row.state = after or row.state
        if cover is None:
            out.append(row)
            continue
        kept_by = models.Alarm.objects.filter(pk=row.id)
        if cover.shelving is not None:
            kept_by.update(state=row.state, shelving=cover.shelving)
        else:
            kept_by.update(state=row.state, withdrawal=cover.withdrawal)
        kept.append(row)
    batch.come_out("restore_alarm", out, otherwise="keep_aside", actor=actor)
    for row in kept:
        batch.happened("keep_aside", row, actor=actor)


def _told(verb: str, withdrawal: models.Withdrawal, rows: list[Row], actor: Actor, why: str, **more: object) -> Entry:
    assets = twin.assets_by_id({row.asset_id for row in rows})
    subject = f"source:{withdrawal.title}"
    content: dict[str, object] = {"title": withdrawal.title, "until": int(withdrawal.until.timestamp() * 1_000_000)}
    if withdrawal.asset_id is not None:
        asset = twin.assets_by_id([withdrawal.asset_id])[withdrawal.asset_id]
        subject = f"asset:{asset.code}"
        content |= {"asset_name": asset.name, "place": asset.place, "commune": asset.commune, "code": withdrawal.code}
    if rows:
        states = {str(state): [row.id for row in rows if row.state == state] for state in {row.state for row in rows}}
        content |= together(rows, assets) | {"states": states}
    related = tuple(f"alarm:{row.id}" for row in rows[:MAX_RELATED])
    about, written = (case_of_withdrawal(withdrawal.pk), {"reason": why}) if why else ("", {})
    return Entry(actor, ROOM, verb, subject, related, content | more, about=about, personal=written)
