"""Addresses."""

from __future__ import annotations

import msgspec


class Address(msgspec.Struct):
    """An address as people write it, in parts, and where it is. Without a number: a street, at its middle."""

    text: str
    number: str
    street: str
    commune: str
    lon: float
    lat: float


class Addresses(msgspec.Struct):
    """What was found, the best first; there is no other page."""

    items: list[Address]
    next: None = None
