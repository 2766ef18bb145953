"""The files of a generated city: complete, exact in number, coherent, and the same for the same seed."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from pmtiles.reader import MmapSource, Reader
from shapely.geometry import Point, shape

from beffroi.foundation.errors import Misconfigured
from beffroi.rehearsal import generate
from beffroi.rehearsal.generator.basemap import LAYER_ZOOMS
from beffroi.rehearsal.generator.names import short_name
from beffroi.rehearsal.generator.profile import PROFILES, load_profile

from .conftest import SEED

FILES = {
    "communes.geojson", "streets.geojson", "addresses.csv", "assets.csv", "relations.csv", "basemap.pmtiles", "city.json",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def features(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return found


def test_city_writes_its_files_and_no_other(bourg: Path) -> None:
    assert {path.name for path in bourg.iterdir()} == FILES


def test_same_seed_gives_the_same_bytes(bourg: Path, tmp_path: Path) -> None:
    generate("bourg", SEED, tmp_path)
    for name in FILES - {"basemap.pmtiles"}:
        assert (tmp_path / name).read_bytes() == (bourg / name).read_bytes(), name


def test_another_seed_gives_another_city_of_the_same_numbers(bourg: Path, tmp_path: Path) -> None:
    generate("bourg", SEED + 1, tmp_path)
    assert (tmp_path / "streets.geojson").read_bytes() != (bourg / "streets.geojson").read_bytes()
    count = Counter(row["class"] for row in rows(tmp_path / "assets.csv"))
    assert count == Counter(row["class"] for row in rows(bourg / "assets.csv"))


def test_equipment_has_the_numbers_of_the_profile(bourg: Path) -> None:
    wanted = load_profile("bourg").equipment
    count = Counter(row["class"] for row in rows(bourg / "assets.csv"))
    assert count == {
        "light_point": wanted.light_points,
        "lighting_cabinet": 10,
        "intersection": wanted.intersections,
        "camera": wanted.cameras,
        "building": wanted.buildings,
        "boiler_room": wanted.boiler_rooms,
        "bollard": wanted.bollards,
        "vehicle": wanted.vehicles,
        "bus": wanted.buses,
        "sensor": wanted.sensors_chirpstack + wanted.sensors_things_stack,
    }


def test_asset_codes_and_addresses_are_unique(bourg: Path) -> None:
    assets = rows(bourg / "assets.csv")
    assert len({row["asset"] for row in assets}) == len(assets)
    reported = [(row["source"], row["address"] or row["asset"]) for row in assets if row["source"]]
    assert len(set(reported)) == len(reported)
    assert {row["source"] for row in assets} == {
        "lighting",
        "traffic",
        "buildings",
        "boilers",
        "fleet",
        "lorawan",
        "things",
        "buses",
        "",
    }
    assert {row["class"] for row in assets if not row["source"]} == {"camera"}


def test_each_light_is_fed_by_one_cabinet_of_about_forty(bourg: Path) -> None:
    feeds = [row for row in rows(bourg / "relations.csv") if row["kind"] == "feeds"]
    assert len({row["to"] for row in feeds}) == len(feeds) == 400
    assert all(30 <= lamps <= 50 for lamps in Counter(row["from"] for row in feeds).values())


def test_assets_lie_in_their_commune(bourg: Path) -> None:
    communes = {
        each["properties"]["name"]: shape(each["geometry"]).buffer(0.0003)
        for each in features(bourg / "communes.geojson")
    }
    for row in rows(bourg / "assets.csv"):
        assert communes[row["commune"]].contains(Point(float(row["lon"]), float(row["lat"]))), row["asset"]


def test_communes_do_not_overlap(bourg: Path) -> None:
    one, other = (shape(each["geometry"]) for each in features(bourg / "communes.geojson"))
    assert one.is_valid and other.is_valid
    assert one.intersection(other).area < 1e-4 * min(one.area, other.area)


def test_every_street_can_be_driven_to_from_every_other(bourg: Path) -> None:
    graph: nx.DiGraph[tuple[float, ...]] = nx.DiGraph()
    streets = features(bourg / "streets.geojson")
    assert len({street["properties"]["id"] for street in streets}) == len(streets)
    for street in streets:
        start, *_, end = (tuple(at) for at in street["geometry"]["coordinates"])
        graph.add_edge(start, end)
        if not street["properties"]["oneway"]:
            graph.add_edge(end, start)
    assert nx.is_strongly_connected(graph)
    assert any(street["properties"]["oneway"] for street in streets)
    assert any(street["properties"]["bridge"] for street in streets)


def test_no_two_streets_of_a_commune_share_a_base_name(bourg: Path) -> None:
    names = defaultdict(set)
    for street in features(bourg / "streets.geojson"):
        names[street["properties"]["commune"]].add(street["properties"]["name"])
    for commune, streets in names.items():
        bases = Counter(short_name(street).casefold() for street in streets)
        assert max(bases.values()) == 1, commune


def test_addresses_are_unique_and_numbered_on_both_sides(bourg: Path) -> None:
    addresses = rows(bourg / "addresses.csv")
    assert len({row["id"] for row in addresses}) == len(addresses) > 1000
    assert len({(row["commune"], row["street"], row["number"]) for row in addresses}) == len(addresses)
    odd = sum(int(row["number"]) % 2 for row in addresses)
    assert 0.3 < odd / len(addresses) < 0.7


def test_lines_follow_streets_end_to_end(bourg: Path) -> None:
    streets = {
        each["properties"]["id"]: each["geometry"]["coordinates"] for each in features(bourg / "streets.geojson")
    }
    for line in json.loads((bourg / "city.json").read_text(encoding="utf-8"))["lines"]:
        for way in (line["there"], line["back"]):
            ends = [{tuple(streets[part][0]), tuple(streets[part][-1])} for part in way]
            assert all(one & other for one, other in pairwise(ends))


def test_basemap_is_an_archive_of_vector_tiles_with_its_layers(bourg: Path) -> None:
    with (bourg / "basemap.pmtiles").open("rb") as file:
        reader = Reader(MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
        assert (header["min_zoom"], header["max_zoom"], header["tile_type"].name) == (8, 14, "MVT")
        names = {layer["id"] for layer in metadata["vector_layers"]}
        assert names == set(LAYER_ZOOMS) - {"tram"}
        assert reader.get(8, 131, 89)


@pytest.mark.parametrize("name", [path.stem for path in PROFILES.glob("*.yaml")])
def test_profile_is_valid(name: str) -> None:
    assert load_profile(name).attribution == "Ville générée"


def test_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match="bourg, dijon"):
        load_profile("atlantis")


def test_profile_whose_numbers_disagree_is_refused(tmp_path: Path) -> None:
    text = (PROFILES / "bourg.yaml").read_text(encoding="utf-8").replace("  vehicles: 8", "  vehicles: 9")
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match="fleet makes 8, vehicles says 9"):
        load_profile(str(tmp_path / "wrong.yaml"))
