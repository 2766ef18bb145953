"""The OpenAPI 3.1 document: routes from the framework, shapes of the answers from what encodes them."""

from __future__ import annotations

from typing import Any

import msgspec
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from beffroi.api import shapes
from beffroi.api.problems import MEDIA_TYPE, Problem

ROOT = "/api/v1/"
_TEMPLATE = "#/components/schemas/{name}"
_SHAPES = (
    shapes.Status,
    shapes.Assets,
    shapes.AssetDetail,
    shapes.Readings,
    shapes.Sources,
    shapes.Alarms,
    shapes.AlarmDefinitions,
    shapes.AlarmDefinition,
    shapes.PostLoads,
    shapes.AlarmFigures,
    shapes.Incidents,
    shapes.Incident,
    shapes.IncidentDetail,
    shapes.Categories,
    shapes.Evidence,
    shapes.EvidenceList,
    shapes.Commands,
    shapes.CommandAbilities,
    shapes.CommandAsked,
    shapes.CommandDryRun,
    shapes.CommandGroups,
    shapes.CommandGroup,
    shapes.CommandsMoved,
    shapes.Procedures,
    shapes.ProcedureDetail,
    shapes.Runs,
    shapes.RunDetail,
    shapes.Message,
    shapes.Messages,
    shapes.Lines,
    shapes.Proof,
    shapes.Addresses,
    shapes.Units,
    shapes.Candidates,
    shapes.UnitPosition,
    shapes.OwnCrew,
    shapes.Missions,
    shapes.Distresses,
    shapes.Closures,
    shapes.Closure,
    shapes.StreetWay,
    Problem,
)
_TELLS = {401: "nobody signed in", 403: "this person may not", 422: "the question cannot be read"}


def answers(shape: type[msgspec.Struct], *statuses: int, **problems: str) -> dict[str, Any]:
    """Return what a route says of its answers. `problems` adds statuses: `s404="no such thing"`."""
    told = {status: _content(shape, "application/json", shape.__doc__ or "") for status in statuses or (200,)}
    return {"openapi_extra": {"responses": told | _problems(problems)}}


def answers_file(media_type: str, description: str, **problems: str) -> dict[str, Any]:
    """Return what a route says of its answers that gives a file's bytes."""
    file = {"description": description, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}
    return {"openapi_extra": {"responses": {200: file} | _problems(problems)}}


def _problems(problems: dict[str, str]) -> dict[int, dict[str, Any]]:
    more = {int(name[1:]): text for name, text in problems.items()}
    return {status: _content(Problem, MEDIA_TYPE, text) for status, text in {**_TELLS, **more}.items()}


def _content(shape: type[msgspec.Struct], media_type: str, description: str) -> dict[str, Any]:
    reference = {"$ref": _TEMPLATE.format(name=shape.__name__)}
    return {"description": description.split("\n", maxsplit=1)[0], "content": {media_type: {"schema": reference}}}


class Api(NinjaAPI):
    """The framework's API, with the shapes of our answers in its document."""

    def get_root_path(self, path_params: dict[str, Any]) -> str:
        """Return where the API stands."""
        return ROOT

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the document."""
        document = super().get_openapi_schema(**options)
        _, components = msgspec.json.schema_components(_SHAPES, ref_template=_TEMPLATE)
        document["components"]["schemas"] |= dict(sorted(components.items()))
        for route in (route for methods in document["paths"].values() for route in methods.values()):
            told = route["responses"].items()  # the framework adds a 200 without content to what answers 201 alone
            route["responses"] = {status: answer for status, answer in told if "content" in answer}
        return document
