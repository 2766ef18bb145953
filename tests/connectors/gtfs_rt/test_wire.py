from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.connectors.gtfs_rt.wire import (
    BadEntity,
    Feed,
    VehiclePosition,
    decode_feed,
    encode_feed,
    encode_vehicle_positions,
)
from beffroi.foundation.errors import Malformed

NOON_S = 1_769_860_800
TEXTS = st.text(max_size=12)
SINGLES = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False)
PLACES = st.none() | st.tuples(st.floats(-90, 90, width=32), st.floats(-180, 180, width=32), SINGLES, SINGLES)


def single(value: float) -> float:
    """Return the value as the standard's single precision holds it."""
    held: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return held


@st.composite
def vehicles(draw: st.DrawFn) -> VehiclePosition:
    latitude, longitude, bearing, speed = draw(PLACES) or (None, None, None, None)
    optional = st.none() | TEXTS
    return VehiclePosition(
        entity_id=draw(TEXTS),
        vehicle_id=draw(optional),
        label=draw(optional),
        trip_id=draw(optional),
        route_id=draw(optional),
        latitude=latitude,
        longitude=longitude,
        bearing=bearing,
        speed=speed,
        timestamp=draw(st.none() | st.integers(0, 2**64 - 1)),
    )


def test_the_golden_feed_is_read(capture: Callable[[str], bytes]) -> None:
    feed = decode_feed(capture("positions__full"))
    assert feed == Feed(
        version="2.0",
        timestamp=NOON_S,
        entities=(
            VehiclePosition(
                entity_id="1",
                vehicle_id="BUS-12",
                label="12",
                trip_id="T-7",
                route_id="R-2",
                latitude=single(47.322),
                longitude=single(5.0415),
                bearing=360.0,
                speed=10.5,
                timestamp=NOON_S - 10,
            ),
            VehiclePosition(
                entity_id="2",
                vehicle_id="TRAM-3",
                latitude=single(-33.9),
                longitude=single(151.2),
                bearing=90.25,
            ),
            VehiclePosition(entity_id="ENTITY-3", latitude=0.0, longitude=-1.5, speed=0.0, timestamp=NOON_S - 5),
            VehiclePosition(entity_id="4", vehicle_id="BUS-13"),
        ),
        others=2,
    )


def test_entities_that_break_the_standard_are_told_apart(capture: Callable[[str], bytes]) -> None:
    feed = decode_feed(capture("positions__faulty"))
    bad = {place: entity.reason for place, entity in enumerate(feed.entities) if isinstance(entity, BadEntity)}
    assert bad == {
        3: "Position lacks latitude or longitude, which are required",
        4: "FeedEntity has no id, which is required",
        11: r"b'BYTES\xff' is not UTF-8, which a string must be",
    }
    assert len(feed.entities) == 13


@given(vehicles=st.lists(vehicles(), max_size=5), timestamp=st.none() | st.integers(0, 2**64 - 1))
def test_decoding_gives_back_what_was_encoded(vehicles: list[VehiclePosition], timestamp: int | None) -> None:
    feed = Feed(version="2.0", timestamp=timestamp, entities=tuple(vehicles))
    assert decode_feed(encode_feed(feed)) == feed


def test_encoding_positions_dates_the_feed() -> None:
    bus = VehiclePosition(entity_id="1", vehicle_id="BUS-12", latitude=47.5, longitude=5.25, speed=3.5)
    payload = encode_vehicle_positions(observed_at=NOON_S * 1_000_000 + 999_999, vehicles=[bus])
    assert decode_feed(payload) == Feed(version="2.0", timestamp=NOON_S, entities=(bus,))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no header with gtfs_realtime_version"),
        (b"<html><body>Maintenance</body></html>", "begins with b'<html><body>Maintenance<'"),
        (b'{"header": {}}', "not a GTFS-Realtime feed"),
        (b"\x0a\x00", "no header with gtfs_realtime_version"),
        (b"\x0b" * 5000, "not a GTFS-Realtime feed"),
        (b"\x0a\x03\x0a\x01\xff", "is not UTF-8"),
    ],
)
def test_what_is_no_feed_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_feed(payload)
    assert reason in caught.value.reason


@given(noise=st.binary(max_size=80), at=st.integers(0, 300))
def test_arbitrary_and_damaged_bytes_never_crash(noise: bytes, at: int) -> None:
    bus = VehiclePosition(entity_id="1", vehicle_id="BUS-12", latitude=47.5, longitude=5.25, timestamp=NOON_S)
    good = encode_vehicle_positions(observed_at=NOON_S * 1_000_000, vehicles=[bus] * 5)
    for payload in (noise, good[:at] + noise + good[at + len(noise) :], good[:at], good[:at] + noise + good[at:]):
        try:
            decode_feed(payload)
        except Malformed as error:
            error.reason.encode()


@pytest.mark.parametrize(("snapshot", "count"), [(1, 627), (2, 570)])
def test_a_real_feed_survives_the_round_trip(shared: Callable[[str], Path], snapshot: int, count: int) -> None:
    folder = "transit/otp/application/src/test/resources/org/opentripplanner/updater/vehicle_position"
    feed = decode_feed(shared(f"{folder}/king-county-metro-{snapshot}.pbf").read_bytes())
    assert len(feed.entities) == count
    assert decode_feed(encode_feed(feed)) == feed
