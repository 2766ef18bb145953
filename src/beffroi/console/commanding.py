"""Commands, drawn: how far each has come in words that never promise more than is known, what may be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from beffroi.console import words
from beffroi.console.pictures import place_words
from beffroi.foundation import clock
from beffroi.foundation.clock import MINUTE, Instant
from beffroi.foundation.units import UNITS
from beffroi.kernel.commands import queries as commands
from beffroi.kernel.commands.rules import effect_of
from beffroi.kernel.commands.types import UNDONE_FROM, Ability, Command, CommandState, Group, LeftOut, Parameter, Scalar
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

LAST = 5
"""Commands of a piece of equipment that its sheet and its panel tell."""

HOLDS_S = (300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 172_800)
"""Durations that are offered before equipment is brought back by itself, as far as the ability bears them."""

SOON = MINUTE
"""A command due later than this is planned; before, it is on its way."""

TAKEN_NAMED = 20
"""Pieces of equipment that somebody else commands already whose commander is named; the others are only said to be taken."""

NOT_YET = frozenset({CommandState.ASKED, CommandState.AUTHORISED})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a command's way. `mark`: done, now, ahead, skipped, ended."""

    name: str
    mark: str
    at: Instant | None = None
    who: str = ""


def state_of(command: Command, at: Instant) -> str:
    """Return what is known of a command, as a key of `words.COMMAND_STATES`: never success without evidence."""
    state = command.state
    if state is CommandState.AUTHORISED and command.due_at > at + SOON:
        return "planned"
    if state is CommandState.SENT and command.in_doubt:
        return "in_doubt"
    if state is CommandState.SENT and command.silent_at is not None and command.silent_at <= at:
        return "silent"
    if state is CommandState.EXPIRED and command.sent_at is not None:
        return "unconfirmed"
    return str(state)


def steps_of(command: Command) -> list[Step]:
    """Return the way of a command: asked, authorised, sent, acknowledged, effective; where it stands, where it ended."""
    reached = [
        ("asked", command.asked_at, command.asked_name),
        ("authorised", command.authorised_at, command.authorised_name),
        ("sent", command.sent_at, ""),
        ("acknowledged", command.acknowledged_at, ""),
        ("effective", command.effective_at, ""),
    ]
    last = max(place for place, (_name, at, _who) in enumerate(reached) if at is not None)
    steps = []
    for place, (name, at, who) in enumerate(reached):
        mark = "done" if at is not None else "skipped" if place < last else "ahead"
        if place == last + 1 and command.is_open:
            mark = "now"
        steps.append(Step(name, mark, at, who))
    if not command.is_open and command.state is not CommandState.EFFECTIVE:
        ended_at = command.ended_at if command.state is not CommandState.REVERTED else None
        kept = [step for step in steps if step.mark in ("done", "skipped")]
        return [*kept, Step("ended", "ended", ended_at, command.ended_by)]
    return steps


def shown(command: Command, viewer: Viewer, *, whole: bool = False) -> dict[str, Any]:
    """Return one command as pages draw it, with what this person may do about it. `whole`: for a page of its own."""
    at = clock.now()
    key = state_of(command, at)
    return {
        "it": command,
        "state": key,
        "steps": steps_of(command),
        "where": place_words(command.place, command.commune),
        "parameters": parameters_words(command.ability, command.parameters),
        "incident": _reference(command.incident, viewer) if whole else "",
        "proof": _proof_words(command),
        "may": _acts(command.ability, command.asked_by, command.commune, viewer)
        | {
            "decide": command.state is CommandState.ASKED,
            "take_back": command.state in NOT_YET,
            "undo": _may_be_undone(command),
        },
    }


def group_shown(group: Group, viewer: Viewer) -> dict[str, Any]:
    """Return a request as a whole as pages draw it: what, of how many, and how many have come how far."""
    waiting = group.counts.get(CommandState.ASKED, 0)
    left = sum(group.counts.get(state, 0) for state in NOT_YET)
    undone = sum(group.counts.get(state, 0) for state in UNDONE_FROM)
    at = clock.now()
    return {
        "it": group,
        "planned": group.due_at > at + SOON and left > 0,
        "counts": _tallies(group),
        "effective": group.counts.get(CommandState.EFFECTIVE, 0) + group.counts.get(CommandState.REVERTED, 0),
        "left_out": [(words.told(words.LEFT_OUT, key), n) for key, n in sorted(group.left_out.items())],
        "parameters": parameters_words(group.ability, group.parameters),
        "incident": _reference(group.incident, viewer),
        "may": _acts(group.ability, group.asked_by, "", viewer)
        | {
            "decide": waiting > 0,
            "take_back": left > 0,
            "undo": bool(group.ability.undo and undone and group.reverts is None and group.reverted_by is None),
        },
    }


def _tallies(group: Group) -> list[tuple[str, str, int]]:
    """Return how many have come how far: the kernel's state, by which they are listed; what it is called; how many.

    Those that expired after they had left are told apart: they may have been done.
    """
    expired = group.counts.get(CommandState.EXPIRED, 0) - group.unconfirmed
    found = [(str(state), str(state), n) for state, n in group.counts.items() if state is not CommandState.EXPIRED]
    found += [("expired", "unconfirmed", group.unconfirmed), ("expired", "expired", expired)]
    order = [str(state) for state in CommandState]
    return sorted([each for each in found if each[2]], key=lambda each: order.index(each[0]))


def of_asset(asset: Asset, viewer: Viewer) -> dict[str, Any]:
    """Return what a piece of equipment's sheet and panel show: what it can be asked for, what it was asked for last."""
    if not people.may(viewer, Verb.SEE, Kind.COMMAND, commune=asset.commune):
        return {"sees_commands": False}
    found = [shown(each, viewer) for each in commands.commands_of_asset(asset.id, seen_by=viewer, limit=LAST)]
    return {
        "sees_commands": True,
        "choices": choices_of(asset, viewer),
        "commands": found,
        "commands_open": any(each["it"].is_open for each in found),
    }


def choices_of(asset: Asset, viewer: Viewer) -> list[tuple[str, list[Ability]]]:
    """Return what this person may ask of a piece of equipment, then of what it feeds, each under its own heading."""
    if asset.source is None:
        return []
    every = commands.abilities()

    def asked(asset_class: str) -> list[Ability]:
        return [each for each in every if each.asset_class == asset_class and _may_ask(each, asset.commune, viewer)]

    found = [(asset.name or asset.code, asked(asset.asset_class))]
    if asset.asset_class == "lighting_cabinet":
        fed = len(twin.downstream([asset.id], "feeds").get(asset.id, []))
        if fed:
            found.append((_("Les %(n)s points lumineux alimentés") % {"n": fed}, asked("light_point")))
    return [(heading, abilities) for heading, abilities in found if abilities]


def may_ask_class(asset_class: str, viewer: Viewer) -> bool:
    """Tell whether this person may ask anything of a class of equipment, somewhere."""
    return any(_may_ask(each, "", viewer) for each in commands.abilities_of(asset_class))


def of_incident(number: int, asset_code: str, viewer: Viewer) -> dict[str, Any]:
    """Return what an incident's panel shows of commands: those asked for it, and what its equipment can be asked for."""
    if not people.may(viewer, Verb.SEE, Kind.COMMAND):
        return {"sees_commands": False}
    asked = commands.groups_of_incident(number, seen_by=viewer)
    alone = {each.id: each for each in commands.commands_of_incident(number, seen_by=viewer) if each.group is None}
    by_moment = {(each.asked_at, each.ability.slug): each for each in alone.values()}
    rows = []
    for group in asked:
        single = by_moment.get((group.asked_at, group.ability.slug)) if group.size == 1 else None
        rows.append({"command": shown(single, viewer)} if single else {"group": group_shown(group, viewer)})
    choices = choices_of(twin.get_asset(asset_code), viewer) if asset_code else []
    return {
        "sees_commands": True,
        "command_rows": rows,
        "command_choices": choices,
        "commands_open": any(group.open for group in asked),
        "may_command": people.may(viewer, Verb.ASK, Kind.COMMAND),
    }


def parameters_words(ability: Ability, parameters: Mapping[str, Scalar]) -> list[tuple[str, str]]:
    """Return what was said with a request, in words: label, value with its unit."""
    return [
        (each.label, value_words(each, parameters[each.name])) for each in ability.parameters if each.name in parameters
    ]


def value_words(parameter: Parameter, value: Scalar) -> str:
    """Return a parameter's value as people say it."""
    if isinstance(value, str):
        return parameter.choices.get(value, value)
    unit = UNITS.get(parameter.unit, parameter.unit)
    return f"{value:g} {unit}".strip()


def holds(ability: Ability) -> list[tuple[int, str]]:
    """Return the durations after which equipment may be brought back by itself."""
    longest = ability.longest_hold_s
    offered = sorted({each for each in HOLDS_S if each <= longest} | ({longest} if longest else set()))
    return [(each, words.duration(each)) for each in offered]


def undo_of(ability: Ability) -> dict[str, Any]:
    """Return what brings equipment back, as who is about to ask for it reads it; nothing where nothing does."""
    if ability.undo is None:
        return {}
    undo = commands.ability_named(ability.undo.ability)
    return {"label": undo.label, "effect": effect_of(undo, ability.undo.parameters), "dangerous": undo.dangerous}


def left_out_words(left_out: Sequence[LeftOut], viewer: Viewer) -> list[tuple[LeftOut, str]]:
    """Return why each piece of equipment is left out; for what others command already, who and what, as far as few are."""
    named = {each.code for each in [each for each in left_out if each.key == "taken"][:TAKEN_NAMED]}
    return [(each, _why(each, viewer, named=each.code in named)) for each in left_out]


def _why(left_out: LeftOut, viewer: Viewer, *, named: bool) -> str:
    told = words.told(words.LEFT_OUT, left_out.key)
    if not named:
        return told
    filters = commands.Filters(asset=left_out.code, open_only=True)
    holder = next(iter(commands.list_commands(filters, seen_by=viewer, limit=1)), None)
    return told if holder is None else f"{told} : {holder.asked_name}, {holder.ability.label}"


def _may_ask(ability: Ability, commune: str, viewer: Viewer) -> bool:
    return people.may(viewer, Verb.ASK, Kind.COMMAND, desk=ability.desk, commune=commune)


def _acts(ability: Ability, asked_by: str, commune: str, viewer: Viewer) -> dict[str, bool]:
    def may(verb: Verb) -> bool:
        return people.may(viewer, verb, Kind.COMMAND, desk=ability.desk, commune=commune)

    return {
        "authorise": may(Verb.AUTHORISE) and asked_by != viewer.username,
        "cancel": may(Verb.CANCEL),
        "ask": may(Verb.ASK),
        "mine": asked_by == viewer.username,
    }


def _may_be_undone(command: Command) -> bool:
    left = command.state in UNDONE_FROM and command.sent_at is not None
    return bool(command.ability.undo and left and command.reverts is None and command.reverted_by is None)


def _proof_words(command: Command) -> str:
    """Return the reading that is waited for, or the one that showed it; nothing where no reading can."""
    proof = command.ability.proof
    if proof is None:
        return ""
    value = command.proof_value
    if value is None:
        wanted = proof.value if proof.value is not None else command.parameters.get(proof.parameter)
        value = float(wanted) if isinstance(wanted, int | float) else None
    told = "" if value is None else f" : {words.value_words(proof.quantity, value)}"
    return f"{words.told(words.QUANTITIES, proof.quantity)}{told}"


def _reference(number: int | None, viewer: Viewer) -> str:
    if number is None:
        return ""
    found: Iterable[Any] = incidents.of_ids([number], seen_by=viewer)
    return next((each.reference for each in found), "")
