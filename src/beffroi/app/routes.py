"""Every address of the `web` process. The live stream is served by `live` on the same port (docs/explanation)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
