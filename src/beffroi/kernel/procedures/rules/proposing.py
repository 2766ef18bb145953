"""Which procedures are proposed for an incident, in which order, and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from beffroi.kernel.procedures.types import Because, Procedure, Proposal

_ORDER = tuple(Because)


def proposals(
    procedures: Iterable[Procedure], *, alarms: Collection[str], category: str, asset_class: str, desk: str
) -> tuple[Proposal, ...]:
    """Return the procedures for an incident, the most particular first: its alarm, then its category on equipment of this
    class, then its category alone. Among equals: those of the incident's desk, then by title and code; never by chance.
    """
    found = [each for one in procedures if (each := _proposal(one, alarms, category, asset_class)) is not None]

    def rank(each: Proposal) -> tuple[int, bool, bool, str, str]:
        of = each.procedure
        return _ORDER.index(each.because), not of.asset_classes, of.desk != desk, of.title, of.code

    return tuple(sorted(found, key=rank))


def _proposal(procedure: Procedure, alarms: Collection[str], category: str, asset_class: str) -> Proposal | None:
    if procedure.asset_classes and asset_class not in procedure.asset_classes:
        return None
    named = next((code for code in procedure.alarms if code in alarms), "")
    if named:
        return Proposal(procedure, Because.ALARM, named)
    if category not in procedure.categories:
        return None
    because = Because.ASSET_CLASS if procedure.asset_classes else Because.CATEGORY
    return Proposal(procedure, because, category)
