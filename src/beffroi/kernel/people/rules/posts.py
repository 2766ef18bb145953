"""Posts of the room: reading them from the city's profile, and who sits where. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beffroi.foundation.errors import Malformed
from beffroi.foundation.profiles import read_entries
from beffroi.kernel.people.types import WHOLE_ROOM, Post


def whole_room(posts: Iterable[Post]) -> tuple[Post, ...]:
    """Return these posts, with one for the whole room where none of them answers for every desk."""
    known = tuple(posts)
    return known if any(not post.desks for post in known) else (*known, WHOLE_ROOM)


def seat(code: str, posts: Sequence[Post]) -> Post:
    """Return the post of that code; without one, or once it is no more, the first that answers for every desk."""
    chosen = (post for post in posts if post.code == code)
    return next(chosen, next((post for post in posts if not post.desks), WHOLE_ROOM))


MAX_POSTS = 40
_CODE = re.compile(r"[a-z][a-z0-9_]{0,31}")


def parse_posts(text: str) -> tuple[Post, ...]:
    """Return the posts that a city's profile names, in its order: `posts:` with `code`, `title` and `desks`.

    `desks` is a list of desks, or the word `all`. Raises Malformed saying which post is wrong, and what to write.
    """
    posts = tuple(_post(entry, place) for place, entry in enumerate(read_entries(text, "posts", most=MAX_POSTS), 1))
    codes = [post.code for post in posts]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise Malformed(f"{', '.join(twice)} is written twice: give each post its own code")
    return posts


def _post(entry: Mapping[str, Any], place: int) -> Post:
    if set(entry) != {"code", "title", "desks"}:
        raise Malformed(f"post {place}: write `code`, `title` and `desks`, and nothing else")
    code, title, desks = entry["code"], entry["title"], entry["desks"]
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Malformed(f"post {place}: the code is not 1 to 32 lower-case letters, figures and `_`, a letter first")
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= 120:
        raise Malformed(f"post {code}: the title has 1 to 120 characters")
    if desks == "all":
        return Post(code, title.strip())
    if not isinstance(desks, list) or not desks or not all(isinstance(d, str) and _CODE.fullmatch(d) for d in desks):
        raise Malformed(f"post {code}: `desks` is a list of desks' codes, or the word all")
    return Post(code, title.strip(), tuple(dict.fromkeys(desks)))
