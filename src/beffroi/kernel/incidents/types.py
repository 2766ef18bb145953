"""What the incidents' room shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beffroi.foundation.clock import Instant


class IncidentState(StrEnum):
    """States of an incident (shared/domain, 2.0): those the post's first rooms use."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


OPEN_STATES = (IncidentState.NEW, IncidentState.ACKNOWLEDGED, IncidentState.IN_PROGRESS, IncidentState.RESOLVED)


class CloseReason(StrEnum):
    """Why an incident is closed: one must be chosen."""

    REPAIRED = "repaired"
    RETURNED_BY_ITSELF = "returned_by_itself"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"
    NOT_COMPETENT = "not_competent"
    NO_ACTION = "no_action"


CLOSES_ACTIVE = (CloseReason.FALSE_ALARM, CloseReason.NO_ACTION)
"""Reasons that explain why an incident is closed while an alarm of it still stands; they then ask for a comment."""


class IncidentEvent(StrEnum):
    """What moves an incident from one state to another. RESOLVE and REVIVE follow its alarms; the others are acts."""

    ACKNOWLEDGE = "acknowledge"
    TAKE = "take"
    RESOLVE = "resolve"
    REVIVE = "revive"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as every room sees it: place, state and need."""

    id: int
    reference: str
    title: str
    category: str
    priority: int
    state: IncidentState
    desk: str
    place: str
    commune: str
    lon: float
    lat: float
    asset_code: str | None
    asset_name: str
    owner: str
    owner_name: str
    owner_initials: str
    opened_at: Instant
    acknowledged_at: Instant | None
    taken_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    close_reason: str
    close_comment: str
    alarm_ids: tuple[int, ...]
    version: int
    asset_id: int | None = None
    acknowledged_by: str = ""
    closed_by: str = ""
