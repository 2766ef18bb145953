"""Scenarios: what goes wrong and when, as data. One YAML file each in `rehearsal/scenarios`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from beffroi.foundation.errors import Misconfigured

SCENARIOS = Path(__file__).parent / "scenarios"


class Part(BaseModel):
    """A piece of a scenario: no unknown key, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(Part):
    """A failure at a time after the start. Without `asset`, one is drawn; it is repaired after `lasts_s`.

    `count` of them, spread evenly `over_s`; each fails `times` times on the same equipment, `every_s` after the last.
    """

    at_s: float = Field(ge=0)
    kind: str
    asset: str | None = None
    lasts_s: float = Field(gt=0)
    count: int = Field(1, ge=1, le=2_000)
    over_s: float = Field(0, ge=0)
    times: int = Field(1, ge=1, le=500)
    every_s: float = Field(0, ge=0)

    def each(self) -> tuple[Event, ...]:
        """Return the failures that this stands for, one by one."""
        return tuple(
            self.model_copy(update={"at_s": self.at_s + self.over_s * place / self.count, "count": 1, "over_s": 0})
            for place in range(self.count)
        )


class Chance(Part):
    """One kind of failure in the rhythm: how often against the others, how long it lasts (from, to)."""

    weight: float = Field(gt=0)
    lasts_s: tuple[float, float]


class RandomRhythm(Part):
    """Failures drawn at random, one at a time, at intervals between two bounds."""

    from_s: float = Field(ge=0)
    every_s: tuple[float, float]
    kinds: Mapping[str, Chance]


class Scenario(Part):
    """What happens to a city: events at their times, then a rhythm."""

    title: str
    events: tuple[Event, ...] = ()
    rhythm: RandomRhythm | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        """Intervals go from the lesser to the greater."""
        if self.rhythm is not None:
            for low, high in (self.rhythm.every_s, *(chance.lasts_s for chance in self.rhythm.kinds.values())):
                if not 0 < low <= high:
                    raise ValueError(f"an interval from {low:g} to {high:g} s; expected from a lesser to a greater")
        return self


def load_scenario(name: str) -> Scenario:
    """Read a scenario by its name in `rehearsal/scenarios`, or by the path of a YAML file. Raises Misconfigured."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else SCENARIOS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in SCENARIOS.glob("*.yaml")))
        raise Misconfigured(f"there is no scenario {name!r}; known: {known}, or the path of a YAML file")
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Misconfigured(f"the scenario {path.name} is wrong: {error}") from error
