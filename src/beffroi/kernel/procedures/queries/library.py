"""The library: procedures in force, their versions, and which are proposed for an incident."""

from __future__ import annotations

import msgspec
from django.db.models import Q

from beffroi.foundation.clock import from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents.types import OPEN_STATES, Incident
from beffroi.kernel.procedures import models, rules
from beffroi.kernel.procedures.types import InForce, Procedure, Proposal, RunStatus
from beffroi.kernel.twin import queries as twin


def procedure_of(row: models.Version) -> Procedure:
    """Return the procedure that a row holds."""
    return msgspec.convert(row.body, Procedure)


def library() -> dict[str, Procedure]:
    """Return every procedure in force, by its code."""
    return {row.code: procedure_of(row) for row in models.Version.objects.filter(in_force=True).order_by("code")}


def in_force() -> tuple[InForce, ...]:
    """Return the procedures in force as the library shows them, by desk and title. The caller asks the door."""
    versions: dict[str, list[int]] = {}
    for code, version in models.Version.objects.order_by("version").values_list("code", "version"):
        versions.setdefault(code, []).append(version)
    return tuple(
        InForce(procedure_of(row), from_datetime(row.published_at), row.published_by, tuple(versions[row.code]))
        for row in models.Version.objects.filter(in_force=True).order_by("desk", "title", "code")
    )


def version_of(code: str, version: int | None = None) -> InForce:
    """Return a version of a procedure, the one in force where none is named. Raises NotFound."""
    rows = models.Version.objects.filter(code=code).order_by("version")
    wanted = rows.filter(in_force=True) if version is None else rows.filter(version=version)
    row = wanted.first()
    if row is None:
        which = "" if version is None else f" of version {version}"
        raise NotFound(f"there is no procedure `{code[:48]}`{which}")
    every = tuple(rows.values_list("version", flat=True))
    return InForce(procedure_of(row), from_datetime(row.published_at), row.published_by, every, row.in_force)


def proposed_for(incident: Incident) -> tuple[Proposal, ...]:
    """Return the procedures in force for an incident, each with why it is proposed.

    Without those that run on it, or ran on it to their end or until somebody stopped them since it was opened, or opened
    again. The most particular first (`rules.proposals`). None for an incident that is over.
    """
    if incident.state not in OPEN_STATES:
        return ()
    codes = {alarm.definition.code for alarm in alarms.of_ids(incident.alarm_ids)} | {incident.category}
    asset = twin.assets_by_id([incident.asset_id]).get(incident.asset_id) if incident.asset_id else None
    here = models.Run.objects.filter(incident_id=incident.id)
    run = set(
        here.filter(Q(status=RunStatus.RUNNING) | Q(started_at__gte=to_datetime(incident.round_at))).values_list(
            "code", flat=True
        )
    )
    return rules.proposals(
        (each for each in library().values() if each.code not in run),
        alarms=codes,
        category=incident.category,
        asset_class=asset.asset_class if asset else "",
        desk=incident.desk,
    )
