"""Putting in force what the city's equipment can be asked for, and which connectors carry it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connection, transaction

from beffroi.foundation.clock import Instant
from beffroi.kernel.commands import models, queries
from beffroi.kernel.commands.actions.lines import ROOM
from beffroi.kernel.commands.types import Ability
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry

_PROFILE_LOCK = 0x636F6D7072  # "compr": the advisory lock of whoever puts the profile in force


def publish_abilities(abilities: Sequence[Ability], *, connectors: Collection[str], by: Actor, at: Instant) -> int:
    """Put abilities in force, and note which connectors command; return how many abilities changed. One line for each.

    Doing it twice changes nothing. What was asked before keeps the terms under which it was asked.
    """
    wanted = {each.slug: (place, queries.ability_body(each)) for place, each in enumerate(abilities)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PROFILE_LOCK])
        if queries.commanding() != frozenset(connectors):
            models.Commanding.objects.all().delete()
            models.Commanding.objects.bulk_create([models.Commanding(connector=each) for each in sorted(connectors)])
        known = {row.slug: (row.place, row.body) for row in models.Ability.objects.all()}
        gone = sorted(known.keys() - wanted.keys())
        models.Ability.objects.filter(slug__in=gone).delete()
        changed = [slug for slug, entry in wanted.items() if known.get(slug) != entry]
        for slug in changed:
            place, body = wanted[slug]
            models.Ability.objects.update_or_create(slug=slug, defaults={"place": place, "body": body})
        told = [slug for slug in changed if slug not in known or known[slug][1] != wanted[slug][1]]
        lines = [Entry(by, ROOM, "publish_ability", f"ability:{slug}", content=wanted[slug][1]) for slug in told]
        lines += [Entry(by, ROOM, "withdraw_ability", f"ability:{slug}") for slug in gone]
        if lines:
            append(lines, at=at)
    return len(told) + len(gone)
