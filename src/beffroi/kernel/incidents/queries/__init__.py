"""Every read of the incidents' room, narrowed to what the person may see."""

from beffroi.kernel.incidents.queries.catalogue import categories, correlation
from beffroi.kernel.incidents.queries.finding import MAX_WITHIN_M, Filters
from beffroi.kernel.incidents.queries.linking import (
    compared,
    duplicates_of,
    known_near,
    neighbours,
    note_lines,
    origins_of,
    pair_of,
    proposals_of,
    signals_of,
    twin_of,
)
from beffroi.kernel.incidents.queries.reading import (
    Counts,
    ToGather,
    counts,
    get,
    history,
    incident_of,
    incidents_of_alarms,
    list_incidents,
    list_open,
    of_ids,
    place_of,
    to_gather,
    whole,
)
from beffroi.kernel.incidents.queries.tree import living_of, tree_of

__all__ = [
    "MAX_WITHIN_M",
    "Counts",
    "Filters",
    "ToGather",
    "categories",
    "compared",
    "correlation",
    "counts",
    "duplicates_of",
    "get",
    "history",
    "incident_of",
    "incidents_of_alarms",
    "known_near",
    "list_incidents",
    "list_open",
    "living_of",
    "neighbours",
    "note_lines",
    "of_ids",
    "origins_of",
    "pair_of",
    "place_of",
    "proposals_of",
    "signals_of",
    "to_gather",
    "tree_of",
    "twin_of",
    "whole",
]
