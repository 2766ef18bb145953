"""Procedures in force: which there are, which are proposed for an incident, and the steps of one."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import answer, check_known, write_instant
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people.types import Kind, Verb
from beffroi.kernel.procedures import queries
from beffroi.kernel.procedures.types import Branch, InForce, Parallel, Procedure, Step

router = Router(tags=["procedures"])


class ProceduresAsked(Schema):
    """Filters of the list of procedures."""

    desk: str = Field("", max_length=48, description="The desk that answers for them.")
    alarm: str = Field("", max_length=64, description="Code of an alarm definition for which they are proposed.")
    category: str = Field("", max_length=48, description="A category for which they are proposed.")
    incident: str = Field(
        "", max_length=40, description="Reference of an incident: those proposed for it, the most particular first."
    )


class VersionAsked(Schema):
    """Which version of a procedure is asked for."""

    version: int | None = Field(None, ge=1, description="One that was in force; the present one when left out.")


@router.get("/procedures", auth=door(Verb.SEE, Kind.PROCEDURE), **answers(shapes.Procedures))
def list_procedures(request: Entered, asked: Query[ProceduresAsked]) -> HttpResponse:
    """List the procedures in force, by desk and title; with `incident`, those proposed for it, in the order proposed."""
    check_known(request, ProceduresAsked)
    found = {each.procedure.code: each for each in queries.in_force() if _is_asked(each.procedure, asked)}
    if not asked.incident:
        return answer(shapes.Procedures([shapes.Procedure(**_fields(each)) for each in found.values()]))
    proposed = queries.proposed_for(incidents.get(asked.incident, request.auth))
    return answer(
        shapes.Procedures(
            [
                shapes.Procedure(**_fields(found[each.procedure.code]) | {"proposed_because": str(each.because)})
                for each in proposed
                if each.procedure.code in found
            ]
        )
    )


@router.get(
    "/procedures/{procedure}",
    auth=door(Verb.SEE, Kind.PROCEDURE),
    **answers(shapes.ProcedureDetail, s404="no such procedure, or no such version"),
)
def get_procedure(request: Entered, procedure: str, asked: Query[VersionAsked]) -> HttpResponse:
    """Give one procedure with its steps: the version in force, or another."""
    check_known(request, VersionAsked)
    found = queries.version_of(procedure, asked.version)
    of = found.procedure
    roles = [shapes.ProcedureRole(each.code, each.title, each.desk, each.post) for each in of.roles]
    steps = msgspec.convert([_step(each) for each in of.steps], list[shapes.ProcedureStep])
    return answer(shapes.ProcedureDetail(**_fields(found), roles=roles, steps=steps, versions=list(found.versions)))


def _is_asked(procedure: Procedure, asked: ProceduresAsked) -> bool:
    return (
        asked.desk in ("", procedure.desk)
        and (not asked.alarm or asked.alarm in procedure.alarms)
        and (not asked.category or asked.category in procedure.categories)
    )


def _fields(found: InForce) -> dict[str, Any]:
    of = found.procedure
    return {
        "code": of.code,
        "version": of.version,
        "in_force": found.in_force,
        "title": of.title,
        "desk": of.desk,
        "purpose": of.purpose,
        "alarms": list(of.alarms),
        "categories": list(of.categories),
        "asset_classes": list(of.asset_classes),
        "proposed_because": None,
        "published_at": write_instant(found.published_at) or "",
        "published_by": found.published_by,
    }


def _step(step: Step) -> dict[str, Any]:
    """Return a step as the API writes it: the ways that it holds under one name, whatever its kind."""
    told: dict[str, Any] = msgspec.to_builtins(step)
    ways: list[dict[str, Any]] = []
    if isinstance(step, Branch):
        del told["cases"]
        ways = [{"when": case.when, "steps": [_step(each) for each in case.steps]} for case in step.cases]
    elif isinstance(step, Parallel):
        del told["lanes"]
        ways = [{"steps": [_step(each) for each in lane]} for lane in step.lanes]
    return told | {"ways": ways}
