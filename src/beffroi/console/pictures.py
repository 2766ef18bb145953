"""What the console shows, before it is written as HTML: frozen, so that pages and frames draw the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from beffroi.foundation.clock import Instant
from beffroi.kernel.alarms.types import Alarm, Flood
from beffroi.kernel.dispatch.types import Mission
from beffroi.kernel.incidents.types import (
    NOTHING_WRITTEN,
    Body,
    Evidence,
    Incident,
    IncidentState,
    Mark,
    Pause,
    Proposal,
    Signal,
    Transfer,
    Written,
)
from beffroi.kernel.journal.types import Line
from beffroi.kernel.places.types import Closure
from beffroi.kernel.twin.types import Asset, StateValue

NORMAL, STALE, SILENT, ALARM, EXPLAINED = 0, 1, 2, 10, 20
"""Conditions of equipment on the wire: 11 to 14 are an open alarm of that priority, 20 one that another explains."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of the header, of what comes before the person's post. `flood` is the one the post is in, or None."""

    open: int
    unowned: int
    alarms_10min: int
    flood: Flood | None = None
    unseen: tuple[int, int, int, int] = (0, 0, 0, 0)
    """New incidents that nobody acknowledged, of priorities 1 to 4: what sounds."""
    late: int = 0
    """Open incidents that missed a deadline."""
    escalated: int = 0
    aside: int = 0
    """Alarms told higher because nobody acknowledged them; shelvings and withdrawals in force."""
    to_authorise: int = 0
    """Requests to equipment that wait for a second person, whoever asked them."""

    told: tuple[int, int, int, int] = (0, 0, 0, 0)
    """What is told to the room's supervisor, by priority: alarms told higher, and incidents past a deadline."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """Whether a source is heard. `silent` is judged where the periods are known, not here."""

    code: str
    last_received_at: Instant | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything that an incident's panel shows. `lines` is empty for who may not read the journal.

    `people` are those to whom it may be given (account, name); empty for who may give it to nobody. `origins` says, for a subject of the journal that came from a duplicate, the reference of that duplicate.
    """

    incident: Incident
    alarms: tuple[Alarm, ...] = ()
    cameras: tuple[tuple[Asset, float], ...] = ()
    lines: tuple[Line, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    duplicates: tuple[Incident, ...] = ()
    signals: tuple[Signal, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    pauses: tuple[Pause, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    bodies: tuple[Body, ...] = ()
    people: tuple[tuple[str, str], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    written: Written = NOTHING_WRITTEN
    missions: tuple[Mission, ...] = ()
    closures: tuple[Closure, ...] = ()


@dataclass(frozen=True, slots=True)
class AssetState:
    """What is known of a piece of equipment now. `level`: 0 live, 1 stale, 2 silent."""

    asset: Asset
    values: tuple[StateValue, ...] = ()
    level: int = 0
    since: Instant | None = None
    alarms: tuple[Alarm, ...] = field(default=())


def row_order(incident: Incident) -> str:
    """Return the sort key of an incident in the queue: the priority, then the one that waits longest.

    A new one comes after its elders of the same priority, so that it pushes nothing that is already read.
    """
    return f"{incident.priority}-{incident.opened_at:020d}-{incident.id:012d}"


def waits_to_be_seen(incident: Incident) -> bool:
    """Tell whether nobody has acknowledged it since it came, or came back."""
    return incident.acknowledged_at is None and incident.state in (IncidentState.NEW, IncidentState.REOPENED)


def state_shown(incident: Incident) -> str:
    """Return the state as a row says it: new and seen is "acquitté", which tells the room that somebody looks."""
    seen = incident.state == IncidentState.NEW and incident.acknowledged_at is not None
    return "seen" if seen else str(incident.state)


def short_title(incident: Incident) -> str:
    """Return an incident's title without the name of its equipment, which stands beside it."""
    return incident.title.removesuffix(f" – {incident.asset_name}") if incident.asset_name else incident.title


def place_words(place: str, commune: str) -> str:
    """Return a place with its commune, once."""
    if not place or not commune or place.endswith(commune):
        return place or commune
    return f"{place}, {commune}"
