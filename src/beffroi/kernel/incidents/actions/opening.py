"""Opening an incident by somebody's word, or attaching the word to an incident that is already known. Both are a signal.

The signal is kept: who told it, by which channel, in which words, so that nothing that was said is lost when incidents
are united. A message that is sent twice with the same key is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from django.db import connection, transaction

from beffroi.foundation.clock import MINUTE, Instant, to_datetime
from beffroi.foundation.errors import NotFound, Refused
from beffroi.foundation.geo import is_position, point_to_metres
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.incidents import rules
from beffroi.kernel.incidents.actions.acting import refuse_closed
from beffroi.kernel.incidents.actions.lines import code_of_asset, kept, line_of
from beffroi.kernel.incidents.actions.locking import hold, hold_openings
from beffroi.kernel.incidents.actions.rounds import begin
from beffroi.kernel.incidents.models import Incident as Row
from beffroi.kernel.incidents.models import IncidentAlarm
from beffroi.kernel.incidents.models import Signal as SignalRow
from beffroi.kernel.incidents.queries import categories, incident_of, living_of
from beffroi.kernel.incidents.types import (
    CHANNELS_OF_PEOPLE,
    Category,
    Channel,
    Incident,
    IncidentEvent,
    IncidentState,
    Origin,
    Told,
)
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.queries import read_words
from beffroi.kernel.journal.types import Actor, ActorKind, Entry, PersonalState
from beffroi.kernel.people.queries import require
from beffroi.kernel.people.types import Kind, Role, Verb, Viewer
from beffroi.kernel.places import queries as places
from beffroi.kernel.twin import queries as twin
from beffroi.kernel.twin.types import Asset

MAX_PARTNER_10_MIN = 60
"""Incidents that one partner may tell in ten minutes; past it, it telephones."""

_TELLER_LOCK = 0x696E7465  # "inte": with a hash of who tells, the advisory lock of one teller


class TooMany(Refused):
    """A partner tells more than the post can follow. It waits, or telephones."""

    status = 429
    key = "too-many"


@dataclass(frozen=True, slots=True)
class Opened:
    """The incident, and whether this very call made it: False for a message that had come before."""

    incident: Incident
    new: bool


@dataclass(frozen=True, slots=True)
class _Place:
    lon: float
    lat: float
    place: str
    commune: str
    asset: Asset | None


def open_incident(told: Told, *, by: Viewer, at: Instant, key: str = "") -> Opened:
    """Open an incident by a person's or a partner's word. Journalled as what they are.

    Told again with the same key, it is the same incident. It may be for another desk than the teller's own: the
    clearance is asked for the commune alone. Raises Forbidden, Refused (no such category, no place, a key used for
    something else, too many from a partner).
    """
    partner = Role.PARTNER in by.roles
    actor = replace(by.actor, kind=ActorKind.PARTNER) if partner else by.actor
    where = _where(told)
    require(by, Verb.OPEN, Kind.INCIDENT, commune=where.commune)
    channel = Channel.PARTNER if partner else _channel(told.channel)
    return _open(replace(told, channel=channel), where, actor, Origin.PARTNER if partner else Origin.PERSON, at, key)


def open_for_procedure(told: Told, *, procedure: Actor, at: Instant, key: str = "") -> Opened:
    """Open an incident because a procedure says so; the caller answers for the procedure's right. Journalled as it."""
    told = replace(told, channel=Channel.PROCEDURE)
    return _open(told, _where(told), procedure, Origin.PROCEDURE, at, key)


def open_known(told: Told, category: Category, *, actor: Actor, at: Instant, key: str = "") -> Opened:
    """Open an incident in a category that is named by who calls, not by the city's profile. Journalled as its actor."""
    origin = Origin.PERSON if actor.kind is ActorKind.PERSON else Origin.PROCEDURE
    return _open(told, _where(told), actor, origin, at, key, category)


def attach_signal(incident_id: int, told: Told, *, by: Viewer, at: Instant) -> Incident:
    """Write that somebody told again of an incident that is known. Journalled. What was resolved comes back.

    Raises Forbidden, NotFound, Refused, and Conflict naming who closed it, or with what it was united, meanwhile.
    """
    told = replace(told, channel=_channel(told.channel))
    with transaction.atomic():
        held = hold(incident_id)
        row = held.of(incident_id)
        require(by, Verb.OPEN, Kind.INCIDENT, commune=row.commune)
        refuse_closed(row)
        _keep(row, told, _Place(told.lon, told.lat, told.place[:200], told.commune, None), by.actor, at, "")
        after = rules.next_state(IncidentState(row.state), IncidentEvent.REVIVE, owned=row.owner_id is not None)
        if after is not None:
            row.state, row.resolved_at = after, None
        row.version += 1
        row.to_compare = True
        row.save()
        append([_line(row, "attach_signal", by.actor, told, place=told.place)], at=at)
        return incident_of(row)


def _open(
    told: Told,
    where: _Place,
    actor: Actor,
    origin: Origin,
    at: Instant,
    key: str,
    known: Category | None = None,
) -> Opened:
    category = _category(told.category) if known is None else known
    priority = told.priority if told.priority is not None else category.priority
    if priority not in (1, 2, 3, 4):
        raise Refused(f"priority {priority}: write 1 to 4", key="priority-unknown")
    told = replace(told, description=_description(told.description))
    with transaction.atomic():
        _lock_teller(actor)
        before = _told_before(actor, key, told)
        if before is not None:
            return Opened(_living(before), new=False)
        if actor.kind is ActorKind.PARTNER:
            _bound(actor, at)
        standing = hold_openings(where.asset.id) if where.asset else []
        row = _row(told, category, priority, where, origin, at)
        begin(row, at)
        row.save()
        row.description = _keep(row, told, where, actor, at, key)
        row.save(update_fields=["description"])
        opened = _line(row, "open_incident", actor, told, title=row.title, place=row.place)
        append([opened, *_gather(row, standing)], at=at)
        return Opened(incident_of(row), new=True)


def _gather(row: Row, standing: Sequence[int]) -> list[Entry]:
    """Attach the alarms that stand on an incident's equipment in no incident, as those will be that are raised after it."""
    IncidentAlarm.objects.bulk_create([IncidentAlarm(incident=row, alarm_id=alarm) for alarm in standing])
    code = code_of_asset(row)
    return [
        line_of(row, "attach_alarm", Actor(ActorKind.RULE, *named), asset_code=code, alarms=(alarm,), title=row.title)
        for alarm, named in sorted(alarms.named(standing).items())
    ]


def _line(row: Row, verb: str, actor: Actor, told: Told, **content: object) -> Entry:
    """Return the line that tells a signal: how it came is read by all, its words by who may read what names persons."""
    personal = {"text": told.description}
    content = {"channel": str(told.channel), **content}
    return line_of(row, verb, actor, asset_code=code_of_asset(row), alarms=(), reason="", personal=personal, **content)


def _living(row: Row) -> Incident:
    """Return the incident that a row lives in: itself, or the one that it was united with in the end."""
    return incident_of(Row.objects.get(pk=living_of(row.pk)))


def _row(told: Told, category: Category, priority: int, where: _Place, origin: Origin, at: Instant) -> Row:
    x_m, y_m = point_to_metres(where.lon, where.lat)
    asset = where.asset
    title = f"{category.title} – {asset.name or asset.code}"[:200] if asset else category.title
    return Row(
        title=title,
        category=category.code,
        priority=priority,
        state=IncidentState.NEW,
        desk=category.desk,
        place=where.place,
        commune=where.commune,
        lon=where.lon,
        lat=where.lat,
        x_m=x_m,
        y_m=y_m,
        asset_id=asset.id if asset else None,
        opened_at=to_datetime(at),
        origin=origin,
        channel=told.channel,
    )


def _where(told: Told) -> _Place:
    """Find what the teller left out: the equipment gives its place, a position its nearest address and its commune."""
    if told.asset:
        try:
            asset = twin.get_asset(told.asset)
        except NotFound as error:
            raise Refused(f"no equipment is called `{told.asset[:64]}`", key="asset-unknown") from error
        return _Place(asset.lon, asset.lat, asset.place, asset.commune, asset)
    if not is_position(told.lon, told.lat):
        raise Refused("no place: give an address, a point of the map or a piece of equipment", key="place-missing")
    place, commune = _plain(told.place)[:200], _plain(told.commune)[:80]
    if not place:
        near = places.nearest_address(told.lon, told.lat)
        place = f"{near.address.number} {near.address.street}".strip() if near else ""
        commune = commune or (near.address.commune if near else "")
    if not commune:
        found = places.commune_at(told.lon, told.lat)
        commune = found.name if found else ""
    return _Place(told.lon, told.lat, place, commune, None)


def _plain(text: str) -> str:
    return text.replace("\x00", "").strip()


def _description(text: str) -> str:
    return rules.check_text(text, "the description") if text.strip("\x00 \n\t") else ""


def _channel(channel: Channel) -> Channel:
    if channel not in CHANNELS_OF_PEOPLE:
        raise Refused(f"channel {channel}: choose one of {', '.join(CHANNELS_OF_PEOPLE)}", key="channel-unknown")
    return channel


def _category(code: str) -> Category:
    known = {category.code: category for category in categories()}
    if code not in known:
        raise Refused(
            f"no category is called `{code[:64]}`; there are: {', '.join(known) or 'none yet'}", key="category-unknown"
        )
    return known[code]


def _keep(row: Row, told: Told, where: _Place, actor: Actor, at: Instant, key: str) -> bytes:
    """Write the signal; return its words as they are kept."""
    words = kept(row, _description(told.description), at)
    SignalRow.objects.create(
        incident=row,
        channel=told.channel,
        description=words,
        place=where.place,
        lon=where.lon,
        lat=where.lat,
        received_at=to_datetime(at),
        teller_kind=actor.kind,
        teller=actor.id[:64],
        teller_name=actor.name[:120],
        key=key or None,
        digest=_digest(told) if key else None,
    )
    return words


def _digest(told: Told) -> bytes:
    """Return the digest of what was told, less its words: a short text is guessed from its digest."""
    return hashlib.sha256(msgspec.json.encode(replace(told, description=""))).digest()


def _lock_teller(actor: Actor) -> None:
    """One message of a teller at a time: the same key sent twice at once, or a burst, is judged in an order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_TELLER_LOCK, f"{actor.kind}:{actor.id}"])


def _told_before(actor: Actor, key: str, told: Told) -> Row | None:
    if not key:
        return None
    if len(key) > 80 or not key.isprintable():
        raise Refused("the key has 1 to 80 printable characters", key="key-malformed")
    known = SignalRow.objects.filter(teller=actor.id[:64], key=key).select_related("incident").first()
    if known is None:
        return None
    if _differs(known, told):
        raise Refused(f"the key `{key}` was used for something else: take a new key for it", key="key-reused")
    return known.incident


def _differs(known: SignalRow, told: Told) -> bool:
    """Tell whether a key was used for something else; of words that were erased nobody can say, nor of what is older."""
    if known.digest is not None and bytes(known.digest) != _digest(told):
        return True
    said = read_words([known.description]).words(known.description)
    return said.state is PersonalState.READABLE and said.text != told.description


def _bound(actor: Actor, at: Instant) -> None:
    since = to_datetime(at - 10 * MINUTE)
    if SignalRow.objects.filter(teller=actor.id[:64], received_at__gt=since).count() >= MAX_PARTNER_10_MIN:
        raise TooMany(f"{MAX_PARTNER_10_MIN} incidents in ten minutes from {actor.name}: wait, or telephone the room")
