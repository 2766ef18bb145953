"""The references of incidents, the texts that people write, and what closing asks for. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Refused
from beffroi.kernel.incidents.types import CLOSES_ACTIVE, NEEDS_WORDS, CloseReason

MAX_TEXT = 2_000
_REFERENCE = re.compile(r"(?:BF-)?(\d\d)-(\d{6,12})", re.IGNORECASE)


def reference_of(number: int, opened_at: Instant) -> str:
    """Return the reference that people say and write: `BF-26-000123`, the year being that of the opening (UTC)."""
    return f"BF-{to_datetime(opened_at).year % 100:02}-{number:06}"


def case_of(number: int) -> str:
    """Return the name of an incident's case, whose key encrypts what people wrote or pictured of it."""
    return f"case:incident-{number}"


def number_of(reference: str) -> int | None:
    """Return the incident's number in a reference (`BF-26-000123`, `26-000123`) or a bare number, else None.

    The year is to be compared with `reference_of` once the incident is found.
    """
    text = reference.strip()
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return int(text)
    found = _REFERENCE.fullmatch(text)
    return int(found[2]) if found else None


def check_text(text: str, what: str) -> str:
    """Return a text that people wrote, without spaces around. Raises Refused when it is empty or too long."""
    plain = text.replace("\x00", "").strip()
    if not plain:
        raise Refused(f"{what} is empty: write it", key="text-missing")
    if len(plain) > MAX_TEXT:
        raise Refused(f"{what} has {len(plain)} characters; write {MAX_TEXT} at most", key="text-too-long")
    return plain


def check_closing(reason: str, comment: str, standing: Sequence[str]) -> CloseReason:
    """Return the reason for closing. Raises Refused saying what is missing.

    "No action" and "cancelled" are said with their why. `standing` names the alarms that still stand: they are closed
    over only as a false alarm or when no action is due, and then somebody says why.
    """
    if reason not in set(CloseReason):
        raise Refused(f"no reason to close: choose one of {', '.join(CloseReason)}", key="reason-missing")
    chosen = CloseReason(reason)
    if chosen is CloseReason.NOT_COMPETENT:
        raise Refused("to whom? propose it to the desk or body that is competent", key="transfer-instead")
    if chosen is CloseReason.DUPLICATE:
        raise Refused("of which? name the incident that it is one of, and unite them", key="unite-instead")
    if standing and chosen not in CLOSES_ACTIVE:
        named = ", ".join(standing[:3]) + (", …" if len(standing) > 3 else "")
        raise Refused(
            f"still standing: {named}; wait for the return, or close as {' or '.join(CLOSES_ACTIVE)} with a comment",
            key="alarm-stands",
        )
    if standing and not comment.strip():
        raise Refused(f"an alarm still stands: say in a comment why it is closed as {chosen}", key="comment-missing")
    if chosen in NEEDS_WORDS and not comment.strip():
        raise Refused(f"closed as {chosen}: say in a comment why", key="words-missing")
    return chosen


def check_qualifying(category: str, priority: int | None) -> str:
    """Return the category as it is kept. Raises Refused for a priority outside 1 to 4, or a category too long."""
    if priority is not None and priority not in (1, 2, 3, 4):
        raise Refused("the priority is 1, 2, 3 or 4", key="priority-unknown")
    plain = category.replace("\x00", "").strip()
    if len(plain) > 64:
        raise Refused("the category has 64 characters at most", key="text-too-long")
    return plain
