"""Reading the journal: lines, numbers, seals. The caller asks the door, and says with `Reach` what it answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from beffroi.foundation.clock import HOUR, Instant, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.journal.queries.finding import find_lines
from beffroi.kernel.journal.queries.rows import LINE_COLUMNS, SEAL_COLUMNS, lines_of_rows, seal_of_row
from beffroi.kernel.journal.types import COMMON_ONLY, EVERYWHERE, Line, Reach, Seal, Sensitivity

MAX_LIMIT = 500
CORRECTION = "correct_line"
OUT_OF_STEP: Instant = HOUR
"""How much earlier than a line's neighbours it may say that it was recorded: a long import is numbered when it ends."""

_OF_ANY = """
SELECT seq FROM (
    SELECT seq, sensitivity FROM journal_line WHERE subject = ANY(%(subjects)s)
    UNION SELECT seq, sensitivity FROM journal_line WHERE related && %(subjects)s::varchar[]
) found WHERE sensitivity <> 'vault' OR %(vault)s ORDER BY seq DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which lines are asked for; what is left empty does not filter. Numbers and instants: after < line < before."""

    before_seq: int | None = None
    after_seq: int | None = None
    subject: str = ""
    room: str = ""
    verb: str = ""
    actor: str = ""
    since: Instant | None = None
    until: Instant | None = None
    text: str = ""
    sensitivities: Collection[Sensitivity] = tuple(Sensitivity)


def last_seq() -> int:
    """Return the number of the last line committed; 0 in a new journal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM journal_head WHERE id = 1")
        return int(cursor.fetchone()[0])


def sealed_seq() -> int:
    """Return the number of the last line that a seal covers; 0 before the first seal."""
    last = last_seal()
    return last.last_seq if last else 0


def last_seal() -> Seal | None:
    """Return the seal written last."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {SEAL_COLUMNS} FROM journal_seal ORDER BY number DESC LIMIT 1")
        row = cursor.fetchone()
    return seal_of_row(row) if row else None


def get_seal(number: int) -> Seal | None:
    """Return a seal by its number; None where there is none."""
    return next(iter(seals_after(number - 1, limit=1, up_to=number)), None)


def seals_after(number: int, *, limit: int, up_to: int = 2**62) -> list[Seal]:
    """Return the seals after a number, in their order, at most `limit`."""
    query = f"SELECT {SEAL_COLUMNS} FROM journal_seal WHERE number > %s AND number <= %s ORDER BY number LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [number, up_to, limit])
        return [seal_of_row(row) for row in cursor.fetchall()]


def digests_after(seq: int, *, limit: int) -> list[tuple[int, bytes]]:
    """Return number and digest of the lines after a number, in their order, at most `limit`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, digest FROM journal_line WHERE seq > %s ORDER BY seq LIMIT %s", [seq, limit])
        return [(int(number), bytes(digest)) for number, digest in cursor.fetchall()]


def seal_of_line(seq: int) -> Seal | None:
    """Return the seal that covers a line; None while it waits to be sealed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {SEAL_COLUMNS} FROM journal_seal WHERE last_seq >= %s AND first_seq <= %s ORDER BY last_seq LIMIT 1",
            [seq, seq],
        )
        row = cursor.fetchone()
    return seal_of_row(row) if row else None


def get_line(seq: int, *, reach: Reach = COMMON_ONLY) -> Line:
    """Return one line. Raises NotFound."""
    found = lines_numbered([seq], reach=reach)
    if not found:
        raise NotFound(f"there is no line {seq} in this journal")
    return found[0]


def lines_numbered(numbers: Collection[int], *, reach: Reach = COMMON_ONLY) -> tuple[Line, ...]:
    """Return the lines of these numbers, the newest first."""
    wanted = [number for number in numbers if 0 <= number < 2**63]
    return lines_of_rows(_select("seq = ANY(%s)", [wanted], "ORDER BY seq DESC"), reach)


def list_lines(filters: Filters = Filters(), *, limit: int = 100, reach: Reach = COMMON_ONLY) -> tuple[Line, ...]:
    """Return lines, the newest first (with `after_seq` alone: the oldest first), at most 500.

    `subject` finds the lines about it and those that name it as related; `text` those that hold all its words (always the
    newest first). A vault's line is not found by what it is about
    by those who may not read it.
    """
    where, parameters = conditions(filters, reach)
    if filters.text:
        most = max(1, min(limit, MAX_LIMIT))
        return find_lines(filters.text, where, parameters, between=_extent(filters), limit=most, reach=reach)
    forward = filters.after_seq is not None and filters.before_seq is None
    order = f"ORDER BY seq {'ASC' if forward else 'DESC'} LIMIT {max(1, min(limit, MAX_LIMIT))}"
    return lines_of_rows(_select(where, parameters, order), reach)


def corrections_of(numbers: Collection[int], *, reach: Reach = COMMON_ONLY) -> dict[int, tuple[Line, ...]]:
    """Return the lines that correct each of these, the oldest first; those without are absent."""
    names = [f"line:{number}" for number in numbers]
    rows = _select("related && %s::varchar[] AND verb = %s", [names, CORRECTION], "ORDER BY seq") if names else []
    found: dict[int, tuple[Line, ...]] = {}
    for line in lines_of_rows(rows, reach):
        named = next((name for name in line.related if name in names), "")
        if named:
            number = int(named.removeprefix("line:"))
            found[number] = (*found.get(number, ()), line)
    return found


def lines_of(subject: str, *, limit: int = 200, reach: Reach = COMMON_ONLY) -> tuple[Line, ...]:
    """Return what the journal says of a subject (`incident:42`) or relates to it, the newest first."""
    return list_lines(Filters(subject=subject), limit=limit, reach=reach)


def lines_of_any(subjects: Sequence[str], *, limit: int = 200, reach: Reach = COMMON_ONLY) -> tuple[Line, ...]:
    """Return what the journal says of any of these subjects or relates to one, the newest first, each line once."""
    most = max(1, min(limit, MAX_LIMIT))
    with connection.cursor() as cursor:
        cursor.execute(_OF_ANY, {"subjects": list(subjects), "vault": reach.vault, "most": most})
        numbers = [int(row[0]) for row in cursor.fetchall()]
    return lines_numbered(numbers, reach=reach)


def subjects_changed(after_seq: int, up_to_seq: int) -> tuple[str, ...]:
    """Return the subjects and related subjects of the lines `after_seq < seq <= up_to_seq`, each once, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject FROM journal_line WHERE seq > %s AND seq <= %s UNION "
            "SELECT unnest(related) FROM journal_line WHERE seq > %s AND seq <= %s ORDER BY 1",
            [after_seq, up_to_seq, after_seq, up_to_seq],
        )
        return tuple(str(row[0]) for row in cursor.fetchall())


def conditions(filters: Filters, reach: Reach) -> tuple[str, list[Any]]:
    """Return what SQL asks of the lines that these filters mean, for one who has this reach."""
    said: list[tuple[str, list[Any]]] = []
    if filters.before_seq is not None:
        said.append(("seq < %s", [filters.before_seq]))
    if filters.after_seq is not None:
        said.append(("seq > %s", [filters.after_seq]))
    exact = {"room": filters.room, "verb": filters.verb, "actor_id": filters.actor}
    said += [(f"{name} = %s", [_stored(value)]) for name, value in exact.items() if value]
    if filters.subject:
        subject = _stored(filters.subject)
        said.append(("(subject = %s OR related @> ARRAY[%s]::varchar[])", [subject, subject]))
    said += _period(filters)
    levels = set(filters.sensitivities)
    if (filters.subject or filters.text) and not reach.vault:
        levels.discard(Sensitivity.VAULT)
    if filters.text and not reach.desks >= EVERYWHERE:
        levels.discard(Sensitivity.DESK)
    if levels != set(Sensitivity):
        said.append(("sensitivity = ANY(%s)", [sorted(str(level) for level in levels)]))
    return " AND ".join(text for text, _ in said) or "true", [value for _, values in said for value in values]


_FIRST_SINCE = "SELECT seq FROM journal_line WHERE recorded_at > %s ORDER BY recorded_at LIMIT 1"
_LAST_UNTIL = "SELECT seq FROM journal_line WHERE recorded_at < %s ORDER BY recorded_at DESC LIMIT 1"


def _period(filters: Filters) -> list[tuple[str, list[Any]]]:
    """A period also bounds the numbers: the newest of an old month is found without reading what came after it."""
    said: list[tuple[str, list[Any]]] = []
    if filters.since is not None:
        said.append(("recorded_at > %s", [to_datetime(filters.since)]))
        said.append((f"seq >= coalesce(({_FIRST_SINCE}), 0)", [to_datetime(filters.since - OUT_OF_STEP)]))
    if filters.until is not None:
        said.append(("recorded_at < %s", [to_datetime(filters.until)]))
        said.append((f"seq <= coalesce(({_LAST_UNTIL}), 0)", [to_datetime(filters.until + OUT_OF_STEP)]))
    return said


def _extent(filters: Filters) -> tuple[int, int]:
    """Return the least and the greatest number that these filters let through."""
    oldest = 0 if filters.after_seq is None else filters.after_seq + 1
    newest = last_seq() if filters.before_seq is None else filters.before_seq - 1
    with connection.cursor() as cursor:
        if filters.since is not None:
            cursor.execute(_FIRST_SINCE, [to_datetime(filters.since - OUT_OF_STEP)])
            oldest = max(oldest, *(cursor.fetchone() or (0,)))
        if filters.until is not None:
            cursor.execute(_LAST_UNTIL, [to_datetime(filters.until + OUT_OF_STEP)])
            newest = min(newest, *(cursor.fetchone() or (0,)))
    return oldest, min(newest, last_seq())


def _stored(text: str) -> str:
    return text.replace("\x00", "\ufffd")


def _select(where: str, parameters: Sequence[Any], order: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {LINE_COLUMNS} FROM journal_line WHERE {where} {order}", parameters)
        return list(cursor.fetchall())


def verbs_between(since: Instant, until: Instant, verbs: Collection[str]) -> dict[str, int]:
    """Return how many lines of these verbs were recorded between two instants: figures only, no content.

    Read along the index of `recorded_at`; a shift is some thousand lines.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT verb, count(*) FROM journal_line WHERE recorded_at >= %s AND recorded_at < %s AND verb = ANY(%s)"
            " GROUP BY verb",
            [to_datetime(since), to_datetime(until), list(verbs)],
        )
        return dict(cursor.fetchall())
