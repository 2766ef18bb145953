"""The readings path from a gateway's message to rows: an engine and the field's process on real engines."""

from __future__ import annotations

import json
import random

import pytest
from django.db import connection

from beffroi.foundation.clock import DAY, SECOND, now
from beffroi.foundation.heartbeat import heartbeats
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.models import Position, State
from tests.app.conftest import BY, World, connects, kept, publish, reading, wait_for
from tests.database import as_owner


@pytest.fixture
def lit(world: World) -> World:
    """A source of two light points and its gateway, admitted; an engine reads it."""
    world.equip("lighting", "A-1", "A-2")
    world.gateway("gate", "lighting")
    world.engine()
    world.field()
    world.admit("gate")
    return world


def test_reading_is_stored_once_with_its_last_value(lit: World) -> None:
    at = now() - SECOND
    assert publish(lit.login("gate"), [("readings/lighting/A-1", reading(41.5, at=at))]) == 1
    assert lit.wait_counted("lighting", received=1) == {
        "received": 1, "stored": 1, "quarantined": 0, "refused": 0, "denied": 0,
    }  # fmt: skip
    asset = queries.get_asset("A-1").id
    assert lit.history(asset) == [(asset, 41.5)]
    (value,) = queries.state_of(asset)
    assert (value.quantity, value.value, value.observed_at) == ("power_w", 41.5, at)
    assert at < value.received_at <= now()


def test_gateway_is_not_admitted_before_its_source_is_read(world: World) -> None:
    """Trap 1: admission only after the filter stands."""
    world.equip("lighting", "A-1")
    login = world.gateway("gate", "lighting")
    field = world.field()
    wait_for(lambda: "connectors" in heartbeats(), "the field serves")
    first = heartbeats()["connectors"].at
    wait_for(lambda: heartbeats()["connectors"].at > first + SECOND, "the field has looked again")
    assert world.server.admitted() == []
    assert not connects(login)
    world.engine()
    world.admit("gate")
    assert publish(login, [("readings/lighting/A-1", reading(1))]) == 1
    world.wait_counted("lighting", stored=1)
    assert field.fault is None


def test_gateway_that_is_revoked_may_no_longer_connect(lit: World) -> None:
    actions.revoke_gateway("gate", by=BY, at=now(), reason="stolen")
    wait_for(lambda: not connects(lit.login("gate")), "the gateway is out")


def test_value_observed_before_the_last_goes_to_the_history_alone(lit: World) -> None:
    at = now() - 10 * SECOND
    instants = [(1.0, at), (2.0, at + 2 * SECOND), (3.0, at + SECOND)]
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(value, at=when)) for value, when in instants])
    lit.wait_counted("lighting", stored=3)
    asset = queries.get_asset("A-1").id
    assert [value for _, value in lit.history(asset)] == [1.0, 3.0, 2.0]
    assert [value.value for value in queries.state_of(asset)] == [2.0]


def test_garbage_is_put_aside_with_its_reason_and_stops_nothing(lit: World) -> None:
    lit.equip("traffic", "X-1", asset_class="intersection")
    topics = [
        ("readings/lighting/A-1", b"\xff\xfe not JSON"),
        ("readings/lighting/A-1", b'{"power_w": 1e300}'),
        ("readings/lighting/NOBODY", reading(1)),
        ("readings/lighting/X-1", reading(1)),
        ("readings/lighting/A-1", b""),
        ("readings/lighting/A-2", reading(7)),
    ]
    assert publish(lit.login("gate"), topics) == 6
    assert lit.wait_counted("lighting", received=6) == {
        "received": 6, "stored": 1, "quarantined": 4, "refused": 1, "denied": 0,
    }  # fmt: skip
    reasons = lit.reasons()
    assert [verdict for verdict, _ in reasons] == [
        "quarantined",
        "quarantined",
        "quarantined",
        "refused",
        "quarantined",
    ]
    words = (
        "not a flat JSON object",
        "power_w",
        "no asset of source `lighting`",
        "belongs to source `traffic`",
        "empty",
    )
    assert all(word in reason for word, (_, reason) in zip(words, reasons, strict=True)), reasons
    kept_aside = sorted(queries.list_quarantine(limit=9), key=lambda frame: frame.sequence)
    assert [frame.payload for frame in kept_aside] == [payload for _, payload in topics[:5]]


def test_publish_outside_permission_is_counted_as_refused(lit: World) -> None:
    """Trap 7: the bus acknowledges it and drops it; the counters tell."""
    lit.equip("traffic", "X-1", asset_class="intersection")
    outside = [("readings/traffic/X-1", reading(1)), ("city/x", b"1"), ("readings/lighting/A-1", reading(2))]
    assert publish(lit.login("gate"), outside) == 3
    counts = lit.wait_counted("lighting", denied=2, stored=1)
    assert (counts["refused"], counts["quarantined"]) == (2, 0)
    found = queries.totals()
    assert (found.received, found.stored, found.quarantined, found.refused) == (3, 1, 0, 2)


def test_asset_imported_later_is_known_without_a_restart(lit: World) -> None:
    publish(lit.login("gate"), [("readings/lighting/A-3", reading(1))])
    lit.wait_counted("lighting", quarantined=1)
    (asset,) = lit.equip("lighting", "A-3").values()
    publish(lit.login("gate"), [("readings/lighting/A-3", reading(2))])
    lit.wait_counted("lighting", stored=1)
    assert lit.history(asset) == [(asset, 2.0)]


def test_source_declared_later_is_read_without_a_restart(lit: World) -> None:
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(1))])
    lit.wait_counted("lighting", stored=1)
    shared = _in_partition_of("lighting")  # the same partition: the open consumer takes one more filter
    for source, gateway in (("traffic", "gate-2"), (shared, "gate-3")):
        lit.equip(source, f"{source}-1")
        login = lit.gateway(gateway, source)
        lit.admit(gateway)
        assert publish(login, [(f"readings/{source}/{source}-1", reading(1))]) == 1
        lit.wait_counted(source, stored=1)


def _in_partition_of(source: str) -> str:
    from beffroi.foundation.settings import settings
    from beffroi.kernel.twin.rules import partition_of

    wanted = partition_of(source, settings().partitions)
    return next(name for k in range(1000) if partition_of(name := f"source-{k}", settings().partitions) == wanted)


def test_lorawan_source_is_read_on_its_own_topics(lit: World) -> None:
    actions.declare_source("lorawan", "chirpstack", by=BY, at=now(), options={"application_ids": ["1"]})
    file = lit.folder / "sensors.csv"
    file.write_text("asset,class,lon,lat,name,source,address\nS-1,sensor,5,47,s,lorawan,24e124136d000001\n")
    actions.import_assets(file, by=BY, at=now())
    login = lit.gateway("network-server", "lorawan")
    lit.admit("network-server")
    uplink = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-01-01T00:00:00+00:00",
        "deviceInfo": {"applicationId": "1", "devEui": "24e124136d000001", "deviceName": "s"},
        "fPort": 85,
        "data": "AXVcA2c0AQRoZQ==",
        "object": {"temperature_degc": 21.5},
    }
    uplink["time"] = reading(0).decode().split('"')[3]
    topic = "application/1/device/24e124136d000001/event/up"
    assert publish(login, [(topic, json.dumps(uplink).encode())]) == 1
    wait_for(lambda: sum(lit.counted("lorawan").values()), "the uplink is counted")
    assert lit.counted("lorawan")["stored"] == 1, lit.reasons()
    assert "temperature_degc" in {value.quantity for value in queries.state_of(queries.get_asset("S-1").id)}


def test_day_of_history_is_made_when_it_is_needed(lit: World) -> None:
    today = f"twin_history_{now() // DAY * DAY // SECOND}"
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC', '\"twin_history_\"YYYYMMDD')")
        (today,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE IF EXISTS {today}")
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(1))])
    lit.wait_counted("lighting", stored=1)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {today}")
        assert cursor.fetchone() == (1,)


def test_position_is_written_with_what_it_covers_and_the_log_forgets_it(lit: World) -> None:
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(k)) for k in range(40)])
    lit.wait_counted("lighting", stored=40)
    assert max(Position.objects.values_list("sequence", flat=True)) == 40
    wait_for(lambda: kept(lit.server) == 0, "the bus has forgotten what is applied")


def test_engine_restarted_reads_on_without_loss_or_repetition(lit: World) -> None:
    engine = next(each for each in lit.running if hasattr(each.process, "applied_total"))
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(k)) for k in range(20)])
    lit.wait_counted("lighting", stored=20)
    lit.stop(engine)
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(k)) for k in range(20, 45)])
    lit.engine()
    lit.wait_counted("lighting", stored=45)
    asset = queries.get_asset("A-1").id
    assert [value for _, value in lit.history(asset)] == [float(k) for k in range(45)]


def test_bus_restarted_under_the_engine_loses_nothing(lit: World) -> None:
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(k)) for k in range(20)])
    process = lit.server.process
    assert process is not None
    process.kill()
    process.wait()
    lit.start_bus()  # closed: the field admits the gateway again once the source is read
    lit.admit("gate")
    publish(lit.login("gate"), [("readings/lighting/A-1", reading(k)) for k in range(20, 40)])
    lit.wait_counted("lighting", stored=40)
    asset = queries.get_asset("A-1").id
    assert sorted(value for _, value in lit.history(asset)) == [float(k) for k in range(40)]


def test_gateway_is_admitted_again_by_a_bus_that_died_while_it_was_being_told(lit: World) -> None:
    """The file then says more than the server serves with: what the field compares with is the server."""
    process = lit.server.process
    assert process is not None
    process.kill()
    process.wait()
    admitted = lit.server.admitted()
    lit.server.start()  # closed, under a number that is not told yet …
    lit.server.configure(admitted)  # … while the field writes the file and signals the number of the dead
    assert not lit.server.loaded()
    lit.tell_bus()
    lit.admit("gate")
    assert publish(lit.login("gate"), [("readings/lighting/A-1", reading(1))]) == 1
    lit.wait_counted("lighting", stored=1)


def test_database_connection_cut_under_the_engine_loses_nothing(lit: World) -> None:
    login = lit.login("gate")
    for k in range(6):
        publish(login, [("readings/lighting/A-1", reading(10 * k + j)) for j in range(10)])
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    lit.wait_counted("lighting", stored=60)
    asset = queries.get_asset("A-1").id
    assert sorted(value for _, value in lit.history(asset)) == [float(k) for k in range(60)]


def test_message_the_database_will_not_take_is_isolated(lit: World) -> None:
    """A poison message must cost its own place, not its partition's: here a constraint stands in for an unknown fault."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE twin_history ADD CONSTRAINT poison CHECK (value <> 666)")
    try:
        values = [float(k) for k in range(30)]
        values[11] = 666.0
        publish(lit.login("gate"), [("readings/lighting/A-1", reading(value)) for value in values])
        counts = lit.wait_counted("lighting", received=30)
    finally:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE twin_history DROP CONSTRAINT poison")
    assert (counts["stored"], counts["quarantined"]) == (29, 1)
    assert [reason for _, reason in lit.reasons()] == [
        "the database would not take it: this is a fault of ours, report it"
    ]
    asset = queries.get_asset("A-1").id
    assert [value for _, value in lit.history(asset)] == [value for value in values if value != 666]


def test_random_batches_leave_the_last_observed_value_of_each_asset(lit: World) -> None:
    r = random.Random(7)
    at = now() - 100 * SECOND
    sent = [(r.choice(("A-1", "A-2")), float(k), at + r.randrange(100) * SECOND + k) for k in range(300)]
    publish(lit.login("gate"), [(f"readings/lighting/{code}", reading(value, at=when)) for code, value, when in sent])
    lit.wait_counted("lighting", stored=300)
    for code in ("A-1", "A-2"):
        newest = max((when, value) for each, value, when in sent if each == code)
        found = State.objects.get(asset_id=queries.get_asset(code).id)
        assert found.value == newest[1]
