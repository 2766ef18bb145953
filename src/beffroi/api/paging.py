"""Pages of a list: an opaque cursor that names the last thing shown, and filters of which none is passed over."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import ConfigDict, Field

from beffroi.foundation.clock import Instant, from_rfc3339, to_rfc3339
from beffroi.foundation.errors import Malformed

MAX_LIMIT = 500
T = TypeVar("T")
F = TypeVar("F")
S = TypeVar("S")


class Numbered(Protocol):
    """What is known by its number."""

    @property
    def id(self) -> int:
        """The number."""


N = TypeVar("N", bound=Numbered)


class Page(Schema):
    """What every list takes."""

    model_config = ConfigDict(populate_by_name=True)

    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="How many at most.")
    cursor: str | None = Field(None, max_length=400, description="`next` of the page before; opaque.")


def check_known(request: HttpRequest, asked: type[Schema]) -> None:
    """Raise Malformed for a parameter that the route does not have: a misspelt filter must not answer everything."""
    names = {field.alias or name for name, field in asked.model_fields.items()}
    unknown = sorted(set(request.GET) - names)
    if unknown:
        raise Malformed(f"no parameter is called `{unknown[0][:40]}`; there are: {', '.join(sorted(names))}")
    if any("\x00" in value for values in request.GET.lists() for value in values[1]):
        raise Malformed("a parameter holds a zero character")


def cut(found: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """Return the page of what was found by asking for one more than the limit, and whether anything follows.

    The rooms give 500 at most: a full page of 500 is followed by another, which may be empty.
    """
    return found[:limit], len(found) > limit or len(found) == limit == MAX_LIMIT


def filters_of(asked: Page, filters: Callable[..., F], **read: object) -> F:
    """Return what a list is asked for as its room takes it: the same names, instants read, and what `read` holds instead.

    Raises Malformed.
    """
    values = asked.model_dump(exclude={"limit", "cursor"}) | read
    for name, called in (("since", "from"), ("until", "to")):
        if name in values:
            values[name] = read_instant(values[name], called)
    return filters(**values)


def answer_by_number(
    asked: Page,
    find: Callable[[int | None, int], Sequence[N]],
    listing: Callable[[list[S], str | None], msgspec.Struct],
    show: Callable[[N], S],
) -> HttpResponse:
    """Answer a page of things that are listed by falling number: `find` is given the last one shown, and how many."""
    page, more = cut(find(read_cursor(asked.cursor, int), asked.limit + 1), asked.limit)
    return answer(listing([show(each) for each in page], write_cursor(page[-1].id) if more else None))


def write_cursor(key: Any) -> str:
    """Return the text that names a place in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def read_cursor(text: str | None, shape: type[T]) -> T | None:
    """Return the place that a cursor names. Raises Malformed for one that this list did not give."""
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=shape)
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise Malformed("the cursor is not one that this list gave; begin again without it") from error


def read_instant(text: str | None, name: str) -> Instant | None:
    """Return the instant of a parameter. Raises Malformed when it is no RFC 3339 date with a zone."""
    if text is None:
        return None
    try:
        return from_rfc3339(text.replace(" ", "+") if " " in text[19:] else text)  # `+` arrives as a space
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{name}: `{text[:40]}` is no RFC 3339 date with its zone: 2026-11-22T08:00:00Z") from error


def write_instant(instant: Instant | None) -> str | None:
    """Return an instant as the API writes it."""
    return None if instant is None else to_rfc3339(instant)


def answer(body: msgspec.Struct, status: int = 200) -> HttpResponse:
    """Return an answer as JSON."""
    return HttpResponse(msgspec.json.encode(body), content_type="application/json", status=status)
