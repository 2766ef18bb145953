"""Pictures attached to incidents."""

from __future__ import annotations

import msgspec


class Evidence(msgspec.Struct):
    """A picture attached to an incident. `sha256` and `size_bytes` are those of the JPEG that is kept.

    `step` names the step of a run that it was taken for, as `run-12/photo`: `pictures` of the run's step hold it.
    `kind` is `before`, `after` or `other`; `readable` is false once it was erased (`erased_at`), or without its key.
    """

    id: str
    kind: str
    taken_at: str
    attached_at: str
    by: str
    by_name: str
    mission: int | None
    step: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    readable: bool
    erased_at: str | None


class EvidenceList(msgspec.Struct):
    """The pictures of an incident, the oldest first; at most 500, so `next` is always null."""

    items: list[Evidence]
    next: str | None
