"""The supervisor: starts the engines and the processes in order, watches them, starts again what dies, stops in order."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from beffroi.app.embedded.children import free_port, port_is_taken, secret, spawn
from beffroi.app.embedded.nats import NatsServer
from beffroi.app.embedded.postgres import Postgres
from beffroi.foundation.clock import SECOND, now
from beffroi.foundation.errors import BeffroiError, Misconfigured, Unreachable
from beffroi.foundation.heartbeat import beat, forget
from beffroi.foundation.log import logger
from beffroi.foundation.settings import Settings, publish_address, settings

log = logger("supervisor")
READY_WITHIN_S = 120.0
STOP_WITHIN_S = 8.0
OWNER_VARIABLE = "BEFFROI_DATABASE_OWNER_URL"
MOST_LOG_BYTES = 64 << 20
_FIRST_DELAY_S = 0.1
_MOST_DELAY_S = 10.0
_CALM_AFTER_S = 20.0


@dataclass(slots=True)
class Part:
    """A process the supervisor keeps running."""

    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    delay_s: float = _FIRST_DELAY_S
    started: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """One post on one machine."""

    with_city: bool
    say: Callable[[str], None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    parts: list[Part] = field(default_factory=list)
    postgres: Postgres | None = None
    nats: NatsServer | None = None
    city_port: int = 0
    restarts: dict[str, int] = field(default_factory=dict)

    # -- start -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Start everything, serve until asked to stop, stop everything. Raises Misconfigured with what to mend."""
        ours = settings()
        lock = take_lock(ours)
        try:
            await self._start(ours)
            await self._watch()
        finally:
            self.say("arrêt du poste …")
            await self._stop()
            lock.close()

    async def _start(self, ours: Settings) -> None:
        check_ports(ours)
        secret(ours.secrets / "session.key")
        os.environ.pop(OWNER_VARIABLE, None)  # read by now: what prepares is told, the other processes never know it
        _clean_run_folder(ours)
        self._start_part(front := Part("front", ("front",)))  # it needs nobody, and says meanwhile what is not ready
        self.parts = [front]
        began = now()
        await asyncio.gather(asyncio.to_thread(self._start_nats, ours), asyncio.to_thread(self._start_postgres, ours))
        log.info("engines started", after_s=(now() - began) / SECOND)
        self.city_port = free_port()
        if self.with_city:
            publish_address("city", f"http://127.0.0.1:{self.city_port}")
            publish_address("city-modbus", f"tcp://127.0.0.1:{free_port()}")
        await self._prepare()
        log.info("prepared", after_s=(now() - began) / SECOND)
        names: list[tuple[str, tuple[str, ...]]] = [
            *((f"engine-{number}", ("engine", str(number))) for number in range(1, ours.engines + 1)),
            ("connectors", ("connectors",)),
            ("web", ("web",)),
            ("live", ("live",)),
            ("worker", ("worker",)),
        ]
        if self.with_city:
            names.append(("city", ("city", str(self.city_port))))
        for part in (Part(name, arguments) for name, arguments in names):
            self._start_part(part)
            self.parts.append(part)

    def _start_nats(self, ours: Settings) -> None:
        if ours.nats_url is not None:
            return
        server = NatsServer(
            ours.data / "nats",
            secrets=ours.secrets,
            log=ours.data.absolute() / "log" / "nats-server.log",
            mqtt_host=ours.mqtt_host,
            mqtt_port=ours.mqtt_port,
            sync_interval=ours.sync_interval,
            max_store_bytes=int(ours.bus_max_gb * 1e9),
        )
        self.nats = server
        self._run_nats()

    def _run_nats(self) -> None:
        """Start the server closed; the `connectors` process admits gateways once their sources are read."""
        if self.nats is None:
            return
        self.nats.start()
        file = settings().run / "nats-server.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self.nats.facts()))
        publish_address("nats-monitor", f"http://127.0.0.1:{self.nats.monitor_port}")
        publish_address("nats", self.nats.url)

    def _start_postgres(self, ours: Settings) -> None:
        if ours.database_url is not None:
            return
        self.postgres = Postgres(
            ours.data / "postgres", secrets=ours.secrets, log=ours.data.absolute() / "log" / "postgres.log"
        )
        self.postgres.start()
        publish_address("postgres", self.postgres.url)

    async def _prepare(self) -> None:
        arguments = ("prepare", str(self.city_port)) if self.with_city else ("prepare",)
        owner = self.postgres.owner_url if self.postgres is not None else settings().database_owner_url
        process = await asyncio.create_subprocess_exec(
            *_command(*arguments),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **({OWNER_VARIABLE: owner} if owner is not None else {})},
        )
        _, words = await process.communicate()
        with post_log().open("ab") as file:
            file.write(words)
        if process.returncode:
            last = words.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise Misconfigured(f"the post could not be prepared: {last[0]} (see {post_log()})")

    def _start_part(self, part: Part) -> None:
        part.process = spawn(_command(*part.arguments), output=post_log())
        part.started = asyncio.get_running_loop().time()

    # -- watch -----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            guards = [tasks.create_task(self._guard(part)) for part in self.parts]
            guards.append(tasks.create_task(self._guard_engine("postgres", self.postgres, self._restart_postgres)))
            guards.append(tasks.create_task(self._guard_engine("nats-server", self.nats, self._restart_nats)))
            guards.append(tasks.create_task(self._announce()))
            guards.append(tasks.create_task(self._beat()))
            await self.stopping.wait()
            for guard in guards:
                guard.cancel()

    async def _guard(self, part: Part) -> None:
        while True:
            if part.process is not None and part.process.poll() is not None:
                await self._again(part)
            await asyncio.sleep(0.05)

    async def _again(self, part: Part) -> None:
        assert part.process is not None
        code = part.process.returncode
        _kill_group(part.process)
        forget(part.name)
        part.restarts += 1
        self.restarts[part.name] = part.restarts
        calm = asyncio.get_running_loop().time() - part.started > _CALM_AFTER_S
        part.delay_s = _FIRST_DELAY_S if calm else min(part.delay_s * 2, _MOST_DELAY_S)
        log.warning("process ended, starting again", part=part.name, code=code, in_s=part.delay_s)
        self.say(f"{part.name} s’est arrêté (code {code}), redémarrage")
        await asyncio.sleep(part.delay_s)
        try:
            self._start_part(part)
        except OSError as error:  # no memory, no file left: it is tried again, and the others are kept
            log.error("process does not start", part=part.name, error=str(error))

    async def _guard_engine(self, name: str, engine: Postgres | NatsServer | None, restart: Callable[[], None]) -> None:
        while engine is not None:
            if engine.process is not None and engine.process.poll() is not None:
                self.restarts[name] = self.restarts.get(name, 0) + 1
                log.warning("engine ended, starting again", part=name, code=engine.process.returncode)
                self.say(f"{name} s’est arrêté (code {engine.process.returncode}), redémarrage")
                try:
                    await asyncio.to_thread(restart)
                except (BeffroiError, OSError) as error:
                    log.error("engine does not start", part=name, error=str(error))
                    await asyncio.sleep(1)
            await asyncio.sleep(0.05)

    def _restart_postgres(self) -> None:
        if self.postgres is not None:
            self.postgres.start()

    def _restart_nats(self) -> None:
        self._run_nats()

    async def _announce(self) -> None:
        ours = settings()
        url = f"http://{ours.http_host}:{ours.http_port}"
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with httpx.AsyncClient(trust_env=False) as client:
            reasons: object = "aucune réponse"
            while loop.time() - began < READY_WITHIN_S:
                with contextlib.suppress(httpx.HTTPError, ValueError):
                    answer = await client.get(f"{url}/health/ready", timeout=5)
                    if answer.status_code == 200:
                        log.info("ready", after_s=loop.time() - began)
                        self.say(f"ready {url}")
                        if self.with_city:
                            self._say_accounts()
                        return
                    reasons = answer.json().get("reasons")
                await asyncio.sleep(0.1)
        self.say(f"le poste n’est pas prêt après {READY_WITHIN_S:.0f} s : {reasons} (journal : {post_log()})")

    def _say_accounts(self) -> None:
        accounts = json.loads((settings().run / "accounts.json").read_text())
        if settings().http_host not in ("127.0.0.1", "localhost", "::1"):
            self.say("attention : ces mots de passe sont publics, et le poste est ouvert au réseau (BEFFROI_HTTP_HOST)")
        self.say("comptes de démonstration (identifiant, mot de passe) :")
        for username, password, title in accounts:
            self.say(f"  {username:12} {password:24} {title}")

    async def _beat(self) -> None:
        while True:
            beat("supervisor", now(), figures={"restarts_total": sum(self.restarts.values())})
            await asyncio.to_thread(turn_logs, post_log().parent)
            await asyncio.sleep(1)

    # -- stop ------------------------------------------------------------------------------------------------------

    async def _stop(self) -> None:
        """Stop the city first, then what serves, then what writes, then the engines."""
        order = ["city", "front", "live", "web", "connectors", "worker"]
        for part in sorted(self.parts, key=lambda part: order.index(part.name) if part.name in order else len(order)):
            if part.process is not None and part.process.poll() is None:
                part.process.send_signal(signal.SIGTERM)
        for part in self.parts:
            if part.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    await asyncio.to_thread(part.process.wait, STOP_WITHIN_S)
                _kill_group(part.process)
                forget(part.name)
        if self.nats is not None:
            await asyncio.to_thread(self.nats.stop)
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.stop)
        _clean_run_folder(settings())


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "beffroi.app", "process", *arguments]


def post_log() -> Path:
    """Return the file where every process of the post writes."""
    folder = settings().data.absolute() / "log"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it tells who worked when
    return folder / "post.log"


def turn_logs(folder: Path) -> None:
    """Put what each log holds aside once it is long, in place of what was put aside before.

    Those who write keep their file open to append, so it is emptied, not moved: a few lines written meanwhile may be lost.
    """
    for file in folder.glob("*.log"):
        with contextlib.suppress(OSError):
            if file.stat().st_size > MOST_LOG_BYTES:
                shutil.copyfile(file, file.with_suffix(".log.1"))
                os.truncate(file, 0)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what a dead process left behind: it was the first of its own group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _clean_run_folder(ours: Settings) -> None:
    for pattern in ("*.address", "heartbeats/*.json", "nats-server.json"):
        for file in ours.run.glob(pattern):
            file.unlink(missing_ok=True)


def take_lock(ours: Settings):  # type: ignore[no-untyped-def]
    """Take the lock of this data folder. Raises Misconfigured when another post runs on it."""
    ours.run.mkdir(parents=True, exist_ok=True)
    file = (ours.run / "post.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Misconfigured(f"a post already runs on {ours.data.absolute()}: `beffroi down` stops it") from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def check_ports(ours: Settings) -> None:
    """Raise Misconfigured when a port we must serve is taken, naming the setting that moves it."""
    wanted = [("BEFFROI_HTTP_PORT", ours.http_host, ours.http_port)]
    if ours.nats_url is None:
        wanted.append(("BEFFROI_MQTT_PORT", ours.mqtt_host, ours.mqtt_port))
    taken = [f"{host}:{port} ({name})" for name, host, port in wanted if port_is_taken(host, port)]
    if taken:
        raise Misconfigured(
            f"already taken by another program: {', '.join(taken)}. Stop it, or choose another port with the setting named"
        )


def post_pid() -> int:
    """Return the process number of the post that runs on our data folder. Raises Unreachable when none does."""
    file = settings().run / "post.lock"
    try:
        with file.open("r+") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(opened.read())
    except (OSError, ValueError):
        pass
    raise Unreachable(f"no post runs on {settings().data.absolute()}")
