"""The inventory being made: assets and relations as they will be written."""

from __future__ import annotations

from dataclasses import dataclass, field

from beffroi.rehearsal.generator.geometry import Metres


@dataclass(frozen=True, slots=True)
class MadeAsset:
    """One line of assets.csv. `address` empty: the source knows the asset by its code."""

    code: str
    asset_class: str
    at: Metres
    name: str
    source: str
    street: str
    commune: str
    address: str = ""
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeRelation:
    """One line of relations.csv."""

    origin: str
    kind: str
    target: str
