"""What is drawn before the network exists: streets as drafts, and the blocks between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shapely.geometry import LineString, Polygon

from beffroi.rehearsal.generator.geometry import Metres

RANKS = {"motorway": 5, "primary": 4, "secondary": 3, "tertiary": 2, "unclassified": 1}
"""Rank of a class on the map; the others are 0."""
SPEEDS_KMH = {
    "motorway": 90,
    "primary": 50,
    "secondary": 50,
    "tertiary": 50,
    "unclassified": 30,
    "residential": 30,
    "living_street": 20,
    "pedestrian": 10,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A street as drawn, before it is cut at crossings.

    `name` None: to be named. `axis`: the whole street, when this is a part of it between squares and roundabouts.
    `round_at`: centre of a roundabout.
    """

    line: LineString
    street_class: str
    name: str | None = None
    fabric: str = ""
    speed_kmh: int | None = None
    one_way: bool = False
    round_at: Metres | None = None
    kind: str = "street"
    axis: LineString | None = None

    @property
    def whole(self) -> LineString:
        """The whole street, along which numbers run."""
        return self.axis or self.line

    def part(self, line: LineString) -> Draft:
        """Return a part of this street."""
        return replace(self, line=line, axis=self.whole)


@dataclass(frozen=True, slots=True)
class Block:
    """Ground between streets. An open block is a square: nothing is built on it."""

    shape: Polygon
    fabric: str
    open: bool = False
