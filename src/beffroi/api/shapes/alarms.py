"""Alarms and their definitions."""

from __future__ import annotations

import msgspec


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
    commanded_by: str | None
    rung: int
    aside_by: str
    aside_reason: str
    aside_until: str | None
    cause: str
    consequence: str
    response: str
    allowable_time_s: int


class Alarms(msgspec.Struct):
    """A page of alarms, the newest first."""

    items: list[Alarm]
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
