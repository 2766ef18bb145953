"""What is done to lines that stand for ever: correcting them by another, opening a vault's, taking them out of the house."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Forbidden, Refused
from beffroi.kernel.journal import queries, rules
from beffroi.kernel.journal.actions.writing import append
from beffroi.kernel.journal.types import EVERYTHING, Actor, Entry, Line, Reach, Sensitivity

ROOM = "journal"
MAX_TEXT = 2_000
_KEPT = ("reference", "desk", "commune")


def correct_line(seq: int, *, text: str, reason: str, by: Actor, reach: Reach, at: Instant) -> int:
    """Write what a line should have said, and why; return the new line's number. The first stays, and both are shown.

    The correction of a correction corrects the first line. What is written is encrypted with the key of what the line is
    about. The caller asks the door. Raises NotFound, Refused for an empty text or reason, Forbidden for a line whose content
    is not for who corrects it.
    """
    written, why = _checked(text, "text"), _checked(reason, "reason")
    line = queries.get_line(seq, reach=reach)
    if line.withheld:
        raise Forbidden(f"line {seq} is reserved: who may not read it does not correct it")
    first = int(line.content.get("corrects", 0)) or seq
    content = {"corrects": first, "of": str(line.content.get("of") or line.verb)}
    content |= {name: line.content[name] for name in _KEPT if name in line.content}
    related = tuple(dict.fromkeys([f"line:{first}", *line.related]))
    entry = Entry(
        by,
        ROOM,
        queries.CORRECTION,
        line.subject,
        related,
        content,
        reason=why,
        sensitivity=line.sensitivity,
        about=rules.case_of_line(line),
        personal={"text": written},
    )
    with transaction.atomic():
        return append([entry], at=at)


def open_vault_line(seq: int, *, purpose: str, by: Actor, at: Instant) -> Line:
    """Return a vault's line with its content, for a purpose that is journalled. The caller asks the door.

    Raises NotFound, Refused without a purpose or for a line of no vault.
    """
    why = _checked(purpose, "purpose")
    with transaction.atomic():
        line = queries.get_line(seq, reach=EVERYTHING)
        if line.sensitivity is not Sensitivity.VAULT:
            raise Refused(f"line {seq} is of no vault: there is nothing to open")
        append([Entry(by, ROOM, "open_vault_line", f"line:{seq}", purpose=why)], at=at)
    return line


def tell_export(asked: Mapping[str, str], *, lines: int, purpose: str, by: Actor, at: Instant) -> int:
    """Write that lines are taken out of the house: by whom, what was asked for, how many, why. Returns the line's number.

    The caller asks the door. Raises Refused without a purpose.
    """
    why = _checked(purpose, "purpose")
    content = {"asked": {name: value for name, value in asked.items() if value}, "lines": lines}
    with transaction.atomic():
        return append([Entry(by, ROOM, "export_lines", "journal:lines", content=content, purpose=why)], at=at)


def _checked(text: str, name: str) -> str:
    written = text.strip()
    if not written:
        raise Refused(f"the {name} is empty: write it", key="text-missing")
    if len(written) > MAX_TEXT:
        raise Refused(f"the {name} has at most {MAX_TEXT} characters", key="text-too-long")
    return written
