"""What the city decides beforehand: its deadlines, and the desks and bodies it hands incidents over to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.incidents import models, queries
from beffroi.kernel.incidents.actions.lines import ROOM
from beffroi.kernel.incidents.types import OPEN_STATES, Body, Deadline
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry

_PROFILE_LOCK = 0x696E6370726F66  # "incprof": the advisory lock of whoever puts the city's profile in force


def publish_deadlines(deadlines: Iterable[Deadline], *, by: Actor, at: Instant) -> bool:
    """Put a whole table of deadlines in force; tell whether it changed. Journalled. Open incidents are judged by it."""
    wanted = tuple(deadlines)
    with transaction.atomic():
        _alone()
        if wanted == queries.deadlines():
            return False
        models.Deadline.objects.all().delete()
        models.Deadline.objects.bulk_create([models.Deadline(**asdict(each)) for each in wanted])
        opened = models.Incident.objects.filter(state__in=[str(state) for state in OPEN_STATES])
        opened.update(due_at=to_datetime(at))  # the worker judges each of them anew
        content = {"deadlines": [asdict(each) for each in wanted]}
        append([Entry(by, ROOM, "publish_deadlines", "profile:deadlines", content=content)], at=at)
    return True


def publish_bodies(bodies: Iterable[Body], *, by: Actor, at: Instant) -> bool:
    """Put a whole directory of desks and bodies in force; tell whether it changed. Journalled."""
    wanted = tuple(bodies)
    with transaction.atomic():
        _alone()
        if wanted == queries.bodies():
            return False
        models.Body.objects.all().delete()
        models.Body.objects.bulk_create([models.Body(**asdict(body), place=place) for place, body in enumerate(wanted)])
        content = {"bodies": [asdict(body) for body in wanted]}
        append([Entry(by, ROOM, "publish_bodies", "profile:bodies", content=content)], at=at)
    return True


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PROFILE_LOCK])
