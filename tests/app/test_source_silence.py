"""A source that is heard no more: one alarm for it, those of its equipment explained by it, and what stays silent comes back.

The engine's own applier on the real database, with a clock of the test's: hours pass at once, and a restart loads anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from beffroi.app.engine.applying import Applier
from beffroi.app.engine.decoding import Decoded, make_ready
from beffroi.app.engine.knowing import learn
from beffroi.foundation.clock import MINUTE, SECOND, Instant
from beffroi.kernel.alarms import actions as alarm_actions
from beffroi.kernel.alarms.models import Alarm
from beffroi.kernel.alarms.rules import parse_definitions
from beffroi.kernel.incidents import models as incidents
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.types import Role
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.actions import Tally
from tests.app.conftest import BY
from tests.kernel.alarms.factories import viewer

PROFILE = Path(__file__).parents[2] / "src/beffroi/app/profile/alarms.yaml"
T0 = 1_780_000_000 * SECOND
pytestmark = pytest.mark.django_db


class Town:
    """One source of cabinets, an engine that reads it, and a clock."""

    def __init__(self, folder: Path, cabinets: int) -> None:
        self.now = T0
        self.codes = [f"A-{k}" for k in range(cabinets)]
        rows = [f"{code},lighting_cabinet,5.04,47.32,{code},lighting" for code in self.codes]
        file = folder / "town.csv"
        file.write_text("\n".join(["asset,class,lon,lat,name,source", *rows]) + "\n")
        actions.import_assets(file, by=BY, at=T0)
        alarm_actions.publish_definitions(parse_definitions(PROFILE.read_text()), by=BY, at=T0)
        self.ids = [queries.get_asset(code).id for code in self.codes]
        self.stands = queries.get_asset("source:lighting").id
        self.start()

    def start(self) -> None:
        """Begin as an engine that has just been started."""
        sources = queries.sources()
        ready, reasons = make_ready(sources)
        assert not reasons
        self.applier: Applier = learn(sources, ready, clock=lambda: self.now)[0]

    def hear(self, *assets: int, **tally: int) -> None:
        """Have equipment report, or a frame of nobody's come when none is named."""
        (source,) = queries.sources()
        decoded = Decoded(
            heard=[(asset, self.now, self.now, 0, {"voltage_v": 231.0}) for asset in assets],
            tallies={source.id: Tally(received=1, last_received_at=self.now, **tally)},
        )
        self.applier.apply([], decoded)

    def pass_time(self, seconds: int) -> None:
        """Let the engine tick once a second."""
        for _ in range(seconds):
            self.now += SECOND
            self.applier.tick()

    def live(self, seconds: int, *, but: int | None = None) -> None:
        """Let time pass while every cabinet reports twice a minute."""
        for _ in range(seconds // 30):
            self.hear(*(asset for asset in self.ids if asset != but))
            self.pass_time(30)


def open_alarms() -> dict[str, int]:
    found: dict[str, int] = {}
    for code, state in Alarm.objects.exclude(state="normal").values_list("code", "state"):
        found[f"{code} {state}"] = found.get(f"{code} {state}", 0) + 1
    return found


@pytest.fixture
def town(tmp_path: Path) -> Town:
    found = Town(tmp_path, cabinets=8)
    found.live(300)
    assert open_alarms() == {}
    return found


def test_gateway_cut_makes_one_alarm_and_explains_the_others(town: Town) -> None:
    town.pass_time(211)
    assert open_alarms() == {"source_silent unacknowledged": 1}
    town.pass_time(180)
    assert open_alarms() == {"source_silent unacknowledged": 1, "lighting_cabinet_silent suppressed": 8}
    (alarm,) = Alarm.objects.filter(code="source_silent")
    assert (alarm.asset_id, alarm.desk, alarm.priority) == (town.stands, "systems", 2)
    assert set(Alarm.objects.filter(state="suppressed").values_list("suppressed_by", flat=True)) == {alarm.pk}
    assert [row.title for row in incidents.Incident.objects.all()] == ["Source muette – lighting"]
    assert dict(queries.freshness_levels())[town.stands] == 2
    told = [line for line in list_lines(limit=100) if line.room == "alarms" and line.verb != "publish_definition"]
    assert [line.verb for line in reversed(told)] == ["raise_alarm", "suppress_alarms"]


def test_those_that_stay_silent_when_the_source_is_back_come_back(town: Town) -> None:
    town.pass_time(391)
    mute = town.ids[3]
    town.live(600, but=mute)
    assert open_alarms() == {
        "source_silent returned_unacknowledged": 1, "lighting_cabinet_silent unacknowledged": 1,
    }  # fmt: skip
    (alarm,) = Alarm.objects.filter(code="lighting_cabinet_silent").exclude(state="normal")
    assert (alarm.asset_id, alarm.suppressed_by_id) == (mute, None)
    assert alarm.announced_at is not None


def test_equipment_that_was_silent_before_is_explained_from_then_on(town: Town) -> None:
    town.live(450, but=town.ids[0])
    assert open_alarms() == {"lighting_cabinet_silent unacknowledged": 1}
    town.pass_time(391)
    assert open_alarms() == {"source_silent unacknowledged": 1, "lighting_cabinet_silent suppressed": 8}


def test_acknowledged_alarm_of_equipment_is_left_to_who_has_it(town: Town) -> None:
    town.live(450, but=town.ids[0])
    Alarm.objects.update(state="acknowledged")
    town.pass_time(391)
    assert open_alarms() == {
        "source_silent unacknowledged": 1, "lighting_cabinet_silent acknowledged": 1,
        "lighting_cabinet_silent suppressed": 7,
    }  # fmt: skip


def test_source_is_heard_by_what_cannot_be_read(town: Town) -> None:
    for _ in range(14):
        town.pass_time(30)
        town.hear(quarantined=1)
    assert open_alarms() == {"lighting_cabinet_silent unacknowledged": 8}


def test_source_whose_equipment_said_nothing_yet_is_not_judged(tmp_path: Path) -> None:
    town = Town(tmp_path, cabinets=2)
    town.pass_time(600)
    assert open_alarms() == {}


@pytest.mark.parametrize("silent_for_s", [100, 215, 391])
def test_restart_in_the_middle_changes_nothing(town: Town, silent_for_s: int) -> None:
    town.pass_time(silent_for_s)
    before = open_alarms()
    town.start()
    town.pass_time(1)
    assert open_alarms() == before
    town.pass_time(400)  # counted from the start: a post that was stopped cannot blame the equipment
    assert open_alarms() == {"source_silent unacknowledged": 1, "lighting_cabinet_silent suppressed": 8}
    town.start()
    town.live(150)
    assert open_alarms() == {"source_silent returned_unacknowledged": 1}


def test_engine_that_dies_before_it_commits_has_raised_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.pass_time(209)

    def die(*_: object, **__: object) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as patch, pytest.raises(ConnectionError), transaction.atomic():
        patch.setattr("beffroi.app.engine.applying.append", die)
        town.pass_time(5)
    assert open_alarms() == {}
    town.start()
    town.pass_time(241)
    assert open_alarms() == {"source_silent unacknowledged": 1}


def test_answers_of_what_is_fetched_are_heard(tmp_path: Path) -> None:
    source = actions.declare_source(
        "feed", "gtfs_rt", by=BY, at=T0, options={"url": "http://127.0.0.1:1/"}, period_s=30
    )
    alarm_actions.publish_definitions(parse_definitions(PROFILE.read_text()), by=BY, at=T0)
    clock: list[Instant] = [T0]
    applier, _ = learn(queries.sources(), make_ready(queries.sources())[0], clock=lambda: clock[0])

    def pass_time(seconds: int, *, answered: bool) -> None:
        for second in range(seconds):
            clock[0] += SECOND
            if answered and second % 2 == 0:
                actions.note_answers({source.pk: clock[0]})
            applier.tick()

    pass_time(300, answered=True)
    assert open_alarms() == {}
    pass_time(130, answered=False)
    assert open_alarms() == {"source_silent unacknowledged": 1}
    pass_time(70, answered=True)
    assert open_alarms() == {"source_silent returned_unacknowledged": 1}


def test_source_out_of_service_is_recorded_and_calls_nobody(town: Town) -> None:
    alarm_actions.take_out_of_service(
        until=town.now + 60 * MINUTE,
        reason="travaux",
        by=viewer("chef", role=Role.ROOM_SUPERVISOR),
        at=town.now,
        source="lighting",
    )
    town.pass_time(391)
    assert open_alarms() == {"source_silent out_of_service": 1, "lighting_cabinet_silent out_of_service": 8}


def test_silences_at_once_are_taken_tick_by_tick_and_a_restart_finds_those_left(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beffroi.app.engine.applying.MOST_SILENCES", 3)
    town.pass_time(330)
    counts = []
    for _ in range(2):
        counts.append(open_alarms().get("lighting_cabinet_silent suppressed", 0))
        town.pass_time(1)
    assert counts == [3, 6]
    town.start()
    town.pass_time(362)
    assert open_alarms() == {"source_silent unacknowledged": 1, "lighting_cabinet_silent suppressed": 8}
