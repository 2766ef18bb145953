"""Old page + frames = fresh page, when a frame fails, when the store was another, when values came in between."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connections, transaction

from beffroi.app.engine.applying import raw_cursor
from beffroi.app.processes import live
from beffroi.console import frames
from beffroi.foundation.clock import now
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people import actions as people
from beffroi.kernel.people import queries as who
from beffroi.kernel.people.types import Viewer
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries as assets
from beffroi.kernel.twin.rules import Columns

BY = Actor(ActorKind.SYSTEM, "test", "Essai")
pytestmark = pytest.mark.django_db(transaction=True)


def say(subject: str) -> int:
    with transaction.atomic():
        return append([Entry(BY, "twin", "try", subject)], at=now())


@pytest.fixture
def viewer() -> Viewer:
    """An operator."""
    people.ensure_demonstration_accounts(now())
    return who.viewer_named("operatrice")


def run(work: Any) -> Any:
    async def closing() -> Any:
        try:
            return await work
        finally:
            await live.in_thread(connections.close_all)

    return asyncio.run(closing())


def told(message: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name and the data of an event."""
    lines = dict(line.split(": ", 1) for line in message.decode().strip().splitlines())
    return lines["event"], json.loads(lines["data"])


def test_what_a_failed_frame_held_is_in_the_next(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    broadcaster, draw = live.Broadcaster(), frames.fragments_for
    failures: list[int] = []
    broadcaster.seq = journal.last_seq()
    console = live.Console(viewer, None, broadcaster.seq)
    broadcaster.consoles.add(console)
    last = say("incident:1")

    def failing(*arguments: Any) -> Any:
        if not failures:
            failures.append(1)
            raise OSError("the database went away")
        return draw(*arguments)

    monkeypatch.setattr(frames, "fragments_for", failing)

    async def two_frames() -> None:
        broadcaster.told.set()
        with pytest.raises(OSError, match="went away"):
            await broadcaster._frame(with_movers=False)
        await broadcaster._frame(with_movers=False)

    run(two_frames())
    name, data = told(console.waiting.get_nowait())
    assert (name, data["seq"]) == ("frame", last)
    assert {fragment["target"] for fragment in data["fragments"]} >= {"counters"}


def test_a_page_of_another_store_is_drawn_again_and_one_just_drawn_is_not(viewer: Viewer) -> None:
    broadcaster = live.Broadcaster()
    broadcaster.seq = say("person:a")
    just_drawn = say("person:b")

    async def both() -> tuple[bytes | None, bytes | None]:
        ahead = await broadcaster.bring_forward(live.Console(viewer, None, just_drawn))
        other = await broadcaster.bring_forward(live.Console(viewer, None, just_drawn + 1000))
        return ahead, other

    ahead, other = run(both())
    assert ahead is None
    assert told(other or b"")[0] == "resync"


def test_a_journal_that_went_back_is_shown_from_scratch(viewer: Viewer) -> None:
    broadcaster = live.Broadcaster()
    last = say("person:a")
    broadcaster.seq = last + 500
    console = live.Console(viewer, None, last + 500)
    broadcaster.consoles.add(console)
    broadcaster.told.set()
    run(broadcaster._frame(with_movers=False))
    assert told(console.waiting.get_nowait())[0] == "resync"
    assert broadcaster.seq == last


def test_a_sheet_that_opens_is_told_the_values_as_they_stand(viewer: Viewer, tmp_path: Path) -> None:
    file = tmp_path / "assets.csv"
    file.write_text("asset,class,lon,lat,name,source\nL1,light_point,5.04,47.32,L1,a\n")
    twin.import_assets(file, by=BY, at=now())
    light, at = assets.get_asset("L1").id, now()
    quantity = twin.ensure_quantities(["power_w"])["power_w"]
    twin.ensure_history(at, at)
    one = [np.array([each], np.int64) for each in (light, quantity, at, at, 0)]
    with transaction.atomic():
        twin.store_values(raw_cursor(), Columns(one[0], one[1], np.array([71.5]), one[2], one[3], one[4]))
    broadcaster = live.Broadcaster()
    broadcaster.seq = journal.last_seq()
    message = run(broadcaster.bring_forward(live.Console(viewer, light, broadcaster.seq)))
    assert told(message)[1]["values"] == [["power_w", 71.5, at, at]]
