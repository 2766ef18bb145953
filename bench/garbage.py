"""Throws garbage at a post between good readings: `python -m bench.garbage --frames 100000`.

Each frame has the one fate it must meet: stored, quarantined, refused by the engine, or denied by the bus (acknowledged
and dropped by the server, found again in its log). At the end the counters must say exactly that, every good reading must
be in the store, and everything put aside must have a reason. Frames that break MQTT itself must cost the sender its
connection and nobody else anything.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.compare import wait_drained
from bench.load import code_of, payload, source_of
from bench.mqtt import Login, Publisher, connect_packet, publish_packet, remaining_length, text
from bench.post import Post
from bench.results import save, table

STORED, QUARANTINED, REFUSED, DENIED = "stored", "quarantined", "refused", "denied"
VERDICTS = (STORED, QUARANTINED, REFUSED, DENIED)
SOURCES = 2
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame of one gateway, of a kind, with the fate it must meet."""

    kind: str
    group: int
    topic: str
    payload: bytes
    verdict: str


def _body(**fields: Any) -> bytes:
    return json.dumps({"observed_at": time.time_ns() // 1_000_000, **fields}).encode()


def _noise(r: random.Random, most: int) -> bytes:
    return b"\xfe" + r.randbytes(r.randrange(most))


def _truncated(r: random.Random, n: int) -> bytes:
    whole = payload(time.time_ns() // 1000, n, 4, False)
    return whole[: r.randrange(1, len(whole) - 1)]


def _wrong_type(r: random.Random) -> bytes:
    return r.choice(
        (
            _body(power_w="many"),
            _body(power_w=True),
            _body(power_w=None),
            _body(power_w=[1, 2]),
            _body(power_w={"value": 1}),
            _body(lamp_state="molten"),
            _body(lamp_state=7),
            _body(lamp_state=1.5),
            _body(power_w=4, quality="superb"),
            _body(power_w=4, quality=3),
            b"[1,2,3]",
            b"42",
            b'"on"',
            b"null",
            b"true",
            b"{}",
        )
    )


def _huge(r: random.Random) -> bytes:
    value = r.choice(("1e400", "-1e400", "1e300", "-2e12", "9" * 400, "-" + "9" * 40, "NaN", "Infinity", "1e-999999x"))
    return b'{"observed_at":%d,"power_w":%b}' % (time.time_ns() // 1_000_000, value.encode())


def _far(r: random.Random) -> bytes:
    now = time.time_ns() // 1_000_000
    instant: Any = r.choice(
        (0, 1, -1, now - 400 * DAY_MS, now + DAY_MS, 253_402_300_799_999, 1e18, -1e18, 1e300, now * 1000, now // 1000)
    )
    words = r.choice(("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-13-45T99:99:99Z", "2026-01-01T00:00:00",
                      "yesterday", "", "2026-W01-1", "20260101T000000Z", "\u0000"))  # fmt: skip
    return json.dumps({"observed_at": r.choice((instant, words)), "power_w": 41}).encode()


def _unnamed(r: random.Random) -> bytes:
    name = r.choice(("power", "power_furlongs", "_w", "Power_w", "puissance_é_w", "x" * 200 + "_w", "", "\u0000_w", "\ud800_w",
                     "melted_state", "observed_at_w" * 9))  # fmt: skip
    return b'{"observed_at":%d,%b:1}' % (time.time_ns() // 1_000_000, json.dumps(name).encode())


def _broken_text(r: random.Random) -> bytes:
    return r.choice(
        (
            b'{"power_w":"\xff\xfe"}',
            b'{"\xc3\x28_w":1}',
            b"\xef\xbb\xbf" + _body(power_w=1),
            _body(power_w=1).decode().encode("utf-16"),
            b'{"lamp_state":"\\ud800"}',
            b"\0" * r.randrange(1, 300),
            _body(power_w=1) + b"\0",
            b"\0" + _body(power_w=1),
            b'{"power_w":1,"power_w":2}',
        )
    )


def _deep(r: random.Random) -> bytes:
    depth = r.choice((100, 1_000, 7_000))
    return r.choice((b"[" * depth, b'{"a":' * (depth // 3), b"[" * (depth // 2) + b"]" * (depth // 2)))


def _many(r: random.Random) -> bytes:
    return r.choice((_body(**{f"n{k}_w": k for k in range(65)}), b'{"power_w":1' + b" " * 17_000 + b"}"))


def _large(r: random.Random) -> bytes:
    return b'{"power_w":"%b"}' % (b"x" * r.choice((100_000, 1_000_000)))


def shots(
    r: random.Random, count: int, *, assets: int, large_every: int = 5_000, good_every: int = 5
) -> Iterator[Shot]:
    """Yield `count` shots: in turn of chance each kind of garbage, one in `good_every` a good reading.

    Asset k reports under source k % SOURCES; there is no asset above `assets`.
    """
    last = 0
    makers: Mapping[str, Callable[[int], bytes]] = {
        "random bytes": lambda _: _noise(r, 300),
        "truncated JSON": lambda n: _truncated(r, n),
        "wrong types": lambda _: _wrong_type(r),
        "huge numbers": lambda _: _huge(r),
        "far dates": lambda _: _far(r),
        "no quantity": lambda _: _unnamed(r),
        "empty": lambda _: b"",
        "broken text": lambda _: _broken_text(r),
        "deep nesting": lambda _: _deep(r),
        "too many": lambda _: _many(r),
    }
    elsewhere = {"unknown asset": _unknown, "another source's asset": _strangers, "outside permission": _outside}
    kinds = [*makers, *elsewhere]
    for n in range(count):
        k = r.randrange(assets)
        group = k % SOURCES
        home = f"readings/{source_of(group)}/{code_of(k)}"
        last = max(time.time_ns() // 1000, last + 1)
        if n % good_every == 0:
            yield Shot("good", group, home, payload(last, n, 4, False), STORED)
        elif n % large_every == 1:
            yield Shot("100 kB to 1 MB", group, home, _large(r), QUARANTINED)
        elif (kind := r.choice(kinds)) in makers:
            yield Shot(kind, group, home, makers[kind](n), QUARANTINED)
        else:
            topic, verdict = elsewhere[kind](r, group, k, assets)
            yield Shot(kind, group, topic, payload(last, n, 4, False), verdict)


def _unknown(r: random.Random, group: int, k: int, assets: int) -> tuple[str, str]:
    name = r.choice((code_of(assets + k), "é" * 40, "a.b.c", "x" * 3_000, "a//b", "/", "-", "🚦", "l'allée", "%00"))
    return f"readings/{source_of(group)}/{name}", QUARANTINED


def _strangers(r: random.Random, group: int, k: int, assets: int) -> tuple[str, str]:
    other = (k + 1) % (assets - assets % SOURCES)
    other += other % SOURCES == group
    return f"readings/{source_of(group)}/{code_of(other % assets)}", REFUSED


def _outside(r: random.Random, group: int, k: int, assets: int) -> tuple[str, str]:
    other = source_of((group + 1) % SOURCES)
    name = r.choice((f"readings/{other}/{code_of(k)}", "readings/nobody/x", f"city/{k}", "readings", "frames/buses",
                     "live/values", f"readings/{source_of(group)}"))  # fmt: skip
    return name, DENIED


def throw(logins: Sequence[Login], aimed: Iterator[Shot], rate_per_s: float) -> tuple[list[Shot], set[int]]:
    """Publish every shot; return them, and the places of those that were acknowledged."""
    acked: set[int] = set()
    thrown: list[Shot] = []
    publisher = Publisher(list(logins), links=3, window=100, acked=acked.add, name="garbage")
    publisher.connect(30)
    began = time.monotonic()
    for number, shot in enumerate(aimed):
        while not publisher.offer(shot.group, number, text(shot.topic.encode()), shot.payload):
            publisher.turn(0.002)
        thrown.append(shot)
        if rate_per_s and (ahead := number / rate_per_s - (time.monotonic() - began)) > 0:
            publisher.turn(min(ahead, 0.05))
        elif number % 50 == 0:
            publisher.turn(0)
    publisher.settle(60)
    publisher.close()
    return thrown, acked


def expected(thrown: Sequence[Shot], acked: set[int]) -> Counter[str]:
    """Return how many acknowledged shots must have met each fate."""
    return Counter(shot.verdict for number, shot in enumerate(thrown) if number in acked)


def break_protocol(login: Login, r: random.Random) -> tuple[str, bool]:
    """Break MQTT itself on a connection of its own; return what was done, and whether the server closed it."""
    hello = connect_packet(f"breaker-{r.random()}", login)
    good = publish_packet(text(b"readings/x/y"), b"1", 1)
    deeds: Mapping[str, bytes] = {
        "noise instead of CONNECT": r.randbytes(200),
        "PUBLISH before CONNECT": good,
        "two CONNECTs": hello + hello,
        "length of five bytes": hello + b"\x32\xff\xff\xff\xff\x7f",
        "packet of 256 MB announced": hello + b"\x32\xff\xff\xff\x7f" + b"x" * 1_000,
        "payload over the limit": hello + publish_packet(text(b"readings/x/y"), b"x" * ((1 << 20) + 1), 1),
        "wildcard in a topic": hello + publish_packet(text(b"readings/#"), b"1", 1),
        "NUL in a topic": hello + publish_packet(text(b"readings/\0"), b"1", 1),
        "control character in a topic": hello + publish_packet(text(b"readings/\x7f"), b"1", 1),
        "QoS 3": hello + b"\x36" + remaining_length(16) + text(b"readings/x/y") + b"\0\1",
        "packet identifier 0": hello + publish_packet(text(b"readings/x/y"), b"1", 0),
        "wrong password": connect_packet("x", Login(login.host, login.port, login.username, "wrong")),
        "unknown user": connect_packet("x", Login(login.host, login.port, "nobody", "x")),
    }
    deed = r.choice(sorted(deeds))
    with socket.create_connection((login.host, login.port), timeout=5) as connection:
        try:
            connection.sendall(deeds[deed])
            connection.settimeout(3)
            while connection.recv(4096):
                pass
        except TimeoutError:
            return deed, False
        except OSError:
            return deed, True
    return deed, True


def bombard(options: argparse.Namespace) -> dict[str, Any]:
    """Run the trial; return the figures."""
    r = random.Random(options.seed)
    with Post(sync_interval=options.sync, keep=options.keep) as post:
        logins = post.equip(options.assets, probes=0, sources=SOURCES)
        pids = post.processes()
        before = post.counters()
        _say(f"throwing {options.frames} frames …")
        thrown, acked = throw(logins, shots(r, options.frames, assets=options.assets), options.rate)
        broken = Counter(break_protocol(r.choice(logins), r) for _ in range(options.breaks))
        wanted = expected(thrown, acked)
        wait_drained(post, len(acked) - wanted[DENIED])
        deadline = time.monotonic() + 15
        while post.counters()["denied"] < wanted[DENIED] and time.monotonic() < deadline:
            time.sleep(0.2)
        after = post.counters()
        with post.database() as connection:
            reasons = connection.execute(
                "SELECT verdict, regexp_replace(left(reason, 60), '[0-9]+', 'N', 'g') AS why, count(*), count(*) FILTER"
                " (WHERE reason = '') FROM twin_quarantine GROUP BY 1, 2 ORDER BY 3 DESC"
            ).fetchall()
        restarted = sorted(name for name, pid in post.processes().items() if pids.get(name) != pid)
        ready = post.ready()
    counted = {name: after[name] - before[name] for name in after}
    return {
        "seed": options.seed,
        "thrown": dict(Counter(shot.kind for shot in thrown)),
        "acknowledged": len(acked),
        "expected": {verdict: wanted[verdict] for verdict in VERDICTS},
        "counted": counted,
        "broken": {f"{deed}{'' if closed else ' (LEFT OPEN)'}": n for (deed, closed), n in sorted(broken.items())},
        "reasons": [list(row) for row in reasons],
        "restarted": restarted,
        "ready": ready,
    }


def stands(figures: Mapping[str, Any]) -> bool:
    """Tell whether every frame met its fate, each with a reason, and nothing fell over."""
    wanted, counted = figures["expected"], figures["counted"]
    return bool(
        counted["stored"] == wanted[STORED]
        and counted["quarantined"] + counted["unclaimed"] == wanted[QUARANTINED]
        and counted["refused"] == wanted[REFUSED] + wanted[DENIED]
        and counted["denied"] == wanted[DENIED]
        and counted["received"] + counted["denied"] + counted["unclaimed"] == figures["acknowledged"]
        and not any(empty for *_, empty in figures["reasons"])
        and not figures["restarted"]
        and figures["ready"]
    )


def report(figures: Mapping[str, Any]) -> str:
    """Return the tables for people."""
    kinds = table(("thrown", "frames"), sorted(figures["thrown"].items()))
    fates = table(
        ("fate", "expected", "counted"),
        [
            ("stored", figures["expected"][STORED], figures["counted"]["stored"]),
            (
                "quarantined",
                figures["expected"][QUARANTINED],
                figures["counted"]["quarantined"] + figures["counted"]["unclaimed"],
            ),
            (
                "refused",
                figures["expected"][REFUSED],
                figures["counted"]["refused"] - figures["counted"]["denied"],
            ),
            ("denied by the bus", figures["expected"][DENIED], figures["counted"]["denied"]),
            ("acknowledged", figures["acknowledged"], "-"),
        ],
    )
    reasons = table(("verdict", "reason", "frames"), [row[:3] for row in figures["reasons"][:25]])
    broken = table(("protocol broken", "times"), sorted(figures["broken"].items()))
    return "\n\n".join((kinds, fates, reasons, broken, f"restarted: {figures['restarted']}, ready: {figures['ready']}"))


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print, save."""
    parser = argparse.ArgumentParser(prog="python -m bench.garbage", description=__doc__)
    parser.add_argument("--frames", type=int, default=125_000, help="one in five of them is good")
    parser.add_argument("--rate", type=float, default=0, help="frames a second; 0: as fast as they are acknowledged")
    parser.add_argument("--breaks", type=int, default=200, help="connections that break MQTT itself")
    parser.add_argument("--assets", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sync", default="200ms", help="flush setting of the bus")
    parser.add_argument("--keep", action="store_true", help="leave the post's folder in place")
    figures = bombard(parser.parse_args(arguments))
    print(report(figures))
    print(f"\nsaved in {save('garbage', figures)}")
    if not stands(figures):
        print("THE COUNTS DO NOT AGREE")
        sys.exit(1)


if __name__ == "__main__":
    main()
