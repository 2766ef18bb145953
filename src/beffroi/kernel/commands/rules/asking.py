"""What a request must say, what it would do in words, and why a piece of equipment is left out of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from beffroi.foundation.clock import DAY, SECOND, Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.commands.types import (
    MAX_ASSETS,
    TOLD_EACH,
    Ability,
    LeftOut,
    Parameter,
    Request,
    Scalar,
    Touched,
    Undo,
)
from beffroi.kernel.twin.types import Asset

MAX_REASON = 500
MAX_AHEAD = 366 * DAY
SOURCE_SILENT_AFTER = 1800 * SECOND
"""A source that nobody has heard for half an hour would not be seen to obey: nothing is asked of its equipment."""


def check_request(request: Request, ability: Ability, *, at: Instant) -> Request:
    """Return a request as it is kept: parameters whole, texts trimmed. Raises Refused saying what is missing or wrong.

    A dangerous request says why; any other says why, or for which incident.
    """
    reason = " ".join(request.reason.replace("\x00", "").split())
    if not reason and (ability.dangerous or request.incident is None):
        raise Refused(
            "say why this is asked" + ("" if ability.dangerous else ", or for which incident"), key="reason-missing"
        )
    if len(reason) > MAX_REASON:
        raise Refused(f"the reason has {len(reason)} characters; write {MAX_REASON} at most", key="text-too-long")
    named = [bool(request.assets), bool(request.cabinet), bool(request.zone)]
    if sum(named) != 1:
        raise Refused(
            "name the equipment: by their codes, or by the cabinet that feeds them, or by a zone", key="whose"
        )
    if len(request.assets) > MAX_ASSETS:
        raise Refused(f"{len(request.assets)} pieces of equipment; {MAX_ASSETS} at most in one request", key="too-many")
    if request.hold_s is not None and not 1 <= request.hold_s <= ability.longest_hold_s:
        most = f"1 to {ability.longest_hold_s} s" if ability.longest_hold_s else "none: it is not undone by itself"
        raise Refused(f"an end after {request.hold_s} s cannot be set; what may be set is {most}", key="hold")
    if request.due_at is not None and not at - 60 * SECOND <= request.due_at <= at + MAX_AHEAD:
        raise Refused("the hour it is planned for has passed, or is more than a year away", key="due")
    parameters = check_parameters(ability, request.parameters)
    return Request(
        ability.slug, parameters, tuple(dict.fromkeys(request.assets)), request.cabinet, request.zone, request.street,
        reason, request.incident, request.hold_s, request.due_at, request.key[:80],
    )  # fmt: skip


def check_parameters(ability: Ability, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return every parameter of an ability, with its default where it was not said. Raises Refused naming each wrong one."""
    names = {each.name for each in ability.parameters}
    wrong = [f"`{name[:40]}` is no parameter of `{ability.slug}`" for name in given if name not in names]
    found: dict[str, Scalar] = {}
    for parameter in ability.parameters:
        value = given.get(parameter.name, parameter.default)
        problem = "is missing" if value is None else _problem(parameter, value)
        if problem:
            wrong.append(f"`{parameter.name}` {problem}: write {_expected(parameter)}")
        elif value is not None:
            found[parameter.name] = value if parameter.choices else float(value)
    if wrong:
        raise Refused("; ".join(wrong[:10]), key="parameters")
    return found


def _problem(parameter: Parameter, value: Scalar) -> str:
    if parameter.choices:
        return "" if value in parameter.choices else f"is {value!r}"
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return f"is {str(value)[:40]!r}"
    least, most, step = parameter.least or 0.0, parameter.most or 0.0, parameter.step
    inside = least <= value <= most and (not step or abs((value - least) / step - round((value - least) / step)) < 1e-9)
    return "" if inside else f"is {value:g}"


def _expected(parameter: Parameter) -> str:
    if parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    steps = f" by {parameter.step:g}" if parameter.step else ""
    return f"{parameter.least:g} to {parameter.most:g}{steps}"


def case_of(request: UUID, incident: int | None) -> str:
    """Return the case under whose key stands what people wrote of a request: its incident's, else its own."""
    return f"case:command-{request}" if incident is None else f"case:incident-{incident}"


def effect_of(ability: Ability, parameters: Mapping[str, Scalar]) -> str:
    """Return in one sentence what equipment will do."""
    labels = {each.name: each.choices for each in ability.parameters}
    words = {
        name: labels.get(name, {}).get(str(value), str(value)) if isinstance(value, str) else f"{value:g}"
        for name, value in parameters.items()
    }
    return ability.effect.format_map(_Blank(words))


class _Blank(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


def target_of(ability: Ability, parameters: Mapping[str, Scalar]) -> tuple[str, float, float] | None:
    """Return the quantity that proves it, and the least and the most it may be; None where nothing proves it."""
    proof = ability.proof
    if proof is None:
        return None
    value = proof.value if proof.value is not None else float(parameters.get(proof.parameter, 0.0))
    return proof.quantity, value - proof.tolerance, value + proof.tolerance


def undo_parameters(undo: Undo, ability: Ability) -> dict[str, Scalar]:
    """Return what brings equipment back, whole: what the profile says, defaults for the rest."""
    return check_parameters(ability, undo.parameters)


def rank_of(size: int) -> int:
    """Return the place of a request in the queue of a source: a few come before a whole city."""
    return 0 if size <= TOLD_EACH else 1


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What stands against commanding equipment now, as the rooms that know it say.

    `taken`: equipment -> who has it already, in words. `withdrawn`: equipment -> why, in words; `withdrawn_sources` by code.
    `allowed`: communes in which the person may ask, None for all.
    """

    commanding: frozenset[str] = frozenset()
    connectors: Mapping[str, str] = field(default_factory=dict)
    withdrawn: Mapping[int, str] = field(default_factory=dict)
    withdrawn_sources: Mapping[str, str] = field(default_factory=dict)
    silent: Mapping[int, str] = field(default_factory=dict)
    silent_sources: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[int, str] = field(default_factory=dict)
    allowed: Collection[str] | None = None


def sort_out(
    assets: Iterable[Asset], ability: Ability, around: Circumstances, *, missing: Iterable[str] = ()
) -> tuple[tuple[Touched, ...], tuple[LeftOut, ...]]:
    """Return the equipment that is commanded, and what is left out with its reason, each by its code."""
    touched: list[Touched] = []
    left_out = [LeftOut(code, "", "unknown", "no equipment has this code") for code in missing]
    for asset in assets:
        against = _against(asset, ability, around)
        if against:
            left_out.append(LeftOut(asset.code, asset.name, *against))
        else:
            touched.append(Touched(asset.id, asset.code, asset.name, asset.place, asset.commune, asset.source or ""))
    return tuple(sorted(touched, key=lambda each: each.code)), tuple(sorted(left_out, key=lambda each: each.code))


def _against(asset: Asset, ability: Ability, around: Circumstances) -> tuple[str, str] | None:
    """Return what stands first against it: nobody is told of equipment where they may not ask."""
    if around.allowed is not None and asset.commune not in around.allowed:
        return "forbidden", f"no clearance to ask for this in {asset.commune or 'its commune'}"
    if asset.asset_class != ability.asset_class:
        return "ability-unknown", f"a {asset.asset_class} cannot do this: it is for {ability.asset_class}"
    if not asset.source:
        return "no-source", "no source reports it, so nothing carries a command to it"
    connector = around.connectors.get(asset.source, "")
    if connector not in around.commanding:
        return "not-commanded", f"its source {asset.source} ({connector or 'unknown'}) takes no commands"
    return _against_now(asset, asset.source, around)


def _against_now(asset: Asset, source: str, around: Circumstances) -> tuple[str, str] | None:
    """Return what stands against equipment that can be commanded, at present."""
    if withdrawn := around.withdrawn.get(asset.id) or around.withdrawn_sources.get(source):
        return "out-of-service", f"out of service: {withdrawn}"
    if silent := around.silent.get(asset.id) or around.silent_sources.get(source):
        return "silent", silent
    taken = around.taken.get(asset.id)
    return None if taken is None else ("taken", taken)
