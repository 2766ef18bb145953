"""Commands to equipment, what can be asked for, and what a request would do."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class CommandParameter(msgspec.Struct):
    """What must be said with a request: between `least` and `most`, or one of `choices` (word: label)."""

    name: str
    label: str
    unit: str
    least: float | None
    most: float | None
    step: float | None
    choices: Mapping[str, str]
    default: float | str | None


class CommandAbility(msgspec.Struct):
    """What a class of equipment can be asked for. `undo`: the ability that brings it back; `proof`: the quantity that shows it."""

    ability: str
    asset_class: str
    desk: str
    label: str
    effect: str
    dangerous: bool
    parameters: list[CommandParameter]
    proof: str
    undo: str
    expires_after_s: int
    acknowledged_within_s: int
    longest_hold_s: int


class CommandAbilities(msgspec.Struct):
    """What equipment can be asked for; there is no other page."""

    items: list[CommandAbility]
    next: None = None


class Command(msgspec.Struct):
    """One request to one piece of equipment. `state`: asked, authorised, denied, cancelled, sent, acknowledged, effective,
    failed, expired or reverted; only `effective` says that a reading has shown it.

    `in_doubt`: it is not known whether it has left. `group`: the request that asked for several.
    """

    id: str
    group: str | None
    asset: str
    asset_name: str
    place: str
    commune: str
    ability: str
    label: str
    effect: str
    dangerous: bool
    parameters: Mapping[str, float | str]
    state: str
    reason: str
    incident: int | None
    asked_by: str
    asked_at: str
    authorised_by: str
    authorised_at: str | None
    due_at: str
    expires_at: str
    returns_at: str | None
    sent_at: str | None
    silent_at: str | None
    acknowledged_at: str | None
    effective_at: str | None
    ended_at: str | None
    end_reason: str
    ended_by: str
    in_doubt: bool
    proof_value: float | None
    reverts: str | None
    reverted_by: str | None


class Commands(msgspec.Struct):
    """A page of commands, the last asked first."""

    items: list[Command]
    next: str | None


class CommandGroup(msgspec.Struct):
    """A request for several pieces of equipment: how many, and how many of its commands are in each state."""

    id: str
    ability: str
    label: str
    effect: str
    dangerous: bool
    parameters: Mapping[str, float | str]
    reason: str
    incident: int | None
    size: int
    open: int
    in_doubt: int
    counts: Mapping[str, int]
    left_out: Mapping[str, int]
    asked_by: str
    asked_at: str
    authorised_by: str
    authorised_at: str | None
    due_at: str
    expires_at: str
    returns_at: str | None
    reverts: str | None
    reverted_by: str | None


class CommandGroups(msgspec.Struct):
    """A page of requests for several pieces of equipment, or of those that wait for a second person."""

    items: list[CommandGroup]
    next: str | None


class CommandLeftOut(msgspec.Struct):
    """Equipment that is not commanded, and why: `key` is stable, `reason` is for people."""

    asset: str
    name: str
    key: str
    reason: str


class CommandDryRun(msgspec.Struct):
    """What a request would do if it were asked now: `touched` are codes of equipment. Nothing was written."""

    ability: str
    effect: str
    dangerous: bool
    parameters: Mapping[str, float | str]
    touched: list[str]
    left_out: list[CommandLeftOut]
    due_at: str
    expires_at: str
    returns_at: str | None


class CommandAsked(msgspec.Struct):
    """What became of a request: `id` follows it, one of `/commands/{command}` or, with `group`, of `/commands/groups/{group}`.

    `size` commands are in `state`.
    """

    id: str
    group: str | None
    state: str
    size: int
    left_out: list[CommandLeftOut]


class CommandsMoved(msgspec.Struct):
    """How many commands an act moved."""

    id: str
    moved: int
