"""Pictures of incidents: listed, opened for the purpose of their incident, attached by who leads it or told it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers, answers_file
from beffroi.api.paging import answer, check_known, read_instant, write_instant
from beffroi.foundation import clock
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.rules import number_of
from beffroi.kernel.incidents.rules.evidence import MAX_SENT_BYTES
from beffroi.kernel.incidents.types import Evidence, EvidenceKind
from beffroi.kernel.people.types import Kind, Verb
from beffroi.kernel.procedures import queries as procedures

router = Router(tags=["incidents"])


class PictureTold(Schema):
    """What is said of a picture that is sent."""

    model_config = ConfigDict(extra="forbid")

    kind: EvidenceKind = Field(EvidenceKind.OTHER, description="What it shows: before, after, or something else.")
    run: int | None = Field(None, ge=1, description="Number of the run for whose step it is taken; with `step`.")
    step: str = Field("", max_length=200, description="The step of that run, as `GET /api/v1/runs/{run}` names it.")
    taken_at: str | None = Field(None, max_length=40, description="When it was taken (RFC 3339); else when it came.")


@router.get("/incidents/{reference}/evidence", auth=door(Verb.SEE, Kind.PERSONAL), **answers(shapes.EvidenceList))
def list_evidence(request: Entered, reference: str) -> HttpResponse:
    """List the pictures of an incident and of its duplicates, the oldest first."""
    check_known(request, Schema)
    found = queries.get(reference, request.auth)
    seen = [each for each in queries.evidence_of(found.id) if _sees(each, request)]
    return answer(shapes.EvidenceList([_evidence(each) for each in seen], None))


@router.post(
    "/incidents/{reference}/evidence",
    auth=door(Verb.ATTACH, Kind.EVIDENCE),
    **answers(shapes.Evidence, 201, 200, s404="there is no such incident"),
)
def attach_evidence(
    request: Entered, reference: str, told: Form[PictureTold], picture: File[UploadedFile]
) -> HttpResponse:
    """Attach a picture (JPEG, PNG or WebP, 20 MB at most), as a form of several parts.

    With the header `Idempotency-Key`, one that is sent twice is one. An incident that one told oneself is enough.
    """
    check_known(request, Schema)
    number = number_of(reference)
    if number is None:
        raise NotFound(f"there is no incident {reference}")
    if (picture.size or 0) > MAX_SENT_BYTES:
        raise Refused(f"the picture has {picture.size} bytes; {MAX_SENT_BYTES} at most", key="picture-too-large")
    step = procedures.picture_name_of(number, told.run, told.step) if told.run is not None else ""
    kept = actions.attach_evidence(
        number,
        step=step,
        kind=told.kind,
        picture=picture.read(),
        taken_at=read_instant(told.taken_at, "taken_at"),
        by=request.auth,
        at=clock.now(),
        token=request.headers.get("Idempotency-Key", ""),
    )
    return answer(_evidence(kept), 201)


@router.get(
    "/incidents/{reference}/evidence/{picture}",
    auth=door(Verb.SEE, Kind.PERSONAL),
    **answers_file("image/jpeg", "The picture.", s404="there is no such picture"),
)
def get_picture(request: Entered, reference: str, picture: UUID) -> HttpResponse:
    """Give one picture as JPEG. That it was opened is journalled, for the purpose of its incident."""
    check_known(request, Schema)
    found = queries.get(reference, request.auth)
    if picture not in {each.id for each in queries.evidence_of(found.id)}:
        raise NotFound("this incident has no such picture, or you may not see it")
    opened = actions.open_evidence(picture, by=request.auth, at=clock.now())
    return HttpResponse(opened.jpeg, content_type="image/jpeg", headers={"X-Content-Type-Options": "nosniff"})


def _sees(evidence: Evidence, request: Entered) -> bool:
    try:
        queries.evidence_named(evidence.id, request.auth)
    except NotFound:
        return False
    return True


def _evidence(evidence: Evidence) -> shapes.Evidence:
    fields: dict[str, Any] = {
        name: getattr(evidence, name)
        for name in ("by", "by_name", "mission", "step", "sha256", "size_bytes", "width_px", "height_px", "readable")
    }
    return shapes.Evidence(
        id=str(evidence.id),
        kind=str(evidence.kind),
        taken_at=write_instant(evidence.taken_at) or "",
        attached_at=write_instant(evidence.attached_at) or "",
        erased_at=write_instant(evidence.erased_at),
        **fields,
    )
