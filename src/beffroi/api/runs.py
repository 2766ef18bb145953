"""Runs of procedures: followed, started, and moved step by step, each act once whatever the network does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, write_cursor
from beffroi.api.running import shape_of_message, shape_of_run, shape_with_steps
from beffroi.foundation import clock
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people.types import Kind, Verb
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.types import Run

router = Router(tags=["procedures"])
_SEE = door(Verb.SEE, Kind.PROCEDURE)
_RUN = door(Verb.RUN, Kind.PROCEDURE)
_NONE = "no such run, or on an incident that you may not see"
_TOLD = answers(
    shapes.RunDetail, s404="no such run or step, or not for you", s409="somebody did it first: who, and when"
)


class RunsAsked(Page):
    """Filters of the list of runs."""

    incident: str = Field("", max_length=40, description="Reference of the incident, or its number.")
    procedure: str = Field("", max_length=48, description="Code of the procedure.")
    running: bool = Field(False, description="Only those that go on.")


class RunStarted(Schema):
    """What is started, on which incident."""

    model_config = ConfigDict(extra="forbid")
    procedure: str = Field(max_length=48, description="Code of a procedure in force.")
    incident: str = Field(max_length=40, description="Reference of the incident, or its number.")


class Seen(Schema):
    """What was seen at a step."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field("", max_length=2000, description="Kept under the key of the incident's case.")


class Answered(Seen):
    """The answer to a question."""

    value: str = Field(max_length=48, description="The `value` of one of its answers.")


class Ticked(Schema):
    """An item of a checklist."""

    model_config = ConfigDict(extra="forbid")
    item: int = Field(ge=0, le=100, description="Its place, counted from 0.")


class Engaged(Schema):
    """A crew that is proposed the mission of a step."""

    model_config = ConfigDict(extra="forbid")
    unit: str = Field(max_length=32, description="Slug of the crew; `dispatch/nearest` says which are near.")


class Reasoned(Schema):
    """Why a step is skipped, or a run stopped."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=2000, description="Kept under the key of the incident's case.")


class Nothing(Schema):
    """Nothing more to say."""

    model_config = ConfigDict(extra="forbid")


@router.get("/runs", auth=_SEE, **answers(shapes.Runs, s404="no such incident, or not for you"))
def list_runs(request: Entered, asked: Query[RunsAsked]) -> HttpResponse:
    """List runs, the newest first."""
    check_known(request, RunsAsked)
    number = incidents.get(asked.incident, request.auth).id if asked.incident else None
    filters = queries.RunsAsked(number, asked.procedure, asked.running)
    before = read_cursor(asked.cursor, int)
    found = queries.list_runs(filters, seen_by=request.auth, before=before, limit=asked.limit + 1)
    page, more = cut(found, asked.limit)
    items = [shape_of_run(run, reference) for run, reference in page]
    return answer(shapes.Runs(items, write_cursor(page[-1][0].id) if more else None))


@router.post(
    "/runs",
    auth=_RUN,
    **answers(shapes.RunDetail, 201, 200, s404="no such incident or procedure", s409="it runs already, or it is over"),
)
def start_run(request: Entered, told: RunStarted) -> HttpResponse:
    """Start a procedure on an incident. With `Idempotency-Key`, a request sent twice is one: 201 then 200."""
    check_known(request, Schema)
    number, by = incidents.get(told.incident, request.auth).id, _by(request)
    found = actions.start(told.procedure, number, **by)
    return answer(shape_with_steps(found, request.auth), 201 if found.started_at == by["at"] else 200)


@router.get("/runs/{run}", auth=_SEE, **answers(shapes.RunDetail, s404=_NONE))
def get_run(request: Entered, run: int) -> HttpResponse:
    """Give one run: its steps with their deadlines and what proves them, and what it told."""
    check_known(request, Schema)
    return answer(shape_with_steps(queries.run(run, request.auth), request.auth))


@router.post("/runs/{run}/steps/{run_step}/confirm", auth=_RUN, **_TOLD)
def confirm(request: Entered, run: int, run_step: str, told: Seen) -> HttpResponse:
    """Say that a step is done, with what proves it; a picture is attached for the step before."""
    return _moved(request, run, lambda by: actions.confirm(run, run_step, note=told.note, **by))


@router.post("/runs/{run}/steps/{run_step}/answer", auth=_RUN, **_TOLD)
def answer_step(request: Entered, run: int, run_step: str, told: Answered) -> HttpResponse:
    """Answer a question."""
    return _moved(request, run, lambda by: actions.answer(run, run_step, told.value, note=told.note, **by))


@router.post("/runs/{run}/steps/{run_step}/tick", auth=_RUN, **_TOLD)
def tick(request: Entered, run: int, run_step: str, told: Ticked) -> HttpResponse:
    """Tick an item of a checklist; the last one ends the step."""
    return _moved(request, run, lambda by: actions.tick(run, run_step, told.item, **by))


@router.post("/runs/{run}/steps/{run_step}/skip", auth=_RUN, **_TOLD)
def skip(request: Entered, run: int, run_step: str, told: Reasoned) -> HttpResponse:
    """Go past a step, saying why."""
    return _moved(request, run, lambda by: actions.skip(run, run_step, reason=told.reason, **by))


@router.post("/runs/{run}/steps/{run_step}/send", auth=_RUN, **_TOLD)
def send(request: Entered, run: int, run_step: str, told: Nothing) -> HttpResponse:
    """Send the command of a step, or send it again after it failed; a dangerous one waits for a second person."""
    return _moved(request, run, lambda by: actions.send(run, run_step, **by))


@router.post("/runs/{run}/steps/{run_step}/engage", auth=_RUN, **_TOLD)
def engage(request: Entered, run: int, run_step: str, told: Engaged) -> HttpResponse:
    """Propose the mission of a step to a crew, or to another after it failed."""
    return _moved(request, run, lambda by: actions.engage(run, run_step, told.unit, **by))


@router.post("/runs/{run}/stop", auth=_RUN, **_TOLD)
def stop(request: Entered, run: int, told: Reasoned) -> HttpResponse:
    """Stop a run before its end, saying why."""
    return _moved(request, run, lambda by: actions.stop(run, reason=told.reason, **by))


@router.get("/messages", auth=_SEE, **answers(shapes.Messages))
def list_messages(request: Entered) -> HttpResponse:
    """List what runs told the account's post and nobody there said seen, the urgent and the newest first."""
    check_known(request, Schema)
    return answer(shapes.Messages([shape_of_message(each) for each in queries.messages_for(request.auth)]))


@router.post(
    "/messages/{message}/seen",
    auth=_RUN,
    **answers(shapes.Message, s404="no such message, or not for you", s409="somebody said it first: who, and when"),
)
def seen(request: Entered, message: int, told: Nothing) -> HttpResponse:
    """Say that a message is seen, for everyone at its post; a step that waits for it goes on."""
    check_known(request, Schema)
    return answer(shape_of_message(actions.acknowledge_message(message, **_by(request))))


def _moved(request: Entered, run: int, act: Callable[[dict[str, Any]], Run]) -> HttpResponse:
    """Do an act on a run that this account may see, and answer the run as it is then."""
    check_known(request, Schema)
    queries.run(run, request.auth)
    act(_by(request))
    return answer(shape_with_steps(queries.run(run, request.auth), request.auth))


def _by(request: Entered) -> dict[str, Any]:
    return {"by": request.auth, "at": clock.now(), "token": request.headers.get("Idempotency-Key", "")}
