"""Every read of the procedures' room."""

from beffroi.kernel.procedures.queries.facts import given_of, incidents_known
from beffroi.kernel.procedures.queries.library import in_force, library, procedure_of, proposed_for, version_of
from beffroi.kernel.procedures.queries.running import (
    list_running,
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
    "given_of",
    "in_force",
    "incidents_known",
    "library",
    "list_running",
    "message_of",
    "messages_for",
    "messages_of",
    "next_of",
    "procedure_of",
    "proposed_for",
    "run",
    "run_of_row",
    "runs_of_incident",
    "state_of",
    "version_of",
]
