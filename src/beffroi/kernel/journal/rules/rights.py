"""What the role of the database under which the post runs may do of the journal: add, and count on (decision 0011)."""

from __future__ import annotations

from collections.abc import Mapping

RUN_TIME_RIGHTS: Mapping[str, frozenset[str]] = {
    "journal_line": frozenset({"SELECT", "INSERT"}),
    "journal_seal": frozenset({"SELECT", "INSERT"}),
    "journal_head": frozenset({"SELECT", "UPDATE (seq)"}),
    "journal_key": frozenset({"SELECT", "INSERT", "UPDATE"}),
}
"""By table; a key is destroyed by writing over it, never by removing its row."""
