"""The pictures attached to incidents: what is known of each, and its bytes for who may open them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import BinaryField, Q, QuerySet
from django.db.models.functions import Substr

from beffroi.foundation.clock import from_datetime
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.incidents import models, rules
from beffroi.kernel.incidents.queries.tree import living_of, tree_of
from beffroi.kernel.incidents.types import Evidence, EvidenceKind, Picture
from beffroi.kernel.journal.queries import kept_states, open_kept
from beffroi.kernel.journal.types import Kept, PersonalState, Sealed
from beffroi.kernel.people.queries import may
from beffroi.kernel.people.types import Kind, Verb, Viewer

MOST = 500
_HEAD_BYTES = 64
"""Of the encrypted thumbnail: enough to know by which key it opens."""


def evidence_of(incident_id: int) -> tuple[Evidence, ...]:
    """Return the pictures of an incident and of its duplicates, the oldest first. The caller asks the door."""
    rows = _rows().filter(incident_id__in=tree_of(incident_id))
    return _told(rows.order_by("attached_at", "id")[:MOST], living=incident_id)


def evidence_of_mission(mission: int) -> tuple[Evidence, ...]:
    """Return the pictures taken on a mission, the oldest first. The caller asks the door."""
    return _told(_rows().filter(mission=mission).order_by("attached_at", "id")[:MOST])


def evidence_named(evidence_id: UUID, seen_by: Viewer, *, missions: Collection[int] = ()) -> Evidence:
    """Return what is known of a picture that this person may open.

    Who may read what names persons at its incident's desk, or at that of the one it lives in, or at an associated one; who
    attached it; and, for the `missions` that the caller knows to be this person's, their pictures. Raises NotFound.
    """
    row = _rows().filter(pk=evidence_id).first()
    if row is None or not (row.attached_by_id == seen_by.id or row.mission in missions or _reads(row, seen_by)):
        raise NotFound("there is no such picture, or you may not see it")
    return _told([row])[0]


def picture(evidence_id: UUID, seen_by: Viewer, *, missions: Collection[int] = (), small: bool = False) -> Picture:
    """Return a picture opened; `small`: its thumbnail. Raises NotFound as `evidence_named`, Refused when it was erased."""
    known = evidence_named(evidence_id, seen_by, missions=missions)
    column = "thumbnail" if small else "picture"
    part = models.Evidence.objects.values_list(column, flat=True).get(pk=evidence_id)
    (kept,) = open_kept([Sealed(rules.case_of(known.incident), name_of(column, evidence_id), bytes(part))])
    if kept.state is PersonalState.ERASED:
        raise Refused(f"this picture was erased: {kept.erased_reason}", key="picture-erased")
    if kept.state is not PersonalState.READABLE:
        raise Refused("this picture does not open: its key is not on this post", key="picture-keyless")
    return Picture(known, kept.data)


def name_of(column: str, evidence_id: UUID) -> str:
    """Return the name to which an encrypted picture is bound."""
    return f"incidents_evidence.{column}:{evidence_id}"


def reference_of_incident(incident_id: int) -> str:
    """Return the reference of an incident, without more of it."""
    opened_at = models.Incident.objects.values_list("opened_at", flat=True).get(pk=incident_id)
    return rules.reference_of(incident_id, from_datetime(opened_at))


def _rows() -> QuerySet[models.Evidence]:
    rows = models.Evidence.objects.select_related("attached_by", "incident").defer("picture", "thumbnail", "asked")
    return rows.annotate(head=Substr("thumbnail", 1, _HEAD_BYTES, output_field=BinaryField()))


def _reads(row: models.Evidence, viewer: Viewer) -> bool:
    at = models.Incident.objects.filter(Q(pk=row.incident_id) | Q(pk=living_of(row.incident_id)))
    return any(
        may(viewer, Verb.SEE, Kind.PERSONAL, desk=desk, commune=each.commune)
        and may(viewer, Verb.SEE, Kind.INCIDENT, desk=desk, commune=each.commune)
        for each in at
        for desk in (each.desk, *each.associated)
    )


def _told(rows: Iterable[models.Evidence], *, living: int | None = None) -> tuple[Evidence, ...]:
    found = list(rows)
    states = kept_states([bytes(getattr(row, "head", b"")) for row in found])
    return tuple(_evidence(row, kept, living) for row, kept in zip(found, states, strict=True))


def _evidence(row: models.Evidence, kept: Kept, living: int | None) -> Evidence:
    elsewhere = living is not None and row.incident_id != living
    return Evidence(
        id=row.pk,
        incident=row.incident_id,
        kind=EvidenceKind(row.kind),
        taken_at=from_datetime(row.taken_at),
        attached_at=from_datetime(row.attached_at),
        by=row.attached_by.username if row.attached_by else "",
        by_name=row.attached_by.display_name if row.attached_by else "",
        sha256=bytes(row.sha256).hex(),
        size_bytes=row.size_bytes,
        width_px=row.width_px,
        height_px=row.height_px,
        mission=row.mission,
        step=row.step,
        first=rules.reference_of(row.incident_id, from_datetime(row.incident.opened_at)) if elsewhere else "",
        readable=kept.state is PersonalState.READABLE,
        erased_at=kept.erased_at,
        erased_reason=kept.erased_reason,
    )
