"""Reading a file of the city's profile: one key, and under it a list of entries, each with fields and their values."""

from __future__ import annotations

from typing import Any

import yaml

from beffroi.foundation.errors import Malformed

MAX_BYTES = 200_000
MAX_ENTRIES = 500


def read_entries(text: str, key: str, *, least: int = 0, most: int = MAX_ENTRIES) -> list[dict[str, Any]]:
    """Return the entries that stand under the only key of a profile, in their order, each to be read by who knows it.

    Raises Malformed saying what to write: it is too large, no YAML, has another key, or entries that are no mappings.
    """
    if len(text.encode()) > MAX_BYTES:
        raise Malformed(f"the {key} are larger than {MAX_BYTES} bytes")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise Malformed(f"the {key} are no YAML: {error}") from error
    entries = document.get(key) if isinstance(document, dict) and set(document) == {key} else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed(
            f"expected one key, `{key}`, with a list of entries under it, each with fields and their values"
        )
    if not least <= len(entries) <= most:
        raise Malformed(f"{len(entries)} {key}; expected {least} to {most} {key}")
    return [dict(entry) for entry in entries]
