"""The alarm conscience: targets at their boundaries, sums that may be made twice, and a week counted anew from the journal."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from django.db import transaction

from beffroi.foundation.clock import DAY, HOUR, MINUTE, SECOND, Instant
from beffroi.foundation.errors import Conflict
from beffroi.kernel.alarms import actions, models, queries
from beffroi.kernel.alarms.rules import figures as rules
from beffroi.kernel.alarms.rules.figures import BadActor, Figures, Load, Mark, Slot
from beffroi.kernel.alarms.types import Flood, Transition
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import Filters, list_lines
from beffroi.kernel.journal.types import Line
from beffroi.kernel.people.actions import SYSTEM
from beffroi.kernel.people.types import WHOLE_ROOM, Post, Viewer
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, make_asset, relate, viewer

T = 1_780_000_200_000_000  # a whole slot
LIGHTING, TRAFFIC = Post("lights", "Éclairage", ("lighting",)), Post("traffic", "Circulation", ("traffic",))
POSTS = (LIGHTING, TRAFFIC, WHOLE_ROOM)
FLASHING = replace(TRIPPED, code="junction_flashing", title="Clignotant", desk="traffic", asset_class="intersection")
FIRE = replace(TRIPPED, code="junction_dark", title="Éteint", desk="traffic", asset_class="intersection", priority=1)


@pytest.mark.parametrize(
    ("value", "mark"), [(None, Mark.NONE), (1.0, Mark.GOOD), (1.01, Mark.FAIR), (2.0, Mark.FAIR), (2.01, Mark.BAD)]
)
def test_figure_is_judged_at_its_targets(value: float | None, mark: Mark) -> None:
    assert rules.judge(value, 1, 2) is mark


def test_load_adds_slots_and_finds_the_peak() -> None:
    slots = [Slot(T, 2, 3, 1, 30.0, 30.0), Slot(T, 4, 9), Slot(T + 10 * MINUTE, 4, 8, 2, 90.0, 60.0)]
    load = rules.load_of(slots, T, T + HOUR)
    assert load == Load(20, 20 / 6, 480.0, 12, {2: 3, 4: 17}, 3, 40.0, 60.0)
    assert rules.load_of([], T, T) == Load(0, 0.0, 0.0, 0, {}, 0, None, None)


def test_share_in_flood_is_clipped_to_the_period() -> None:
    floods = [Flood("p", T - HOUR, T + 6 * MINUTE, 10, 10), Flood("p", T + 54 * MINUTE, None, 10, 10)]
    assert rules.share_in_flood(floods, T, T + HOUR) == pytest.approx(0.2)
    assert rules.shares({1: 1, 2: 3, 3: 10, 4: 6}) == {"low": 0.8, "medium": 0.15, "high": 0.05}


# -- a week ----------------------------------------------------------------------------------------------------------


def _happen(kind: str, code: str, assets: list[int], at: Instant) -> None:
    with transaction.atomic():
        moves = [Transition(kind, code, asset, 1.0, at) for asset in assets]  # type: ignore[arg-type]
        append(actions.apply_transitions(moves, at=at).lines, at=at)


class _Week:
    """A seeded week of a post: a steady rhythm, three storms, a chattering detector, alarms left standing for days."""

    def __init__(self, seed: int, by: Viewer) -> None:
        self.random = Random(seed)
        self.by = by
        self.cabinets = [make_asset(f"ARM-{i:02}") for i in range(24)]
        self.lights = [make_asset(f"PL-{i:02}", "light_point") for i in range(40)]
        self.junctions = [make_asset(f"CAR-{i:02}", "intersection") for i in range(20)]
        for i, cabinet in enumerate(self.cabinets[:10]):
            relate(cabinet, "feeds", *self.lights[i * 4 : i * 4 + 4])
        self.on: set[tuple[str, int]] = set()

    def events(self) -> Iterator[tuple[Instant, str]]:
        """Yield (instant, what): looks every half hour, acts in between."""
        found = [(T + i * 30 * MINUTE, "look") for i in range(1, 7 * 48 + 1)]
        found += [(T + int(self.random.uniform(0, 7 * DAY)), "move") for _ in range(300)]
        found += [(T + int(self.random.uniform(0, 7 * DAY)), "acknowledge") for _ in range(110)]
        for storm in range(3):
            began = T + (2 * storm + 1) * DAY + int(self.random.uniform(0, 8 * HOUR))
            found += [(began + int(self.random.uniform(0, 25 * MINUTE)), "raise") for _ in range(45)]
        chatter = T + 3 * DAY + 5 * HOUR
        found += [(chatter + i * 12 * SECOND, "chatter") for i in range(12)]
        return iter(sorted(found))

    def play(self) -> None:
        for at, what in self.events():
            if what == "look":
                actions.watch_alarms(POSTS, at=at)
                if self.random.random() < 0.2:
                    actions.sum_up(at=at)
            elif what == "acknowledge":
                self._acknowledge(at)
            elif what == "chatter":
                self._flip(FLASHING.code, self.junctions[0], at)
            else:
                self._move(at, only="raise" if what == "raise" else "")

    def _move(self, at: Instant, only: str) -> None:
        code, assets = self.random.choice(
            [
                (TRIPPED.code, self.cabinets),
                (SILENT.code, self.cabinets),
                (DARK.code, self.lights),
                (FLASHING.code, self.junctions[1:]),
                (FIRE.code, self.junctions[1:]),
            ]
        )
        asset = self.random.choice(assets)
        if only and (code, asset) in self.on:
            return
        self._flip(code, asset, at)

    def _flip(self, code: str, asset: int, at: Instant) -> None:
        kind = "return" if (code, asset) in self.on else "raise"
        self.on ^= {(code, asset)}
        _happen(kind, code, [asset], at)

    def _acknowledge(self, at: Instant) -> None:
        standing = queries.list_open(seen_by=self.by, limit=100)
        for alarm in self.random.sample(standing, min(3, len(standing))):
            try:
                actions.acknowledge_alarm(alarm.id, by=self.by, at=at)
            except Conflict:
                continue


def _every_line() -> list[Line]:
    lines: list[Line] = []
    before = None
    while page := list_lines(Filters(before_seq=before), limit=500):
        lines += page
        before = page[-1].seq
    return lines[::-1]


class _Recount:
    """The figures of a post, counted with nothing but the lines of the journal. Shares no code with what it judges."""

    def __init__(self, lines: list[Line], desks: tuple[str, ...], until: Instant) -> None:
        self.until = until
        of_post = [line for line in lines if not desks or line.content.get("desk") in desks]
        self.explained = [line for line in lines if line.verb == "suppress_alarms"]
        self.announced = [line for line in of_post if line.verb in ("raise_alarm", "release_alarm")]
        self.lines = of_post

    def floods(self) -> list[tuple[Instant, Instant | None]]:
        window: deque[Instant] = deque()
        at_of = sorted(line.recorded_at for line in self.announced)
        coming = deque(at_of)
        moments = sorted({*at_of, *(at + 600_000_000 for at in at_of)})
        floods: list[tuple[Instant, Instant | None]] = []
        for moment in (m for m in moments if m <= self.until):
            while coming and coming[0] <= moment:
                window.append(coming.popleft())
            while window and window[0] <= moment - 600_000_000:
                window.popleft()
            lasts = bool(floods) and floods[-1][1] is None
            if not lasts and len(window) > 9:
                floods.append((moment, None))
            elif lasts and len(window) < 5:
                floods[-1] = (floods[-1][0], moment)
        return floods

    def waits(self) -> list[float]:
        last: dict[str, Instant] = {}
        waits = []
        for line in self.lines:
            if line.verb in ("raise_alarm", "release_alarm"):
                last[line.subject] = line.recorded_at
            elif line.verb == "acknowledge_alarm":
                waits.append((line.recorded_at - last[line.subject]) / 1_000_000)
        return waits

    def chatters(self) -> int:
        raises: dict[tuple[str, str], list[Instant]] = defaultdict(list)
        for line in self.announced:
            raises[line.content["code"], line.content["asset"]].append(line.recorded_at)
        count = 0
        for instants in raises.values():
            calm_from = 0
            for first, _second, third in zip(instants, instants[1:], instants[2:], strict=False):
                if third - first <= 60_000_000 and first >= calm_from:
                    count += 1
                    later = [at for at in instants if at >= third]
                    last = third
                    for at in later:
                        if at - last < 600_000_000:
                            last = at
                    calm_from = last + 600_000_000
        return count

    def stale(self) -> int:
        """Those that stood, at one of the looks, for more than a day since they were last announced."""
        told: dict[str, Instant] = {}
        acknowledged: set[str] = set()
        returned: set[str] = set()
        spans: list[tuple[str, Instant, Instant]] = []
        about: dict[str, tuple[str, str]] = {}
        for line in sorted([*self.lines, *self.explained], key=lambda each: each.seq):
            name = line.subject
            if line.verb == "suppress_alarms":
                for each, (asset, code) in about.items():
                    hidden = asset in line.content["assets"] and code in line.content["codes"]
                    if hidden and each in told and each not in acknowledged and each not in returned:
                        spans.append((each, told.pop(each), line.recorded_at))
                continue
            if "asset" in line.content:
                about[name] = (line.content["asset"], line.content["code"])
            if line.verb in ("raise_alarm", "release_alarm"):
                if name in told:
                    spans.append((name, told[name], line.recorded_at))
                told[name] = line.recorded_at
                returned.discard(name)
            elif line.verb == "acknowledge_alarm":
                acknowledged.add(name)
            elif line.verb == "return_alarm":
                returned.add(name)
            if name in acknowledged and name in returned and name in told:
                spans.append((name, told.pop(name), line.recorded_at))
        spans += [(name, at, self.until + 1) for name, at in told.items()]
        looks = [T + i * 1_800_000_000 for i in range(1, 7 * 48 + 1)]
        return len(
            {
                name
                for name, began, ended in spans
                if any(began < look - 86_400_000_000 and look < ended for look in looks)
            }
        )


def _recounted(post: Post, lines: list[Line], until: Instant) -> dict[str, object]:
    count = _Recount(lines, post.desks, until)
    floods, waits = count.floods(), count.waits()
    spent = sum(min(end or until, until) - began for began, end in floods)
    by_slot = Counter(line.recorded_at // 600_000_000 for line in count.announced)
    codes = Counter(line.content["code"] for line in count.announced)
    total = len(count.announced)
    return {
        "announced": total,
        "per_10_min": pytest.approx(total / (7 * 144)),
        "peak": max(by_slot.values()),
        "by_priority": dict(sorted(Counter(line.content["priority"] for line in count.announced).items())),
        "floods": len(floods),
        "in_flood": pytest.approx(spent / (7 * DAY)),
        "acknowledged": len(waits),
        "mean_s": pytest.approx(sum(waits) / len(waits)),
        "longest_s": pytest.approx(max(waits)),
        "chatters": count.chatters(),
        "stale": count.stale(),
        "worst": sorted(((n, code) for code, n in codes.items()), key=lambda pair: (-pair[0], pair[1]))[:10],
    }


def _told(found: Figures) -> dict[str, object]:
    return {
        "announced": found.load.announced,
        "per_10_min": found.load.per_10_min,
        "peak": found.load.peak_10_min,
        "by_priority": dict(found.load.by_priority),
        "floods": found.floods,
        "in_flood": found.in_flood,
        "acknowledged": found.load.acknowledged,
        "mean_s": found.load.acknowledge_mean_s,
        "longest_s": found.load.acknowledge_longest_s,
        "chatters": found.chatters,
        "stale": found.became_stale,
        "worst": [(each.count, each.code) for each in found.worst],
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [7])
def test_figures_of_a_week_are_those_counted_from_the_lines_of_the_journal(seed: int) -> None:
    actions.publish_definitions([TRIPPED, DARK, SILENT, FLASHING, FIRE], by=SYSTEM, at=T - 1)
    _Week(seed, viewer("nadia")).play()
    until = T + 7 * DAY + 1
    lines = [line for line in _every_line() if line.recorded_at >= T]
    for post in POSTS:
        expected = _recounted(post, lines, until - 1)
        assert _told(queries.figures(post, T, until)) == expected, post
    assert {"begin_chatter", "open_flood", "close_flood", "mark_stale"} <= {line.verb for line in lines}
    before = queries.figures(WHOLE_ROOM, T, until)
    actions.sum_up(at=until)
    actions.sum_up(at=until + DAY)
    assert queries.figures(WHOLE_ROOM, T, until) == before
    models.Tally.objects.all().delete()
    models.Watching.objects.filter(pk="sums").delete()
    assert queries.figures(WHOLE_ROOM, T, until) == before


@pytest.mark.django_db
def test_worst_alarm_is_named_with_its_worst_equipment_and_what_was_said_of_it() -> None:
    actions.publish_definitions([TRIPPED, FLASHING], by=SYSTEM, at=T)
    bad, good = make_asset("ARM-1"), make_asset("ARM-2")
    for i in range(3):
        _happen("raise", TRIPPED.code, [bad], T + i * MINUTE)
        _happen("return", TRIPPED.code, [bad], T + i * MINUTE + 1)
    _happen("raise", TRIPPED.code, [good], T + HOUR)
    _happen("raise", FLASHING.code, [make_asset("C-1", "intersection")], T + HOUR)
    first, second = queries.worst(WHOLE_ROOM, T, T + DAY)
    assert first == BadActor(
        TRIPPED.code, TRIPPED.title, 2, "lighting", 4, 0.8, 2, "ARM-1", "Équipement ARM-1", 3, 0, 0, 0, 0
    )  # fmt: skip
    assert (second.code, second.count, [each.code for each in queries.worst(TRAFFIC, T, T + DAY)]) == (
        FLASHING.code, 1, [FLASHING.code],
    )  # fmt: skip
