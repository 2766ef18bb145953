"""A whole city is dimmed at once: how long it takes, what share a reading shows, who refuses, who stays silent.

Run: `python -m bench.commands`. A post of its own, and simulated lamps and cabinets behind one MQTT gateway, which take
commands from the wire. Beside it: a cabinet commanded alone while the city is being dimmed, and the pace that the source
is set to (`--per-s`), which is the limit of the run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

from beffroi.foundation.clock import now
from beffroi.rehearsal.equipment.lighting import Lighting
from beffroi.rehearsal.heeding import Heeding
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.transmission import Gateway, Link
from bench.mqtt import Login
from bench.post import Post
from bench.results import save, shown, table

LAMPS_A_CABINET = 40
SOURCE = "lighting"


class City:
    """Simulated lamps and cabinets, speaking and obeying over one gateway, in a thread with a loop of its own."""

    def __init__(self, lamps: int) -> None:
        def item(code: str, asset_class: str) -> Item:
            return Item(code, asset_class, SOURCE, code, code, 5.04, 47.32, {"rated_w": "75"})

        self.lamps = [item(f"L-{n:05d}", "light_point") for n in range(lamps)]
        self.cabinets = [item(f"A-{n:04d}", "lighting_cabinet") for n in range(-(-lamps // LAMPS_A_CABINET))]
        self.feeds: dict[str, list[str]] = {cabinet.code: [] for cabinet in self.cabinets}
        for n, lamp in enumerate(self.lamps):
            self.feeds[self.cabinets[n // LAMPS_A_CABINET].code].append(lamp.code)

    def inventory(self) -> str:
        """Return the inventory as the post imports it."""
        rows = [
            f"{each.code},{each.asset_class},{5 + k % 200 / 2000:.5f},{47.3 + k // 200 / 4000:.5f},{each.code},{SOURCE}"
            for k, each in enumerate([*self.lamps, *self.cabinets])
        ]
        return "\n".join(["asset,class,lon,lat,name,source", *rows]) + "\n"

    def start(self, login: Login) -> None:
        """Play for ever."""
        model = Lighting(self.lamps, self.cabinets, self.feeds, (5.04, 47.32), now(), Random(1))
        link = Link(SOURCE, Gateway(login.username, login.password, "mqtt_json"), login.host, login.port)
        link.heeding = self.heeding = Heeding(SOURCE, [model], now)

        async def play() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run())
                while True:
                    for said in model.step(now()):
                        await link.say(said)
                    await asyncio.sleep(0.1)

        threading.Thread(target=lambda: asyncio.run(play()), daemon=True).start()


def call(post: Post, token: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the post's API. Raises RuntimeError with what it says of a refusal."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(f"{post.url}/api/v1/{path}", data, headers), timeout=120) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise RuntimeError(error.read().decode()) from error


def operator(post: Post, name: str) -> str:
    """Open an operator's account; return a token of it."""
    words = ("--name", name, "--initials", "BE", "--role", "operator", "--reason", "bench")
    post.run("person", "add", name, *words, "--password", "un mot de passe pour le banc")
    return post.run("token", "create", name, "--person", name).strip().splitlines()[-1]


def counts(post: Post, group: str) -> dict[str, int]:
    """Return how many commands of a request are in each state."""
    with post.database() as connection:
        rows = connection.execute(
            "SELECT state, count(*) FROM commands_command WHERE request_id = %s GROUP BY state", [group]
        ).fetchall()
    return {str(state): int(count) for state, count in rows}


def follow(post: Post, token: str, lamps: int, group: str) -> dict[str, Any]:
    """Wait until nothing of a request is expected any more; return when what happened, in seconds since it was asked."""
    began, found, alone = time.monotonic(), {"sent_s": 0.0, "shown_s": 0.0}, None
    while True:
        states, passed = counts(post, group), time.monotonic() - began
        unsent, open_ = (
            states.get("authorised", 0),
            sum(states.get(s, 0) for s in ("authorised", "sent", "acknowledged")),
        )
        if not unsent and not found["sent_s"]:
            found["sent_s"] = passed
        if states.get("effective", 0) >= 0.99 * lamps and not found["shown_s"]:
            found["shown_s"] = passed
        if alone is None and unsent < lamps / 2:
            alone = _alone(post, token)
        if not open_:
            return {**found, "settled_s": passed, "states": states, "alone_s": alone}
        time.sleep(0.25)


def _alone(post: Post, token: str) -> float:
    """Command one lamp of another commune in the midst of it; return after how long a reading showed it."""
    wish = {"ability": "set_level", "parameters": {"level_pct": 80}, "assets": ["X-0"], "reason": "banc"}
    began = time.monotonic()
    asked = call(post, token, "commands", wish)
    while call(post, token, f"commands/{asked['id']}")["state"] not in ("effective", "failed", "expired"):
        time.sleep(0.02)
    return time.monotonic() - began


def delays(post: Post, group: str) -> tuple[Sequence[float], Sequence[float]]:
    """Return, of the commands of a request, the seconds from sending to acknowledgement, and to the reading that shows it."""
    with post.database() as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM acknowledged_at - sent_at), extract(epoch FROM effective_at - sent_at)"
            " FROM commands_command WHERE request_id = %s AND sent_at IS NOT NULL",
            [group],
        ).fetchall()
    return [float(a) for a, _ in rows if a is not None], [float(e) for _, e in rows if e is not None]


def measure(post: Post, lamps: int) -> dict[str, Any]:
    """Dim the city, then give it back to its schedule."""
    city = City(lamps)
    city.lamps.append(Item("X-0", "light_point", SOURCE, "X-0", "X-0", 5.3, 47.5, {"rated_w": "75"}))
    inventory = post.folder / "city.csv"
    inventory.write_text(city.inventory())
    post.run("import", "assets", str(inventory))
    city.start(post.add_gateway("city", SOURCE))
    while post.counters()["stored"] < lamps:
        time.sleep(0.5)
    token = operator(post, "banc")
    codes = [lamp.code for lamp in city.lamps[:lamps]]
    wish = {"ability": "set_level", "parameters": {"level_pct": 30}, "assets": codes, "reason": "banc"}
    began = time.monotonic()
    tried = call(post, token, "commands", wish | {"dry_run": True})
    dry_s = time.monotonic() - began
    began = time.monotonic()
    asked = call(post, token, "commands", wish)
    ask_s = time.monotonic() - began
    found = follow(post, token, lamps, asked["id"])
    acknowledged, shown_after = delays(post, asked["id"])
    undone = call(post, token, f"commands/{asked['id']}/revert", {})
    back = follow(post, token, undone["size"], undone["id"])
    return {
        "lamps": lamps, "touched": len(tried["touched"]), "dry_run_s": dry_s, "ask_s": ask_s, **found,
        "acknowledged_s": acknowledged, "shown_after_s": shown_after, "back": back, "undone": undone["size"],
        "done_by_equipment": city.heeding.done, "quarantined": post.counters()["quarantined"],
    }  # fmt: skip


def told(figures: Mapping[str, Any], per_s: int) -> str:
    """Return the figures for people."""
    states, lamps = figures["states"], figures["lamps"]
    shown_after = figures["shown_after_s"]
    rows = [
        ("lamps asked", f"{lamps:,}"),
        ("dry run that names them all", f"{shown(figures['dry_run_s'])} s"),
        ("asking, one transaction", f"{shown(figures['ask_s'])} s"),
        (f"all sent (limit at {per_s}/s: {lamps / per_s:,.0f} s)", f"{shown(figures['sent_s'])} s"),
        ("99 % shown by a reading", f"{shown(figures['shown_s'])} s"),
        ("nothing expected any more", f"{shown(figures['settled_s'])} s"),
        ("shown by a reading", f"{states.get('effective', 0):,} ({states.get('effective', 0) / lamps:.2%})"),
        ("refused", f"{states.get('failed', 0):,}"),
        ("silent", f"{states.get('expired', 0):,}"),
        ("sending to acknowledgement, p50 / p99", _pair(figures["acknowledged_s"])),
        ("sending to proof, p50 / p99", _pair(shown_after)),
        ("one lamp commanded in the midst, to its proof", f"{shown(figures['alone_s'], 2)} s"),
        (
            "given back to the schedule, shown",
            f"{figures['back']['states'].get('effective', 0):,} of {figures['undone']:,}",
        ),
        ("acts done by equipment (each command once)", f"{figures['done_by_equipment']:,}"),
    ]
    return table(("What", "Figure"), rows)


def _pair(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{np.percentile(values, 50):.2f} / {np.percentile(values, 99):.2f} s"


def main() -> int:
    """Measure, print, save; 1 when a count does not agree."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--lamps", type=int, default=34_000)
    words.add_argument("--per-s", type=int, default=200)
    words.add_argument("--keep", action="store_true")
    asked = words.parse_args()
    with Post(keep=asked.keep, sync_interval="200ms") as post:
        post.run(*("source", "add", SOURCE, "--connector", "mqtt_json", "--setting", f"commands_per_s={asked.per_s}"))
        figures = measure(post, asked.lamps)
    print(told(figures, asked.per_s))
    with suppress(OSError):
        summary = {k: v for k, v in figures.items() if k not in ("acknowledged_s", "shown_after_s")}
        print(save("commands", summary))
    settled = sum(figures["states"].values())
    effective = figures["states"].get("effective", 0) + figures["back"]["states"].get("effective", 0) + 1
    return 0 if settled == asked.lamps and figures["done_by_equipment"] >= effective else 1


if __name__ == "__main__":
    raise SystemExit(main())
