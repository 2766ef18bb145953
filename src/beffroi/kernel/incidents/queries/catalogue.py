"""What the city's profile says of incidents, as it is in force."""

from __future__ import annotations

import msgspec

from beffroi.kernel.incidents import models
from beffroi.kernel.incidents.types import Category, Correlation


def categories() -> tuple[Category, ...]:
    """Return what an incident may be about, in the order of the profile."""
    rows = models.Entry.objects.filter(kind="category").order_by("place")
    return tuple(msgspec.convert(body, Category) for body in rows.values_list("body", flat=True))


def correlation() -> tuple[Correlation, ...]:
    """Return the rules of correlation, in the order of the profile."""
    rows = models.Entry.objects.filter(kind="correlation").order_by("place")
    return tuple(msgspec.convert(body, Correlation) for body in rows.values_list("body", flat=True))
