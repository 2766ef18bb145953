"""Every read of dispatch, narrowed to what the person may see."""

from beffroi.kernel.dispatch.queries.distress import distress, distress_of, distress_of_unit, standing_distresses
from beffroi.kernel.dispatch.queries.missions import (
    crews_of,
    list_missions,
    live_missions,
    mission,
    mission_of,
    missions_of_incident,
    missions_of_person,
)
from beffroi.kernel.dispatch.queries.nearest import nearest
from beffroi.kernel.dispatch.queries.profile import card_of, cards, skills, times
from beffroi.kernel.dispatch.queries.tracks import latest_tracks, track_kept
from beffroi.kernel.dispatch.queries.units import (
    is_of_crew,
    read_unit,
    slug_of_person,
    unit,
    unit_of_person,
    units,
)

__all__ = [
    "card_of",
    "cards",
    "crews_of",
    "distress",
    "distress_of",
    "distress_of_unit",
    "is_of_crew",
    "latest_tracks",
    "list_missions",
    "live_missions",
    "mission",
    "mission_of",
    "missions_of_incident",
    "missions_of_person",
    "nearest",
    "read_unit",
    "skills",
    "slug_of_person",
    "standing_distresses",
    "times",
    "track_kept",
    "unit",
    "unit_of_person",
    "units",
]
