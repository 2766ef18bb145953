"""The `live` process: server-sent events. Screens follow the journal, so what a screen missed can always be told again.

Every stream begins at a line of the journal (the page's, or the last one received) and is brought forward from there: a
console that was cut off, or a `live` that was killed, loses nothing. Changes are gathered five times a second and rendered
once for each scope (language and rights), not once for each console.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import uvicorn
from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections
from nats.aio.client import Client
from nats.aio.msg import Msg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from beffroi.app.embedded.children import free_port
from beffroi.app.processes.conditions import Conditions
from beffroi.console import frames, reading
from beffroi.foundation import bus as field_bus
from beffroi.foundation.clock import SECOND, now
from beffroi.foundation.database import database_url
from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.heartbeat import beat
from beffroi.foundation.log import logger
from beffroi.foundation.settings import publish_address
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.actions import identity
from beffroi.kernel.twin.types import CLASSES

log = logger("live")
FRAME_EVERY_S = 0.2
HEARTBEAT_EVERY_S = 2.0
MOVERS_EVERY_FRAMES = 5
MOST_LINES = 2_000
MOST_WAITING = 200
CHECK_EVERY = 30 * SECOND
LOAD_EVERY = 20 * SECOND
COOKIE = "beffroi_session"
Scope = tuple[str, frozenset[Any], str]


@dataclass(slots=True, eq=False)
class Console:
    """One connected screen: whose, what it watches, what waits to be sent to it."""

    viewer: Viewer
    asset_id: int | None
    seq: int
    ours: frozenset[int] | None = None
    """The equipment this person may see; None: all of it."""
    asset_code: str = ""
    has_map: bool = False
    knows_all: bool = False
    """Whether it was told the condition of everything: before that, changes alone say nothing."""
    waiting: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))

    @property
    def scope(self) -> Scope:
        """What decides the content of a frame: consoles of one scope share it."""
        return scope_of(self.viewer)

    def may_see(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Return the rows, each beginning with an asset's number, of the equipment this person may see."""
        return rows if self.ours is None else [row for row in rows if row[0] in self.ours]

    def shows(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Return the rows of the equipment whose condition this screen shows: on its map, or the one it watches."""
        if self.has_map:
            return self.may_see(rows)
        return [row for row in rows if row[0] == self.asset_id]

    def send(self, message: bytes) -> None:
        """Have a message sent; a screen too slow to follow is told to load its page anew."""
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            while not self.waiting.empty():
                self.waiting.get_nowait()
            self.waiting.put_nowait(event("resync", {}))


def scope_of(viewer: Viewer) -> Scope:
    """Return what decides which frames a person may see, in what language, and what comes before their post."""
    return viewer.language, frozenset(viewer.rights), viewer.post.code


def event(name: str, data: Mapping[str, Any], seq: int | None = None) -> bytes:
    """Return one server-sent event (HTML Living Standard, 9.2)."""
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(data, enc_hook=_plain) + b"\n\n"


def _plain(rendered: Any) -> str:
    """Return what a template rendered (a subclass of text, marked as safe) as the text that it is."""
    return str.__add__("", rendered)


class Broadcaster:
    """Gathers what changed and sends it to the consoles, five times a second."""

    def __init__(self) -> None:
        self.consoles: set[Console] = set()
        self.seq = 0
        self.told = asyncio.Event()
        self.movers: dict[int, list[float | int | None]] = {}
        self.moving: dict[int, None] = {}
        self.names: dict[int, str] = {}
        self.values: dict[int, dict[str, list[float | int]]] = {}
        self.conditions = Conditions()
        self.positions: set[str] = set()
        self.owed: frozenset[str] = frozenset()  # subjects of lines taken, not told yet: a frame that failed
        self.still = False
        self.frames_total = 0
        self.load_told_at = now()
        self.ready = False

    # -- what comes in ---------------------------------------------------------------------------------------------

    async def follow_journal(self) -> None:
        """Listen for new lines; begin again when the database is lost."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(database_url(), autocommit=True) as connection:
                    await connection.execute("LISTEN journal")
                    await connection.execute("LISTEN twin")
                    await connection.execute("LISTEN dispatch")
                    if not self.seq:
                        self.seq = await in_thread(journal.last_seq)
                    await in_thread(self._learn)
                    self.conditions.ask()
                    self.told.set()
                    self.ready = True
                    async for note in connection.notifies():
                        if note.channel == "dispatch":  # where a crew is: no line of the journal, told with the movers
                            self.positions.add(f"position:{note.payload}")
                            continue
                        if note.channel == "twin":
                            await in_thread(self._learn)
                        self.told.set()
            except (psycopg.Error, BeffroiError, OSError) as error:
                self.ready = False
                log.warning("database lost, listening again", error=str(error))
                await asyncio.sleep(0.3)

    def _learn(self) -> None:
        self.names = {number: name for name, number in twin.quantity_ids().items()}
        moving = [slug for slug, entry in CLASSES.items() if entry.moves]
        self.moving = {asset_id: None for slug in moving for asset_id in twin.ids_of_class(slug)}

    async def follow_bus(self) -> None:
        """Listen to the values and the silences that engines publish."""
        while True:
            try:
                bus: Client = await field_bus.connect("live")
            except BeffroiError as error:
                log.warning("bus lost, listening again", error=str(error))
                await asyncio.sleep(0.3)
                continue
            try:
                post = await in_thread(identity)
            except DatabaseError as error:
                log.warning("database lost, listening to the bus later", error=str(error))
                await bus.close()
                await asyncio.sleep(0.3)
                continue
            await bus.subscribe(field_bus.values_subject(post), cb=self._values)
            await bus.subscribe(field_bus.freshness_subject(post), cb=self._freshness)
            await asyncio.Event().wait()

    async def _values(self, message: Msg) -> None:
        frame = msgspec.msgpack.decode(message.data)
        watched = {console.asset_id for console in self.consoles if console.asset_id is not None}
        moving = self.moving
        columns = zip(
            frame["asset"], frame["quantity"], frame["value"], frame["observed_at"], frame["received_at"], strict=True
        )
        for asset, quantity, value, observed_at, received_at in columns:
            if asset in moving:
                self._moved(asset, self.names.get(quantity, ""), value, observed_at)
            if asset in watched:
                name = self.names.get(quantity)
                if name is None:
                    await in_thread(self._learn)
                    name = self.names.get(quantity, "")
                self.values.setdefault(asset, {})[name] = [value, observed_at, received_at]

    def _moved(self, asset: int, quantity: str, value: float, observed_at: int) -> None:
        place = {"longitude_deg": 1, "latitude_deg": 2, "heading_deg": 3}.get(quantity)
        if place is not None:
            mover = self.movers.setdefault(asset, [asset, None, None, None, 0])
            mover[place] = value
            mover[4] = observed_at

    async def _freshness(self, message: Msg) -> None:
        self.conditions.hear(msgspec.msgpack.decode(message.data))

    # -- what goes out ---------------------------------------------------------------------------------------------

    async def broadcast(self) -> None:
        """Send frames for ever; a fault in one is logged and the next is made."""
        turn = 0
        while True:
            await asyncio.sleep(FRAME_EVERY_S)
            turn += 1
            try:
                await self._frame(with_movers=turn % MOVERS_EVERY_FRAMES == 0)
            except Exception as error:
                log.exception("frame failed", error=str(error))
                self.told.set()

    async def _frame(self, *, with_movers: bool) -> None:
        await self._take_lines()
        if with_movers:
            await self._watch_sealing()
            self.owed |= self.positions
            self.positions = set()
        if now() - self.load_told_at >= LOAD_EVERY:  # a load goes down by itself, without a line of the journal
            self.load_told_at = now()
            self.owed |= {"post:"}
        subjects, self.owed = self.owed, frozenset()
        movers = [mover for mover in self.movers.values() if None not in mover[:3]] if with_movers else []
        if with_movers:
            self.movers = {}
        values, self.values = self.values, {}
        if not self.consoles:
            return
        try:
            changed = await self._changed_conditions(asked=bool(subjects))
            lacking = any(not console.knows_all for console in self.consoles)
            if subjects or movers or changed or values or (lacking and self.conditions.told is not None):
                await self._tell(subjects, movers, changed, values)
        except Exception:
            self.owed |= subjects
            self.conditions.ask()
            self.values = values | self.values
            for console in self.consoles:  # who was told what is not known: all are told everything again
                console.knows_all = False
            raise

    async def _watch_sealing(self) -> None:
        """Have screens told when sealing stands still, and when it goes on: no line of the journal says so."""
        still = (await in_thread(journal.sealing_state, now())).still_since is not None
        if still != self.still:
            self.still = still
            self.owed |= {"journal:sealing"}

    async def _take_lines(self) -> None:
        """Take the subjects of the lines that came. A journal that went back (another store) is shown from scratch."""
        if not self.told.is_set():
            return
        self.told.clear()
        seq = await in_thread(journal.last_seq)
        if seq < self.seq:
            self.seq = seq
            for console in self.consoles:
                console.send(event("resync", {}, seq))
        elif seq > self.seq:
            self.owed |= frozenset(await in_thread(journal.subjects_changed, self.seq, seq))
            self.seq = seq

    async def _tell(
        self,
        subjects: frozenset[str],
        movers: list[list[float | int | None]],
        changed: list[list[int]],
        values: dict[int, dict[str, list[float | int]]],
    ) -> None:
        rendered: dict[Scope, list[dict[str, Any]]] = {}
        for console in list(self.consoles):
            if subjects and console.scope not in rendered:
                rendered[console.scope] = await in_thread(frames.fragments_for, subjects, console.viewer)
            own = values.get(console.asset_id, {}) if console.asset_id is not None else {}
            data = {
                "seq": self.seq,
                "fragments": rendered.get(console.scope, []),
                "movers": console.may_see(movers),
                "values": [[name, *value] for name, value in own.items()],
                "lines": f"asset:{console.asset_code}" in subjects,
                **self._conditions_for(console, changed),
            }
            if any(data[key] for key in ("fragments", "movers", "conditions", "values", "lines", "whole")):
                console.send(event("frame", data, self.seq))
                self.frames_total += 1

    def _conditions_for(self, console: Console, changed: list[list[int]]) -> dict[str, Any]:
        """Return what differs, or everything to a console that was not told everything yet."""
        if console.knows_all or self.conditions.told is None:
            return {"conditions": console.shows(changed) if console.knows_all else [], "whole": False}
        console.knows_all = True
        return {"conditions": console.shows(self.conditions.whole()), "whole": True}

    async def _changed_conditions(self, *, asked: bool) -> list[list[int]]:
        if asked:
            self.conditions.ask()
        if self.conditions.wants_store():
            self.conditions.begin()
            self.conditions.take(*await in_thread(reading.causes_of_conditions))
        return self.conditions.changes()

    async def bring_forward(self, console: Console) -> bytes | None:
        """Return the frame that takes a console from its own line to the present one, or a resync when it is too far.

        Values are no lines of the journal: those of the equipment it watches are told as they stand. Conditions are told
        whole with the next frame.
        """
        until = self.seq
        if console.seq > until:
            last = await in_thread(journal.last_seq)  # the page was drawn just now, or from another store
            return event("resync", {}, last) if console.seq > last else None
        if until - console.seq > MOST_LINES:
            return event("resync", {}, until)
        values = [] if console.asset_id is None else await in_thread(_values_of, console.asset_id)
        subjects: frozenset[str] = frozenset()
        if console.seq < until:
            subjects = frozenset(await in_thread(journal.subjects_changed, console.seq, until))
        if not subjects and not values:
            return None
        data = {
            "seq": until,
            "fragments": await in_thread(frames.fragments_for, subjects, console.viewer) if subjects else [],
            "movers": [],
            "conditions": [],
            "values": values,
        }
        return event("frame", data, until)


def _values_of(asset_id: int) -> list[list[Any]]:
    """Return the last values of a piece of equipment, as a frame holds them."""
    return [[each.quantity, each.value, each.observed_at, each.received_at] for each in twin.state_of(asset_id)]


async def in_thread(work: Any, *arguments: Any) -> Any:
    """Call a function that reads the database in a thread."""

    def call() -> Any:
        close_old_connections()
        return work(*arguments)

    return await sync_to_async(call, thread_sensitive=False)()


broadcaster = Broadcaster()


async def stream(request: Request) -> Response:
    """Serve one console's stream. 401 without a session, 403 where the one door refuses, 404 for an unknown asset."""
    viewer = await in_thread(people.viewer_of_session, request.cookies.get(COOKIE, ""))
    if viewer is None:
        return JSONResponse({"title": "sign in first", "status": 401}, 401)
    asset_id, code = None, request.query_params.get("asset", "")
    try:
        await in_thread(lambda: people.require(viewer, Verb.SEE, Kind.SITUATION))
        if code:
            await in_thread(lambda: people.require(viewer, Verb.SEE, Kind.ASSET))
            asset = await in_thread(twin.get_asset, code)
            await in_thread(lambda: people.require(viewer, Verb.SEE, Kind.ASSET, commune=asset.commune))
            asset_id, code = asset.id, asset.code
    except BeffroiError as error:
        return JSONResponse({"title": error.reason, "status": error.status}, error.status)
    asked = request.headers.get("last-event-id") or request.query_params.get("since") or ""
    seq = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else broadcaster.seq
    within = people.communes_of(viewer, Verb.SEE, Kind.ASSET)
    ours = None if within is None else await in_thread(twin.ids_within, within)
    console = Console(viewer, asset_id, seq, ours, code, "map" in request.query_params)
    return StreamingResponse(
        _events(console, request.cookies.get(COOKIE, "")),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(console: Console, session_key: str) -> AsyncIterator[bytes]:
    broadcaster.consoles.add(console)  # first listen, then look back: nothing falls between
    broadcaster.conditions.ask()
    try:
        yield b"retry: 1000\n\n"
        if (missed := await broadcaster.bring_forward(console)) is not None:
            yield missed
        checked = now()
        while True:
            if now() - checked > CHECK_EVERY:
                checked = now()
                if await in_thread(people.viewer_of_session, session_key) != console.viewer:
                    return  # signed out, or cleared otherwise: the browser comes back and is judged anew
            try:
                message = await asyncio.wait_for(console.waiting.get(), HEARTBEAT_EVERY_S)
            except TimeoutError:
                message = event("heartbeat", {"at": now(), "seq": broadcaster.seq})
            yield message
    finally:
        broadcaster.consoles.discard(console)


async def _say_alive() -> None:
    while True:
        reasons = [] if broadcaster.ready else ["not listening to the journal yet"]
        figures = {"consoles": len(broadcaster.consoles), "frames_total": broadcaster.frames_total}
        beat("live", now(), ready=broadcaster.ready, reasons=reasons, figures=figures)
        await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    work = (broadcaster.follow_journal(), broadcaster.follow_bus(), broadcaster.broadcast(), _say_alive())
    tasks = [asyncio.create_task(each) for each in work]
    yield
    for task in tasks:
        task.cancel()


app = Starlette(routes=[Route("/live/console", stream)], lifespan=_lifespan)


def main() -> None:
    """Serve on a free loopback port, which the front door finds in the run folder."""
    port = free_port()
    publish_address("live", f"http://127.0.0.1:{port}")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
