"""Faults told so that a person can mend them: ports, locks, settings, what `beffroi doctor` says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from beffroi.app.commands import main
from beffroi.app.doctor import examine
from beffroi.app.supervisor import check_ports, post_pid, take_lock
from beffroi.foundation.errors import Misconfigured, Unreachable
from beffroi.foundation.settings import settings

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BEFFROI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BEFFROI_HTTP_PORT", "1")
    monkeypatch.delenv("BEFFROI_NATS_URL", raising=False)
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize("name", ["BEFFROI_HTTP_PORT", "BEFFROI_MQTT_PORT"])
def test_port_that_is_taken_is_named_with_the_setting_that_moves_it(
    name: str, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFFROI_MQTT_PORT", "18830")
    monkeypatch.setenv("BEFFROI_HTTP_PORT", "18831")
    monkeypatch.setenv(name, str(taken))
    settings.cache_clear()
    with pytest.raises(Misconfigured, match=rf"127\.0\.0\.1:{taken} \({name}\).*choose another port"):
        check_ports(settings())


def test_up_on_a_taken_port_ends_with_one_line_and_nothing_started(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFFROI_MQTT_PORT", str(taken))
    monkeypatch.setenv("BEFFROI_HTTP_PORT", "18831")
    settings.cache_clear()
    done = CliRunner().invoke(main, ["up", "--no-city"])
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("beffroi: already taken by another program: ")
    assert not (settings().data / "postgres").exists()


def test_second_post_on_one_folder_is_refused() -> None:
    lock = take_lock(settings())
    with pytest.raises(Misconfigured, match="`beffroi down` stops it"):
        take_lock(settings())
    lock.close()
    take_lock(settings()).close()


def test_down_without_a_post_says_so() -> None:
    with pytest.raises(Unreachable, match="no post runs on"):
        post_pid()
    done = CliRunner().invoke(main, ["down"])
    assert (done.exit_code, done.stderr) == (1, f"beffroi: no post runs on {settings().data}\n")


def test_doctor_of_a_stopped_post_says_how_to_start_it_and_who_holds_a_port(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEFFROI_MQTT_PORT", str(taken))
    settings.cache_clear()
    wrong = {finding.what: finding.remedy for finding in examine() if not finding.good}
    assert any("beffroi up" in remedy for remedy in wrong.values())
    (held,) = [remedy for what, remedy in wrong.items() if f"port {taken}" in what]
    assert "BEFFROI_MQTT_PORT" in held
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1
    assert "WRONG" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["source", "add", "s", "--connector", "telex"], "no connector is called `telex`; there are: mqtt_json"),
        (["source", "add", "s", "--setting", "nonsense"], "`nonsense` is not NAME=VALUE"),
        (["source", "add", "s", "--setting", "max_age_s=-1"], "max_age_s"),
    ],
)
def test_faulty_command_ends_with_one_line(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert words in done.stderr
