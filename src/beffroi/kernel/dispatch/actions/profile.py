"""What the city decides beforehand about its crews: put in force whole, journalled once when it changes."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import connection, transaction

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import NotFound
from beffroi.kernel.dispatch.actions.acting import ROOM
from beffroi.kernel.dispatch.models import Setting, Unit
from beffroi.kernel.dispatch.types import DutyState, Profile, UnitEntry
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.twin.queries import get_asset

_PROFILE_LOCK = 0x646973706174  # "dispat": the advisory lock of whoever puts the crews of the city in force


def publish_units(profile: Profile, *, by: Actor, at: Instant) -> bool:
    """Put the city's crews, skills, cards and times in force; tell whether anything changed. Journalled as one line.

    A crew that the profile names no more goes once it is off duty; what its missions told stays.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PROFILE_LOCK])
        altered = _settings(profile)
        known = {row.slug: row for row in Unit.objects.select_for_update().order_by("id")}
        for place, entry in enumerate(profile.units):
            altered += _unit(known.get(entry.slug), entry, place)
        named = {entry.slug for entry in profile.units}
        for slug, row in known.items():
            if slug not in named and row.in_use and row.duty == DutyState.OFF:
                row.in_use = False
                row.save()
                altered.append(slug)
        if altered:
            append([Entry(by, ROOM, "publish_units", "profile:units", content={"changed": altered})], at=at)
    return bool(altered)


def _settings(profile: Profile) -> list[str]:
    altered = []
    for kind in ("skills", "cards", "times"):
        body = msgspec.json.decode(msgspec.json.encode(getattr(profile, kind)))  # as the database gives it back
        row = Setting.objects.filter(kind=kind).first()
        if row is None or row.body != body:
            Setting.objects.update_or_create(kind=kind, code="", defaults={"place": 0, "body": body})
            altered.append(kind)
    return altered


def _unit(row: Unit | None, entry: UnitEntry, place: int) -> list[str]:
    wanted: dict[str, Any] = {
        "name": entry.name,
        "callsign": entry.callsign,
        "kind": str(entry.kind),
        "desk": entry.desk,
        "post": entry.post,
        "skills": list(entry.skills),
        "vehicle": str(entry.vehicle),
        "asset_id": _asset(entry.asset),
        "base_lon": entry.base.lon,
        "base_lat": entry.base.lat,
        "crew": list(entry.crew),
        "anonymous": entry.anonymous,
        "alone": entry.alone,
        "place": place,
        "in_use": True,
    }
    if row is not None and all(getattr(row, name) == value for name, value in wanted.items()):
        return []
    row = row or Unit(slug=entry.slug)
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    return [entry.slug]


def _asset(code: str) -> int | None:
    if not code:
        return None
    try:
        return get_asset(code).id
    except NotFound:
        return None
