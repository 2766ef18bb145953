"""A whole post of its own: every process, a small generated city, free ports, a folder that goes with it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from beffroi.app.embedded.children import free_port

READY_WITHIN_S = 150.0


@dataclass(frozen=True, slots=True)
class Post:
    """A running post, as its users and its city see it."""

    folder: Path
    http_port: int
    mqtt_port: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def command(self, *arguments: str) -> str:
        """Run `beffroi …` as the city's technician would; return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "beffroi.app", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def token(self) -> str:
        return self.command("token", "create", "test").strip()

    def get(self, path: str, token: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", headers={"authorization": f"Bearer {token}"}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path: str, token: str, body: dict[str, Any]) -> Any:
        """Do something by the API, as the account of a token."""
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.post(f"{self.url}/api/v1/{path}", headers=headers, json=body, timeout=20)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def gateway(self, name: str, source: str) -> tuple[str, str]:
        """Give a gateway access; return its user and password."""
        said = dict(
            line.split(" ", 1) for line in self.command("gateway", "add", name, "--source", source).splitlines()
        )
        return said["user"], said["password"]

    def part(self, name: str) -> dict[str, Any]:
        """Return what a process of the post last said of itself; nothing while it is down."""
        try:
            return dict(json.loads((self.folder / "run" / "heartbeats" / f"{name}.json").read_text()))
        except (OSError, ValueError):
            return {}

    def kill(self, name: str) -> None:
        """Kill a process of the post outright, and wait until another serves in its place."""
        dead = eventually(lambda: self.part(name).get("pid"), f"{name} lives")
        os.kill(dead, signal.SIGKILL)
        eventually(
            lambda: (told := self.part(name)).get("ready") and told["pid"] != dead, f"{name} is back", within_s=90
        )

    def failed(self) -> set[str]:
        """Return what has failed in the simulated city just now: it fails by itself too."""
        address = (self.folder / "run" / "city.address").read_text().strip()
        return {each["asset"] for each in httpx.get(f"{address}/rehearsal/failures", timeout=10).json()["items"]}

    def city(self, path: str, order: dict[str, Any]) -> Any:
        """Make something of the simulated city fail, or repair it."""
        address = (self.folder / "run" / "city.address").read_text().strip()
        answer = httpx.post(f"{address}/rehearsal/{path}", json=order, timeout=10)
        assert answer.status_code < 300, answer.text
        return answer.json()


def eventually(look: Callable[[], Any], what: str, *, within_s: float = 60.0) -> Any:
    """Return what `look` returns once it is true. A condition with a deadline, never a nap and a hope."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


@contextlib.contextmanager
def running_post(folder: Path, *, city: bool = True, extra: Mapping[str, str] = MappingProxyType({})) -> Iterator[Post]:
    """Start a post and stop it at the end. `extra`: more settings."""
    http_port, mqtt_port = free_port(), free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("BEFFROI_", "DJANGO_"))}
    environment = own | {
        "BEFFROI_DATA": str(folder),
        "BEFFROI_HTTP_PORT": str(http_port),
        "BEFFROI_MQTT_PORT": str(mqtt_port),
        "BEFFROI_CITY": "bourg",
        **extra,
    }
    said = folder / "said.txt"
    folder.mkdir(parents=True, exist_ok=True)
    with said.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "beffroi.app", "up", "--city" if city else "--no-city"],
            env=environment,
            stdout=words,
            stderr=words,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    post = Post(folder, http_port, mqtt_port, environment)
    try:
        eventually(
            lambda: process.poll() is not None or f"ready {post.url}" in said.read_text(),
            "the post is ready",
            within_s=READY_WITHIN_S,
        )
        assert process.poll() is None, said.read_text() + (folder / "log" / "post.log").read_text()[-3000:]
        yield post
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


def uplink(device: dict[str, Any], *, application_id: str, dev_eui: str) -> bytes:
    """Wrap a real device's payload as ChirpStack v4 does, with no decoded object: our codec has to read it."""
    import base64

    data = base64.b64encode(bytes.fromhex(device["bytes_hex"])).decode()
    event = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "deviceInfo": {"applicationId": application_id, "devEui": dev_eui, "deviceName": "salle des fêtes"},
        "fCnt": 10,
        "fPort": device["fPort"],
        "data": data,
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -57, "snr": 10.5}],
    }
    return json.dumps(event).encode()
