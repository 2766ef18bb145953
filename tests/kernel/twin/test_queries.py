"""Reads of the twin: places in metres, readings in pages, lag that never passes for calm."""

from __future__ import annotations

import pytest
from django.db import connection

from beffroi.app.engine.applying import raw_cursor
from beffroi.foundation.clock import SECOND
from beffroi.foundation.geo import point_to_metres
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.rules import columns
from tests.kernel.twin.conftest import BY, HEADER, NOW, Written

pytestmark = pytest.mark.django_db


def test_nearest_is_taken_in_metres_not_in_degrees(written: Written) -> None:
    # 0.0040 degrees of longitude are 302 m here, 0.0040 degrees of latitude 445 m: in degrees both are as far
    lines = [
        HEADER,
        "EAST,camera,5.0440,47.3200,Est,",
        "NORTH,camera,5.0400,47.3240,Nord,",
        "FAR,camera,5.0500,47.3200,Loin,",
        "CORNER,camera,5.0450,47.3233,Coin,",
    ]
    actions.import_assets(written(lines), by=BY, at=NOW)
    found = queries.nearest(*point_to_metres(5.04, 47.32), asset_class="camera", within_m=450)
    assert [asset.code for asset, _ in found] == ["EAST", "NORTH"]
    assert [round(far) for _, far in found] == [302, 444]


def test_postgresql_compares_geometry_with_an_absolute_epsilon_which_metres_forgive() -> None:
    # why positions are stored in metres: half a millionth outside is 4 cm in degrees, and counts as inside
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT point(5.0400005, 47) <@ polygon '((5,46),(5.04,46),(5.04,48),(5,48))',"
            " point(854000.04, 6693000) <@ polygon '((853000,6692000),(854000,6692000),(854000,6694000),(853000,6694000))',"
            " point(854000.04, 6693000) <@ box(point(853000, 6692000), point(854000, 6694000))"
        )
        in_degrees, in_metres, in_box = cursor.fetchone()
    assert (in_degrees, in_metres, in_box) == (True, False, False)


def test_prefilter_of_places_uses_the_index_in_metres(written: Written) -> None:
    lines = [HEADER, *(f"C-{k},camera,{5 + k % 50 / 500:.4f},{47.2 + k / 50 / 500:.5f},c," for k in range(2_000))]
    actions.import_assets(written(lines), by=BY, at=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM twin_asset WHERE point(x_m, y_m) <@ box(point(0, 0), point(9, 9))")
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "twin_asset_place" in plan


def test_readings_come_in_pages_that_lose_nothing(light: int) -> None:
    quantities = actions.ensure_quantities(["power_w", "voltage_v"])
    actions.ensure_history(NOW, NOW)
    rows = [(light, q, float(k), NOW + k // 2, NOW + 50, 0) for k in range(10) for q in quantities.values()]
    actions.store_values(raw_cursor(), columns(rows))
    whole = queries.readings(light, limit=100)
    assert len(whole) == 20
    pages, after = [], None
    while page := queries.readings(light, after=after, limit=3):
        pages += page
        after = (page[-1].observed_at, page[-1].quantity)
        assert len(pages) <= 60
    assert {(value.quantity, value.observed_at) for value in pages} == {
        (value.quantity, value.observed_at) for value in whole
    }


def test_readings_are_filtered_by_quantity_and_time(light: int) -> None:
    quantities = actions.ensure_quantities(["power_w", "voltage_v"])
    actions.ensure_history(NOW, NOW)
    rows = [(light, q, float(k), NOW + k * SECOND, NOW + k * SECOND, 0) for k in range(5) for q in quantities.values()]
    actions.store_values(raw_cursor(), columns(rows))
    found = queries.readings(light, quantity="voltage_v", since=NOW + SECOND, until=NOW + 3 * SECOND)
    assert [(value.quantity, value.value) for value in found] == [("voltage_v", 1.0), ("voltage_v", 2.0)]
    assert queries.readings(light, quantity="nothing_w") == ()


def test_lag_is_nothing_when_nothing_waits_and_grows_when_no_engine_speaks() -> None:
    _, epoch = actions.claim_position("S", 1)
    actions.advance_position(raw_cursor(), "S", 1, 9, epoch, NOW)
    assert queries.lag_by_partition(NOW) == {}
    actions.note_pending({("S", 1): 0}, NOW + 5 * SECOND)
    assert queries.lag_by_partition(NOW + 6 * SECOND) == {"S/1": 0.0}
    assert queries.lag_by_partition(NOW + 60 * SECOND) == {"S/1": 60.0}
    actions.note_pending({("S", 1): 12}, NOW + 61 * SECOND)
    assert queries.lag_by_partition(NOW + 62 * SECOND) == {"S/1": 62.0}


def test_address_is_found_in_its_own_source_alone(light: int) -> None:
    lighting = queries.sources()[0].id
    other = actions.declare_source("traffic", "mqtt_json", by=BY, at=NOW).pk
    found = queries.find_addresses([(lighting, "A-1"), (other, "A-1"), (lighting, "A\0-2")])
    assert found == {(lighting, "A-1"): (light, "light_point", 900)}
    assert queries.owners_of(["A-1", "A-2"]) == {"A-1": "lighting"}
