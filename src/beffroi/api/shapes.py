"""What the API answers. The OpenAPI document is drawn from these, and the answers are encoded from them.

Instants are RFC 3339 in UTC. Positions are WGS 84. A field is added without notice; none is taken away within v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class ReadingTotals(msgspec.Struct):
    """Reports since the store began: received = stored + quarantined + refused, in all and for each source."""

    received: int
    stored: int
    quarantined: int
    refused: int
    by_source: Mapping[str, Mapping[str, int]]


class OpenCount(msgspec.Struct):
    """How many are open."""

    open: int


class JournalMarks(msgspec.Struct):
    """Number of the last line, and of the last line that a seal covers; when it was sealed, and whether sealing stands still."""

    sequence: int
    sealed: int
    sealed_at: str | None
    stands_still: bool


class QuarantineMarks(msgspec.Struct):
    """Frames kept aside and their bytes, and how many went for want of room before their time."""

    frames: int
    bytes: int
    dropped: int


class Status(msgspec.Struct):
    """How the post is doing. `lag_s` has one entry for each partition in use: seconds its oldest message waits."""

    readings: ReadingTotals
    lag_s: Mapping[str, float]
    alarms: OpenCount
    incidents: OpenCount
    journal: JournalMarks
    quarantine: QuarantineMarks


class Reading(msgspec.Struct):
    """One value. `unit` is its symbol; for a quantity that is a state, `state` is the word and `value` its number."""

    quantity: str
    value: float
    unit: str
    state: str | None
    observed_at: str
    received_at: str
    quality: str


class Asset(msgspec.Struct):
    """A piece of equipment. `id` is its code; `period_s` is how often it is expected to report (null: it is not)."""

    id: str
    asset_class: str = msgspec.field(name="class")
    name: str
    source: str | None
    address: str
    lon: float
    lat: float
    place: str
    commune: str
    period_s: int | None
    properties: Mapping[str, Any]


class AssetDetail(Asset):
    """A piece of equipment with its last values. Freshness is `live`, `stale` or `silent`, and since when."""

    freshness: str
    fresh_since: str | None
    state: list[Reading]


class Alarm(msgspec.Struct):
    """An alarm: one occurrence of a definition on a piece of equipment, with what it asks for."""

    id: int
    code: str
    title: str
    state: str
    priority: int
    desk: str
    asset: str
    asset_name: str
    place: str
    commune: str
    lon: float
    lat: float
    value: float | None
    raised_at: str
    announced_at: str | None
    acknowledged_at: str | None
    acknowledged_by: str
    returned_at: str | None
    ended_at: str | None
    suppressed_by: int | None
    suppressed_count: int
    rung: int
    aside_by: str
    aside_reason: str
    aside_until: str | None
    cause: str
    consequence: str
    response: str
    allowable_time_s: int


class Incident(msgspec.Struct):
    """An incident: place, state and need. Its states, clocks and deadlines are in docs/reference/deadlines.

    `missed` names the clocks whose deadline passed; `due_clock` is the next, at `due_at`, or with `due_left_s` seconds left
    while its deadlines are paused. `round` counts its openings: deadlines run from `round_at`.
    """

    id: int
    reference: str
    title: str
    category: str
    priority: int
    state: str
    desk: str
    place: str
    commune: str
    lon: float
    lat: float
    asset: str | None
    asset_name: str
    owner: str
    owner_name: str
    opened_at: str
    acknowledged_at: str | None
    taken_at: str | None
    resolved_at: str | None
    closed_at: str | None
    close_reason: str
    alarms: list[int]
    version: int
    description: str
    origin: str
    channel: str
    duplicate_of: str | None
    associated: list[str]
    received_at: str
    engaged_at: str | None
    on_site_at: str | None
    safe_at: str | None
    held_until: str | None
    due_clock: str
    due_at: str | None
    due_left_s: int | None
    missed: list[str]
    round: int
    round_at: str
    proposed_to: str
    proposed_until: str | None
    transferred_to: str


class Transfer(msgspec.Struct):
    """A proposal to hand an incident over to a desk or a body outside, and what became of it."""

    id: int
    from_desk: str
    to: str
    to_name: str
    inside: bool
    state: str
    proposed_at: str
    due_at: str | None
    answered_at: str | None


class IncidentDetail(Incident):
    """An incident with the proposals to hand it over, the latest first."""

    transfers: list[Transfer]


class Category(msgspec.Struct):
    """What an incident may be about: what to write in `category` when one is told."""

    id: str
    title: str
    desk: str
    priority: int


class Actor(msgspec.Struct):
    """Who acted: a person, a rule, a piece of equipment, a partner, or the system."""

    kind: str
    id: str
    name: str


class Line(msgspec.Struct):
    """A line of the journal. `digest` is its SHA-256 in hexadecimal; how it is taken is in docs/reference/journal."""

    sequence: int
    id: str
    recorded_at: str
    effective_at: str
    actor: Actor
    room: str
    verb: str
    subject: str
    related: list[str]
    purpose: str
    reason: str
    sensitivity: str
    content: Mapping[str, Any]
    digest: str
    corrects: int | None
    """The line that this one corrects."""

    corrected_by: list[int]
    """The lines that correct this one, the oldest first."""

    about: str | None
    """Whom or which case its encrypted part is about; the part itself is not given here."""
    personal: str | None
    """What becomes of that part for who asks: `readable`, `withheld`, `erased`, `keyless`; null where there is none."""


class ProofSeal(msgspec.Struct):
    """A seal, with all that its digest is taken from. Digests are in hexadecimal, `sealed_at` in microseconds of 1970."""

    number: int
    first_seq: int
    last_seq: int
    root: str
    previous: str
    sealed_at: int
    digest: str


class Proof(msgspec.Struct):
    """That a line is under a seal (RFC 6962, section 2.1.1). How it is checked is in docs/reference/journal."""

    format: str
    line: int
    line_text: str | None
    line_digest: str
    place: int
    size: int
    path: list[str]
    seal: ProofSeal | None


class Address(msgspec.Struct):
    """An address as people write it, in parts, and where it is. Without a number: a street, at its middle."""

    text: str
    number: str
    street: str
    commune: str
    lon: float
    lat: float


class Assets(msgspec.Struct):
    """A page of equipment, by code."""

    items: list[Asset]
    next: str | None


class Readings(msgspec.Struct):
    """A page of values, in the order they were observed."""

    items: list[Reading]
    next: str | None


class AlarmDefinition(msgspec.Struct):
    """Why an alarm exists and what to do about it. `begins` and `stays` are its rule in CEL."""

    code: str
    version: int
    in_force: bool
    title: str
    asset_class: str
    desk: str
    priority: int
    cause: str
    consequence: str
    response: str
    allowable_time_s: int
    opens_incident: bool
    quantity: str | None
    begins: str
    stays: str
    on_delay_s: float
    off_delay_s: float
    suppressed_by: list[str]
    latching: bool
    written_by: str | None
    """Who wrote the version; null for what came with the city's profile. Given with the versions only."""

    put_in_force_by: str | None
    put_in_force_at: str | None


class AlarmDefinitions(msgspec.Struct):
    """A page of alarm definitions, by code; or of the versions of one, the newest first."""

    items: list[AlarmDefinition]
    next: str | None


class Alarms(msgspec.Struct):
    """A page of alarms, the newest first."""

    items: list[Alarm]
    next: str | None


class Incidents(msgspec.Struct):
    """A page of incidents, the newest first."""

    items: list[Incident]
    next: str | None


class Categories(msgspec.Struct):
    """Every category in force, in the order of the city's profile; there is no other page."""

    items: list[Category]
    next: None = None


class Lines(msgspec.Struct):
    """A page of the journal, the newest first (the oldest first with `after`)."""

    items: list[Line]
    next: str | None


class Addresses(msgspec.Struct):
    """What was found, the best first; there is no other page."""

    items: list[Address]
    next: None = None


class FloodNow(msgspec.Struct):
    """A flood that lasts: since when, the most alarms in ten minutes, alarms since it began."""

    opened_at: str
    peak: int
    alarms: int


class PostLoad(msgspec.Struct):
    """A post of the room (no desk named: every desk), its alarms of the last ten minutes, its flood or null."""

    post: str
    title: str
    desks: list[str]
    alarms_10min: int
    flood: FloodNow | None


class PostLoads(msgspec.Struct):
    """The posts of the room, in their order."""

    items: list[PostLoad]
    next: str | None


class WorstAlarm(msgspec.Struct):
    """A definition among the most frequent. `share` from 0 to 1; `useful`, `useless`: said at closing."""

    code: str
    title: str
    priority: int
    count: int
    share: float
    useful: int
    useless: int


class AlarmFigures(msgspec.Struct):
    """Figures of a post over a period. Shares from 0 to 1; `standing`, `stale`, `chattering` are of now.

    `marks` says of each figure how it stands to its target: good, fair, bad, or none when there is nothing to measure.
    """

    post: str
    since: str
    until: str
    announced: int
    per_10_min: float
    per_day: float
    peak_10_min: int
    by_priority: Mapping[str, int]
    in_flood: float
    floods: int
    standing: int
    stale: int
    chattering: int
    acknowledged: int
    acknowledge_mean_s: float | None
    acknowledge_longest_s: float | None
    marks: Mapping[str, str]
    worst: list[WorstAlarm]
