"""The city's own files, read back: the simulated equipment knows what is written there and nothing else."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beffroi.foundation.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Item:
    """One asset of the inventory. `address` is the name under which its source reports it."""

    code: str
    asset_class: str
    source: str
    address: str
    name: str
    lon: float
    lat: float
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inventory:
    """A city as its files say it."""

    items: Sequence[Item]
    feeds: Mapping[str, Sequence[str]]
    centre: tuple[float, float]
    lines: Sequence[Mapping[str, Any]]
    streets: Sequence[Mapping[str, Any]]
    tempo: float = 1.0
    """How many times faster than life the crews of this city are."""

    def of_class(self, asset_class: str) -> list[Item]:
        """Return the items of one class that a source reports, in the order of the file."""
        return [item for item in self.items if item.asset_class == asset_class and item.source]


COLUMNS = ("asset", "class", "lon", "lat", "name", "source", "address")


def read_inventory(folder: Path) -> Inventory:
    """Read a city's files. Raises Misconfigured when the folder holds no city."""
    try:
        city = json.loads((folder / "city.json").read_text(encoding="utf-8"))
        streets = json.loads((folder / "streets.geojson").read_text(encoding="utf-8"))["features"]
        items = [_item(row) for row in _rows(folder / "assets.csv")]
        feeds: dict[str, list[str]] = defaultdict(list)
        for row in _rows(folder / "relations.csv"):
            if row["kind"] == "feeds":
                feeds[row["from"]].append(row["to"])
    except (OSError, KeyError, ValueError) as error:
        raise Misconfigured(
            f"{folder} holds no generated city: {error}; make one with `beffroi city generate`"
        ) from error
    centre = (city["centre"][0], city["centre"][1])
    return Inventory(items, feeds, centre, city["lines"], streets, float(city.get("tempo", 1)))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _item(row: Mapping[str, str]) -> Item:
    properties = {name: value for name, value in row.items() if name not in COLUMNS and value}
    return Item(
        row["asset"],
        row["class"],
        row["source"],
        row["address"] or row["asset"],
        row["name"],
        float(row["lon"]),
        float(row["lat"]),
        properties,
    )
