"""Every write of the places' room: a city's reference files taken in, streets closed and opened again."""

from beffroi.kernel.places.actions.closing import (
    close_street,
    prolong_closure,
    reopen_street,
    turn_closures,
)
from beffroi.kernel.places.actions.importing import ROOM, import_addresses, import_communes, import_streets

__all__ = [
    "ROOM",
    "close_street",
    "import_addresses",
    "import_communes",
    "import_streets",
    "prolong_closure",
    "reopen_street",
    "turn_closures",
]
