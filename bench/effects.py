"""Effects of readings against the readings: which alarms stand, which incidents follow them, what the journal tells of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from bench.load import CABINET, Record, code_of
from bench.post import Post

ALARM = "lighting_cabinet_tripped"
ACTIVE = ("unacknowledged", "acknowledged", "suppressed")
SETTLED_WITHIN_S = 90.0
"""On-delay 5 s and off-delay 30 s of the definition, and the time of a restart in the middle of either."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the readings of the cabinets led to. All the counts of faults must be zero."""

    alarms: int
    incidents: int
    missing: tuple[str, ...]  # tripped at the end, and no alarm stands
    wrong: tuple[str, ...]  # an alarm stands, and the cabinet is not tripped
    alarms_open_twice: int
    incidents_open_twice: int
    alarms_without_incident: int
    lines_twice: int  # one thing told twice in the journal: verb, subject and instant the same
    raises_untold: int  # alarms of which the journal tells nothing

    @property
    def stand(self) -> bool:
        """Neither lost nor doubled."""
        counts = (self.alarms_open_twice, self.incidents_open_twice, self.alarms_without_incident, self.lines_twice)
        return not (self.missing or self.wrong or any(counts) or self.raises_untold)

    def figures(self) -> dict[str, Any]:
        """Return the effects for a file of results."""
        return {**asdict(self), "stand": self.stand}


def look(connection: psycopg.Connection[tuple[Any, ...]]) -> Effects:
    """Read the effects as they are now."""

    def number(query: str) -> int:
        row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def codes(query: str, *values: object) -> set[str]:
        return {str(code) for (code,) in connection.execute(query, values).fetchall()}

    tripped = codes(
        "SELECT a.code FROM twin_state s JOIN twin_asset a ON a.id = s.asset_id JOIN twin_quantity q ON q.id = s.quantity_id"
        " WHERE q.name = 'feeder_state' AND s.value = 1"
    )
    standing = codes(
        "SELECT a.code FROM alarms_alarm m JOIN twin_asset a ON a.id = m.asset_id WHERE m.code = %s AND m.state = ANY(%s)",
        ALARM,
        list(ACTIVE),
    )
    return Effects(
        alarms=number(f"SELECT count(*) FROM alarms_alarm WHERE code = '{ALARM}'"),
        incidents=number("SELECT count(*) FROM incidents_incident"),
        missing=tuple(sorted(tripped - standing)),
        wrong=tuple(sorted(standing - tripped)),
        alarms_open_twice=number(
            "SELECT count(*) FROM (SELECT 1 FROM alarms_alarm WHERE state <> 'normal' GROUP BY code, asset_id"
            " HAVING count(*) > 1) AS doubled"
        ),
        incidents_open_twice=number(
            "SELECT count(*) FROM (SELECT 1 FROM incidents_incident WHERE closed_at IS NULL GROUP BY asset_id, category"
            " HAVING count(*) > 1) AS doubled"
        ),
        alarms_without_incident=number(
            f"SELECT count(*) FROM alarms_alarm m WHERE m.code = '{ALARM}' AND m.announced_at IS NOT NULL AND NOT EXISTS"
            " (SELECT 1 FROM incidents_incidentalarm l WHERE l.alarm_id = m.id)"
        ),
        lines_twice=number(
            "SELECT count(*) FROM (SELECT 1 FROM journal_line WHERE room IN ('alarms', 'incidents')"
            " GROUP BY verb, subject, effective_at, content HAVING count(*) > 1) AS doubled"
        ),
        raises_untold=number(
            "SELECT count(*) FROM alarms_alarm m WHERE NOT EXISTS"
            " (SELECT 1 FROM journal_line l WHERE l.subject = 'alarm:' || m.id)"
        ),
    )


def settled(post: Post, record: Record) -> Effects:
    """Wait until the alarms that stand are those of the cabinets that are tripped, or the time is over; return the effects."""
    last = {code_of(int(k)) for k in set(record.asset[record.asset <= CABINET].tolist())}
    deadline = time.monotonic() + (SETTLED_WITHIN_S if last else 0)
    while True:
        with post.database() as connection:
            found = look(connection)
        if not (found.missing or found.wrong) or time.monotonic() > deadline:
            return found
        time.sleep(0.5)
