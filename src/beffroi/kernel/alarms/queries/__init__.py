"""Every read of the alarms' room. Lists and single alarms are narrowed to what the person may see; the rest is counted."""

from beffroi.kernel.alarms.queries.floods import chattering_now, list_floods, marks, open_flood, rate_10_min
from beffroi.kernel.alarms.queries.reading import (
    MAX_LIMIT,
    Counts,
    Filters,
    active_among,
    counts,
    definition_of,
    definitions_in_force,
    get,
    list_alarms,
    list_open,
    named,
    of_ids,
    open_conditions,
    standing,
)

__all__ = [
    "MAX_LIMIT",
    "Counts",
    "Filters",
    "active_among",
    "chattering_now",
    "counts",
    "definition_of",
    "definitions_in_force",
    "get",
    "list_alarms",
    "list_floods",
    "list_open",
    "marks",
    "named",
    "of_ids",
    "open_conditions",
    "open_flood",
    "rate_10_min",
    "standing",
]
