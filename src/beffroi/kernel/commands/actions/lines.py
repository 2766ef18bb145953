"""The journal's lines about commands: one for each of a few, one for all of many, the same shape whoever acts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from beffroi.foundation.clock import Instant, from_datetime
from beffroi.kernel.commands import models, rules
from beffroi.kernel.commands.types import TOLD_EACH, LeftOut
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

ROOM = "commands"
SYSTEM = Actor(ActorKind.SYSTEM, "beffroi", "Beffroi")
MAX_NAMED = 200
"""Pieces of equipment that a line about many names; a digest covers all, which the rows name."""


def told_each(request: models.Request) -> bool:
    """Tell whether each command of a request has its own lines."""
    return request.size <= TOLD_EACH


def line_of(
    verb: str,
    row: models.Command,
    asset: Asset,
    actor: Actor,
    *,
    reason: str = "",
    why: str = "",
    more: Mapping[str, object] | None = None,
    effective_at: Instant | None = None,
) -> Entry:
    """Return the line that tells what became of one command, with what a reader needs to understand it by itself.

    `reason` is of equipment or of ours; `why` is what a person wrote, which is told under the key of its case.
    """
    request = row.request
    content = _about(request) | {
        "asset": asset.code,
        "asset_name": asset.name,
        "place": asset.place,
        "commune": asset.commune,
        "state": str(row.state),
        **(more or {}),
    }
    related = [f"asset:{asset.code}", *_incident(request)]
    if request.size > 1:
        related.append(f"command:{request.pk}")
    subject = f"command:{row.pk}"
    line = Entry(actor, ROOM, verb, subject, tuple(related), content, reason=reason, effective_at=effective_at)
    return _with_why(line, request, why)


def request_line(
    verb: str,
    request: models.Request,
    actor: Actor,
    assets: Iterable[Asset],
    *,
    reason: str = "",
    why: str = "",
    more: Mapping[str, object] | None = None,
) -> Entry:
    """Return the line that tells what became of a request as a whole: how many, and which equipment."""
    every = sorted(assets, key=lambda asset: asset.code)
    content = _about(request) | {"count": len(every), **(more or {})}
    if every:
        codes = [asset.code for asset in every]
        content |= {"assets": codes[:MAX_NAMED], "communes": dict(Counter(asset.commune for asset in every))}
        if len(codes) > MAX_NAMED:
            content["assets_sha256"] = hashlib.sha256("\n".join(codes).encode()).hexdigest()
    named = [f"asset:{asset.code}" for asset in every] if len(every) <= TOLD_EACH else []
    subject = f"command:{request.pk}"
    line = Entry(actor, ROOM, verb, subject, (*named, *_incident(request)), content, reason=reason)
    return _with_why(line, request, why)


def lines_of(
    verb: str,
    request: models.Request,
    rows: Sequence[models.Command],
    actor: Actor,
    *,
    reason: str = "",
    why: str = "",
    more: Mapping[str, object] | None = None,
) -> list[Entry]:
    """Return what tells the same of some commands of a request: a line for each of a few, one for many."""
    assets = twin.assets_by_id({row.asset_id for row in rows})
    if told_each(request):
        return [line_of(verb, row, assets[row.asset_id], actor, reason=reason, why=why, more=more) for row in rows]
    return [request_line(verb, request, actor, assets.values(), reason=reason, why=why, more=more)]


def _with_why(line: Entry, request: models.Request, why: str) -> Entry:
    about = rules.case_of(request.pk, request.incident)
    return replace(line, about=about, personal={"reason": why}) if why else line


def left_out_content(left_out: Sequence[LeftOut]) -> dict[str, object]:
    """Return what is kept of the equipment that was left out: how many for each reason, the first by their codes."""
    if not left_out:
        return {}
    return {
        "keys": dict(Counter(each.key for each in left_out)),
        "codes": [[each.code, each.key] for each in left_out[:MAX_NAMED]],
    }


def _about(request: models.Request) -> dict[str, object]:
    told: dict[str, object] = {
        "ability": request.ability,
        "label": str(request.terms.get("label", "")),
        "effect": request.effect,
        "parameters": request.parameters,
        "dangerous": bool(request.terms.get("dangerous")),
        "desk": request.desk,
    }
    if request.incident is not None:
        told["incident"] = request.incident
    if request.returns_at is not None:
        told["returns_at"] = from_datetime(request.returns_at)
    if request.reverts_id is not None:
        told["reverts"] = str(request.reverts_id)
    return told


def _incident(request: models.Request) -> list[str]:
    return [] if request.incident is None else [f"incident:{request.incident}"]
