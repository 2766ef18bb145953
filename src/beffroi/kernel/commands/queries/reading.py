"""Commands and groups as people see them, narrowed to what they may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from beffroi.foundation.clock import SECOND, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import NotFound
from beffroi.kernel.commands import models
from beffroi.kernel.commands.queries.abilities import ability_from
from beffroi.kernel.commands.types import AWAITED_STATES, OPEN_STATES, Command, CommandState, Group
from beffroi.kernel.journal.queries import read_words
from beffroi.kernel.people.queries import may, territories
from beffroi.kernel.people.types import Kind, Verb, Viewer

MAX_LIMIT = 500
_RELATED = ("request__asked_by", "request__authorised_by", "asset")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of commands is narrowed to; nothing said: all."""

    state: CommandState | None = None
    open_only: bool = False
    in_doubt: bool = False
    ability: str = ""
    asset: str = ""
    commune: str = ""
    desk: str = ""
    incident: int | None = None
    group: UUID | None = None
    asked_by: str = ""
    since: Instant | None = None
    until: Instant | None = None


def list_commands(
    filters: Filters, *, seen_by: Viewer, before: UUID | None = None, limit: int = 100
) -> tuple[Command, ...]:
    """Return commands, the last asked first, before one of them."""
    wanted = {
        "state": filters.state,
        "request__ability": filters.ability,
        "asset__code": filters.asset,
        "asset__commune": filters.commune,
        "request__desk": filters.desk,
        "request__incident": filters.incident,
        "request_id": filters.group,
        "request__asked_by__username": filters.asked_by,
    }
    rows = _seen(seen_by).filter(**{name: value for name, value in wanted.items() if value not in ("", None)})
    if filters.open_only:
        rows = rows.filter(state__in=OPEN_STATES)
    if filters.in_doubt:
        rows = rows.filter(in_doubt=True, state__in=AWAITED_STATES)
    if filters.since is not None:
        rows = rows.filter(request__asked_at__gte=to_datetime(filters.since))
    if filters.until is not None:
        rows = rows.filter(request__asked_at__lt=to_datetime(filters.until))
    if before is not None:
        rows = rows.filter(id__lt=before)
    return _commands(rows.order_by("-id")[: min(limit, MAX_LIMIT)], seen_by)


def command(id: UUID, *, seen_by: Viewer | None = None) -> Command:
    """Return a command. Raises NotFound, also for one that this person may not see (None: a room above asks)."""
    row = _seen(seen_by).filter(pk=id).first()
    if row is None:
        raise NotFound(f"there is no command {id}")
    return _commands([row], seen_by)[0]


def commands_of_asset(asset_id: int, *, seen_by: Viewer, limit: int = 20) -> tuple[Command, ...]:
    """Return the last commands of a piece of equipment, the last asked first."""
    rows = _seen(seen_by).filter(asset_id=asset_id).order_by("-id")
    return _commands(rows[: min(limit, MAX_LIMIT)], seen_by)


def commands_of_incident(number: int, *, seen_by: Viewer | None = None, limit: int = 200) -> tuple[Command, ...]:
    """Return the commands asked for an incident, the first asked first; those of large groups are in `groups_of_incident`."""
    rows = _seen(seen_by).filter(request__incident=number).order_by("id")
    return _commands(rows[: min(limit, MAX_LIMIT)], seen_by)


def group(id: UUID, *, seen_by: Viewer | None = None) -> Group:
    """Return a request as a whole, with how many of its commands have come how far. Raises NotFound."""
    row = _requests(seen_by).filter(pk=id).first()
    if row is None:
        raise NotFound(f"there is no group of commands {id}")
    return _groups([row], seen_by)[0]


def groups(
    *, seen_by: Viewer, open_only: bool = False, before: UUID | None = None, limit: int = 100
) -> tuple[Group, ...]:
    """Return requests that touch several pieces of equipment, the last asked first."""
    rows = _requests(seen_by).filter(size__gt=1)
    if open_only:
        rows = rows.filter(Q(commands__state__in=OPEN_STATES)).distinct()
    if before is not None:
        rows = rows.filter(id__lt=before)
    return _groups(rows.order_by("-id")[: min(limit, MAX_LIMIT)], seen_by)


def groups_of_incident(number: int, *, seen_by: Viewer | None = None) -> tuple[Group, ...]:
    """Return the requests asked for an incident, of one piece of equipment or of many, the first asked first."""
    return _groups(_requests(seen_by).filter(incident=number).order_by("id")[:MAX_LIMIT], seen_by)


def waiting_for_second_person(*, seen_by: Viewer, limit: int = 100) -> tuple[Group, ...]:
    """Return what waits for a second person, for who may be that person; what oneself asked is for others."""
    waiting = models.Request.objects.filter(commands__state=CommandState.ASKED).exclude(asked_by_id=seen_by.id)
    waiting = waiting.filter(_where(seen_by, Verb.AUTHORISE)).distinct()
    return _groups(waiting.order_by("expires_at", "id")[: min(limit, MAX_LIMIT)], seen_by)


def counts(*, seen_by: Viewer) -> dict[CommandState, int]:
    """Return how many commands are open, by state, where this person may see them."""
    rows = models.Command.objects.filter(_where(seen_by, Verb.SEE, "request__"), state__in=OPEN_STATES)
    return {CommandState(state): n for state, n in rows.order_by().values_list("state").annotate(n=Count("id"))}


def _seen(viewer: Viewer | None) -> QuerySet[models.Command]:
    rows = models.Command.objects.filter(_where(viewer, Verb.SEE, "request__", "asset__commune"))
    back = Prefetch("reverted_by", models.Command.objects.only("id", "reverts_id"))
    return rows.select_related(*_RELATED).prefetch_related(back)


def _requests(viewer: Viewer | None) -> QuerySet[models.Request]:
    rows = models.Request.objects.filter(_where(viewer, Verb.SEE))
    return rows.select_related("asked_by", "authorised_by").prefetch_related("reverted_by")


def _where(viewer: Viewer | None, verb: Verb, prefix: str = "", commune: str = "") -> Q:
    """Narrow to the desks and communes where the person may do this; nobody: everywhere."""
    if viewer is None:
        return Q()
    where = Q(pk__in=[])
    for territory in territories(viewer, verb, Kind.COMMAND):
        here = Q(**{f"{prefix}desk": territory.desk}) if territory.desk else Q()
        if territory.commune and commune:
            here &= Q(**{commune: territory.commune})
        elif territory.commune:
            here &= Q(**{f"{prefix}communes__contains": [territory.commune]})
        if not here:
            return Q()
        where |= here
    return where


def _reads(viewer: Viewer | None, request: models.Request) -> bool:
    """Tell whether this person may read what people wrote of a request, which may name persons."""
    return viewer is None or any(
        may(viewer, Verb.SEE, Kind.PERSONAL, desk=request.desk, commune=commune) for commune in request.communes or [""]
    )


def _groups(found: Iterable[models.Request], viewer: Viewer | None) -> tuple[Group, ...]:
    rows = list(found)
    words = read_words(row.why for row in rows if _reads(viewer, row))
    sums: dict[UUID, dict[CommandState, int]] = {row.pk: {} for row in rows}
    doubts: dict[UUID, int] = {}
    counted = models.Command.objects.filter(request__in=rows).order_by().values_list("request_id", "state", "in_doubt")
    for request, state, in_doubt, n in counted.annotate(n=Count("id")):
        sums[request][CommandState(state)] = sums[request].get(CommandState(state), 0) + n
        if in_doubt and state in AWAITED_STATES:
            doubts[request] = doubts.get(request, 0) + n
    lost = models.Command.objects.filter(request__in=rows, state=CommandState.EXPIRED, sent_at__isnull=False)
    unconfirmed = dict(lost.order_by().values_list("request_id").annotate(n=Count("id")))
    return tuple(
        _group(row, sums[row.pk], doubts.get(row.pk, 0), unconfirmed.get(row.pk, 0), str(words.words(row.why)))
        for row in rows
    )


def _group(row: models.Request, sums: dict[CommandState, int], in_doubt: int, unconfirmed: int, reason: str) -> Group:
    asked, second = row.asked_by, row.authorised_by
    undoing = [each.pk for each in row.reverted_by.all()]
    return Group(
        id=row.pk,
        ability=ability_from(row.terms),
        effect=row.effect,
        parameters=row.parameters,
        reason=reason,
        incident=row.incident,
        size=row.size,
        counts=sums,
        in_doubt=in_doubt,
        unconfirmed=unconfirmed,
        left_out=row.left_out.get("keys", {}),
        asked_by=asked.username if asked else "",
        asked_name=asked.display_name if asked else "",
        asked_at=from_datetime(row.asked_at),
        authorised_by=second.username if second else "",
        authorised_name=second.display_name if second else "",
        authorised_at=from_datetime(row.authorised_at) if row.authorised_at else None,
        due_at=from_datetime(row.due_at),
        expires_at=from_datetime(row.expires_at),
        returns_at=from_datetime(row.returns_at) if row.returns_at else None,
        reverts=row.reverts_id,
        reverted_by=undoing[0] if undoing else None,
    )


def _commands(found: Iterable[models.Command], viewer: Viewer | None) -> tuple[Command, ...]:
    """Return commands as other rooms see them, with what people wrote for who may read it."""
    rows = list(found)
    readable = [row for row in rows if _reads(viewer, row.request)]
    words = read_words(part for row in readable for part in (row.why, row.request.why))
    return tuple(_command(row, str(words.words(row.request.why)), str(words.words(row.why))) for row in rows)


def _command(row: models.Command, reason: str, why: str) -> Command:
    request, asset = row.request, row.asset
    asked, second, ability = request.asked_by, request.authorised_by, ability_from(request.terms)
    undoing = [each.pk for each in row.reverted_by.all()]
    sent_at = from_datetime(row.sent_at) if row.sent_at else None
    return Command(
        id=row.pk,
        group=request.pk if request.size > 1 else None,
        asset_id=asset.pk,
        asset_code=asset.code,
        asset_name=asset.name,
        place=asset.place,
        commune=asset.commune,
        ability=ability,
        effect=request.effect,
        parameters=request.parameters,
        state=CommandState(row.state),
        reason=reason,
        incident=request.incident,
        asked_by=asked.username if asked else "",
        asked_name=asked.display_name if asked else "",
        asked_at=from_datetime(request.asked_at),
        authorised_by=second.username if second else "",
        authorised_name=second.display_name if second else "",
        authorised_at=from_datetime(request.authorised_at) if request.authorised_at else None,
        due_at=from_datetime(row.due_at),
        expires_at=from_datetime(row.expires_at),
        returns_at=from_datetime(request.returns_at) if request.returns_at else None,
        sent_at=sent_at,
        silent_at=sent_at + ability.acknowledged_within_s * SECOND if sent_at else None,
        acknowledged_at=from_datetime(row.acknowledged_at) if row.acknowledged_at else None,
        effective_at=from_datetime(row.effective_at) if row.effective_at else None,
        ended_at=from_datetime(row.ended_at) if row.ended_at else None,
        end_reason=why or row.end_reason,
        ended_by=row.ended_by,
        in_doubt=row.in_doubt and row.state in AWAITED_STATES,
        proof_value=row.proof_value,
        reverts=row.reverts_id,
        reverted_by=undoing[0] if undoing else None,
    )


def to_authorise(*, seen_by: Viewer) -> int:
    """Return how many requests wait for a second person where this person may be one, whoever asked them."""
    waiting = models.Request.objects.filter(commands__state=CommandState.ASKED)
    return waiting.filter(_where(seen_by, Verb.AUTHORISE)).distinct().count()
