"""How the API is entered: with a bearer token, or with the console's session. Then the one door is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from beffroi.foundation import clock
from beffroi.kernel.people import queries
from beffroi.kernel.people.types import Kind, Verb, Viewer

Asked = tuple[Verb, Kind]


class Entered(HttpRequest):
    """A request that has passed the door."""

    auth: Viewer


class BearerToken(HttpBearer):
    """A token of `beffroi token create`, in the header Authorization."""

    def __init__(self, verb: Verb, kind: Kind, *others: Asked) -> None:
        super().__init__()
        self.asks, self.others = (verb, kind), others

    def authenticate(self, request: HttpRequest, token: str) -> Viewer | None:
        """Return whom the token speaks for, or None. Raises Forbidden when they may not do this."""
        viewer = queries.viewer_of_token(token, at=clock.now())
        if viewer is not None:
            _let_in(viewer, self.asks, self.others)
        return viewer


class ConsoleSession(APIKeyCookie):
    """The session of a person who signed in on the console; a token, when one is sent, is what counts."""

    def __init__(self, verb: Verb, kind: Kind, *others: Asked) -> None:
        self.param_name = settings.SESSION_COOKIE_NAME
        super().__init__()
        self.asks, self.others = (verb, kind), others

    def authenticate(self, request: HttpRequest, key: str | None) -> Viewer | None:
        """Return who signed in, or None. Raises Forbidden when they may not do this."""
        if key is None or "Authorization" in request.headers:
            return None
        viewer = queries.viewer_of(request.user)
        if viewer.is_anonymous:
            return None
        _let_in(viewer, self.asks, self.others)
        return viewer


def door(verb: Verb, kind: Kind, *others: Asked) -> list[Callable[[HttpRequest], Any]]:
    """Return what a route asks for: who it is, then whether they may do this verb on this kind of thing.

    `others`: what lets in as well, where an act is a crew's own or the room's on its word.
    """
    return [BearerToken(verb, kind, *others), ConsoleSession(verb, kind, *others)]


def _let_in(viewer: Viewer, asks: Asked, others: Sequence[Asked]) -> None:
    """Let pass who may do one of these, or raise Forbidden with the clearance that is missing."""
    if not any(queries.may(viewer, verb, kind) for verb, kind in others):
        queries.require(viewer, *asks)


def closed(_request: HttpRequest) -> None:
    """Let nobody in: what a route that names no door gets."""
    return
