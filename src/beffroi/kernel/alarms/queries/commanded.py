"""Commands of ours that explain alarms: which abilities definitions name, which commands are in force, what they explain."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Q

from beffroi.foundation.clock import from_datetime
from beffroi.kernel.alarms import models
from beffroi.kernel.alarms.queries.aside import narrowed
from beffroi.kernel.alarms.queries.definitions import definitions_in_force
from beffroi.kernel.alarms.rules import commands_that_explain
from beffroi.kernel.alarms.types import COMMAND, AlarmState, Commanded, Expected
from beffroi.kernel.people.types import Viewer

MAX_EXPECTED = 500


def explaining_abilities() -> frozenset[str]:
    """Return the abilities that some definition in force names: only their commands need to be followed."""
    if not models.Definition.objects.filter(in_force=True, suppressed_by__contains=COMMAND).exists():
        return frozenset()
    return frozenset(
        ability for definition in definitions_in_force() for _, ability in commands_that_explain(definition)
    )


def followed_commands() -> frozenset[UUID]:
    """Return the commands that were in force when they were last followed."""
    return frozenset(models.Commanded.objects.filter(ended_at=None).values_list("command", flat=True))


def list_expected(*, seen_by: Viewer) -> tuple[Expected, ...]:
    """Return the commands in force that explain alarms this person may see, the last one first."""
    seen = models.Alarm.objects.filter(
        narrowed(seen_by, "desk", "asset__commune"), state=AlarmState.SUPPRESSED, commanded__isnull=False
    )
    found = seen.order_by().values_list("commanded_id", "definition__title").annotate(n=Count("id"))
    titles: dict[int, dict[str, int]] = {}
    for key, title, count in found:
        titles.setdefault(key, {})[title] = count
    rows = models.Commanded.objects.filter(Q(pk__in=titles)).select_related("asset", "by").order_by("-since", "-id")
    return tuple(
        Expected(
            commanded_of(row),
            row.asset.code,
            row.asset.name,
            row.asset.place,
            row.asset.commune,
            sum(titles[row.pk].values()),
            tuple(sorted(titles[row.pk])),
        )
        for row in rows[:MAX_EXPECTED]
    )


def commanded_of(row: models.Commanded) -> Commanded:
    """Return a command in force as the other rooms see it."""
    return Commanded(
        command=row.command,
        asset_id=row.asset_id,
        ability=row.ability,
        title=row.title,
        since=from_datetime(row.since),
        by=row.by_id,
        by_name=row.by.display_name if row.by else "",
    )
