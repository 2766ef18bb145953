"""An incident told again from its lines: each line holds what it changed, so that all of them give the row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CHANGES = "changes"
"""Where a line holds them: by the number of the incident, then by column."""


def replay(incident_id: int, contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the row that lines lead to, from their contents, encrypted ones too, in their order."""
    row: dict[str, Any] = {}
    for content in contents:
        row |= content.get(CHANGES, {}).get(str(incident_id), {})
    return row
