"""What the places' room shows: communes, addresses, what was found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commune:
    """A municipality."""

    code: str
    name: str
    population: int


@dataclass(frozen=True, slots=True)
class Address:
    """A street number, or a street as a whole when `number` is empty (its position is then the middle of it)."""

    number: str
    street: str
    commune: str
    lon: float
    lat: float

    @property
    def text(self) -> str:
        """The address as it is written: `12 rue Monge, Dijon`."""
        return f"{self.number} {self.street}, {self.commune}".strip()


@dataclass(frozen=True, slots=True)
class NearAddress:
    """The nearest address to a position, and how far it is, in metres."""

    address: Address
    distance_m: float
