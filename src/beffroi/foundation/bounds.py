"""What a frame may claim, whatever its format: values and instants that can be true, addresses that can be written."""

from __future__ import annotations

from beffroi.foundation.clock import SECOND, Instant, to_rfc3339
from beffroi.foundation.errors import Malformed

MAX_VALUE = 1e12
"""No equipment of a city measures more, in any of our units: beyond it a value is an error of the sender."""

MAX_ADDRESS = 128
"""Characters in the name under which a source knows an asset."""


def check_instant(observed_at: Instant, received_at: Instant, *, max_age_s: float, max_ahead_s: float) -> None:
    """Raise Malformed when an instant is too long before its receipt, or too long after it, with both instants."""
    age = observed_at - received_at
    if age > max_ahead_s * SECOND:
        reason = f"more than {max_ahead_s:g} s after its receipt: the sender's clock is ahead"
    elif age < -max_age_s * SECOND:
        reason = f"more than {max_age_s:g} s before its receipt"
    else:
        return
    raise Malformed(f"observed at {_shown(observed_at)}, received at {_shown(received_at)}: {reason}")


def check_address(address: str) -> str:
    """Return the address. Raises Malformed when it is empty, too long, or holds what cannot be shown on a line."""
    if 1 <= len(address) <= MAX_ADDRESS and address.isprintable():
        return address
    raise Malformed(
        f"address {address[:60]!r} has {len(address)} characters; expected 1 to {MAX_ADDRESS}, all printable"
    )


def check_size(payload: bytes, max_bytes: int) -> None:
    """Raise Malformed when a payload is empty or larger than `max_bytes`."""
    if not payload:
        raise Malformed("the payload is empty")
    if len(payload) > max_bytes:
        raise Malformed(f"the payload has {len(payload)} bytes; expected {max_bytes} at most")


def _shown(instant: Instant) -> str:
    try:
        return to_rfc3339(instant)
    except (OverflowError, ValueError):
        return f"{instant} microseconds since 1970"
