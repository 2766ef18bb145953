"""Commands to equipment: what can be asked, what it would do, asking, deciding, undoing, and how far each has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, read_instant, write_cursor, write_instant
from beffroi.foundation import clock
from beffroi.foundation.errors import NotFound
from beffroi.kernel.commands import actions, queries
from beffroi.kernel.commands.types import Ability, Asked, Command, CommandState, Group, LeftOut, Request
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["commands"])
_CONFLICTS = {"s409": "somebody else commands it, or decided first: the problem says who"}


class AbilitiesAsked(Schema):
    """Filters of what can be asked for."""

    asset_class: str = Field("", alias="class", max_length=32, description="A class of equipment.")


class CommandsAsked(Page):
    """Filters of the list of commands."""

    state: CommandState | None = Field(None, description="One state.")
    open_only: bool = Field(False, alias="open", description="Only those of which something is expected.")
    in_doubt: bool = Field(False, description="Only those of which it is not known whether they left.")
    ability: str = Field("", max_length=48, description="What was asked for.")
    asset: str = Field("", max_length=64, description="Code of a piece of equipment.")
    commune: str = Field("", max_length=80, description="Name of the commune.")
    desk: str = Field("", max_length=48, description="The desk that answers for it.")
    incident: int | None = Field(None, ge=1, description="Number of the incident it was asked for.")
    group: UUID | None = Field(None, description="The request it belongs to.")
    asked_by: str = Field("", max_length=64, description="Account of who asked.")
    since: str | None = Field(None, alias="from", max_length=40, description="Asked at or after (RFC 3339).")
    until: str | None = Field(None, alias="to", max_length=40, description="Asked before (RFC 3339).")


class GroupsAsked(Page):
    """Filters of the list of requests."""

    open_only: bool = Field(False, alias="open", description="Only those of which something is expected.")
    waiting: bool = Field(False, description="Only those that wait for a second person, who may be you.")


class CommandWanted(Schema):
    """What is asked for. The equipment is named by `assets`, or by the `cabinet` that feeds it, or by a `zone`."""

    model_config = ConfigDict(extra="forbid")

    ability: str = Field(max_length=48, description="One of `GET /api/v1/commands/abilities`.")
    parameters: dict[str, float | str] = Field({}, max_length=20, description="What the ability must be told.")
    assets: list[str] = Field([], max_length=50_000, description="Codes of equipment.")
    cabinet: str = Field("", max_length=64, description="Code of equipment: all that it feeds.")
    zone: str = Field("", max_length=80, description="Name of a commune, or `*` for the whole city.")
    street: str = Field("", max_length=200, description="With a zone: one street of it.")
    reason: str = Field("", max_length=500, description="Why. Without it, an incident; what is dangerous needs it.")
    incident: int | None = Field(None, ge=1, description="Number of the incident it is for.")
    hold_s: int | None = Field(None, ge=1, description="Seconds after which it is undone by itself.")
    due_at: str | None = Field(None, max_length=40, description="When it is planned for (RFC 3339); else now.")
    dry_run: bool = Field(False, description="Only tell what it would do: nothing is asked.")


class Why(Schema):
    """Why something is decided."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=500, description="Why.")


@router.get("/commands", auth=door(Verb.SEE, Kind.COMMAND), **answers(shapes.Commands))
def list_commands(request: Entered, asked: Query[CommandsAsked]) -> HttpResponse:
    """List commands, the last asked first."""
    check_known(request, CommandsAsked)
    values = asked.model_dump(exclude={"limit", "cursor"})
    values["since"], values["until"] = read_instant(asked.since, "from"), read_instant(asked.until, "to")
    before = read_cursor(asked.cursor, UUID)
    found = queries.list_commands(queries.Filters(**values), seen_by=request.auth, before=before, limit=asked.limit + 1)
    page, more = cut(found, asked.limit)
    return answer(shapes.Commands([_command(each) for each in page], write_cursor(page[-1].id) if more else None))


@router.post("/commands", auth=door(Verb.ASK, Kind.COMMAND), **answers(shapes.CommandAsked, 201, 200, **_CONFLICTS))
def ask(request: Entered, wanted: CommandWanted) -> HttpResponse:
    """Ask equipment to act; with `dry_run`, tell what it would do. With `Idempotency-Key`, a request sent twice is one."""
    check_known(request, Schema)
    body = wanted.model_dump(exclude={"dry_run"})
    body |= {"assets": tuple(wanted.assets), "due_at": read_instant(wanted.due_at, "due_at")}
    wish = Request(**body, key=request.headers.get("Idempotency-Key", "")[:80])
    if wanted.dry_run:
        run = queries.dry_run(wish, seen_by=request.auth, at=clock.now())
        return answer(
            shapes.CommandDryRun(
                ability=run.ability.slug,
                effect=run.effect,
                dangerous=run.dangerous,
                parameters=run.parameters,
                touched=[each.code for each in run.touched],
                left_out=_left_out(run.left_out),
                due_at=write_instant(run.due_at) or "",
                expires_at=write_instant(run.expires_at) or "",
                returns_at=write_instant(run.returns_at),
            )
        )
    asked = actions.ask(wish, by=request.auth, at=clock.now())
    return answer(_asked(asked), 200 if asked.again else 201)


@router.get("/commands/abilities", auth=door(Verb.SEE, Kind.COMMAND), **answers(shapes.CommandAbilities))
def list_abilities(request: Entered, asked: Query[AbilitiesAsked]) -> HttpResponse:
    """List what equipment can be asked for."""
    check_known(request, AbilitiesAsked)
    found = queries.abilities_of(asked.asset_class) if asked.asset_class else queries.abilities()
    return answer(shapes.CommandAbilities([_ability(each) for each in found]))


@router.get("/commands/groups", auth=door(Verb.SEE, Kind.COMMAND), **answers(shapes.CommandGroups))
def list_groups(request: Entered, asked: Query[GroupsAsked]) -> HttpResponse:
    """List requests for several pieces of equipment, the last asked first; or those that wait for a second person."""
    check_known(request, GroupsAsked)
    if asked.waiting:
        waiting = queries.waiting_for_second_person(seen_by=request.auth, limit=asked.limit)
        return answer(shapes.CommandGroups([_group(each) for each in waiting], None))
    before = read_cursor(asked.cursor, UUID)
    found = queries.groups(seen_by=request.auth, open_only=asked.open_only, before=before, limit=asked.limit + 1)
    page, more = cut(found, asked.limit)
    return answer(shapes.CommandGroups([_group(each) for each in page], write_cursor(page[-1].id) if more else None))


@router.get("/commands/groups/{command}", auth=door(Verb.SEE, Kind.COMMAND), **answers(shapes.CommandGroup))
def get_group(request: Entered, command: str) -> HttpResponse:
    """Give a request as a whole, with how many of its commands have come how far."""
    check_known(request, Schema)
    return answer(_group(queries.group(_number(command), seen_by=request.auth)))


@router.get("/commands/{command}", auth=door(Verb.SEE, Kind.COMMAND), **answers(shapes.Command))
def get_command(request: Entered, command: str) -> HttpResponse:
    """Give one command."""
    check_known(request, Schema)
    return answer(_command(queries.command(_number(command), seen_by=request.auth)))


@router.post(
    "/commands/{command}/authorise",
    auth=door(Verb.AUTHORISE, Kind.COMMAND),
    **answers(shapes.CommandsMoved, **_CONFLICTS),
)
def authorise(request: Entered, command: str) -> HttpResponse:
    """Agree, as the second person, to what somebody else asked: a command, or a group as a whole."""
    return _moved(request, command, lambda id: actions.authorise(id, by=request.auth, at=clock.now()))


@router.post(
    "/commands/{command}/deny", auth=door(Verb.AUTHORISE, Kind.COMMAND), **answers(shapes.CommandsMoved, **_CONFLICTS)
)
def deny(request: Entered, command: str, why: Why) -> HttpResponse:
    """Deny what somebody else asked, saying why."""
    return _moved(request, command, lambda id: actions.deny(id, why.reason, by=request.auth, at=clock.now()))


@router.post(
    "/commands/{command}/cancel", auth=door(Verb.CANCEL, Kind.COMMAND), **answers(shapes.CommandsMoved, **_CONFLICTS)
)
def cancel(request: Entered, command: str, why: Why) -> HttpResponse:
    """Take back what has not left yet, saying why: a command, or what a group still has waiting."""
    return _moved(request, command, lambda id: actions.cancel(id, why.reason, by=request.auth, at=clock.now()))


@router.post(
    "/commands/{command}/revert", auth=door(Verb.ASK, Kind.COMMAND), **answers(shapes.CommandAsked, **_CONFLICTS)
)
def revert(request: Entered, command: str) -> HttpResponse:
    """Ask for what undoes a command, or all that a group may have done."""
    check_known(request, Schema)
    return answer(_asked(actions.revert(_number(command), by=request.auth, at=clock.now())))


def _moved(request: Entered, command: str, act: Callable[[UUID], int]) -> HttpResponse:
    check_known(request, Schema)
    return answer(shapes.CommandsMoved(command, act(_number(command))))


def _number(text: str) -> UUID:
    """Return the number of a command. Raises NotFound for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"there is no command `{text[:40]}`") from None


def _text(number: UUID | None) -> str | None:
    return None if number is None else str(number)


def _left_out(left_out: Sequence[LeftOut]) -> list[shapes.CommandLeftOut]:
    return [shapes.CommandLeftOut(each.code, each.name, each.key, each.reason) for each in left_out]


def _asked(asked: Asked) -> shapes.CommandAsked:
    return shapes.CommandAsked(
        str(asked.id), _text(asked.group), str(asked.state), len(asked.commands), _left_out(asked.left_out)
    )


def _ability(ability: Ability) -> shapes.CommandAbility:
    return shapes.CommandAbility(
        ability=ability.slug,
        asset_class=ability.asset_class,
        desk=ability.desk,
        label=ability.label,
        effect=ability.effect,
        dangerous=ability.dangerous,
        parameters=[
            shapes.CommandParameter(p.name, p.label, p.unit, p.least, p.most, p.step, p.choices, p.default)
            for p in ability.parameters
        ],
        proof=ability.proof.quantity if ability.proof else "",
        undo=ability.undo.ability if ability.undo else "",
        expires_after_s=ability.expires_after_s,
        acknowledged_within_s=ability.acknowledged_within_s,
        longest_hold_s=ability.longest_hold_s,
    )


def _command(command: Command) -> shapes.Command:
    return shapes.Command(
        id=str(command.id),
        group=_text(command.group),
        asset=command.asset_code,
        asset_name=command.asset_name,
        place=command.place,
        commune=command.commune,
        ability=command.ability.slug,
        label=command.ability.label,
        effect=command.effect,
        dangerous=command.ability.dangerous,
        parameters=command.parameters,
        state=str(command.state),
        reason=command.reason,
        incident=command.incident,
        asked_by=command.asked_by,
        asked_at=write_instant(command.asked_at) or "",
        authorised_by=command.authorised_by,
        authorised_at=write_instant(command.authorised_at),
        due_at=write_instant(command.due_at) or "",
        expires_at=write_instant(command.expires_at) or "",
        returns_at=write_instant(command.returns_at),
        sent_at=write_instant(command.sent_at),
        silent_at=write_instant(command.silent_at),
        acknowledged_at=write_instant(command.acknowledged_at),
        effective_at=write_instant(command.effective_at),
        ended_at=write_instant(command.ended_at),
        end_reason=command.end_reason,
        ended_by=command.ended_by,
        in_doubt=command.in_doubt,
        proof_value=command.proof_value,
        reverts=_text(command.reverts),
        reverted_by=_text(command.reverted_by),
    )


def _group(group: Group) -> shapes.CommandGroup:
    return shapes.CommandGroup(
        id=str(group.id),
        ability=group.ability.slug,
        label=group.ability.label,
        effect=group.effect,
        dangerous=group.ability.dangerous,
        parameters=group.parameters,
        reason=group.reason,
        incident=group.incident,
        size=group.size,
        open=group.open,
        in_doubt=group.in_doubt,
        counts={str(state): count for state, count in group.counts.items()},
        left_out=group.left_out,
        asked_by=group.asked_by,
        asked_at=write_instant(group.asked_at) or "",
        authorised_by=group.authorised_by,
        authorised_at=write_instant(group.authorised_at),
        due_at=write_instant(group.due_at) or "",
        expires_at=write_instant(group.expires_at) or "",
        returns_at=write_instant(group.returns_at),
        reverts=_text(group.reverts),
        reverted_by=_text(group.reverted_by),
    )
