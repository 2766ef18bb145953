"""How the talk with one source goes: last contact, last error, counters, one frame. Memory only, bounded in size."""

from __future__ import annotations

from dataclasses import dataclass

from beffroi.foundation.clock import Instant

SAMPLE_BYTES = 4096


@dataclass(slots=True)
class Contact:
    """What support asks first about a source. The sample is raw: each connector's diagnostics redact it."""

    last_contact_at: Instant | None = None
    last_error_at: Instant | None = None
    last_error: str = ""
    frames: int = 0
    reports: int = 0
    rejected: int = 0
    errors: int = 0
    sample: bytes = b""

    def note_frame(self, payload: bytes, at: Instant, *, reports: int = 0, rejected: int = 0) -> None:
        """Record a frame that came, with what could be read in it."""
        self.last_contact_at = at
        self.frames += 1
        self.reports += reports
        self.rejected += rejected
        self.sample = payload[:SAMPLE_BYTES]

    def note_answer(self, at: Instant) -> None:
        """Record that the source answered and had nothing new."""
        self.last_contact_at = at

    def note_error(self, reason: str, at: Instant) -> None:
        """Record what went wrong: unreachable, refused or malformed, in the words of the error."""
        self.last_error_at = at
        self.last_error = reason[:500]
        self.errors += 1
