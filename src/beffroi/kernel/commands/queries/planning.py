"""What a request would touch: the equipment it names, and what stands against each piece, read from the rooms that know."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.commands import models, rules
from beffroi.kernel.commands.queries.abilities import ability_named, commanding
from beffroi.kernel.commands.types import MAX_ASSETS, Ability, DryRun, Request
from beffroi.kernel.people.queries import may, require, territories
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.rules import SILENT
from beffroi.kernel.twin.types import Asset

WHOLE_CITY = "*"


@dataclass(frozen=True, slots=True)
class Plan:
    """A request made ready to be asked, with the equipment as the twin knows it."""

    request: Request
    run: DryRun
    assets: dict[int, Asset]


def dry_run(request: Request, *, seen_by: Viewer, at: Instant) -> DryRun:
    """Return what a request would do if it were asked now, and write nothing.

    Raises Forbidden for who may ask for it nowhere, NotFound, Refused for what is missing or wrong in it.
    """
    return plan(request, by=seen_by, at=at).run


def plan(request: Request, *, by: Viewer, at: Instant) -> Plan:
    """Return a request with what it would touch and what it leaves out. See `dry_run`."""
    ability = ability_named(request.ability)
    require(by, Verb.ASK, Kind.COMMAND, desk=ability.desk)
    request = rules.check_request(request, ability, at=at)
    ids, missing = _named(request, ability)
    if len(ids) > MAX_ASSETS:
        raise Refused(f"{len(ids)} pieces of equipment; {MAX_ASSETS} at most in one request", key="too-many")
    assets = twin.assets_by_id(ids)
    if request.street:
        assets = {key: asset for key, asset in assets.items() if asset.place == request.street}
    due_at = max(at, request.due_at or at)
    around = circumstances(assets.values(), at=at, allowed=_allowed(by, ability, assets.values()))
    if due_at > at:  # who has it now, and whether it is heard, is looked at when its hour has come
        around = replace(around, taken={}, silent={}, silent_sources={})
    touched, left_out = rules.sort_out(assets.values(), ability, around, missing=missing)
    run = DryRun(
        ability=ability,
        effect=rules.effect_of(ability, request.parameters),
        parameters=request.parameters,
        dangerous=ability.dangerous,
        touched=touched,
        left_out=left_out,
        due_at=due_at,
        expires_at=due_at + ability.expires_after_s * SECOND,
        returns_at=None if request.hold_s is None else due_at + request.hold_s * SECOND,
    )
    return Plan(request, run, assets)


def circumstances(
    assets: Iterable[Asset], *, at: Instant, allowed: Collection[str] | None = None
) -> rules.Circumstances:
    """Return what stands against commanding this equipment now."""
    ids = [asset.id for asset in assets]
    withdrawn, withdrawn_sources = alarms.out_of_service()
    since = at - rules.SOURCE_SILENT_AFTER
    levels = twin.freshness_levels()
    return rules.Circumstances(
        commanding=commanding(),
        connectors={source.code: source.connector for source in twin.sources()},
        withdrawn=withdrawn,
        withdrawn_sources=withdrawn_sources,
        silent={key: "silent: nobody would see whether it obeys" for key in ids if levels.get(key) == SILENT},
        silent_sources={
            code: f"its source {code} has been silent"
            + (f" since {alarms.clock_time(heard)}" if heard else " ever since")
            for code, heard in twin.sources_heard()
            if heard is None or heard < since
        },
        taken=taken(ids),
        allowed=allowed,
    )


def taken(ids: Collection[int]) -> dict[int, str]:
    """Return, for equipment that somebody commands already, who and what, in the words that who comes second is told."""
    rows = models.Command.objects.filter(holds=True).select_related("request__asked_by")
    if len(ids) <= 1000:
        rows = rows.filter(asset_id__in=list(ids))
    wanted = set(ids)
    return {row.asset_id: taken_words(row) for row in rows if row.asset_id in wanted}


def taken_words(row: models.Command) -> str:
    """Return who commands a piece of equipment already, what, and since when."""
    request = row.request
    who = request.asked_by.display_name if request.asked_by else "a rule"
    label = str(request.terms.get("label", request.ability))
    return f"already commanded by {who} at {alarms.clock_time(request.asked_at)}: {label} ({row.state})"


def _named(request: Request, ability: Ability) -> tuple[list[int], list[str]]:
    """Return the numbers of the equipment that a request names, and the codes that nothing has."""
    if request.assets:
        ids = twin.ids_of_codes(request.assets)
        known = twin.codes_of_ids(ids) if len(ids) < len(request.assets) else None
        return ids, [code for code in request.assets if code not in known] if known is not None else []
    if request.cabinet:
        cabinet = twin.get_asset(request.cabinet)
        fed = twin.downstream([cabinet.id], "feeds").get(cabinet.id, [])
        if not fed:
            raise NotFound(f"{cabinet.code} feeds nothing that is known")
        return fed, []
    ids = twin.ids_of_class(ability.asset_class)
    if request.zone != WHOLE_CITY:
        inside = twin.ids_within([request.zone])
        ids = [key for key in ids if key in inside]
    if not ids:
        raise NotFound(f"no {ability.asset_class} stands in {request.zone[:80]}")
    return ids, []


def _allowed(by: Viewer, ability: Ability, assets: Iterable[Asset]) -> frozenset[str] | None:
    """Return the communes in which the person may ask for this; None: in all."""
    where = territories(by, Verb.ASK, Kind.COMMAND)
    if any(not each.commune and each.desk in ("", ability.desk) for each in where):
        return None
    communes = {asset.commune for asset in assets}
    return frozenset(c for c in communes if may(by, Verb.ASK, Kind.COMMAND, desk=ability.desk, commune=c))
