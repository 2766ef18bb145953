"""Attaching pictures to incidents, and opening them. A picture that is sent twice with the same token is one.

It is written anew before anything else (`rules.redrawn`): what is kept holds no metadata, and is encrypted under the key of
the incident's case. The journal keeps the digest of what was kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.utils import IntegrityError

from beffroi.foundation.clock import MINUTE, Instant, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.foundation.ids import new_id
from beffroi.kernel.incidents import queries, rules
from beffroi.kernel.incidents.actions.acting import act_line, ask_door, done
from beffroi.kernel.incidents.actions.locking import hold
from beffroi.kernel.incidents.models import Evidence as Row
from beffroi.kernel.incidents.models import Incident, Signal
from beffroi.kernel.incidents.types import Evidence, EvidenceKind, IncidentState, Picture
from beffroi.kernel.journal.actions import append, encrypt_kept
from beffroi.kernel.journal.queries import lines_of
from beffroi.kernel.journal.types import ActorKind, Entry, ToKeep
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Role, Verb, Viewer

OPENED_AGAIN: Instant = 15 * MINUTE
"""Within it, one person who opens the same picture again writes no second line."""


def attach_evidence(
    incident_id: int,
    *,
    kind: str,
    picture: bytes,
    by: Viewer,
    at: Instant,
    mission: int | None = None,
    step: str = "",
    taken_at: Instant | None = None,
    token: str = "",
) -> Evidence:
    """Keep a picture (JPEG, PNG or WebP) as evidence of an incident, open or closed: nothing taken there is lost. Journalled.

    The caller answers for a `mission` being that person's; without one it is asked at the incident's desk, or at one that
    it concerns, unless they told the incident themselves. Raises Refused (no such kind, a picture that cannot be kept, too
    many, a token used for something else), Forbidden, NotFound.
    """
    chosen, about = _kind(kind), rules.check_step(step)
    asked = hashlib.sha256(
        msgspec.json.encode([incident_id, chosen, mission, about]) + hashlib.sha256(picture).digest()
    ).digest()
    known = _attached_before(by, token, asked)
    if known is not None:
        return known
    kept = rules.redrawn(picture)
    with transaction.atomic():
        row = hold(incident_id).of(incident_id)
        known = _attached_before(by, token, asked)  # the same, sent twice at once: the other held the incident
        if known is not None:
            return known
        _ask(row, mission, by)
        if Row.objects.filter(incident_id=incident_id).count() >= rules.MAX_PER_INCIDENT:
            raise Refused(f"this incident has {rules.MAX_PER_INCIDENT} pictures already", key="picture-too-many")
        moment = rules.taken_when(taken_at, at)
        fields = {"kind": chosen, "mission": mission, "step": about, "taken_at": to_datetime(moment), "asked": asked}
        evidence_id = _keep(incident_id, kept, fields, by=by, at=at, token=token)
        told: dict[str, Any] = {"evidence": str(evidence_id), "kind": str(chosen)}
        told |= {"sha256": hashlib.sha256(kept.jpeg).hexdigest(), "size_bytes": len(kept.jpeg)}
        told |= {name: value for name, value in (("mission", mission), ("step", about or None)) if value is not None}
        line = act_line(row, "attach_evidence", by, (), row.state, **told)
        line = replace(line, effective_at=moment, related=(*line.related, f"evidence:{evidence_id}"))
        if Role.PARTNER in by.roles:
            line = replace(line, actor=replace(line.actor, kind=ActorKind.PARTNER))
        done(row, IncidentState(row.state), (), line, at)
        return queries.evidence_named(evidence_id, by)


def open_evidence(evidence_id: UUID, *, by: Viewer, at: Instant, missions: Collection[int] = ()) -> Picture:
    """Open a picture for the purpose of its incident. Journalled, once in a quarter of an hour, unless it is one's own.

    Raises NotFound for who may not see it, Refused when it was erased.
    """
    opened = queries.picture(evidence_id, by, missions=missions)
    if opened.evidence.by != by.username:
        with transaction.atomic():
            _tell_opening(opened.evidence, by, at)
    return opened


def _tell_opening(evidence: Evidence, by: Viewer, at: Instant) -> None:
    subject = f"evidence:{evidence.id}"
    before = lines_of(subject, limit=50)
    if any(line.actor.id == by.username and at - line.recorded_at < OPENED_AGAIN for line in before):
        return
    reference = queries.reference_of_incident(evidence.incident)
    line = Entry(
        by.actor,
        "incidents",
        "open_evidence",
        subject,
        (f"incident:{evidence.incident}",),
        {"reference": reference, "kind": str(evidence.kind)},
        purpose=reference,
    )
    append([line], at=at)


def _kind(kind: str) -> EvidenceKind:
    if kind not in set(EvidenceKind):
        raise Refused(
            f"`{kind[:40]}` is no kind of picture: choose one of {', '.join(EvidenceKind)}", key="kind-unknown"
        )
    return EvidenceKind(kind)


def _ask(row: Incident, mission: int | None, by: Viewer) -> None:
    """Ask the door: for a mission of theirs or an incident that they told, else as for a note on the incident."""
    require(by, Verb.ATTACH, Kind.EVIDENCE)
    if mission is None and not Signal.objects.filter(incident_id=row.pk, teller=by.username[:64]).exists():
        ask_door(row, Verb.NOTE, Kind.INCIDENT, by, shared=True)


def _attached_before(by: Viewer, token: str, asked: bytes) -> Evidence | None:
    """Return the picture that this token brought before. Raises Refused when it brought something else."""
    if not token:
        return None
    if len(token) > 80 or not token.isprintable():
        raise Refused("the token has 1 to 80 printable characters", key="key-malformed")
    row = Row.objects.filter(attached_by_id=by.id, token=token).only("id", "asked").first()
    if row is None:
        return None
    if bytes(row.asked) != asked:
        raise _reused(token)
    return queries.evidence_named(row.pk, by)


def _keep(
    incident_id: int, kept: rules.Redrawn, fields: dict[str, Any], *, by: Viewer, at: Instant, token: str
) -> UUID:
    noise = hashlib.sha256(f"{by.username}\n{token}".encode()).digest()[:10] if token else None
    evidence_id = new_id(at, noise)
    case = rules.case_of(incident_id)
    bytes_of = {"picture": kept.jpeg, "thumbnail": kept.thumbnail}
    parts = encrypt_kept(
        [ToKeep(case, queries.name_of(column, evidence_id), data) for column, data in bytes_of.items()], at=at
    )
    try:
        with transaction.atomic():
            Row.objects.create(
                id=evidence_id,
                incident_id=incident_id,
                attached_at=to_datetime(at),
                attached_by_id=by.id,
                token=token or None,
                sha256=hashlib.sha256(kept.jpeg).digest(),
                size_bytes=len(kept.jpeg),
                width_px=kept.width_px,
                height_px=kept.height_px,
                **dict(zip(bytes_of, parts, strict=True)),
                **fields,
            )
    except IntegrityError as error:
        raise _reused(token) from error
    return evidence_id


def _reused(token: str) -> Refused:
    return Refused(f"the token `{token}` was used for something else: take a new one for it", key="key-reused")
