"""Every read of the incidents' room, narrowed to what the person may see."""

from beffroi.kernel.incidents.queries.reading import (
    Counts,
    Filters,
    counts,
    get,
    history,
    incident_of,
    incidents_of_alarms,
    list_incidents,
    list_open,
    of_ids,
    place_of,
    whole,
)

__all__ = [
    "Counts",
    "Filters",
    "counts",
    "get",
    "history",
    "incident_of",
    "incidents_of_alarms",
    "list_incidents",
    "list_open",
    "of_ids",
    "place_of",
    "whole",
]
