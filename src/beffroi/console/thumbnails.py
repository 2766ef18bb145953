"""What a panel shows of an incident's pictures: a small one for each, by which it is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from beffroi.kernel.incidents import queries
from beffroi.kernel.incidents.types import Evidence, Incident
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import queries as procedures


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture as a panel shows it: what is known of it, the step it is of, where its small form and its page are."""

    it: Evidence
    thumbnail: str
    page: str
    step: str = ""


def thumbnails(incident: Incident, pictures: Sequence[Evidence]) -> list[Thumbnail]:
    """Return the pictures of an incident as its panel shows them, in their order."""
    steps = step_titles(incident, pictures)
    return [
        Thumbnail(
            each,
            address_of("thumbnail", incident, each.id),
            address_of("evidence", incident, each.id),
            steps.get(each.step, ""),
        )
        for each in pictures
    ]


def step_titles(incident: Incident, pictures: Sequence[Evidence]) -> dict[str, str]:
    """Return the titles of the steps that these pictures are of, by the name that they give them."""
    return procedures.pictured_steps(procedures.runs_of_incident(incident.id)) if any(p.step for p in pictures) else {}


def address_of(name: str, incident: Incident, picture: UUID) -> str:
    """Return the address of a picture's page, of its small form, or of itself."""
    return reverse(f"console:incident_{name}", args=[incident.reference, picture])


def pictures_of(incident: Incident, viewer: Viewer) -> tuple[Evidence, ...]:
    """Return the pictures of an incident that this person may open; none for who may not read what names persons there."""
    desks = (incident.desk, *incident.associated)
    reads = any(people.may(viewer, Verb.SEE, Kind.PERSONAL, desk=desk, commune=incident.commune) for desk in desks)
    return queries.evidence_of(incident.id) if reads else ()
