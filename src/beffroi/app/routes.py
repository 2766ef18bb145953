"""Every address of the `web` process. The live stream is served by `live` on the same port (docs/explanation)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from beffroi.api.routes import urlpatterns as api_patterns

urlpatterns: list[URLPattern | URLResolver] = [*api_patterns, path("", include("beffroi.console.routes"))]
