"""Putting in force what the city's profile says of each priority."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from django.db import transaction

from beffroi.foundation.clock import Instant
from beffroi.kernel.alarms import models, queries
from beffroi.kernel.alarms.actions.rows import ROOM
from beffroi.kernel.alarms.types import Priority
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry


def publish_priorities(policies: Iterable[Priority], *, by: Actor, at: Instant) -> int:
    """Put in force the times of each priority; return how many changed. Journalled; doing it twice changes nothing."""
    with transaction.atomic():
        known = queries.priorities()
        stored = set(models.Priority.objects.select_for_update().values_list("priority", flat=True))
        changed = [policy for policy in policies if known[policy.priority] != policy or policy.priority not in stored]
        for policy in changed:
            models.Priority.objects.update_or_create(priority=policy.priority, defaults=asdict(policy))
        append(
            [Entry(by, ROOM, "set_priority", f"priority:{each.priority}", content=asdict(each)) for each in changed],
            at=at,
        )
    return len(changed)
