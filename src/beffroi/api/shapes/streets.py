"""Closures of streets, and ways along the streets that are open."""

from __future__ import annotations

import msgspec


class Closure(msgspec.Struct):
    """Streets closed to traffic. `state`: planned, in_force, ended, lifted (opened again before its end)."""

    id: int
    segments: list[str]
    street: str
    commune: str
    begins_at: str
    until: str
    reason: str
    incident: str
    """Reference of the incident for which it is closed; empty for none, or for one that may not be seen."""
    state: str
    closed_by: str
    closed_at: str
    ended_at: str | None = None
    ended_by: str = ""
    end_reason: str = ""


class Closures(msgspec.Struct):
    """The closures in force, then those planned; or the last ones over. There is no other page."""

    items: list[Closure]
    next: None = None


class StreetWay(msgspec.Struct):
    """The quickest way: `line` is drawn from one end to the other, `closed` names closed streets that must be entered."""

    metres: float
    seconds: float
    walked_m: float
    streets: list[str]
    closed: list[str]
    line: list[tuple[float, float]]
