"""The map: old page + frames = fresh page, for the condition of every piece of equipment, whatever was cut or killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from beffroi.app.processes import live
from beffroi.app.processes.conditions import Conditions
from beffroi.console import reading
from beffroi.foundation.clock import MINUTE, now
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people import actions as people
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries as twin_queries
from tests.console import scene

pytestmark = pytest.mark.django_db(transaction=True)
LAMPS, CABINET = ("L-1", "L-2"), "ARM-1"
DARK, SILENT, TRIPPED = "light_point_without_supply", "light_point_silent", scene.TRIPPED


class Screens:
    """`live`, one page with a map that stays open, and what happens in the city."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.shown: dict[int, int] = reading.all_conditions()
        self.console: live.Console | None = None
        self.since = journal.last_seq()
        self.restart_live()
        self.connect()

    def restart_live(self) -> None:
        """Start `live` anew, as after kill -9: it remembers nothing, and every stream is gone."""
        self.console = None
        self.broadcaster = live.Broadcaster()
        self.broadcaster.seq = journal.last_seq()
        steps = itertools.count(0.0, 10.0)
        self.broadcaster.conditions = Conditions(clock_s=lambda: next(steps))

    def cut(self) -> None:
        """Take the page's stream away."""
        self.broadcaster.consoles.clear()
        self.console = None

    def connect(self) -> None:
        """Open the page's stream again from the last line it was told."""
        if self.console is None:
            self.console = live.Console(self.viewer, None, self.since, has_map=True)
            self.broadcaster.consoles.add(self.console)

    def frame(self) -> None:
        """Let `live` make a frame, and the page read what came."""
        self.broadcaster.told.set()
        asyncio.run(_closing(self.broadcaster._frame(with_movers=False)))
        while self.console is not None and not self.console.waiting.empty():
            lines = dict(
                line.split(": ", 1) for line in self.console.waiting.get_nowait().decode().splitlines() if line
            )
            assert lines["event"] == "frame"
            data = json.loads(lines["data"])
            self.since = data["seq"]
            told = dict(data["conditions"])
            self.shown = {k: v for k, v in (told if data["whole"] else self.shown | told).items() if v}


async def _closing(work: Any) -> None:
    try:
        await work
    finally:
        await live.in_thread(connections.close_all)


@pytest.fixture
def screens(tmp_path: Path) -> Iterator[Screens]:
    """A screen before the small town, whose cabinet feeds two lamps."""
    scene.set_up(tmp_path)
    file = tmp_path / "relations.csv"
    file.write_text("from,kind,to\n" + "".join(f"{CABINET},feeds,{lamp}\n" for lamp in LAMPS))
    twin.import_relations(file, by=people.SYSTEM, at=now())
    yield Screens(scene.who())


def level(code: str, value: int, broadcaster: live.Broadcaster | None = None) -> None:
    """Commit how fresh an asset is; tell `live`, unless the engine was killed before it could."""
    asset = twin_queries.get_asset(code).id
    with connection.cursor() as cursor:
        twin.set_freshness(cursor, [(asset, value)], now())
    if broadcaster is not None:
        broadcaster.conditions.hear([(asset, value)])


def ids(*codes: str) -> list[int]:
    return [twin_queries.get_asset(code).id for code in codes]


def release() -> None:
    """Let the alarms stand that nothing explains any more, as an engine's tick does, half an hour on."""
    at = now() + 30 * MINUTE
    with transaction.atomic():
        applied = alarms.apply_transitions([], at=at)
        append([*applied.lines, *incidents.follow_alarms(applied, at=at)], at=at)


ACTS: dict[str, Callable[[Screens], None]] = {
    "the cabinet trips": lambda _: scene.happen("raise", TRIPPED, [CABINET]),
    "the cabinet is back": lambda _: scene.happen("return", TRIPPED, [CABINET]),
    "lamps go dark": lambda _: scene.happen("raise", DARK, LAMPS),
    "a lamp shines": lambda _: scene.happen("return", DARK, LAMPS[:1]),
    "a lamp falls silent": lambda s: level("L-1", 2, s.broadcaster),
    "a lamp falls silent, its engine with it": lambda _: level("L-2", 2),
    "a lamp reports again": lambda s: level("L-1", 0, s.broadcaster),
    "a silence alarm": lambda _: scene.happen("raise", SILENT, ["L-1"]),
    "time releases": lambda _: release(),
    "the stream is cut": lambda s: s.cut(),
    "live is killed": lambda s: s.restart_live(),
}


@pytest.mark.parametrize("seed", range(6))
def test_old_map_and_frames_are_a_fresh_map_whatever_happens(screens: Screens, seed: int) -> None:
    walk = random.Random(seed)
    for _ in range(25):
        name = walk.choice(sorted(ACTS))
        ACTS[name](screens)
        if screens.console is not None or walk.random() < 0.5:
            screens.connect()
            screens.frame()
            assert screens.shown == reading.all_conditions(), name


def test_lamps_that_an_alarm_explains_turn_on_an_open_map(screens: Screens) -> None:
    screens.frame()
    lamps, (cabinet,) = ids(*LAMPS), ids(CABINET)
    scene.happen("raise", DARK, LAMPS)
    screens.frame()
    assert screens.shown == dict.fromkeys(lamps, 13)
    scene.happen("raise", TRIPPED, [CABINET])
    screens.frame()
    assert screens.shown == dict.fromkeys(lamps, 20) | {cabinet: 12}
    scene.happen("return", TRIPPED, [CABINET])
    scene.happen("return", DARK, LAMPS)
    screens.frame()
    assert screens.shown == {}


def test_a_reading_of_the_store_does_not_undo_what_was_heard_meanwhile(screens: Screens) -> None:
    conditions = screens.broadcaster.conditions
    (lamp,) = ids("L-1")
    conditions.begin()
    found = reading.causes_of_conditions()
    conditions.hear([(lamp, 2)])
    conditions.take(*found)
    assert conditions.whole() == [[lamp, 2]]


def test_who_may_see_one_commune_is_told_no_other(screens: Screens) -> None:
    ours, other = ids("L-1", "L-2")
    assert screens.console is not None
    screens.console.ours = frozenset([ours])
    level("L-1", 2, screens.broadcaster)
    level("L-2", 2, screens.broadcaster)
    screens.frame()
    assert screens.shown == {ours: 2}
    level("L-1", 1, screens.broadcaster)
    level("L-2", 1, screens.broadcaster)
    screens.frame()
    assert (screens.shown, other in screens.shown) == ({ours: 1}, False)


def test_a_frame_that_fails_leaves_no_map_behind(screens: Screens, monkeypatch: pytest.MonkeyPatch) -> None:
    screens.frame()
    scene.happen("raise", TRIPPED, [CABINET])

    def failing(*_: Any) -> Any:
        raise OSError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(live.frames, "fragments_for", failing)
        with pytest.raises(OSError, match="went away"):
            screens.frame()
    screens.frame()
    assert screens.shown == reading.all_conditions() != {}
