"""Every address of the API."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path
from django.views.decorators.http import require_GET

from beffroi.api import (
    alarms,
    commands,
    definitions,
    dispatch,
    evidence,
    incidents,
    journal,
    load,
    missions,
    places,
    procedures,
    runs,
    status,
    streets,
    twin,
)
from beffroi.api.door import closed
from beffroi.api.openapi import ROOT, Api
from beffroi.api.problems import View, as_problem, no_route, tell_problems

api = Api(
    title="Beffroi",
    version="1",
    description="What a post knows, for the other systems of the city; and a door by which partners tell incidents.",
    docs_url=None,
    urls_namespace="api",
    auth=closed,
)
tell_problems(api)
_MODULES = (
    status, twin, alarms, commands, definitions, incidents, evidence, journal, load, places, dispatch, missions,
    streets, procedures, runs,
)  # fmt: skip
for module in _MODULES:
    api.add_router("", module.router)


def _only_read(route: URLPattern) -> View:
    """The framework's own document answers every method; what we read is asked with GET."""
    return require_GET(route.callback) if route.name == "openapi-json" else route.callback


def _patterns() -> list[URLPattern]:
    routes, _, _ = api.urls
    return [
        path(ROOT.lstrip("/") + str(route.pattern), as_problem(_only_read(route)), name=f"api-{route.name}")
        for route in routes
        if isinstance(route, URLPattern) and route.name != "api-root"
    ]


urlpatterns: list[URLPattern] = [*_patterns(), re_path(r"^api(?:/.*)?$", as_problem(no_route), name="api-no-route")]
