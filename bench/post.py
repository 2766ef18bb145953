"""A post of its own for a trial: free ports, a temporary folder, nothing but the doors that a city uses."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import psycopg
from psycopg.conninfo import conninfo_to_dict

from beffroi.app.embedded.children import free_port
from beffroi.foundation.database import OWNER, socket_url
from bench.load import source_of, write_inventory
from bench.mqtt import Login

READY_WITHIN_S = 180.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
OPERATOR = ("banc", "un mot de passe pour le banc")


class Post:
    """One post, started by `beffroi up` and stopped at the end of the `with` block.

    `city` names the generated city it is started with, if any; `keep` leaves its folder in place, to be looked at.
    """

    def __init__(self, *, keep: bool = False, city: str = "", **overrides: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="beffroi-bench-"))
        self.keep = keep
        self.http_port, self.mqtt_port = free_port(), free_port()
        ours = {
            "BEFFROI_DATA": str(self.folder),
            "BEFFROI_HTTP_PORT": str(self.http_port),
            "BEFFROI_MQTT_PORT": str(self.mqtt_port),
            **{f"BEFFROI_{name.upper()}": value for name, value in overrides.items()},
            **({"BEFFROI_CITY": city} if city else {}),
        }
        self.arguments = ["up", "--city" if city else "--no-city"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BEFFROI_", "DJANGO_"))}
        self.environment = {**inherited, **ours}
        self.process: subprocess.Popen[bytes] | None = None
        self.start_s = 0.0

    @property
    def url(self) -> str:
        """Address of the console and the API."""
        return f"http://127.0.0.1:{self.http_port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- its life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the post and wait until it is ready. Raises RuntimeError with its last words when it is not."""
        began = time.monotonic()
        with (self.folder / "said.log").open("ab") as words:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "beffroi.app", *self.arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                reasons = self.reasons()
                self.stop()
                raise RuntimeError(f"the post is not ready: {reasons}\n{self.last_words()}")
            time.sleep(0.05)
        self.start_s = time.monotonic() - began

    def stop(self) -> None:
        """Stop the post."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def last_words(self, lines: int = 12) -> str:
        """Return the end of what the post said."""
        found = []
        for file in (self.folder / "said.log", self.folder / "log" / "post.log"):
            if file.exists():
                found += file.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(found)

    def reasons(self) -> list[str]:
        """Return why the post is not ready, as it says itself; empty when it is."""
        try:
            with urlopen(f"{self.url}/health/ready", timeout=5) as answer:
                return list(json.load(answer)["reasons"])
        except HTTPError as error:
            return [str(reason) for reason in json.loads(error.read() or b"{}").get("reasons", ["no reason given"])]
        except (OSError, ValueError) as error:
            return [f"the front door: {error}"]

    def ready(self) -> bool:
        """Tell whether every part serves."""
        return not self.reasons()

    # -- its doors -------------------------------------------------------------------------------------------------

    def run(self, *arguments: str, check: bool = True) -> str:
        """Run a command `beffroi …` on this post; return what it printed. Raises RuntimeError with it when it failed."""
        done = subprocess.run(
            [sys.executable, "-m", "beffroi.app", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"beffroi {' '.join(arguments[:3])}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def add_gateway(self, name: str, source: str) -> Login:
        """Give a gateway the right to publish, and wait until the bus admits it."""
        said = self.run("gateway", "add", name, "--source", source)
        if "admitted" not in said:
            raise RuntimeError(f"{name} is not admitted: {said}")
        words = dict(re.findall(r"^(user|password) (\S+)$", said, re.MULTILINE))
        return Login("127.0.0.1", self.mqtt_port, words["user"], words["password"])

    def equip(self, assets: int, *, probes: int, sources: int, cabinets: int = 0) -> tuple[Login, ...]:
        """Import an inventory of light points and cabinets, and admit a gateway for each of its sources."""
        file = self.folder / "inventory.csv"
        write_inventory(file, assets, probes, sources, cabinets)
        self.run("import", "assets", str(file))
        return tuple(self.add_gateway(f"gateway-{k + 1}", source_of(k)) for k in range(sources))

    def sign_in(self) -> str:
        """Open an operator's account and a session for it; return the session's cookie."""
        username, password = OPERATOR
        self.run(
            *("person", "add", username, "--name", "Banc d’essai", "--initials", "BE", "--role", "operator"),
            *("--reason", "bench", "--password", password),
        )
        with urlopen(f"{self.url}/login", timeout=10) as answer:
            page, cookies = answer.read().decode(), answer.headers.get_all("Set-Cookie") or []
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        csrf = next((cookie.split(";")[0] for cookie in cookies if cookie.startswith("beffroi_csrf")), "")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": found[1] if found else ""}
        request = Request(
            f"{self.url}/login",
            urlencode(form).encode(),
            {"Cookie": csrf, "Referer": f"{self.url}/login", "Origin": self.url},
        )
        try:
            answer = build_opener(_Stay).open(request, timeout=10)
        except HTTPError as error:
            answer = error  # a redirection that is not followed
        session = [cookie for cookie in answer.headers.get_all("Set-Cookie") or [] if "beffroi_session" in cookie]
        if not session:
            raise RuntimeError(f"no session was opened: the answer is {answer.status}")
        return str(session[0].split(";")[0])

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection to the post's own PostgreSQL: to count what it holds, never to write."""
        url = (self.folder / "run" / "postgres.address").read_text().strip()
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def owner_url(self) -> str:
        """Return the address of the post's own PostgreSQL under the role that owns its tables."""
        ours = conninfo_to_dict((self.folder / "run" / "postgres.address").read_text().strip())
        password = (self.folder / "secrets" / "postgres.password").read_text().strip()
        return socket_url(str(ours["host"]), password, OWNER)

    def bus_url(self) -> str:
        """Return the address of the bus, with the post's own account."""
        return (self.folder / "run" / "nats.address").read_text().strip()

    def counters(self) -> dict[str, int]:
        """Return the counters since the store began, of all sources together (as `/api/v1/status` counts them)."""
        names = ("received", "stored", "quarantined", "refused", "denied")
        sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in names)
        with self.database() as connection:
            row = connection.execute(f"SELECT {sums} FROM twin_counter").fetchone() or ()
            unclaimed = connection.execute("SELECT count(*) FROM twin_quarantine WHERE source_id IS NULL").fetchone()
        found = dict(zip(names, map(int, row), strict=True))
        found["unclaimed"] = int(unclaimed[0]) if unclaimed else 0
        return found

    # -- its processes ---------------------------------------------------------------------------------------------

    def processes(self) -> dict[str, int]:
        """Return the number of the first process of each part that runs."""
        found: dict[str, int] = {}
        for file in (self.folder / "run" / "heartbeats").glob("*.json"):
            heartbeat = _json(file)
            if "pid" in heartbeat:
                found[file.stem] = int(heartbeat["pid"])
        if "pid" in (facts := _json(self.folder / "run" / "nats-server.json")):
            found["nats-server"] = int(facts["pid"])
        with contextlib.suppress(OSError, ValueError, IndexError):
            found["postgres"] = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        if self.process is not None:
            found["supervisor"] = self.process.pid
            known = set(found.values())
            found |= {name: pid for pid, name in _children(self.process.pid).items() if pid not in known}
        return {name: pid for name, pid in found.items() if Path(f"/proc/{pid}").exists()}

    def usage(self) -> dict[str, Usage]:
        """Return the processor time and memory of each part, the processes that it started included."""
        parts = self.processes()
        firsts = set(parts.values())
        return {name: usage_of(pid, apart=firsts - {pid}) for name, pid in parts.items()}


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirection: the cookie comes with it."""


class Usage:
    """Processor seconds and resident bytes (each page counted once for those who share it)."""

    def __init__(self, cpu_s: float = 0.0, memory_bytes: int = 0) -> None:
        self.cpu_s, self.memory_bytes = cpu_s, memory_bytes

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu_s + other.cpu_s, self.memory_bytes + other.memory_bytes)


def usage_of(pid: int, *, apart: set[int]) -> Usage:
    """Return the usage of a process and of all below it, but for those that are parts of their own."""
    total = Usage()
    for each in [pid, *_below(pid, apart)]:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            memory = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        cpu = sum(int(value) for value in fields[11:15]) / TICKS  # its own and its waited-for children's
        kib = re.search(r"^Pss:\s+(\d+) kB", memory, re.MULTILINE)
        total += Usage(cpu, int(kib[1]) * 1024 if kib else 0)
    return total


def _below(pid: int, apart: set[int]) -> list[int]:
    found = []
    for child in _children(pid):
        if child not in apart:
            found += [child, *_below(child, apart)]
    return found


def _children(pid: int) -> dict[int, str]:
    """Return the children of a process; for those that are parts of a post, the part's name."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            pids = (task / "children").read_text().split()
        except OSError:
            continue
        for child in map(int, pids):
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            name = words[words.index("process") + 1] if "process" in words else str(child)
            found[child] = f"engine-{words[-2]}" if name == "engine" else name
    return found


def _json(file: Path) -> Mapping[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}
