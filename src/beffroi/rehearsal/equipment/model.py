"""What every model of equipment is: something that speaks in time, and can be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from beffroi.foundation.clock import Instant


class Said(NamedTuple):
    """What one piece of equipment says at one instant: quantities with their unit, states in words."""

    address: str
    observed_at: Instant
    values: Mapping[str, float | str]


class Reply(NamedTuple):
    """What equipment says of a command at once: that it begins, or that it will not and why."""

    accepted: bool
    reason: str = ""


BEGINS = Reply(True)


@dataclass(frozen=True, slots=True)
class Failing:
    """One way of failing: the assets it may strike, how it begins and how it ends."""

    kind: str
    codes: Sequence[str]
    fail: Callable[[str, Instant], None]
    repair: Callable[[str, Instant], None]


@runtime_checkable
class Obeying(Protocol):
    """Equipment that takes commands."""

    source: str

    def obeying(self) -> Sequence[str]:
        """Return the addresses of the equipment that takes commands."""

    def obey(self, address: str, ability: str, parameters: Mapping[str, float | str], now: Instant) -> Reply | None:
        """Do what is asked, or refuse; None: it did not hear, or says nothing."""


class Model(Protocol):
    """All equipment of one source, or of one kind within it."""

    source: str

    def step(self, now: Instant) -> list[Said]:
        """Return what has been said since the last step, in order, a bounded number at a time."""

    def failings(self) -> Sequence[Failing]:
        """Return the ways this equipment fails."""
