"""Decoding without I/O: every frame ends in exactly one place, whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.app.engine.decoding import Decoded, Decoding, reader_of
from beffroi.foundation.bus import FRAMES_STREAM, MQTT_STREAM, Arrived
from beffroi.foundation.clock import SECOND
from beffroi.kernel.twin.queries import SourceInfo
from tests.app.conftest import reading

NOW = 1_780_000_000 * SECOND
LIGHTING = SourceInfo(1, "lighting", "mqtt_json", {}, 0)
SENSORS = SourceInfo(2, "lorawan", "chirpstack", {"application_ids": ["1"]}, 1)
BUSES = SourceInfo(3, "buses", "gtfs_rt", {"url": "http://127.0.0.1:1/"}, 2)


def decoding(**known: int) -> Decoding:
    made = Decoding([reader_of(source) for source in (LIGHTING, SENSORS, BUSES)])
    for address, asset_id in known.items():
        made.learn(1, address, asset_id)
    return made


def nobody(_: object) -> Mapping[tuple[int, str], int]:
    return {}


def no_owner(_: object) -> Mapping[str, str]:
    return {}


def settled(made: Decoding, batch: Any, *, find: Any, owners: Any) -> Decoded:
    return made.settle(made.decode(batch), find=find, owners=owners)


def frame(payload: bytes, topic: str = "readings/lighting/A", sequence: int = 1) -> tuple[str, Arrived]:
    stream = FRAMES_STREAM if topic.startswith("frames/") else MQTT_STREAM
    return stream, Arrived(sequence, topic, NOW, payload, 0, "")


topics = st.sampled_from(
    ["readings/lighting/A", "readings/lighting/B", "readings/lighting/", "readings/lighting", "application/1/device/x/event/up",
     "application/1", "frames/buses", "elsewhere/a/b", "", "/", "readings"]
)  # fmt: skip
payloads = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([reading(1.5, at=NOW), b"{}", b"[]", b"", b"null", b'{"power_w":1}', b'{"power_w":"\\ud800"}']),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    .map(lambda value: __import__("json").dumps(value).encode("utf-8", "surrogatepass")),
)  # fmt: skip


@given(st.lists(st.tuples(topics, payloads), max_size=12))
@settings(max_examples=100, deadline=None)
def test_every_frame_is_stored_or_put_aside_with_a_reason(frames: list[tuple[str, bytes]]) -> None:
    batch = [frame(payload, topic, sequence) for sequence, (topic, payload) in enumerate(frames, 1)]
    found = settled(decoding(A=7), batch, find=nobody, owners=no_owner)
    tallies = found.tallies.values()
    unclaimed = [row for row in found.aside if row.source_id is None]
    received = sum(tally.received for tally in tallies)
    assert received == sum(tally.stored + tally.quarantined + tally.refused for tally in tallies)
    assert sum(tally.quarantined + tally.refused for tally in tallies) + len(unclaimed) == len(found.aside)
    assert all(row.reason and row.verdict in {"quarantined", "refused"} for row in found.aside)
    assert not any("fault of ours" in row.reason for row in found.aside), found.aside
    assert len({(row.stream, row.sequence, row.entry) for row in found.aside}) == len(found.aside)
    assert {row[0] for row in found.heard} <= {7}


def test_frame_of_a_topic_nobody_reads_is_kept_without_a_source() -> None:
    found = settled(decoding(), [frame(b"x", "elsewhere/a/b")], find=nobody, owners=no_owner)
    (kept,) = found.aside
    assert (kept.source_id, kept.verdict, kept.payload, kept.reason) == (
        None,
        "quarantined",
        b"x",
        "no source reads this topic",
    )


def test_unknown_address_is_asked_once_for_a_whole_batch_and_then_known() -> None:
    made, asked = decoding(), []

    def find(wanted: list[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
        asked.append(wanted)
        return {(1, "A"): 9}

    batch = [frame(reading(k, at=NOW), sequence=k) for k in range(1, 4)]
    first = settled(made, batch, find=find, owners=no_owner)
    second = settled(made, batch, find=find, owners=no_owner)
    assert len(asked) == 1
    assert [row[0] for row in first.heard + second.heard] == [9] * 6


def test_address_of_another_source_is_refused_with_its_name() -> None:
    found = settled(decoding(), [frame(reading(1, at=NOW))], find=nobody, owners=lambda _: {"A": "traffic"})
    assert [(row.verdict, row.reason) for row in found.aside] == [
        ("refused", "`A` belongs to source `traffic`, not to `lighting`")
    ]
    assert [(t.received, t.refused) for t in found.tallies.values()] == [(1, 1)]


def test_message_the_database_would_not_take_is_put_aside_unread() -> None:
    made = Decoding([reader_of(LIGHTING)], poison={(MQTT_STREAM, 2)})
    made.learn(1, "A", 7)
    batch = [frame(reading(k, at=NOW), sequence=k) for k in (1, 2, 3)]
    found = settled(made, batch, find=nobody, owners=no_owner)
    assert [list(row[4].values()) for row in found.heard] == [[1.0], [3.0]]
    assert [row.sequence for row in found.aside] == [2]


def test_names_of_quantities_are_bounded() -> None:
    made = Decoding([reader_of(LIGHTING)], quantities=(f"q{k}_w" for k in range(2_000)))
    made.learn(1, "A", 7)
    batch = [frame(reading(1, at=NOW, quantity=name), sequence=k) for k, name in enumerate(("q5_w", "another_w"), 1)]
    found = settled(made, batch, find=nobody, owners=no_owner)
    assert [list(row[4]) for row in found.heard] == [["q5_w"]]
    assert "2000 are known" in found.aside[0].reason
