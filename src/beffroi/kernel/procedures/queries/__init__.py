"""Every read of the procedures' room."""

from beffroi.kernel.procedures.queries.aiming import aim, aimed_at, candidates, progress_of, request_of
from beffroi.kernel.procedures.queries.facts import given_of, incidents_known
from beffroi.kernel.procedures.queries.library import in_force, library, procedure_of, proposed_for, version_of
from beffroi.kernel.procedures.queries.mailing import (
    address_left,
    address_of_contact,
    address_of_letter,
    has_address,
    letters_of,
)
from beffroi.kernel.procedures.queries.picturing import of_step, pictured_steps, pictures_of_step
from beffroi.kernel.procedures.queries.revising import (
    card,
    cards,
    known_names,
    library_mark,
    past_versions,
    revision,
    revision_of,
    revisions_of,
)
from beffroi.kernel.procedures.queries.running import (
    RunsAsked,
    list_running,
    list_runs,
    message_of,
    messages_for,
    messages_of,
    next_of,
    run,
    run_of_row,
    runs_of_incident,
    state_of,
)

__all__ = [
    "RunsAsked",
    "address_left",
    "address_of_contact",
    "address_of_letter",
    "aim",
    "aimed_at",
    "candidates",
    "card",
    "cards",
    "given_of",
    "has_address",
    "in_force",
    "incidents_known",
    "known_names",
    "letters_of",
    "library",
    "library_mark",
    "list_running",
    "list_runs",
    "message_of",
    "messages_for",
    "messages_of",
    "next_of",
    "of_step",
    "past_versions",
    "pictured_steps",
    "pictures_of_step",
    "procedure_of",
    "progress_of",
    "proposed_for",
    "request_of",
    "revision",
    "revision_of",
    "revisions_of",
    "run",
    "run_of_row",
    "runs_of_incident",
    "state_of",
    "version_of",
]
