"""Every read of the places' room: addresses and communes, streets and ways along them, closures."""

from beffroi.kernel.places.queries.closures import (
    closed_now,
    closure,
    closures,
    closures_of_incident,
)
from beffroi.kernel.places.queries.finding import (
    MAX_LIMIT,
    commune_at,
    communes,
    nearest_address,
    nearest_addresses,
    search_addresses,
)
from beffroi.kernel.places.queries.streets import (
    ends_of,
    length_m,
    nearest_segment,
    network,
    segments,
    street_of,
    streets_named,
)
from beffroi.kernel.places.queries.travel import (
    MAX_POINTS,
    matrix,
    street_graph,
    travel_times,
    travels,
    way,
)

__all__ = [
    "MAX_LIMIT",
    "MAX_POINTS",
    "closed_now",
    "closure",
    "closures",
    "closures_of_incident",
    "commune_at",
    "communes",
    "ends_of",
    "length_m",
    "matrix",
    "nearest_address",
    "nearest_addresses",
    "nearest_segment",
    "network",
    "search_addresses",
    "segments",
    "street_graph",
    "street_of",
    "streets_named",
    "travel_times",
    "travels",
    "way",
]
