"""What the city says of each priority, and how long an alarm may be kept from people: bounds, reasons, refusals.

Shelving is for a nuisance that somebody knows of, and always ends by itself (ISA-18.2, clause 11). Taking out of service
is for works, and is recalled until somebody ends it (clause 13).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from beffroi.foundation.clock import DAY, MINUTE, SECOND, Instant
from beffroi.foundation.errors import Malformed, Refused
from beffroi.kernel.alarms.types import PRIORITIES, Priority

DEFAULT_PRIORITIES: Mapping[int, Priority] = {
    1: Priority(1, escalate_after_s=120, shelve_max_s=1_800),
    2: Priority(2, escalate_after_s=600, shelve_max_s=7_200),
    3: Priority(3, escalate_after_s=3_600, shelve_max_s=28_800),
    4: Priority(4, escalate_after_s=0, shelve_max_s=28_800),
}
"""Where the city's profile says nothing. Nothing is put aside for longer than a shift of eight hours."""

LEAST_SHELVING: Instant = MINUTE
MOST_SHELVING_S = 86_400
MOST_WITHDRAWAL: Instant = 90 * DAY
REMIND_EVERY: Instant = DAY
MAX_REASON = 500
_FIELDS = {"escalate_after_s": (60, 86_400), "shelve_max_s": (60, MOST_SHELVING_S)}


def parse_priorities(text: str) -> tuple[Priority, ...]:
    """Return what a city's profile says of its priorities: `priorities:` with each of 1 to 4 and its two times.

    Raises Malformed saying which priority is wrong, and what to write.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Malformed(f"the priorities are no YAML: {error}") from error
    entries = document.get("priorities") if isinstance(document, dict) and set(document) == {"priorities"} else None
    if not isinstance(entries, dict) or set(entries) != set(PRIORITIES):
        raise Malformed(f"expected one key, `priorities`, with {', '.join(map(str, PRIORITIES))} under it")
    return tuple(_priority(number, entries[number]) for number in PRIORITIES)


def _priority(number: int, entry: Any) -> Priority:
    if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
        raise Malformed(f"priority {number}: write `escalate_after_s` and `shelve_max_s`, and nothing else")
    for name, (least, most) in _FIELDS.items():
        stated = entry[name]
        whole = isinstance(stated, int) and not isinstance(stated, bool)
        if not whole or not (least <= stated <= most or (stated == 0 and name == "escalate_after_s")):
            never = "0 for never, or " if name == "escalate_after_s" else ""
            raise Malformed(f"priority {number}: `{name}` is {stated!r}; write {never}seconds from {least} to {most}")
    return Priority(number, entry["escalate_after_s"], entry["shelve_max_s"])


def check_shelving(policy: Priority, *, at: Instant, until: Instant) -> None:
    """Let a shelving pass, or raise Refused with the longest one that its priority bears."""
    if until < at + LEAST_SHELVING:
        raise Refused("an alarm is put aside for a minute at least", key="end-too-soon")
    if until > at + policy.shelve_max_s * SECOND:
        raise Refused(
            f"an alarm of priority {policy.priority} is put aside for {policy.shelve_max_s // 60} min at most",
            key="end-too-late",
        )


def check_withdrawal(*, at: Instant, until: Instant) -> None:
    """Let a withdrawal pass, or raise Refused: whatever is out of service is expected back within 90 days."""
    if until < at + LEAST_SHELVING:
        raise Refused("say until when it is out of service: a minute from now at least", key="end-too-soon")
    if until > at + MOST_WITHDRAWAL:
        raise Refused("nothing is out of service for more than 90 days: say a nearer date", key="end-too-late")


def check_reason(text: str) -> str:
    """Return a reason without spaces around. Raises Refused when it is empty, or longer than 500 characters."""
    plain = text.replace("\x00", "").strip()
    if not plain:
        raise Refused("no reason: say why", key="text-missing")
    if len(plain) > MAX_REASON:
        raise Refused(f"the reason has {len(plain)} characters; write {MAX_REASON} at most", key="reason-too-long")
    return plain
