"""Messages of a procedure with the facts of the incident written in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDERS = ("reference", "title", "place", "commune", "priority", "time")
"""What a message may name between braces. Nothing that a person wrote freely: it stays in the post."""

_ANY = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def filled(message: str, facts: Mapping[str, str]) -> str:
    """Return a message with its placeholders written out; one without a fact says `–`."""
    return _ANY.sub(lambda found: facts.get(found[1], "") or "–", message)
