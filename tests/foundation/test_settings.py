"""Settings, addresses and heartbeats: environment before file before default, faults named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from beffroi.foundation.clock import now
from beffroi.foundation.errors import Misconfigured, Unreachable
from beffroi.foundation.heartbeat import beat, forget, heartbeats
from beffroi.foundation.settings import Settings, publish_address, runtime_address, settings


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read settings in a folder of their own, and read them again afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEFFROI_DATA", str(tmp_path / "data"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_field_bus_flushes_each_message_unless_told_otherwise() -> None:
    # trap 4: nats-server's own default is two minutes, during which a power cut loses what was acknowledged
    assert Settings.model_fields["sync_interval"].default == "always"


def test_environment_comes_before_the_file_and_the_file_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beffroi.toml").write_text('http_port = 9001\nmqtt_port = 1884\nsync_interval = "200ms"\n')
    monkeypatch.setenv("BEFFROI_HTTP_PORT", "9002")
    monkeypatch.delenv("BEFFROI_MQTT_PORT", raising=False)
    found = settings()
    assert (found.http_port, found.mqtt_port, found.sync_interval, found.engines) == (9002, 1884, "200ms", 1)


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFFROI_HTTP_PORT", "ninety")
    monkeypatch.setenv("BEFFROI_SYNC_INTERVAL", "sometimes")
    with pytest.raises(Misconfigured, match=r"BEFFROI_HTTP_PORT: .*BEFFROI_SYNC_INTERVAL: "):
        settings()


def test_address_of_a_part_is_read_by_this_user_alone() -> None:
    assert runtime_address("nats") is None
    publish_address("nats", "nats://beffroi:secret@127.0.0.1:4222")
    assert runtime_address("nats") == "nats://beffroi:secret@127.0.0.1:4222"
    assert (settings().run / "nats.address").stat().st_mode & 0o077 == 0


def test_unknown_bus_and_database_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from beffroi.foundation.bus import bus_url
    from beffroi.foundation.database import database_url

    monkeypatch.delenv("BEFFROI_DATABASE_URL", raising=False)
    settings.cache_clear()
    for ask in (bus_url, database_url):
        with pytest.raises(Unreachable, match=r"beffroi up.*BEFFROI_(NATS|DATABASE)_URL"):
            ask()


def test_heartbeat_is_said_heard_and_withdrawn() -> None:
    at = now()
    beat("engine-1", at, ready=False, reasons=["loading"], figures={"lag_s": 2})
    found = heartbeats()["engine-1"]
    assert (found.at, found.ready, found.reasons, found.figures["lag_s"]) == (at, False, ("loading",), 2)
    assert found.figures["memory_bytes"] > 10_000_000
    (settings().run / "heartbeats" / "broken.json").write_bytes(b"{")
    assert list(heartbeats()) == ["engine-1"]
    forget("engine-1")
    forget("engine-1")
    assert heartbeats() == {}
