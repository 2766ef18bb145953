"""Which commands are in force on their equipment now: what the alarms' room asks, so as to know what is ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db.models import Q

from beffroi.foundation.clock import DAY, Instant, from_datetime, to_datetime
from beffroi.foundation.units import state_value
from beffroi.kernel.alarms.types import Commanded
from beffroi.kernel.commands.models import Command, Request
from beffroi.kernel.commands.rules import CLOCK_APART
from beffroi.kernel.commands.types import AWAITED_STATES, CommandState
from beffroi.kernel.twin import queries as twin

MODE, ORDERED = "mode_state", "ordered"
"""What equipment says of itself while it follows an order, and neither its schedule nor its own safety."""

MAX_STANDING = 2_000
_STANDING = (*AWAITED_STATES, CommandState.EFFECTIVE)
_GIVEN_UP = (CommandState.FAILED, CommandState.EXPIRED)
_Values = Mapping[str, Mapping[int, tuple[float, Instant]]]


def standing_commands(abilities: Collection[str], known: Collection[UUID], *, at: Instant) -> tuple[Commanded, ...]:
    """Return the commands of these abilities that are in force: those `known` to be, and those due in the last day.

    In force is what has left and is waited for, and what a reading has shown, until a reading says otherwise, the
    equipment says that it follows no order, or what should have brought it back was refused or stayed silent.
    """
    if not abilities and not known:
        return ()
    recent = Request.objects.filter(ability__in=list(abilities), due_at__gte=to_datetime(at - DAY))
    wanted = Q(pk__in=list(known)) | Q(request__in=recent)
    found = Command.objects.filter(wanted, state__in=_STANDING, request__ability__in=list(abilities))
    rows = list(found.select_related("request").order_by("id")[:MAX_STANDING])
    values = _values_of(rows)
    stuck = _stuck(rows)
    standing = [row for row in rows if row.pk not in stuck and _is_obeyed(row, values)]
    return tuple(
        Commanded(
            command=row.pk,
            asset_id=row.asset_id,
            ability=row.request.ability,
            title=str(row.request.terms["label"]),
            since=from_datetime(row.sent_at),
            by=row.request.asked_by_id,
        )
        for row in standing
        if row.sent_at is not None
    )


def _values_of(rows: Collection[Command]) -> _Values:
    """Return, by quantity, the last value of each piece of equipment on which a command is shown."""
    assets: dict[str, set[int]] = {}
    for row in rows:
        if row.state == CommandState.EFFECTIVE:
            for quantity in (row.proof_quantity, MODE):
                assets.setdefault(quantity, set()).add(row.asset_id)
    return {
        quantity: {asset: (value, at) for asset, value, at in twin.values_of(quantity, ids)}
        for quantity, ids in assets.items()
        if quantity
    }


def _is_obeyed(row: Command, values: _Values) -> bool:
    """Tell whether equipment still does what it was asked, as far as it has said; what is waited for is."""
    if row.state != CommandState.EFFECTIVE or row.effective_at is None:
        return True
    shown = values.get(row.proof_quantity, {}).get(row.asset_id)
    low, high = row.proof_low, row.proof_high
    if shown is not None and low is not None and high is not None and not low <= shown[0] <= high:
        return False
    mode = values.get(MODE, {}).get(row.asset_id)
    if mode is None or mode[1] <= from_datetime(row.effective_at) + CLOCK_APART:
        return True
    return mode[0] == state_value(MODE, ORDERED)


def _stuck(rows: Collection[Command]) -> set[UUID]:
    """Return the commands that should have been undone since and were not: the equipment refused, or stayed silent."""
    last = {row.asset_id: row for row in rows}
    later = Command.objects.filter(asset_id__in=list(last), state__in=_GIVEN_UP, sent_at__isnull=False)
    tries = later.order_by().values_list("asset_id", "id", "request__ability")
    undoing = {row.pk: str((row.request.undo_terms or {}).get("slug", "")) for row in rows}
    return {
        last[asset].pk for asset, id, ability in tries if id > last[asset].pk and ability == undoing[last[asset].pk]
    }
