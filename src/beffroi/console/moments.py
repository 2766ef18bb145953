"""Reading a date and time that a form sends: what its field gives, in the time zone of the city."""

from __future__ import annotations

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import Refused


def moment_of(text: str) -> Instant | None:
    """Return the instant of a date and time of the city; None without one. Raises Refused when it cannot be read."""
    if not text.strip():
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused(f"`{text[:40]}` is no date and time", key="due-unreadable")
    return from_datetime(timezone.make_aware(moment) if timezone.is_naive(moment) else moment)
