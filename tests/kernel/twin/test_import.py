"""Taking inventories in: what is refused and on which line, and that taking them twice changes nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from beffroi.foundation.errors import Malformed
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.models import Asset, Relation
from tests.kernel.twin.conftest import BY, HEADER, NOW, Written

pytestmark = pytest.mark.django_db

LIGHT = "A-1,light_point,5.04,47.32,Lampadaire 1,lighting"
CAMERA = "C-1,camera,5.05,47.33,Caméra de la place,"


def test_inventory_is_taken_in_whole(written: Written) -> None:
    file = written([HEADER + ",address,period_s,place,commune,pole", LIGHT + ",0xA1,120,rue du Beffroi,Montrond,P-7"])
    assert actions.import_assets(file, by=BY, at=NOW) == 1
    found = queries.get_asset("A-1")
    assert (found.asset_class, found.source, found.address, found.period_s) == ("light_point", "lighting", "0xA1", 120)
    assert (found.place, found.commune, dict(found.properties)) == ("rue du Beffroi", "Montrond", {"pole": "P-7"})
    assert (round(found.x_m), round(found.y_m)) == (854_077, 6_693_065)  # Lambert-93


def test_class_gives_period_and_code_gives_address(written: Written) -> None:
    actions.import_assets(written([HEADER, LIGHT, CAMERA]), by=BY, at=NOW)
    light, camera = queries.get_asset("A-1"), queries.get_asset("C-1")
    assert (light.address, light.period_s) == ("A-1", 900)
    assert (camera.source, camera.period_s) == (None, None)


def test_undeclared_source_is_declared_as_plain_json(written: Written) -> None:
    actions.import_assets(written([HEADER, LIGHT]), by=BY, at=NOW)
    assert [(source.code, source.connector, source.partition) for source in queries.sources()] == [
        ("lighting", "mqtt_json", 51)
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",light_point,5,47,x,lighting", "`asset` must be given"),
        ("A-1,light_point,5,47,x,lighting", "once"),
        ("x" * 65 + ",light_point,5,47,x,lighting", "64 characters"),
        ("A-2,lamp,5,47,x,lighting", "class `lamp` is unknown; known: light_point"),
        ("A-2,light_point,east,47,x,lighting", "decimal degrees"),
        ("A-2,light_point,,47,x,lighting", "decimal degrees"),
        ("A-2,light_point,47,,x,lighting", "decimal degrees"),
        ("A-2,light_point,5,91,x,lighting", "not a longitude and a latitude"),
        ("A-2,light_point,0,0,x,lighting", "not a longitude and a latitude"),
        ("A-2,light_point,nan,47,x,lighting", "not a longitude and a latitude"),
        ("A-2,light_point,5", "decimal degrees"),
        ("A-2,light_point,5,47,x,the lights", "cannot name a source"),
        ("A-2,light_point,5,47," + "n" * 201 + ",lighting", "`name` has more than 200"),
        ("A-2,light_point,5,47,nul\0,lighting", "NUL"),
    ],
)
def test_faulty_line_is_named_and_nothing_is_taken(written: Written, line: str, reason: str) -> None:
    file = written([HEADER, LIGHT, line])
    with pytest.raises(Malformed) as refused:
        actions.import_assets(file, by=BY, at=NOW)
    assert refused.value.reason.startswith("assets.csv, line 3: ")
    assert reason in refused.value.reason
    assert not Asset.objects.exists()
    assert list_lines(limit=10) == ()


def test_header_that_lacks_columns_is_refused(written: Written) -> None:
    with pytest.raises(Malformed, match=r"assets.csv: the header lacks class, lat, source"):
        actions.import_assets(written(["asset,lon,name", "A-1,5,x"]), by=BY, at=NOW)


def test_same_inventory_again_changes_no_row(written: Written) -> None:
    file = written([HEADER, LIGHT, CAMERA])
    actions.import_assets(file, by=BY, at=NOW)

    def versions() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT code, xmin::text, ctid::text FROM twin_asset ORDER BY code")
            return list(cursor.fetchall())

    before = versions()
    assert actions.import_assets(file, by=BY, at=NOW + 1) == 2
    assert versions() == before


def test_inventory_brings_a_known_asset_up_to_date(written: Written) -> None:
    actions.import_assets(written([HEADER, LIGHT]), by=BY, at=NOW)
    first = queries.get_asset("A-1")
    actions.import_assets(written([HEADER, LIGHT.replace("Lampadaire 1", "Lampadaire 2")]), by=BY, at=NOW)
    second = queries.get_asset("A-1")
    assert (first.id, second.name) == (second.id, "Lampadaire 2")


def test_two_assets_at_one_address_are_refused(written: Written) -> None:
    lines = [HEADER + ",address", LIGHT + ",0x1", LIGHT.replace("A-1", "A-2") + ",0x1"]
    with pytest.raises(Malformed, match=r"assets.csv, line 3: .*0x1"):
        actions.import_assets(written(lines), by=BY, at=NOW)


def test_address_held_by_another_asset_is_refused(written: Written) -> None:
    actions.import_assets(written([HEADER + ",address", LIGHT + ",0x1"]), by=BY, at=NOW)
    with pytest.raises(Malformed, match="0x1"):
        actions.import_assets(written([HEADER + ",address", LIGHT.replace("A-1", "A-2") + ",0x1"]), by=BY, at=NOW)


def test_two_assets_do_not_exchange_addresses_in_one_step(written: Written) -> None:
    def lines(first: str, second: str) -> list[str]:
        return [HEADER + ",address", f"{LIGHT},{first}", f"{LIGHT.replace('A-1', 'A-2')},{second}"]

    actions.import_assets(written(lines("0x1", "0x2")), by=BY, at=NOW)
    with pytest.raises(Malformed, match=r"`A-\d` has the address `0x\d`, which `A-\d` has already"):
        actions.import_assets(written(lines("0x2", "0x1")), by=BY, at=NOW)


def test_relations_are_taken_in_once(written: Written) -> None:
    cabinet = LIGHT.replace("A-1", "K-1").replace("light_point", "lighting_cabinet")
    actions.import_assets(written([HEADER, LIGHT, cabinet]), by=BY, at=NOW)
    file = written(["from,kind,to", "K-1,feeds,A-1"], "relations.csv")
    assert [actions.import_relations(file, by=BY, at=NOW) for _ in range(2)] == [1, 1]
    assert Relation.objects.count() == 1
    light, fed_by = queries.get_asset("A-1").id, queries.get_asset("K-1").id
    assert queries.upstream([light], "feeds") == {light: fed_by}
    assert queries.downstream([fed_by], "feeds") == {fed_by: [light]}


def test_relation_of_an_unknown_asset_is_refused(written: Written) -> None:
    actions.import_assets(written([HEADER, LIGHT]), by=BY, at=NOW)
    with pytest.raises(Malformed, match=r"relations.csv: `K-9` or `A-1` is no asset"):
        actions.import_relations(written(["from,kind,to", "K-9,feeds,A-1"], "relations.csv"), by=BY, at=NOW)
