"""Topics and subjects: the translation is the server's own (tests/app/test_bus_contract.py asks it)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.foundation.bus import subject_of_topic, topic_of_message, topic_of_subject

levels = st.text(st.characters(codec="utf-8", exclude_characters="/+#\0 ", exclude_categories=("Cs", "Cc")), max_size=8)


@given(st.lists(levels, min_size=1, max_size=6).map("/".join))
def test_topic_survives_the_way_through_a_subject(topic: str) -> None:
    subject = subject_of_topic(topic)
    assert topic_of_subject(subject) == topic
    assert "" not in subject.split(".")  # a subject has no empty word


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("readings/lighting/#", "readings.lighting.>"),
        ("v3/+/devices/+/up", "v3.*.devices.*.up"),
        ("a.b/c", "a//b.c"),
        ("a//b", "a./.b"),
        ("/a/", "/.a./"),
    ],
)
def test_filter_becomes_the_subject_the_server_uses(topic: str, subject: str) -> None:
    assert subject_of_topic(topic) == subject


def test_stored_message_gives_its_topic() -> None:
    assert topic_of_message("$MQTT.msgs.readings.lighting.A-1") == "readings/lighting/A-1"
    assert topic_of_message("frames.buses") == "frames/buses"
