"""The journal line about an incident: the same shape whoever acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from beffroi.foundation.clock import from_datetime
from beffroi.kernel.incidents.models import Incident
from beffroi.kernel.incidents.rules import reference_of
from beffroi.kernel.journal.types import Actor, Entry

ROOM = "incidents"


def line_of(
    row: Incident,
    verb: str,
    actor: Actor,
    *,
    asset_code: str,
    alarms: Iterable[int] = (),
    reason: str = "",
    personal: Mapping[str, str] | None = None,
    **content: object,
) -> Entry:
    """Return a line about an incident, related to its equipment and to the alarms that it concerns.

    `personal` is what people wrote freely, and may name persons: it is encrypted with the key of this incident's case.
    """
    related = (*(f"alarm:{alarm}" for alarm in alarms), *((f"asset:{asset_code}",) if asset_code else ()))
    told = {
        "reference": reference_of(row.pk, from_datetime(row.opened_at)),
        "state": str(row.state),
        "priority": row.priority,
        "desk": row.desk,
        "commune": row.commune,
        **content,
    }
    written = {name: text for name, text in (personal or {}).items() if text}
    about = case_of(row.pk) if written else ""
    subject = f"incident:{row.pk}"
    return Entry(actor, ROOM, verb, subject, related, told, reason=reason, about=about, personal=written)


def case_of(incident_id: int) -> str:
    """Return the name of an incident's case, whose key encrypts what people wrote of it."""
    return f"case:incident-{incident_id}"


def code_of_asset(row: Incident) -> str:
    """Return the code of the incident's equipment, or nothing."""
    return row.asset.code if row.asset else ""
