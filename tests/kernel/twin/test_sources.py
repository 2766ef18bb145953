"""The asset that stands for a source: made with it, expected as it speaks, before all that it reports."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from beffroi.foundation.clock import SECOND, to_datetime
from beffroi.foundation.errors import Malformed
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.actions import Tally
from beffroi.kernel.twin.models import Asset, Source
from beffroi.kernel.twin.queries import Reported, SourceSheet
from tests.kernel.twin.conftest import BY, HEADER, NOW, Written

pytestmark = pytest.mark.django_db
PACED = f"{HEADER},period_s,commune"


def test_declared_source_has_an_asset_that_waits_for_its_equipment() -> None:
    source = actions.declare_source("lighting", "mqtt_json", by=BY, at=NOW)
    found = queries.get_asset("source:lighting")
    assert (found.asset_class, found.name, found.source, found.period_s) == ("source", "lighting", "lighting", None)
    assert queries.representatives([source.pk]) == {source.pk: found.id}


def test_it_stands_amid_its_equipment_and_is_expected_as_the_second_most_talkative(written: Written) -> None:
    lines = [
        PACED,
        "A-1,lighting_cabinet,5.02,47.30,a,lighting,60,Chenôve",
        "P-1,light_point,5.04,47.32,p,lighting,900,Chenôve",
        "P-2,light_point,5.06,47.34,p,lighting,900,Chenôve",
        "C-1,camera,5.0,47.3,c,,,Longvic",
    ]
    actions.import_assets(written(lines), by=BY, at=NOW)
    found = queries.get_asset("source:lighting")
    assert (round(found.lon, 6), round(found.lat, 6), found.commune, found.period_s) == (5.04, 47.32, "Chenôve", 900)
    actions.import_assets(written([*lines, "A-2,lighting_cabinet,5.1,47.4,a,lighting,60,Dijon"]), by=BY, at=NOW)
    grown = queries.get_asset("source:lighting")
    assert (grown.id, round(grown.lon, 6), grown.commune, grown.period_s) == (found.id, 5.055, "", 60)


def test_what_moves_says_nothing_of_how_often_its_source_is_heard(written: Written) -> None:
    actions.import_assets(
        written([HEADER, "V-1,vehicle,5.04,47.32,v,fleet", "V-2,vehicle,5,47,v,fleet"]), by=BY, at=NOW
    )
    assert queries.get_asset("source:fleet").period_s is None


def test_period_that_is_said_goes_before_that_of_the_equipment(written: Written) -> None:
    actions.import_assets(written([HEADER, "A-1,lighting_cabinet,5.04,47.32,a,lighting"]), by=BY, at=NOW)
    assert queries.get_asset("source:lighting").period_s == 60
    actions.declare_source("lighting", "mqtt_json", by=BY, at=NOW, period_s=300)
    assert queries.get_asset("source:lighting").period_s == 300
    actions.import_assets(written([HEADER, "A-2,lighting_cabinet,5.04,47.32,a,lighting"]), by=BY, at=NOW)
    assert (queries.get_asset("source:lighting").period_s, queries.sources()[0].period_s) == (300, 300)
    line = next(line for line in list_lines() if line.verb == "configure_source")
    assert line.content == {"connector": "mqtt_json", "period_s": 300}
    actions.declare_source("lighting", "mqtt_json", by=BY, at=NOW)  # a gateway added: what was said stands
    assert queries.sources()[0].period_s == 300


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("X-1,source,5,47,x,", "class `source` is unknown"),
        ("source:x,sensor,5,47,x,", "names what stands for a source"),
    ],
)
def test_inventory_may_not_hold_what_stands_for_a_source(written: Written, line: str, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        actions.import_assets(written([HEADER, line]), by=BY, at=NOW)
    assert not Asset.objects.exists()


def test_code_taken_before_such_codes_were_kept_is_passed_by() -> None:
    Asset.objects.create(
        code="source:halle",
        asset_class="sensor",
        name="x",
        address="x",
        lon=5,
        lat=47,
        x_m=0,
        y_m=0,
        created_at=to_datetime(NOW),
    )
    source = actions.declare_source("halle", "mqtt_json", by=BY, at=NOW)
    (found,) = queries.assets_by_id(queries.representatives([source.pk]).values()).values()
    assert (found.code, found.asset_class) == ("source:halle~", "source")
    actions.declare_source("halle", "mqtt_json", by=BY, at=NOW, period_s=60)
    assert queries.get_asset("source:halle~").period_s == 60


def test_source_has_one_asset_whatever_is_tried() -> None:
    source = actions.declare_source("halle", "mqtt_json", by=BY, at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Asset.objects.create(
            code="other", asset_class="source", name="x", source=source, address="x", lon=5, lat=47, x_m=0, y_m=0,
            created_at=to_datetime(NOW),
        )  # fmt: skip


def test_relation_follows_from_the_inventory_and_is_not_imported(written: Written) -> None:
    lines = [HEADER, "A-1,light_point,5.04,47.32,a,lighting", "A-2,light_point,5,47,a,lighting", "C-1,camera,5,47,c,"]
    actions.import_assets(written(lines), by=BY, at=NOW)
    one, two, camera = (queries.get_asset(code) for code in ("A-1", "A-2", "C-1"))
    source = queries.get_asset("source:lighting")
    every = [one.id, two.id, camera.id, source.id]
    assert queries.upstream(every, "source") == {one.id: source.id, two.id: source.id}
    assert queries.related(one.id) == (("in", "source", source),)
    assert queries.related(source.id) == (("out", "source", one), ("out", "source", two))
    assert queries.related(camera.id) == ()
    with pytest.raises(Malformed, match="leave it out"):
        actions.import_relations(written(["from,kind,to", "source:lighting,source,A-1"]), by=BY, at=NOW)


def test_source_is_heard_with_its_messages_and_with_its_answers(written: Written) -> None:
    actions.import_assets(written([HEADER, "A-1,light_point,5.04,47.32,a,lighting"]), by=BY, at=NOW)
    source = Source.objects.get(code="lighting")
    stands = queries.get_asset("source:lighting").id
    assert queries.sources_last_heard([source.pk]) == [] and queries.sources_heard() == [("lighting", None)]
    with connection.cursor() as cursor:
        actions.count(cursor, {source.pk: Tally(received=1, stored=1, last_received_at=NOW)})
    assert queries.last_heard([source.pk]) == {stands: NOW}
    actions.note_answers({source.pk: NOW + SECOND})
    actions.note_answers({source.pk: NOW - SECOND, 10_000: NOW})
    assert queries.sources_last_heard([source.pk]) == [(stands, NOW + SECOND)]
    assert queries.sources_heard() == [("lighting", NOW + SECOND)]


def test_sheet_tells_who_speaks_and_how_much_is_silent_where_one_may_see(written: Written) -> None:
    lines = [f"{HEADER},commune", *(f"A-{k},light_point,5.04,47.32,a,lighting,Chenôve" for k in range(3))]
    lines += ["B-1,lighting_cabinet,5.04,47.32,b,lighting,Longvic"]
    actions.import_assets(written(lines), by=BY, at=NOW)
    source = Source.objects.get(code="lighting")
    actions.add_gateway("gate-1", source, "x", by=BY, at=NOW)
    actions.add_gateway("gate-2", source, "x", by=BY, at=NOW)
    actions.revoke_gateway("gate-2", by=BY, at=NOW, reason="essai")
    silent = [queries.get_asset(code).id for code in ("A-0", "A-2")]
    with connection.cursor() as cursor:
        actions.set_freshness(cursor, [(silent[0], 2), (silent[1], 2), (queries.get_asset("A-1").id, 1)], NOW)
        actions.count(cursor, {source.pk: Tally(received=5, stored=3, quarantined=1, refused=1, last_received_at=NOW)})
    actions.count_denied("lighting", 2)
    points, cabinets = Reported("light_point", 3, 2), Reported("lighting_cabinet", 1, 0)
    sheet = SourceSheet(
        "lighting", "mqtt_json", "source:lighting", "", 900, NOW, ("gate-1",), 7, 3, 1, 3, (points, cabinets)
    )
    assert queries.source_sheets() == (sheet,)
    (narrow,) = queries.source_sheets(code="lighting", within={"Longvic"})
    assert narrow.reported == (cabinets,)
    assert queries.source_sheets(code="elsewhere\0") == ()


def test_upgrade_gives_an_asset_to_the_sources_of_an_old_folder(written: Written) -> None:
    lines = [HEADER, "A-1,lighting_cabinet,5.02,47.30,a,lighting", "A-2,lighting_cabinet,5.06,47.34,a,lighting"]
    actions.import_assets(written(lines), by=BY, at=NOW)
    actions.declare_source("halle", "mqtt_json", by=BY, at=NOW)
    wanted = [queries.get_asset(f"source:{code}") for code in ("halle", "lighting")]
    Asset.objects.filter(asset_class="source").delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("beffroi.kernel.twin.migrations.0008_sources_as_assets").REPRESENT)
    found = [queries.get_asset(f"source:{code}") for code in ("halle", "lighting")]
    assert [(f.code, f.lon, f.lat, f.period_s, f.source) for f in found] == [
        (w.code, w.lon, w.lat, w.period_s, w.source) for w in wanted
    ]
