"""What the city decided beforehand: skills, cards, times."""

from __future__ import annotations

import msgspec

from beffroi.kernel.dispatch import models
from beffroi.kernel.dispatch.types import Card, Times


def skills() -> dict[str, str]:
    """Return the titles of skills by their code, in the order of the profile."""
    return msgspec.convert(_body("skills", {}), dict[str, str])


def cards() -> tuple[Card, ...]:
    """Return what missions tell their crews, by category of incident."""
    return msgspec.convert(_body("cards", []), tuple[Card, ...])


def card_of(category: str) -> Card:
    """Return what a mission of a category tells its crew; an empty card where the city wrote none."""
    return next((card for card in cards() if category in card.categories), Card((category,)))


def times() -> Times:
    """Return how long crews may be silent and how long their positions are kept."""
    return msgspec.convert(_body("times", {}), Times, strict=False)


def _body(kind: str, otherwise: object) -> object:
    row = models.Setting.objects.filter(kind=kind).first()
    return otherwise if row is None else row.body
