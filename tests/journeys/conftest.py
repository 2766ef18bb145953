"""A browser, a stage, and people who sit down before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from beffroi.app.processes import live
from tests.browser import executable
from tests.console import scene
from tests.journeys.stage import Stage

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
Sit = Callable[..., Page]
expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for these journeys. It ends with them: its loop in this thread would trouble other tests."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop here; the database is not in it
        program = executable()
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The basemap of the smallest generated city."""
    from beffroi.rehearsal.generator import generate

    folder = tmp_path_factory.mktemp("city")
    generate("bourg", 7, folder)
    return folder / "basemap.pmtiles"


async def _silence() -> None:
    """There is no field bus on a stage."""


@pytest.fixture
def stage(
    transactional_db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, tiles: Path
) -> Iterator[Stage]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    scene.set_up(tmp_path)
    broadcaster = live.Broadcaster()
    monkeypatch.setattr(broadcaster, "follow_bus", _silence)
    monkeypatch.setattr(live, "broadcaster", broadcaster)
    monkeypatch.setattr(live, "database_url", _test_database)
    this = Stage(tiles)
    this.start()
    yield this
    this.stop()


def _test_database() -> str:
    known = connection.get_connection_params()
    return " ".join(
        f"{name}='{known[name]}'"
        for name in ("dbname", "user", "password", "host", "port", "options")
        if known.get(name)
    )


@pytest.fixture
def sit(stage: Stage, browser: Browser) -> Iterator[Sit]:
    """Open a console as someone. Every request, refusal and fault is noted; none may leave the post."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_console(
        path: str = "/",
        *,
        username: str = "operatrice",
        width: int = 1760,
        height: int = 990,
        drawn: bool = False,
        **options: Any,
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="fr-FR", **options)
        contexts.append(context)
        client = Client()
        client.post("/login", {"username": username, "password": f"beffroi-{username}"})
        cookie = client.cookies["beffroi_session"].value
        context.add_cookies([{"name": "beffroi_session", "value": cookie, "url": stage.url}])
        page = context.new_page()
        if not drawn:  # the map is dear without a graphics card: only the tests about it draw it
            page.route(
                re.compile(r"/city-map-[^/]*\.js$"),
                lambda route: route.fulfill(body="", content_type="text/javascript"),
            )
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("request", lambda request: _local(request.url, stage.url, faults))
        page.on(
            "console", lambda said: faults.append(f"policy: {said.text}") if "Content Security" in said.text else None
        )
        page.goto(stage.url + path)
        return page

    yield open_console
    for context in contexts:
        context.close()
    assert faults == []


def _local(url: str, home: str, faults: list[str]) -> None:
    if not url.startswith((home, "data:", "blob:")):
        faults.append(f"another host: {url}")
