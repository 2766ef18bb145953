"""A browser, a stage, and people who sit down before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from beffroi.app.processes import live
from tests.browser import executable
from tests.console import scene
from tests.journeys.looking import look_often
from tests.journeys.stage import UNDRAWN, Stage

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
Sit = Callable[..., Page]
look_often()


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


@pytest.fixture(scope="package")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    """The server of these journeys: one for all of them, and it ends with them."""
    with django_db_blocker.unblock():
        this = Stage()
        this.start()
        yield this
        this.stop()


@pytest.fixture
def stage(
    house: Stage,
    transactional_db: None,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    tiles: Path,
) -> Iterator[Stage]:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    scene.set_up(tmp_path)
    broadcaster = live.Broadcaster()
    monkeypatch.setattr(broadcaster, "follow_bus", _silence)
    monkeypatch.setattr(live, "broadcaster", broadcaster)
    monkeypatch.setattr(live, "database_url", _test_database)
    monkeypatch.setattr(live, "FRAME_EVERY_S", 0.05)  # a test waits for a frame after each act
    house.open(tiles)
    yield house
    house.close()


def _test_database() -> str:
    known = connection.get_connection_params()
    return " ".join(
        f"{name}='{known[name]}'"
        for name in ("dbname", "user", "password", "host", "port", "options")
        if known.get(name)
    )


UNTOUCHED = "() => [setTimeout, AudioContext].every((own) => String(own).includes('[native code]'))"
"""Whether a page's clock and its tones are the browser's: a clock, once installed, is that of all the pages of a profile."""


class Seats:
    """Profiles of the browser, each with what it has loaded before: a page comes four times as fast where one has been.

    A test that sits someone down in a way of its own (a telephone, a drawn map, no scripts) or that stopped a page's clock
    leaves nothing to the next.
    """

    def __init__(self, browser: Browser, house: Stage) -> None:
        self.browser = browser
        self.kept = {
            "origin": house.home,
            "storageTypes": "local_storage,indexeddb,service_workers,cache_storage",
        }
        self.free: list[BrowserContext] = []
        self.taken: list[BrowserContext] = []
        self.alone: list[BrowserContext] = []

    def take(self) -> BrowserContext:
        """Return a profile like any other, that nobody uses."""
        self.taken.append(self.free.pop() if self.free else self.browser.new_context(locale="fr-FR"))
        return self.taken[-1]

    def make(self, **options: Any) -> BrowserContext:
        """Return a profile that is used once."""
        self.alone.append(self.browser.new_context(locale="fr-FR", **options))
        return self.alone[-1]

    def leave(self) -> None:
        """Give back what a test took, as if nobody had sat there."""
        for context in self.taken:
            if context.pages and all(page.evaluate(UNTOUCHED) for page in context.pages):
                context.new_cdp_session(context.pages[0]).send("Storage.clearDataForOrigin", self.kept)
                for page in context.pages:
                    page.close()
                context.clear_cookies()
                self.free.append(context)
            else:
                context.close()
        for context in self.alone:
            context.close()
        self.taken, self.alone = [], []


@pytest.fixture(scope="package")
def seats(browser: Browser, house: Stage) -> Seats:
    return Seats(browser, house)


@pytest.fixture
def sit(stage: Stage, seats: Seats) -> Iterator[Sit]:
    """Open a console as someone. Every request, refusal and fault is noted; none may leave the post."""
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
        viewport = ViewportSize(width=width, height=height)
        context = seats.make(viewport=viewport, **options) if drawn or options else seats.take()
        client = Client()
        client.post("/login", {"username": username, "password": f"beffroi-{username}"})
        cookies = {"beffroi_session": client.cookies["beffroi_session"].value}
        if not drawn:  # the map is dear without a graphics card: only the tests about it draw it
            cookies[UNDRAWN] = "yes"
        context.add_cookies([{"name": name, "value": value, "url": stage.url} for name, value in cookies.items()])
        page = context.new_page()
        page.set_viewport_size(viewport)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("request", lambda request: _local(request.url, stage.url, faults))
        page.on(
            "console", lambda said: faults.append(f"policy: {said.text}") if "Content Security" in said.text else None
        )
        page.goto(stage.url + path)
        return page

    yield open_console
    seats.leave()
    assert faults == []


def _local(url: str, home: str, faults: list[str]) -> None:
    if not url.startswith((home, "data:", "blob:")):
        faults.append(f"another host: {url}")
