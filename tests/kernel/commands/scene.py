"""What the tests of commands share: what equipment can do, sources that are heard, equipment, people, and what the engine does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction

from beffroi.foundation.clock import SECOND, Instant, to_datetime
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.models import Command as Row
from beffroi.kernel.commands.rules import parse_abilities
from beffroi.kernel.commands.types import Ability, Answered, Asked, Command, Proven, Request
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind, Line
from beffroi.kernel.people.types import Role, Viewer
from tests.kernel.alarms.factories import make_asset, relate, viewer

T0 = 1_780_000_000 * SECOND
SYSTEM = Actor(ActorKind.SYSTEM, "test", "Essai")
PROFILE = Path(__file__).parents[3] / "src/beffroi/app/profile/abilities.yaml"
ABILITIES = {each.slug: each for each in parse_abilities(PROFILE.read_text())}


def set_up(*abilities: Ability, connectors: tuple[str, ...] = ("mqtt_json",)) -> None:
    """Put the city's abilities in force, or these."""
    actions.publish_abilities(abilities or tuple(ABILITIES.values()), connectors=connectors, by=SYSTEM, at=T0 - SECOND)


def ability(slug: str, **changes: Any) -> Ability:
    return replace(ABILITIES[slug], **changes)


def make_source(code: str, connector: str = "mqtt_json", heard: Instant | None = T0, partition: int = 0) -> int:
    """Declare a source that was heard."""
    source = apps.get_model("twin", "Source").objects.create(
        code=code, connector=connector, settings={}, partition=partition, created_at=to_datetime(0)
    )
    at = None if heard is None else to_datetime(heard)
    apps.get_model("twin", "Counter").objects.create(source=source, last_received_at=at)
    return int(source.pk)


def lights(count: int, source: int, commune: str = "Dijon", first: int = 1) -> list[int]:
    """Make light points; return their numbers."""
    return [
        make_asset(f"L-{number:05d}", "light_point", commune, source_id=source)
        for number in range(first, first + count)
    ]


def cabinet(code: str, source: int, fed: list[int]) -> int:
    made = make_asset(code, "lighting_cabinet", "Dijon", source_id=source)
    relate(made, "feeds", *fed)
    return made


def nadia() -> Viewer:
    return viewer("nadia")


def karim() -> Viewer:
    return viewer("karim")


def chief() -> Viewer:
    return viewer("chief", role=Role.ROOM_SUPERVISOR)


def wish(slug: str = "set_level", **more: Any) -> Request:
    """Return a request, with what it must say."""
    defaults: dict[str, Any] = {"reason": "essai"}
    if slug == "set_level":
        defaults["parameters"] = {"level_pct": 30.0}
    if not {"cabinet", "zone"} & more.keys():
        defaults["assets"] = ("L-00001",)
    return Request(ability=slug, **defaults | more)


def ask(slug: str = "set_level", *, by: Viewer | None = None, at: Instant = T0, **more: Any) -> Asked:
    return actions.ask(wish(slug, **more), by=by or nadia(), at=at)


def seen(id: UUID) -> Command:
    return queries.command(id)


def states(group: UUID | None = None) -> list[str]:
    """Return the states of every command, in the order in which they were asked."""
    rows = Row.objects.order_by("id")
    return [str(row.state) for row in (rows.filter(request_id=group) if group else rows)]


def lines() -> list[Line]:
    """Return the lines of the room, the oldest first, without the profile's."""
    every = reversed(list_lines(limit=500, reach=EVERYTHING))
    return [line for line in every if line.room == "commands" and not line.verb.endswith("_ability")]


def verbs() -> list[str]:
    return [line.verb for line in lines()]


def send(source: int, *, at: Instant = T0, limit: int = 100, sender: str = "one", code: str = "lighting") -> list[UUID]:
    """What the sender does: mark, then say that it left."""
    claimed = actions.claim(code, source, limit, sender=sender, at=at)
    actions.note_left([each.id for each in claimed], sender=sender)
    return [each.id for each in claimed]


def equipment_says(*said: Answered | Proven, at: Instant = T0 + SECOND) -> None:
    """What the engine does with answers and with readings that prove, in one transaction."""
    answers = [each for each in said if isinstance(each, Answered)]
    proven = [each for each in said if isinstance(each, Proven)]
    with transaction.atomic():
        if told := actions.hear(answers, proven, at=at):
            append(list(told), at=at)


def yes(id: UUID, source: int, at: Instant = T0 + SECOND) -> Answered:
    return Answered(id, source, True, "", at)


def no(id: UUID, source: int, reason: str = "commande locale", at: Instant = T0 + SECOND) -> Answered:
    return Answered(id, source, False, reason, at)


def shown(id: UUID, value: float = 30.0, at: Instant = T0 + 2 * SECOND) -> Proven:
    return Proven(id, value, at)


def words(line: Line) -> str:
    """Return what a person wrote in a line, for who may read what names persons."""
    return str(line.personal.content["reason"]) if line.personal else ""
