"""How incidents stand to each other: near, proposed as one, decided of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.kernel.incidents.types.incidents import Incident


@dataclass(frozen=True, slots=True)
class Near:
    """An open incident near a place, and how far it is in metres. `alike`: it is about the same thing."""

    incident: Incident
    distance_m: float
    alike: bool


class PairState(StrEnum):
    """What became of the idea that two incidents are one."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNITED = "united"


@dataclass(frozen=True, slots=True)
class Facts:
    """Why two incidents may be one: how far apart, how long between them (seconds), how their equipment is related.

    `through` names the equipment that they share; `category` is `same`, `family`, or empty.
    """

    distance_m: float
    gap_s: int
    relation: str = ""
    through: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another incident that may be the same as the one looked at. `later`: it was opened after it."""

    id: int
    other: Incident
    rule: str
    title: str
    facts: Facts
    later: bool
