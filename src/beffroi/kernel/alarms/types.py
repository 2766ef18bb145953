"""What the alarms' room shows: definitions, states after ISA-18.2 / IEC 62682, alarms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from beffroi.foundation.clock import Instant

Operator = Literal[">", ">=", "<", "<=", "==", "!="]


class AlarmState(StrEnum):
    """States of an alarm (ISA-18.2, clause 5.6). NORMAL is where an occurrence ends."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    SUPPRESSED = "suppressed"
    NORMAL = "normal"


OPEN_STATES = (
    AlarmState.UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.SUPPRESSED,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """Why an alarm exists and what to do about it. No rule without the five answers.

    Either a threshold on a quantity (`quantity operator threshold`) or, with `silence_periods`, the absence of reports
    for that many of the asset's periods. Delays in seconds. `suppressed_by` names a relation and the definition
    upstream that explains this one: `feeds:cabinet_tripped` on a light point's alarm points to its cabinet's.
    """

    code: str
    version: int
    title: str
    asset_class: str
    quantity: str | None
    operator: Operator | None
    threshold: float | None
    silence_periods: float | None
    on_delay_s: float
    off_delay_s: float
    dead_band: float
    cause: str
    consequence: str
    response: str
    allowable_time_s: int
    priority: int
    desk: str
    opens_incident: bool
    suppressed_by: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence of a definition on an asset."""

    id: int
    definition: Definition
    asset_id: int
    asset_code: str
    asset_name: str
    place: str
    commune: str
    lon: float
    lat: float
    state: AlarmState
    priority: int
    desk: str
    value: float | None
    raised_at: Instant
    acknowledged_at: Instant | None
    acknowledged_by: str
    returned_at: Instant | None
    ended_at: Instant | None
    suppressed_by_id: int | None
    suppressed_count: int
