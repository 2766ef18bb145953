"""The last seal that a verification found good, kept outside the database beside the witness.

Who has rights on the database alone cannot move it forward: it is read from this file, and the database must hold the very
same seal at that number.
"""

from __future__ import annotations

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import Misconfigured
from beffroi.kernel.journal import rules
from beffroi.kernel.journal.queries.witness import Witness
from beffroi.kernel.journal.types import Seal, WitnessSeal

NAME = "verified.json"


class Checkpoint(msgspec.Struct, frozen=True):
    """Up to which seal the journal was verified, when, and when the whole of it was read last."""

    seal: WitnessSeal
    at: Instant
    whole_at: Instant

    @property
    def after(self) -> Seal:
        """The seal, as the verification takes it."""
        return rules.from_witness(self.seal)


def checkpoint(witness: Witness) -> Checkpoint | None:
    """Return the checkpoint; None where nothing was verified yet. Raises Misconfigured for a file that is none."""
    file = witness.folder / NAME
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Checkpoint)
        rules.from_witness(found.seal)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise Misconfigured(f"{file} cannot be read: remove it, and verify the whole journal (`--full`)") from error
    return found
