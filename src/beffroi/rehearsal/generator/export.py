"""The city's files, as `beffroi import` reads them. The same input gives the same bytes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from beffroi.rehearsal.generator.assets import MadeAsset, MadeRelation
from beffroi.rehearsal.generator.buildings import Address
from beffroi.rehearsal.generator.geometry import Plane
from beffroi.rehearsal.generator.network import Segment
from beffroi.rehearsal.generator.profile import Profile
from beffroi.rehearsal.generator.territory import Territory

PROPERTIES = ("rated_w", "use", "service", "line", "depot", "modbus_unit")


def write_communes(path: Path, plane: Plane, profile: Profile, territory: Territory) -> None:
    """Write commune limits with their code, name and population."""
    _write_geojson(
        path,
        plane,
        (
            (
                territory.communes[commune.name],
                {"code": commune.code, "name": commune.name, "population": commune.population},
            )
            for commune in profile.communes
        ),
    )


def write_streets(path: Path, plane: Plane, segments: Iterable[Segment]) -> None:
    """Write the street segments, each from crossing to crossing in the direction of its traffic and of its numbers."""
    _write_geojson(
        path,
        plane,
        (
            (
                segment.line,
                {
                    "id": segment.id,
                    "name": segment.name,
                    "class": segment.street_class,
                    "commune": segment.commune,
                    "oneway": segment.one_way,
                    "bridge": segment.bridge,
                    "speed_kmh": segment.speed_kmh,
                },
            )
            for segment in segments
        ),
    )


def write_addresses(path: Path, plane: Plane, addresses: Iterable[Address]) -> None:
    """Write the addresses."""
    rows = ((each.id, each.number, each.street, each.commune, *plane.degrees(*each.at)) for each in addresses)
    _write_csv(path, ("id", "number", "street", "commune", "lon", "lat"), rows)


def write_assets(path: Path, plane: Plane, assets: Iterable[MadeAsset]) -> None:
    """Write the inventory. An empty source: nothing reports it; an empty address: its code."""
    head = ("asset", "class", "lon", "lat", "name", "source", "address", "street", "commune", *PROPERTIES)
    rows = (
        (
            asset.code, asset.asset_class, *plane.degrees(*asset.at), asset.name, asset.source, asset.address, asset.street,
            asset.commune, *(asset.properties.get(name, "") for name in PROPERTIES),
        )
        for asset in assets
    )  # fmt: skip
    _write_csv(path, head, rows)


def write_relations(path: Path, relations: Iterable[MadeRelation]) -> None:
    """Write which asset feeds or contains which."""
    _write_csv(path, ("from", "kind", "to"), ((each.origin, each.kind, each.target) for each in relations))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON document, indented for people."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _write_geojson(path: Path, plane: Plane, features: Iterable[tuple[BaseGeometry, dict[str, Any]]]) -> None:
    """Write one feature a line, in degrees with six decimals."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[\n')
        for index, (shape, properties) in enumerate(features):
            feature = {"type": "Feature", "geometry": mapping(plane.to_degrees(shape)), "properties": properties}
            file.write((",\n" if index else "") + json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
        file.write("\n]}\n")
