"""What the engine, the sender and the metrics ask: proofs awaited, commands known, sources with something to send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Count

from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.kernel.commands.models import Command
from beffroi.kernel.commands.rules import AwaitedProof
from beffroi.kernel.commands.types import AWAITED_STATES, OPEN_STATES, CommandState

_FIELDS = ("id", "asset_id", "proof_quantity", "proof_low", "proof_high", "sent_at", "expires_at", "acknowledged_at")


def awaited_proofs(source_ids: Collection[int], sent_since: Instant) -> list[AwaitedProof]:
    """Return the proofs that are awaited of equipment of these sources, for commands sent since an instant."""
    rows = Command.objects.filter(
        source_id__in=list(source_ids), state__in=AWAITED_STATES, sent_at__gte=to_datetime(sent_since)
    ).exclude(proof_quantity="")
    return [
        AwaitedProof(
            id, asset, quantity, low, high, from_datetime(sent_at), from_datetime(expires_at), heard is not None
        )
        for id, asset, quantity, low, high, sent_at, expires_at, heard in rows.values_list(*_FIELDS)
        if sent_at is not None
    ]


def known_commands(answers: Sequence[tuple[UUID, int, str]]) -> frozenset[UUID]:
    """Return which of these (command, source, address) were sent to that equipment over that source."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id FROM unnest(%s::uuid[], %s::bigint[], %s::text[]) AS w(id, source_id, address)"
            " JOIN commands_command c ON c.id = w.id AND c.source_id = w.source_id"
            " JOIN twin_asset a ON a.id = c.asset_id AND a.address = w.address",
            [
                [id for id, _, _ in answers],
                [source for _, source, _ in answers],
                [address.replace("\0", "") for _, _, address in answers],
            ],
        )
        return frozenset(UUID(str(id)) for (id,) in cursor.fetchall())


def sources_to_serve(at: Instant) -> frozenset[int]:
    """Return the sources that have commands which are authorised and due."""
    due = Command.objects.filter(state=CommandState.AUTHORISED, due_at__lte=to_datetime(at))
    return frozenset(
        due.filter(expires_at__gt=to_datetime(at)).order_by().values_list("source_id", flat=True).distinct()
    )


def doubtful(sender: str = "") -> int:
    """Return how many commands that are awaited are in doubt: marked, and not said to have left; by other senders only."""
    rows = Command.objects.filter(state__in=AWAITED_STATES, in_doubt=True)
    return rows.exclude(sender=sender).count() if sender else rows.count()


def open_by_state() -> dict[CommandState, int]:
    """Return how many commands are open, by state, zero where none is."""
    rows = Command.objects.filter(state__in=OPEN_STATES).order_by().values_list("state").annotate(n=Count("id"))
    return dict.fromkeys(OPEN_STATES, 0) | {CommandState(state): n for state, n in rows}
