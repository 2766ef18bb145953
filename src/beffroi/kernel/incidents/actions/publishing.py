"""Putting in force what the city's profile says of incidents: the categories and the rules of correlation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection, transaction

from beffroi.foundation.clock import Instant
from beffroi.kernel.incidents.actions.lines import ROOM
from beffroi.kernel.incidents.models import Entry as Row
from beffroi.kernel.incidents.types import Category, Correlation
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry

_PROFILE_LOCK = 0x696E637072  # "incpr": the advisory lock of whoever puts the profile in force
_VERBS = {
    "category": ("publish_category", "withdraw_category"),
    "correlation": ("publish_correlation", "withdraw_correlation"),
}


def publish_profile(
    categories: Sequence[Category], correlation: Sequence[Correlation], *, by: Actor, at: Instant
) -> int:
    """Put the categories and the rules of correlation in force; return how many entries changed. One line for each.

    Doing it twice changes nothing. Those that are no more named are withdrawn; incidents keep the code they have.
    """
    wanted: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for place, category in enumerate(categories):
        wanted["category", category.code] = (place, _plain(category))
    for place, rule in enumerate(correlation):
        wanted["correlation", rule.code] = (place, _plain(rule))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PROFILE_LOCK])
        known = {(row.kind, row.code): (row.place, row.body) for row in Row.objects.all()}
        changed = [key for key, entry in wanted.items() if known.get(key) != entry]
        gone = sorted(known.keys() - wanted.keys())
        for kind, code in gone:
            Row.objects.filter(kind=kind, code=code).delete()
        for kind, code in changed:
            place, body = wanted[kind, code]
            Row.objects.update_or_create(kind=kind, code=code, defaults={"place": place, "body": body})
        moved = {key for key in changed if key in known and known[key][1] == wanted[key][1]}
        lines = [
            Entry(by, ROOM, _VERBS[kind][0], f"{kind}:{code}", content=wanted[kind, code][1])
            for kind, code in changed
            if (kind, code) not in moved
        ]
        lines += [Entry(by, ROOM, _VERBS[kind][1], f"{kind}:{code}") for kind, code in gone]
        append(lines, at=at)
    return len(changed) + len(gone)


def _plain(entry: Category | Correlation) -> dict[str, Any]:
    """Return an entry as the database gives it back, so that the two can be compared."""
    return msgspec.json.decode(msgspec.json.encode(entry), type=dict[str, Any])
