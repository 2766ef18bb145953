"""The town, and someone signed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from tests.console import scene


@pytest.fixture
def town(db: None, tmp_path: Path) -> None:
    scene.set_up(tmp_path)


@pytest.fixture
def enter(town: None) -> Callable[[str], Client]:
    """Sign in and return the browser."""

    def sign_in(username: str = "operatrice") -> Client:
        client = Client()
        answer = client.post("/login", {"username": username, "password": f"beffroi-{username}"})
        assert answer.status_code == 302, answer.content.decode()[:500]
        return client

    return sign_in
