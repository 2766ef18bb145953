"""What a distress opens: an incident of the first priority, whatever categories the city has. Pure."""

from __future__ import annotations

from beffroi.kernel.dispatch.types import DistressKind
from beffroi.kernel.incidents.types import Category

_TITLES = {
    DistressKind.BUTTON: ("crew_distress", "Détresse d’un équipage"),
    DistressKind.SILENCE: ("lone_worker_silent", "Travailleur isolé sans signe de vie"),
}


def category_of(kind: DistressKind, callsign: str, desk: str) -> Category:
    """Return what the incident of a distress is about; its title names the crew by its callsign, nobody by name."""
    code, title = _TITLES[kind]
    return Category(code=code, title=f"{title} – {callsign}"[:120], desk=desk, priority=1)
