"""One whole post for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import executable
from tests.journeys.conftest import ARGUMENTS
from tests.post.running import Post, running_post


@pytest.fixture(scope="session")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with running_post(tmp_path_factory.mktemp("post") / "var") as running:
        yield running


@pytest.fixture(scope="session")
def token(post: Post) -> str:
    return post.token()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def operator(browser: Browser, post: Post) -> Iterator[Page]:
    """An operator who has signed in, and whose browser may not ask any other host."""
    context = browser.new_context(viewport={"width": 1760, "height": 990}, locale="fr-FR")
    page = context.new_page()
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((post.url, "data:", "blob:")) else elsewhere.append(request.url),
    )
    page.goto(f"{post.url}/login")
    page.fill("input[name=username]", "operatrice")
    page.fill("input[name=password]", "beffroi-operatrice")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{post.url}/")
    yield page
    context.close()
    assert elsewhere == []
