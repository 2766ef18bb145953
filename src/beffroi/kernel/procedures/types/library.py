"""What people write of the library: a change of a procedure, from its draft to its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.foundation.clock import Instant
from beffroi.kernel.procedures.types.procedures import Procedure


class RevisionState(StrEnum):
    """Where a written change of a procedure stands. DRAFT and PROPOSED are open: one open change for a procedure."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    DROPPED = "dropped"


OPEN_REVISIONS = (RevisionState.DRAFT, RevisionState.PROPOSED)

LIBRARY = "library:procedures"
"""What every line of the journal about the library is related to: its pages are read again when one comes."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A written change of a procedure: its text (empty: withdrawn), who wrote it and why, who judged it.

    `procedure` is what the text states, None for a withdrawal. `base_version` is the version that was in force when it was
    written (0: none); `version` the one that it became.
    """

    id: int
    code: str
    state: RevisionState
    procedure: Procedure | None
    text: str
    title: str
    desk: str
    base_version: int
    version: int | None
    reason: str
    author: str
    author_name: str
    written_at: Instant
    proposed_at: Instant | None
    reviewer: str
    reviewer_name: str
    reviewed_at: Instant | None
    review_reason: str

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has decided of it yet."""
        return self.state in OPEN_REVISIONS


@dataclass(frozen=True, slots=True)
class Card:
    """A procedure as the library shows it: its last version, whether it is in force, and the change that is open on it.

    `published_by` and `published_at` are of the last version; empty and 0 for one that is only written (`is_new`).
    """

    procedure: Procedure
    text: str
    in_force: bool
    published_at: Instant
    published_by: str
    revision: Revision | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class PastVersion:
    """A version that was in force once, with its text as it was written (empty where it was not kept)."""

    version: int
    procedure: Procedure
    text: str
    in_force: bool
    published_at: Instant
    published_by: str
