from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beffroi.connectors.gtfs_rt.connector import CONNECTOR, decode
from beffroi.connectors.gtfs_rt.diagnostics import describe
from beffroi.connectors.gtfs_rt.settings import GtfsRtSettings
from beffroi.connectors.gtfs_rt.wire import Feed, VehiclePosition, decode_feed, encode_feed, encode_vehicle_positions
from beffroi.foundation.clock import DAY, SECOND
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Frame, Quality, Rejected, Report

NOON = 1_769_860_800 * SECOND
RECEIVED_AT = NOON + 3 * SECOND
SETTINGS = GtfsRtSettings(url="https://example.org/positions.pb")
OTP = "transit/otp/application/src/test/resources/org/opentripplanner/updater/vehicle_position"
VALIDATOR = "transit/mobilitydata/gtfs-realtime-validator-lib/src/test/resources"


def frame(payload: bytes, received_at: int = RECEIVED_AT, topic: str = "frames/buses") -> Frame:
    return Frame("buses", topic, payload, received_at)


def bus(**changes: Any) -> VehiclePosition:
    asked: dict[str, Any] = {"entity_id": "1", "vehicle_id": "BUS-12", "latitude": 47.5, "longitude": 5.25}
    return VehiclePosition(**(asked | changes))


def one(**changes: Any) -> Report | Rejected:
    (read,) = decode(frame(encode_vehicle_positions(observed_at=NOON, vehicles=[bus(**changes)])), SETTINGS)
    return read


def test_the_golden_feed_becomes_reports(capture: Callable[[str], bytes]) -> None:
    assert decode(frame(capture("positions__full")), SETTINGS) == (
        Report(
            "BUS-12",
            NOON - 10 * SECOND,
            {"longitude_deg": 5.0415, "latitude_deg": 47.321999, "speed_kmh": 37.8, "heading_deg": 0.0},
        ),
        Report("TRAM-3", NOON, {"longitude_deg": 151.199997, "latitude_deg": -33.900002, "heading_deg": 90.25}),
        Report("ENTITY-3", NOON - 5 * SECOND, {"longitude_deg": -1.5, "latitude_deg": 0.0, "speed_kmh": 0.0}),
    )


def test_bad_entities_are_rejected_and_the_others_stand(capture: Callable[[str], bytes]) -> None:
    read = decode(frame(capture("positions__faulty")), SETTINGS)
    place = {"longitude_deg": 5.0, "latitude_deg": 47.0}
    assert [entry for entry in read if isinstance(entry, Report)] == [
        Report("GOOD", NOON, place),
        Report("FAST", NOON, place, Quality.UNCERTAIN),
    ]
    reasons = [entry.reason for entry in read if isinstance(entry, Rejected)]
    assert reasons == [
        "position 5, 91 is not on Earth; expected degrees WGS 84",
        "position 5, nan is not on Earth; expected degrees WGS 84",
        "position 0, 0 is what a receiver without a fix says",
        "Position lacks latitude or longitude, which are required",
        "FeedEntity has no id, which is required",
        "vehicle 'GOOD' stands twice in the feed",
        "observed at 2026-01-31T14:33:20.000000Z, received at 2026-01-31T12:00:03.000000Z: "
        "more than 300 s after its receipt: the sender's clock is ahead",
        "observed at 1970-01-01T00:00:01.000000Z, received at 2026-01-31T12:00:03.000000Z: "
        "more than 2.592e+06 s before its receipt",
        "observed at 18446744073709551615000000 microseconds since 1970, received at 2026-01-31T12:00:03.000000Z: "
        "more than 300 s after its receipt: the sender's clock is ahead",
        "address 'LINE\\nFEED' has 9 characters; expected 1 to 128, all printable",
        r"b'BYTES\xff' is not UTF-8, which a string must be",
    ]
    assert all(entry.excerpt for entry in read if isinstance(entry, Rejected))


def test_speed_is_turned_from_metres_a_second() -> None:
    assert one(speed=13.89) == Report("BUS-12", NOON, {"longitude_deg": 5.25, "latitude_deg": 47.5, "speed_kmh": 50.0})


def test_a_vehicle_dates_itself_then_the_feed_then_the_receipt() -> None:
    place = {"longitude_deg": 5.25, "latitude_deg": 47.5}
    assert one(timestamp=NOON // SECOND - 7) == Report("BUS-12", NOON - 7 * SECOND, place)
    assert one(timestamp=0) == Report("BUS-12", NOON, place)
    undated = encode_feed(Feed(version="1.0", timestamp=None, entities=(bus(),)))
    assert decode(frame(undated), SETTINGS) == (Report("BUS-12", RECEIVED_AT, place, Quality.UNCERTAIN),)


def test_a_frozen_feed_is_uncertain() -> None:
    payload = encode_vehicle_positions(observed_at=NOON, vehicles=[bus()])
    for late_s, quality in ((90, Quality.GOOD), (91, Quality.UNCERTAIN)):
        (report,) = decode(frame(payload, NOON + late_s * SECOND), SETTINGS)
        assert isinstance(report, Report)
        assert report.quality is quality


def test_an_empty_feed_is_an_empty_night() -> None:
    assert decode(frame(encode_vehicle_positions(observed_at=NOON, vehicles=[])), SETTINGS) == ()


def test_a_feed_of_another_kind_is_refused(capture: Callable[[str], bytes]) -> None:
    with pytest.raises(Malformed, match="none of the 1 entities is a vehicle: alerts or trip updates"):
        decode(frame(capture("alerts__only")), SETTINGS)


@pytest.mark.parametrize(
    ("received_at", "reason"),
    [(NOON + 31 * DAY, "more than 2.592e.06 s before"), (NOON - 301 * SECOND, "the sender's clock is ahead")],
)
def test_a_feed_from_another_time_is_refused(received_at: int, reason: str) -> None:
    payload = encode_vehicle_positions(observed_at=NOON, vehicles=[bus()])
    with pytest.raises(Malformed, match=reason):
        decode(frame(payload, received_at), SETTINGS)


def test_a_feed_too_large_is_refused() -> None:
    payload = encode_vehicle_positions(observed_at=NOON, vehicles=[bus(vehicle_id=f"BUS-{n}") for n in range(50)])
    with pytest.raises(Malformed, match="50 entities; expected 49 at most"):
        decode(frame(payload), SETTINGS.model_copy(update={"max_entities": 49}))
    with pytest.raises(Malformed, match="bytes; expected 1024 at most"):
        decode(frame(payload), SETTINGS.model_copy(update={"max_bytes": 1024}))


def test_a_frame_of_another_source_is_refused() -> None:
    with pytest.raises(Malformed, match="expected frames/buses"):
        decode(frame(b"", topic="frames/trams"), SETTINGS)


@pytest.mark.parametrize(
    ("snapshot", "made_at_s", "counts"),
    [
        ("king-county-metro-1.pbf", 1_630_596_716, {Report: 627}),
        ("king-county-metro-2.pbf", 1_630_598_910, {Report: 569, Rejected: 1}),
    ],
)
def test_a_real_feed_becomes_reports(
    shared: Callable[[str], Path], snapshot: str, made_at_s: int, counts: dict[type, int]
) -> None:
    read = decode(frame(shared(f"{OTP}/{snapshot}").read_bytes(), (made_at_s + 2) * SECOND), SETTINGS)
    assert Counter(type(entry) for entry in read) == counts
    reports = [entry for entry in read if isinstance(entry, Report)]
    assert len({report.address for report in reports}) == len(reports)
    assert all(47.0 < report.values["latitude_deg"] < 48.0 for report in reports)
    assert all(-123.0 < report.values["longitude_deg"] < -121.0 for report in reports)
    assert all(0 <= report.values.get("speed_kmh", 0) < 120 for report in reports)
    assert all(330 >= made_at_s - report.observed_at // SECOND >= 0 for report in reports)
    assert {entry.reason for entry in read if isinstance(entry, Rejected)} <= {
        "position 0, 0 is what a receiver without a fix says"
    }


def test_a_real_feed_without_vehicle_dates_is_dated_by_itself(shared: Callable[[str], Path]) -> None:
    payload = shared(f"{VALIDATOR}/bullrunner-vehicle-positions").read_bytes()
    read = decode(frame(payload, 1_505_314_380 * SECOND), SETTINGS)
    assert [entry.observed_at for entry in read if isinstance(entry, Report)] == [1_505_314_375 * SECOND] * 10


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("transit/gtfsr_kit/data/tripUpdates.pb", 2847),
        ("transit/transport_site/apps/transport/test/fixture/files/bibus-brest-gtfs-rt-alerts.pb", 12),
    ],
)
def test_real_feeds_of_another_kind_are_refused(shared: Callable[[str], Path], name: str, count: int) -> None:
    payload = shared(name).read_bytes()
    made_at_s = decode_feed(payload).timestamp or 0
    with pytest.raises(Malformed, match=f"none of the {count} entities is a vehicle"):
        decode(frame(payload, made_at_s * SECOND), SETTINGS)


def test_a_real_feed_cut_short_is_refused(shared: Callable[[str], Path]) -> None:
    payload = shared(f"{OTP}/king-county-metro-1.pbf").read_bytes()
    with pytest.raises(Malformed, match="not a GTFS-Realtime feed"):
        decode(frame(payload[:-50]), SETTINGS)


@given(noise=st.binary(max_size=80), at=st.integers(0, 300))
def test_arbitrary_frames_never_crash(noise: bytes, at: int) -> None:
    good = encode_vehicle_positions(observed_at=NOON, vehicles=[bus(vehicle_id=f"BUS-{n}") for n in range(5)])
    for payload in (noise, good[:at] + noise + good[at + len(noise) :], good[:at] + noise + good[at:]):
        try:
            read = decode(frame(payload), SETTINGS)
        except Malformed as error:
            error.reason.encode()
        else:
            for entry in read:
                if isinstance(entry, Report):
                    assert all(abs(value) <= 500 for value in entry.values.values())


def test_nobody_publishes_to_a_feed() -> None:
    assert CONNECTOR.topics(SETTINGS, "buses") == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "file:///etc/passwd"},
        {"url": "https://example.org", "period_s": 0},
        {"url": "https://example.org", "headers": {"X-Key": "a\nb"}},
        {"url": "https://example.org", "headers": {"X Key": "a"}},
        {"url": "https://example.org", "surprise": 1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GtfsRtSettings(**wrong)


def test_diagnostics_hide_keys_wherever_they_stand() -> None:
    settings = GtfsRtSettings(
        url="https://user:sesame@example.org/k3y/positions.pb?key=t0ken", headers={"X-Api-Key": "s3cret"}
    )
    contact = Contact()
    contact.note_frame(b"\x0a\x0b" * 20, NOON)
    contact.note_error(f"the producer at {settings.url} did not like s3cret", NOON)
    state = describe(contact, settings)
    assert state["settings"]["url"] == "https://example.org:443"
    assert state["settings"]["headers"] == ["X-Api-Key"]
    assert state["last_error"] == "the producer at https://example.org:443 did not like ***"
    for secret in ("sesame", "k3y", "t0ken", "s3cret"):
        assert secret not in repr(state)
        assert secret not in repr(settings.headers)
