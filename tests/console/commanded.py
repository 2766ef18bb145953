"""A town whose equipment can be commanded, and what it then does: obey, refuse, keep silent. As the sender and the engine do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction

from beffroi.app.provision import PROFILE
from beffroi.foundation.clock import SECOND, Instant, now, to_datetime
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.rules import parse_abilities
from beffroi.kernel.commands.types import Answered, Asked, Command, Proven, Request
from beffroi.kernel.journal.actions import append
from beffroi.kernel.people import actions as people
from beffroi.kernel.twin import queries as twin
from tests.console import scene

ABILITIES = PROFILE / "abilities.yaml"


def set_up() -> None:
    """Put the city's abilities in force, have every source heard, and let ARM-1 feed both lights."""
    actions.publish_abilities(
        parse_abilities(ABILITIES.read_text()), connectors=("mqtt_json",), by=people.SYSTEM, at=now()
    )
    counter = apps.get_model("twin", "Counter")
    for source in twin.sources():
        counter.objects.update_or_create(source_id=source.id, defaults={"last_received_at": to_datetime(now())})
    for code in ("L-1", "L-2"):
        apps.get_model("twin", "Relation").objects.create(
            kind="feeds", from_asset_id=twin.get_asset("ARM-1").id, to_asset_id=twin.get_asset(code).id
        )


def ask(ability: str, *codes: str, by: str = "operatrice", **more: Any) -> Asked:
    """Ask as a person does."""
    request = Request(ability=ability, assets=codes, reason="essai", **more)
    return actions.ask(request, by=scene.who(by), at=now())


def seen(id: UUID) -> Command:
    return queries.command(id)


def leave(at: Instant | None = None) -> list[UUID]:
    """Let everything that may leave do so; return what left."""
    moment = now() if at is None else at
    sent: list[UUID] = []
    for source in twin.sources():
        claimed = actions.claim(source.code, source.id, 1000, sender="test", at=moment)
        sent += [each.id for each in claimed]
    actions.note_left(sent, sender="test")
    return sent


def answer(id: UUID, *, accepted: bool = True, reason: str = "") -> None:
    """Have equipment answer."""
    code = seen(id).asset_code
    source = next(each for each in twin.sources() if each.code == twin.get_asset(code).source)
    _hear([Answered(id, source.id, accepted, reason, now())], [])


def prove(id: UUID, value: float) -> None:
    """Have a reading show it."""
    _hear([], [Proven(id, value, now())])


def let_pass(seconds: int) -> None:
    """Let time pass: what is silent expires, what has its end is brought back."""
    actions.pass_time(now() + seconds * SECOND)


def _hear(answers: list[Answered], proven: list[Proven]) -> None:
    with transaction.atomic():
        if lines := actions.hear(answers, proven, at=now()):
            append(list(lines), at=now())
