"""A run's state from its moves: what proves that nothing moved it beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from beffroi.foundation.clock import Instant
from beffroi.kernel.procedures.rules import moving
from beffroi.kernel.procedures.rules.moving import Doer, Moved
from beffroi.kernel.procedures.rules.running import settle
from beffroi.kernel.procedures.types import Given, Lane, RunState

Move = tuple[str, str, Instant, Doer, Mapping[str, Any]]
"""Verb, step, instant, who, and the rest, as the table of moves holds them."""


def replay(first: Lane, moves: Iterable[Move]) -> RunState:
    """Return the state of a run whose first lane is known, from its moves in their order."""
    run = RunState((first,))
    for verb, step, at, by, body in moves:
        run = _after(run, verb, step, at, by, body)
    return run


def _after(run: RunState, verb: str, step: str, at: Instant, by: Doer, body: Mapping[str, Any]) -> RunState:
    given = msgspec.convert(body["given"], Given)
    doing: dict[str, Any] = {"by": by, "given": given, "now": at}
    match verb:
        case "confirm" | "seen":
            noted, pictured = bool(body.get("noted", True)), bool(body.get("pictured", False))
            moved = moving.confirm(run, step, noted=noted, pictured=pictured, **doing)
        case "answer":
            moved = moving.answer(run, step, body["value"], **doing)
        case "tick":
            moved = moving.tick(run, step, body["item"], **doing)
        case "skip":
            moved = moving.skip(run, step, **doing)
        case "ask":
            moved = moving.ask(run, step, body["reference"], **doing)
        case "report":
            told: dict[str, Any] = {"done": bool(body["done"]), "reference": body["reference"]}
            moved = moving.report(run, step, given=given, now=at, **told)
        case "add":
            moved = moving.add_lane(run, msgspec.convert(body["lane"], Lane), given, at)
        case "stop":
            moved = moving.stop(run, at)
        case _:
            moved = Moved(*settle(run, given, at))
    return moved.run
