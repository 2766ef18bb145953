"""Taking a city's files in and finding places, on the real database. The places are invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from beffroi.foundation.errors import Malformed
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.places import actions, queries
from beffroi.kernel.places.models import Address, Street
from beffroi.kernel.places.types import Commune

pytestmark = pytest.mark.django_db
NOW = 1_780_000_000_000_000
BY = Actor(ActorKind.PERSON, "technicien", "Le technicien")
HEADER = "id,number,street,commune,lon,lat\n"
ROWS = [
    f"{street[:3]}{commune[:2]}{number},{number},{street},{commune},{lon + place * 0.0005:.6f},{lat}"
    for street, commune, lon, lat in (
        ("rue du Beffroi", "Montrond", 5.00, 47.30),
        ("rue du Beffroi", "Valfleury", 5.10, 47.35),
        ("boulevard Saint-Éloi", "Montrond", 5.01, 47.31),
        ("allée des Tilleuls", "Montrond", 5.02, 47.32),
    )
    for place, number in enumerate(("2", "4", "4bis", "6", "12"))
]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


@pytest.fixture
def addresses(file: Callable[[str, str], Path]) -> int:
    return actions.import_addresses(file("addresses.csv", HEADER + "\n".join(ROWS) + "\n"), by=BY, at=NOW)


def _found(text: str, limit: int = 10) -> list[str]:
    return [address.text for address in queries.search_addresses(text, limit)]


@pytest.mark.usefixtures("addresses")
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("12 rue du beffroi valfleury", "12 rue du Beffroi, Valfleury"),
        ("12 beffroi montrond", "12 rue du Beffroi, Montrond"),
        ("BD ST ELOI 4 BIS", "4 bis boulevard Saint-Éloi, Montrond"),
        ("4bis bd saint éloi", "4 bis boulevard Saint-Éloi, Montrond"),
        ("5 all tilleul", "4 allée des Tilleuls, Montrond"),
        ("tilleuls", "allée des Tilleuls, Montrond"),
        ("bvd saint eloy", "boulevard Saint-Éloi, Montrond"),
        ("blvrd saint eloi", "boulevard Saint-Éloi, Montrond"),
        ("allee des tileuls montrond", "allée des Tilleuls, Montrond"),
        ("allée des tilleuls valfleury", "allée des Tilleuls, Montrond"),
    ],
)
def test_address_is_found_as_people_type_it(text: str, first: str) -> None:
    assert _found(text)[0] == first


@pytest.mark.usefixtures("addresses")
def test_search_answers_every_street_that_fits_at_most_as_many_as_asked() -> None:
    assert _found("rue beffroi") == ["rue du Beffroi, Montrond", "rue du Beffroi, Valfleury"]
    assert len(_found("rue beffroi", 1)) == 1
    assert _found("zzzzzz") == _found("") == _found("%%% ___ ''\x00") == _found("12") == []


@pytest.mark.usefixtures("addresses")
def test_street_stands_in_its_middle() -> None:
    assert queries.search_addresses("tilleuls")[0].lon == pytest.approx(5.021)


@pytest.mark.usefixtures("addresses")
def test_nearest_address_is_found_one_by_one_and_together() -> None:
    near = queries.nearest_address(5.0011, 47.3001)
    assert near is not None
    assert near.address.text == "4 bis rue du Beffroi, Montrond"
    assert 10 < near.distance_m < 15
    assert queries.nearest_address(5.5, 47.3) is None
    assert queries.nearest_address(5.0011, 47.3001, within_m=5) is None
    together = queries.nearest_addresses([(5.0011, 47.3001), (5.5, 47.3)])
    assert together[1] is None
    assert together[0] is not None
    assert together[0].address == near.address
    assert together[0].distance_m == pytest.approx(near.distance_m)
    assert queries.nearest_addresses([]) == ()


def test_nearest_address_without_addresses_is_none() -> None:
    assert queries.nearest_addresses([(5.0, 47.0)]) == (None,)


def test_import_of_addresses_is_journalled_and_can_be_done_again(
    file: Callable[[str, str], Path], addresses: int
) -> None:
    assert addresses == 20
    line = list_lines()[0]
    assert (line.verb, line.subject, line.actor) == ("import_addresses", "file:addresses.csv", BY)
    assert (line.content["addresses"], line.content["streets"], len(line.content["sha256"])) == (20, 4, 64)
    moved = ROWS[0].replace(",5.000000,", ",5.000100,")
    assert (
        actions.import_addresses(file("more.csv", f"{HEADER}{moved}\nnew,1,quai Neuf,Montrond,5.0,47.3"), by=BY, at=NOW)
        == 2
    )
    assert Address.objects.count() == 21
    assert Address.objects.get(id=ROWS[0].split(",")[0]).lon == 5.0001
    assert _found("quai neuf") == ["quai Neuf, Montrond"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,number,street\n", "the header lacks commune, lon, lat"),
        (HEADER + ROWS[0] + "\nx,1,,Montrond,5,47", "line 3: `street` is empty"),
        (HEADER + "x,1,rue A,Montrond,east,47", "line 2: `lon` is 'east'; write a number"),
        (HEADER + "x,1,rue A,Montrond,5,470", "line 2: `lat` is 470; write -90 to 90"),
        (HEADER + "x,1,rue A,Montrond,0,0", "line 2: the position is 0, 0"),
        (HEADER + "x,1,rue A,Montrond,nan,47", "line 2: `lon` is nan"),
        (HEADER + ROWS[0] + "\n" + ROWS[0], "line 3: `id` rueMo2 is already on line 2"),
        (HEADER + "x,1,rue A", "line 2: `commune` is empty"),
    ],
)
def test_bad_row_refuses_the_whole_file_and_says_which(
    file: Callable[[str, str], Path], content: str, told: str
) -> None:
    with pytest.raises(Malformed, match=told.replace("(", r"\(")):
        actions.import_addresses(file("addresses.csv", content), by=BY, at=NOW)
    assert not Address.objects.exists()
    assert not list_lines()


def test_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "addresses.csv"
    path.write_bytes((HEADER + "x,1,allée A,Montrond,5,47\n").encode("latin-1"))
    with pytest.raises(Malformed, match="UTF-8"):
        actions.import_addresses(path, by=BY, at=NOW)


def _feature(geometry: dict[str, object], **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def _square(west: float, south: float, side: float) -> dict[str, object]:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


MONTROND = _feature(_square(5.0, 47.0, 0.1), code="99001", name="Montrond", population=1000)
TRIANGLE = {"type": "Polygon", "coordinates": [[[5.1, 47.0], [5.2, 47.0], [5.2, 47.1], [5.1, 47.0]]]}
VALFLEURY = _feature(TRIANGLE, code="99002", name="Valfleury", population=9000)


def test_commune_of_a_position_is_that_of_its_outline(file: Callable[[str, str], Path]) -> None:
    assert actions.import_communes(file("communes.geojson", _collection(MONTROND, VALFLEURY)), by=BY, at=NOW) == 2
    montrond, valfleury = Commune("99001", "Montrond", 1000), Commune("99002", "Valfleury", 9000)
    assert queries.communes() == (valfleury, montrond)
    assert queries.commune_at(5.05, 47.05) == montrond
    assert queries.commune_at(5.18, 47.02) == valfleury
    assert queries.commune_at(5.12, 47.08) is None  # in the box of the triangle, outside of it


LINE = {"type": "LineString", "coordinates": [[5.0, 47.0], [5.01, 47.0]]}
STREET = {"id": "S1", "name": "rue A", "class": "residential", "commune": "Montrond", "oneway": True, "bridge": False}


def test_streets_are_taken_in_and_brought_up_to_date(file: Callable[[str, str], Path]) -> None:
    for speed in (50, 30):
        content = _collection(_feature(LINE, **STREET, speed_kmh=speed))
        assert actions.import_streets(file("streets.geojson", content), by=BY, at=NOW) == 1
    street = Street.objects.get()
    assert (street.id, street.speed_kmh, street.oneway, street.line) == ("S1", 30, True, LINE["coordinates"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no GeoJSON"),
        ('{"features": 3}', "must be a list"),
        ('{"features": [3]}', "feature 1: expected a GeoJSON Feature"),
        (_collection(_feature(LINE, code="1", name="A", population=1)), "feature 1: the geometry is a LineString"),
        (_collection(MONTROND, MONTROND), "feature 2: `code` 99001 is already in feature 1"),
        (_collection(_feature(_square(850000, 6600000, 100), code="1", name="A", population=1)), "not in degrees"),
        (_collection({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[1]]]}}), "geometry"),
        (_collection(_feature(_square(5, 47, 1), code="1", name="A", population="many")), "`population` is 'many'"),
    ],
)
def test_bad_feature_refuses_the_whole_file_and_says_which(
    file: Callable[[str, str], Path], content: str, told: str
) -> None:
    with pytest.raises(Malformed, match=told):
        actions.import_communes(file("communes.geojson", content), by=BY, at=NOW)
    assert queries.communes() == ()
