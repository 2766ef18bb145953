"""A command over the real bus: sent by the post, heard by a gateway, answered, shown by a reading, refused, or met with silence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import aiomqtt
import pytest
from bench.mqtt import Login
from django.apps import apps

from beffroi.connectors.mqtt_json import wire
from beffroi.foundation.clock import HOUR, now, to_datetime
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.types import Command, Request
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.people.types import Viewer
from tests.app.conftest import World, publish, wait_for
from tests.kernel.alarms.factories import viewer
from tests.kernel.commands.scene import ABILITIES, SYSTEM

SHORT = replace(
    ABILITIES["set_level"],
    acknowledged_within_s=1,
    proof=replace(ABILITIES["set_level"].proof, within_s=2),  # type: ignore[type-var]
)


class Lamps:
    """A gateway's lamps: what each makes of a command, and every command that reached them."""

    def __init__(self, login: Login, source: str, manner: Callable[[str], str]) -> None:
        self.login, self.source, self.manner = login, source, manner
        self.heard: list[tuple[str, wire.Asked]] = []
        self.ready = threading.Event()
        self.stop = threading.Event()

    async def serve(self) -> None:
        who = self.login
        async with aiomqtt.Client(who.host, who.port, username=who.username, password=who.password) as client:
            await client.subscribe(f"commands/{self.source}/#", qos=1)
            self.ready.set()
            serving = asyncio.create_task(self._hear(client))
            await asyncio.to_thread(self.stop.wait)
            serving.cancel()

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            address = str(message.topic).removeprefix(f"commands/{self.source}/")
            asked = wire.decode_command(bytes(message.payload))  # type: ignore[arg-type]
            self.heard.append((address, asked))
            manner = self.manner(address)
            if manner == "silent":
                continue
            accepted = manner != "refuses"
            answer = wire.encode_answer(asked.command, accepted, now(), "" if accepted else "commande locale")
            await client.publish(wire.answer_topic(self.source, address), answer, qos=1)
            if manner == "obeys":
                report = wire.encode_report(now(), {"dim_pct": float(asked.parameters["level_pct"])})
                await client.publish(wire.encode_topic(self.source, address), report, qos=1)


@contextmanager
def lamps(login: Login, source: str, manner: Callable[[str], str]) -> Iterator[Lamps]:
    made = Lamps(login, source, manner)
    thread = threading.Thread(target=lambda: asyncio.run(made.serve()), daemon=True)
    thread.start()
    assert made.ready.wait(10), "the gateway may not subscribe to its commands"
    yield made
    made.stop.set()
    thread.join(10)


@pytest.fixture
def login(world: World) -> Login:
    """A source of five lamps that was heard, with its gateway admitted by the running post."""
    actions.publish_abilities([SHORT, ABILITIES["return_to_schedule"]], connectors=["mqtt_json"], by=SYSTEM, at=now())
    world.equip("lighting", *(f"L-{n}" for n in range(1, 6)))
    login = world.gateway("city", "lighting")
    world.engine()
    world.field()
    world.admit("city")
    publish(login, [(wire.encode_topic("lighting", "L-5"), wire.encode_report(now(), {"dim_pct": 80.0}))])
    world.wait_counted("lighting", stored=1)
    return login


def dim(*codes: str, by: Viewer | None = None, level: float = 30.0) -> list[UUID]:
    request = Request("set_level", {"level_pct": level}, assets=codes, reason="essai")
    return sorted(actions.ask(request, by=by or viewer("nadia"), at=now()).commands)


def by_asset(ids: list[UUID]) -> dict[str, Command]:
    return {command.asset_code: command for command in map(queries.command, ids)}


def verbs(id: UUID) -> list[str]:
    lines = list_lines(limit=500)
    return [line.verb for line in reversed(lines) if line.subject == f"command:{id}"]


def test_command_is_obeyed_refused_or_met_with_silence_and_shown_as_such(world: World, login: Login) -> None:
    manners = {"L-1": "obeys", "L-2": "refuses", "L-3": "silent", "L-4": "lies"}
    with lamps(login, "lighting", manners.__getitem__) as equipment:
        ids = dim("L-1", "L-2", "L-3", "L-4")
        wait_for(
            lambda: (
                {code: str(each.state) for code, each in by_asset(ids).items()}
                == {"L-1": "effective", "L-2": "failed", "L-3": "sent", "L-4": "acknowledged"}
            ),
            "each is as far as its equipment",
        )
        actions.pass_time(now() + HOUR)
        found = by_asset(ids)
    assert {code: str(each.state) for code, each in found.items()} == {
        "L-1": "effective", "L-2": "failed", "L-3": "expired", "L-4": "expired",
    }  # fmt: skip
    assert found["L-1"].proof_value == 30.0
    assert found["L-2"].end_reason == "commande locale"
    assert found["L-3"].end_reason == "the equipment stayed silent"
    assert found["L-4"].end_reason == "it was taken up, but no reading showed it"
    assert sorted(address for address, _ in equipment.heard) == ["L-1", "L-2", "L-3", "L-4"]
    assert verbs(found["L-1"].id) == ["ask_command", "send_command", "acknowledge_command", "prove_command"]
    assert verbs(found["L-2"].id) == ["ask_command", "send_command", "refuse_command"]


def test_restart_sends_nothing_twice_and_forgets_nothing(world: World, login: Login) -> None:
    with lamps(login, "lighting", lambda _: "obeys") as equipment:
        field = next(each for each in world.running if type(each.process).__name__ == "Field")
        world.stop(field)
        first, second = dim("L-1")[0], dim("L-2")[0]
        marked = actions.claim("lighting", _source(), 1, sender="killed", at=now())
        world.field()
        waiting = ({first, second} - {marked[0].id}).pop()
        wait_for(lambda: queries.command(waiting).state == "effective", "what waited is sent and shown")
        assert queries.command(marked[0].id).in_doubt
        assert [asked.command for _, asked in equipment.heard] == [str(waiting)]
        publish(
            login,
            [(wire.encode_topic("lighting", marked[0].order.address), wire.encode_report(now(), {"dim_pct": 30.0}))],
        )
        wait_for(lambda: queries.command(marked[0].id).state == "effective", "a reading shows what was in doubt")
        assert len(equipment.heard) == 1


def test_proof_that_came_before_the_engine_awaited_it_is_found(world: World, login: Login) -> None:
    engine = world.running[0]
    world.stop(engine)
    (id,) = dim("L-1")
    wait_for(lambda: queries.command(id).state == "sent", "it is sent while no engine runs")
    publish(login, [(wire.encode_topic("lighting", "L-1"), wire.encode_report(now(), {"dim_pct": 30.0}))])
    world.engine()
    wait_for(lambda: queries.command(id).state == "effective", "an engine that starts finds it")


def test_answer_to_no_command_of_its_own_is_kept_aside(world: World, login: Login) -> None:
    actions.publish_abilities(list(ABILITIES.values()), connectors=["mqtt_json"], by=SYSTEM, at=now())
    answers = [
        (wire.answer_topic("lighting", "L-1"), wire.encode_answer("not a number", True, now())),
        (wire.answer_topic("lighting", "L-1"), wire.encode_answer(str(UUID(int=7)), True, now())),
        (wire.answer_topic("lighting", "L-1"), b"yes"),
    ]
    publish(login, answers)
    world.wait_counted("lighting", quarantined=3)
    reasons = [reason for _, reason in world.reasons()]
    assert reasons[0].startswith("no command `not a number` was sent to `L-1` over source `lighting`") or any(
        "no command `not a number` was sent to `L-1`" in reason for reason in reasons
    )


def test_gateway_hears_the_commands_of_its_own_source_alone(world: World, login: Login) -> None:
    world.equip("traffic", "C-1", asset_class="intersection")
    other = world.gateway("elsewhere", "traffic")
    world.admit("elsewhere")
    apps.get_model("twin", "Counter").objects.update_or_create(
        source_id=_source("traffic"), defaults={"last_received_at": to_datetime(now())}
    )

    async def subscribe(topic: str) -> list[int]:
        async with aiomqtt.Client(other.host, other.port, username=other.username, password=other.password) as client:
            granted = await client.subscribe(topic, qos=0)
            return [getattr(code, "value", code) for code in granted]

    assert asyncio.run(subscribe("commands/traffic/#")) == [0]
    for stranger in ("commands/lighting/#", "#", "readings/traffic/#"):
        assert asyncio.run(subscribe(stranger)) == [128], stranger


def _source(code: str = "lighting") -> int:
    return int(apps.get_model("twin", "Source").objects.get(code=code).pk)
