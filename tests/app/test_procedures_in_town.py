"""Each procedure of the library on what the simulated city does: the event raises the alarm, the alarm opens the incident, the
procedure is proposed for it, the room and its crews run it, and equipment obeys, refuses with its reason, or stays silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from beffroi.app.provision import procedure_files
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.commands import queries as command_queries
from beffroi.kernel.commands.types import CommandState
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.dispatch.queries import missions_of_incident
from beffroi.kernel.dispatch.types import Mission, MissionState
from beffroi.kernel.incidents.types import Incident
from beffroi.kernel.procedures import actions, queries, rules
from beffroi.kernel.procedures.types import (
    Checklist,
    Command,
    Dispatch,
    Instruction,
    Notification,
    Placed,
    Question,
    Run,
    RunStatus,
    StepState,
    Wait,
)
from tests.app.small_town import Town, found

pytestmark = pytest.mark.django_db
LIBRARY = {each.code: each for each in rules.parse_library(procedure_files())}
MOST_ROUNDS = 60


@dataclass(frozen=True)
class Story:
    """What happens: equipment that fails in one way (`event`), or something that people tell (`told`); what the room
    answers; which sources' commands are lost on their way; and how each command step must end, with its commands' states.
    """

    procedure: str
    event: tuple[str, str] = ("", "")
    alarm: str = ""
    told: tuple[str, str] = ("", "")
    proposed: bool = True
    answers: Mapping[str, str] = field(default_factory=dict)
    deaf: tuple[str, ...] = ()
    commands: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    mended_at: str = ""
    """The wait during which people on site, whom no step engages, put things right."""


OBEYED, REFUSED, SILENT = ("done", "effective"), ("failed", "failed"), ("failed", "expired")
STORIES = {
    "a cabinet trips, and refuses to be rearmed from afar": Story(
        "lighting_cabinet_tripped", ("cabinet_trip", "A-001"), "lighting_cabinet_tripped",
        answers={"cause": "nothing"}, commands={"rearm": REFUSED},
    ),
    "a lamp fails, obeys, and stays dark": Story(
        "light_out", ("lamp_fault", "L-001"), "light_point_fault", ("light_out", "L-001"),
        answers={"alone": "alone"}, commands={"wake": OBEYED},
    ),
    "a lamp fails, and is silent": Story(
        "light_out", ("lamp_fault", "L-002"), "light_point_fault", ("light_out", "L-002"),
        answers={"alone": "alone"}, deaf=("lighting",), commands={"wake": SILENT},
    ),
    "a cabinet stands open, somebody works in it": Story(
        "lamp_post_hit", ("cabinet_door", "A-001"), "lighting_cabinet_door_open",
        answers={"hurt": "no", "outcome": "verified"}, commands={"cut": REFUSED},
    ),
    "a mast is hit, its feeder is cut": Story(
        "lamp_post_hit", told=("electrical_hazard", "L-003"),
        answers={"hurt": "unknown", "outcome": "grid"}, commands={"cut": OBEYED},
    ),
    "a junction flashes by itself, and refuses": Story(
        "intersection_flashing", ("intersection_flashing", "C-001"), "intersection_flashing",
        answers={"danger": "yes"}, commands={"reset": REFUSED},
    ),
    "a junction flashes, and is silent": Story(
        "intersection_flashing", ("intersection_flashing", "C-001"), "intersection_flashing",
        answers={"danger": "no"}, deaf=("traffic",), commands={"reset": SILENT},
    ),
    "a junction is dark": Story(
        "intersection_dark", ("intersection_dark", "C-001"), "intersection_dark", answers={"seen": "dark"},
    ),
    "a bollard is stuck up, and refuses": Story(
        "bollard_stuck", ("bollard_fault", "B-001"), "bollard_fault",
        answers={"position": "up"}, commands={"lower": REFUSED},
    ),
    "a bollard is stuck half way": Story(
        "bollard_stuck", ("bollard_fault", "B-001"), "bollard_fault", answers={"position": "half"},
    ),
    "fire in a building": Story(
        "building_fire", ("building_fire", "H-001"), "building_fire",
        answers={"people": "occupied", "doubt": "real", "end": "out"}, mended_at="back",
    ),
    "somebody is in a building": Story(
        "building_intrusion", ("building_intrusion", "H-001"), "building_intrusion",
        answers={"doubt": "unsure", "seen_there": "broken"}, mended_at="rearmed",
    ),
    "a road accident at night": Story(
        "road_accident", told=("road_accident", ""),
        answers={"confirm": "serious", "reopen": "open"}, commands={"green": OBEYED, "light": OBEYED},
    ),
    "a van before an emergency exit": Story(
        "exit_blocked", told=("obstruction", ""), answers={"seen": "blocked", "decided": "remove"},
    ),
    "a main bursts": Story(
        "water_leak", told=("flooded_road", ""),
        answers={"size": "burst", "frost": "yes", "repaired": "done"}, commands={"plan": OBEYED},
    ),
    "a storm": Story("storm", told=("fallen_tree", ""), answers={"scale": "many", "crisis": "yes"}),
    "the road of the hospital is cut, its junctions are silent": Story(
        "hospital_road_blocked", told=("road_damage", ""), proposed=False,
        deaf=("traffic",), commands={"green": SILENT},
    ),
    "a market: bollards go down, junctions do not know its plan": Story(
        "event_plan", told=("other_request", ""), proposed=False,
        answers={"over": "yes"}, commands={"open": OBEYED, "plan": REFUSED},
    ),
    "rescuers pass, the bollard obeys": Story(
        "bollard_rescue", told=("obstruction", ""), proposed=False,
        answers={"passed": "out"}, commands={"lower": OBEYED},
    ),
    "rescuers wait, the bollard is silent": Story(
        "bollard_rescue", told=("obstruction", ""), proposed=False,
        answers={"passed": "out"}, deaf=("bollards",), commands={"lower": SILENT},
    ),
    "a danger is marked off": Story("cordon", told=("road_damage", ""), proposed=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def founded(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The town, once for all stories; what each does is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        found(tmp_path_factory.mktemp("town"), LIBRARY.values())
        yield
        transaction.set_rollback(True)


@pytest.fixture
def town(founded: None, db: None) -> Town:
    return Town()


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_each_procedure_is_run_to_its_end_on_what_the_city_does(town: Town, story: Story) -> None:
    incident = begin(town, story)
    proposed = [each.procedure.code for each in queries.proposed_for(incident)]
    assert (story.procedure in proposed[:1]) is story.proposed, proposed
    run = actions.start(story.procedure, incident.id, by=town.room, at=town.now)
    over = Playing(town, story).play(run.id)
    assert over.state.status is RunStatus.DONE
    assert rules.left_of(over.state) == []
    assert {key: ended(over, key) for key in commands_of(over)} == story.commands


def begin(town: Town, story: Story) -> Incident:
    """Bring the event about, and return the incident that came of it: by its alarm, or told by whoever saw it."""
    town.deaf = set(story.deaf)
    if not story.alarm:
        return town.told(*story.told)
    town.fail(*story.event)
    alarm = town.raised(story.alarm)
    incident = town.told(*story.told) if story.told[0] else town.opened_by(alarm)
    assert incident.desk == LIBRARY[story.procedure].desk
    return incident


def commands_of(run: Run) -> list[str]:
    """Return the command steps that were reached."""
    return [each.key for each in rules.placed(run.state) if isinstance(each.step, Command) and each.run is not None]


def ended(run: Run, key: str) -> tuple[str, str]:
    """Return how a command step ended, and the state of its commands: one, for all of them."""
    _number, states = asked_of(run, key)
    return str(run.state.steps[key].state), " ".join(sorted(states))


def asked_of(run: Run, key: str) -> tuple[UUID, set[CommandState]]:
    """Return the number of what a command step asked for, and the states of its commands."""
    kind, _, name = run.state.steps[key].reference.partition(":")
    if kind == "command":
        return UUID(name), {command_queries.command(UUID(name)).state}
    return UUID(name), {state for state, count in command_queries.group(UUID(name)).counts.items() if count}


class Playing:
    """The room, its second person, the police and the crews, who do what a run asks of them."""

    def __init__(self, town: Town, story: Story) -> None:
        self.town, self.story = town, story

    def play(self, run: int) -> Run:
        """Do what stands, let time pass, until the run is over."""
        for _ in range(MOST_ROUNDS):
            found = queries.run(run, self.town.room)
            if found.state.status is not RunStatus.RUNNING:
                return found
            acted = [each.key for each in rules.placed(found.state) if self._do(found, each)]
            acted += [mission.title for mission in missions_of_incident(found.incident) if self._go_on(mission)]
            self.town.pass_time(*((4, 2) if acted else (40, 10)))
        standing = [each.key for each in rules.placed(found.state) if each.run and rules.is_standing(each.run)]
        raise AssertionError(f"it does not end: {standing} stand")

    def _do(self, run: Run, placed: Placed) -> bool:
        """Do one step, if it waits for somebody; tell whether something was done."""
        if placed.run is None or not rules.is_standing(placed.run):
            return False
        by, at, key = self.town.room, self.town.now, placed.key
        asked = placed.run.state is StepState.ASKED
        match placed.step:
            case Instruction():
                actions.confirm(run.id, key, note="Vu.", by=by, at=at)
            case Question():
                actions.answer(run.id, key, self.story.answers[key], by=by, at=at)
            case Checklist(items=items):
                for item in range(len(items)):
                    actions.tick(run.id, key, item, by=by, at=at)
            case Notification():
                self._see(run, key)
            case Command() if not asked:
                self._send(run, key)
            case Dispatch() if not asked:
                incident = queries.incidents_known([run.incident])[run.incident]
                near = queries.candidates(placed.step, incident, seen_by=by, at=at)
                free = next(each.unit.slug for each in near if each.unit.mission is None)
                actions.engage(run.id, key, free, by=by, at=at)
            case Wait() if key == self.story.mended_at:
                self.town.repair()
                return False
            case _:
                return False
        return True

    def _see(self, run: Run, key: str) -> None:
        message = next(each for each in queries.messages_of(run.incident) if each.step == key and not each.seen_at)
        actions.acknowledge_message(message.id, by=self.town.police, at=self.town.now)

    def _send(self, run: Run, key: str) -> None:
        """Send a step's command; what is dangerous waits for the second person, who agrees."""
        after = actions.send(run.id, key, by=self.town.room, at=self.town.now)
        number, states = asked_of(after, key)
        if CommandState.ASKED in states:
            commands.authorise(number, by=self.town.second_person, at=self.town.now)

    def _go_on(self, mission: Mission) -> bool:
        """A crew does the next thing of its mission, and says it by radio; on site it mends what is broken."""
        number, by, at = mission.number, self.town.room, self.town.now
        acts = {
            MissionState.PROPOSED: dispatch.accept_mission,
            MissionState.ACCEPTED: dispatch.depart,
            MissionState.EN_ROUTE: dispatch.arrive,
        }
        if mission.state in acts:
            acts[mission.state](number, by=by, at=at)
        elif mission.state is MissionState.ON_SITE and mission.safe_at is None:
            dispatch.make_safe(number, by=by, at=at)
        elif mission.state is MissionState.ON_SITE:
            self.town.repair()
            dispatch.finish(number, outcome="repaired", by=by, at=at)
        else:
            return False
        return True
