"""Lines by what they say. The index holds what is written in clear; of the encrypted parts the newest are opened and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.rows import LINE_COLUMNS, lines_of_rows
from beffroi.kernel.journal.types import Line, Reach

MOST_OPENED = 2_000
"""Encrypted parts that one search opens: the newest that the other filters let through."""

READ_FIRST = 800
"""The newest lines are read before the index is asked: a word of every line fills a page from them."""

_WORDS = "journal_words(seq, actor_name || ' ' || subject || ' ' || reason || ' ' || purpose || ' ' || content)"
_NEWEST = f"""
SELECT {LINE_COLUMNS} FROM (SELECT * FROM journal_line WHERE {{where}} ORDER BY seq DESC LIMIT {READ_FIRST}) newest
WHERE {_WORDS} @@ %s::tsquery ORDER BY seq DESC LIMIT %s
"""
_FOUND = f"""
WITH found AS MATERIALIZED (
    SELECT seq AS number FROM journal_line
    WHERE {_WORDS} @@ %s::tsquery)
SELECT {LINE_COLUMNS} FROM found JOIN journal_line ON seq = number
WHERE seq BETWEEN %s AND %s AND {{where}} ORDER BY seq DESC LIMIT %s
"""
_PERSONAL = f"SELECT {LINE_COLUMNS} FROM journal_line WHERE about <> '' AND {{where}} ORDER BY seq DESC LIMIT %s"


def find_lines(
    text: str, where: str, parameters: Sequence[Any], *, between: tuple[int, int], limit: int, reach: Reach
) -> tuple[Line, ...]:
    """Return the newest lines that hold all the words of a text, of those that a condition lets through."""
    words = rules.words_of(text)[: rules.MAX_WORDS]
    if not words:
        return ()
    oldest, newest = between
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST.format(where=where), [*parameters, rules.text_query(words), limit])
        rows: list[tuple[Any, ...]] = list(cursor.fetchall())
        stretches = rules.stretches(newest, oldest) if len(rows) < limit else iter(())
        rows = rows if len(rows) >= limit else []
        for stretch, first, last in stretches:
            if len(rows) >= limit:
                break
            query = rules.text_query(words, stretch)
            cursor.execute(_FOUND.format(where=where), [query, first, last, *parameters, limit - len(rows)])
            rows += cursor.fetchall()
    found = {line.seq: line for line in lines_of_rows(rows, reach)}
    found |= {line.seq: line for line in _opened(words, where, parameters, reach)}
    return tuple(found[seq] for seq in sorted(found, reverse=True)[:limit])


def _opened(words: tuple[str, ...], where: str, parameters: Sequence[Any], reach: Reach) -> list[Line]:
    if not reach.personal:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PERSONAL.format(where=where), [*parameters, MOST_OPENED])
        lines = lines_of_rows(cursor.fetchall(), reach)
    return [line for line in lines if line.personal and rules.says(line.personal.content, words)]
