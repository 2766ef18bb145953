"""What is kept of the ways of crews: whether there is one, and until when. The way itself is opened by an act, for a purpose."""

from __future__ import annotations

from beffroi.foundation.clock import SECOND, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.dispatch import models
from beffroi.kernel.dispatch.queries.missions import mission_of
from beffroi.kernel.dispatch.queries.profile import times
from beffroi.kernel.dispatch.types import TrackKept
from beffroi.kernel.people.queries import may
from beffroi.kernel.people.types import Kind, Verb, Viewer


def track_kept(number: int, *, seen_by: Viewer) -> TrackKept:
    """Return what is kept of a mission's way. Raises NotFound, also for who may not open it."""
    rows = models.Mission.objects.select_related("unit", "incident", "proposed_by")
    row = rows.filter(pk=number).first() if abs(number) < 10**12 else None
    if row is None or not may(seen_by, Verb.OPEN, Kind.POSITION, desk=row.unit.desk):
        raise NotFound(f"there is no mission {number}, or you may not open its way")
    last = models.TrackPoint.objects.filter(mission_id=number).order_by("-erase_at").first()
    began = from_datetime(row.accepted_at or row.proposed_at)
    until = began + times().track_kept_s * SECOND if last is None else from_datetime(last.erase_at)
    points = models.TrackPoint.objects.filter(mission_id=number).count()
    return TrackKept(mission_of(row), points, row.accepted_at is not None, until)


def latest_tracks(*, seen_by: Viewer, at: Instant) -> dict[str, int]:
    """Return the number of each crew's last mission whose way may still be kept, by the crew's slug, for who may open it."""
    since = to_datetime(at - times().track_kept_s * SECOND)
    rows = models.Mission.objects.filter(accepted_at__gt=since, unit__in_use=True).order_by("unit_id", "-id")
    found = rows.distinct("unit_id").values_list("unit__slug", "unit__desk", "id")
    return {slug: number for slug, desk, number in found if may(seen_by, Verb.OPEN, Kind.POSITION, desk=desk)}
