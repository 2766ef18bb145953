"""What keeps alarms from people now: definitions shelved on an asset, and what is out of service.

Whoever raises alarms holds the covers shared, whoever changes them holds them alone, each until their transaction ends,
and before any row: so no alarm is born under a cover that has just ended, nor stands beside one that has just begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from beffroi.kernel.alarms.models import Shelving, Withdrawal
from beffroi.kernel.alarms.types import AlarmState
from beffroi.kernel.twin import queries as twin

_COVERS_LOCK = 0x636F76657273  # "covers"


@dataclass(frozen=True, slots=True)
class Cover:
    """What keeps an alarm from people: its state then, and the shelving or the withdrawal."""

    state: AlarmState
    shelving: int | None = None
    withdrawal: int | None = None


def hold_covers(*, alone: bool = False) -> None:
    """Have the covers stay as they are until the transaction ends; `alone`, to change them."""
    with connection.cursor() as cursor:
        function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        cursor.execute(f"SELECT {function}(%s)", [_COVERS_LOCK])


@dataclass(slots=True)
class Covers:
    """The covers in force, read once held: few, as people make them one by one."""

    shelved: dict[tuple[str, int], int] = field(default_factory=dict)
    withdrawn: dict[tuple[str, int], int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)

    def over(self, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Cover]:
        """Return what covers each of these (code, asset), where something does. Out of service is before shelved."""
        wanted = set(keys)
        found: dict[tuple[str, int], Cover] = {}
        source_of = {}
        if self.sources:
            assets = twin.assets_by_id({asset for _, asset in wanted})
            source_of = {key: asset.source for key, asset in assets.items()}
        for code, asset in wanted:
            withdrawal = (
                self.withdrawn.get(("", asset))
                or self.withdrawn.get((code, asset))
                or self.sources.get(source_of.get(asset) or "")
            )
            if withdrawal is not None:
                found[code, asset] = Cover(AlarmState.OUT_OF_SERVICE, withdrawal=withdrawal)
            elif (code, asset) in self.shelved:
                found[code, asset] = Cover(AlarmState.SHELVED, shelving=self.shelved[code, asset])
        return found


def covers_in_force() -> Covers:
    """Return what is shelved and what is out of service now; hold them first."""
    covers = Covers()
    for key, code, asset in Shelving.objects.filter(ended_at=None).values_list("id", "code", "asset_id"):
        covers.shelved[code, asset] = key
    rows = Withdrawal.objects.filter(ended_at=None).values_list("id", "code", "asset_id", "source__code")
    for key, code, asset, source in rows:
        if source is not None:
            covers.sources[source] = key
        else:
            covers.withdrawn[code, asset] = key
    return covers
