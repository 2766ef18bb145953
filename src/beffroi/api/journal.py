"""The journal, as other systems of the city read it: common lines only, what a desk or a vault holds is not among them."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import Page, answer, check_known, cut, read_cursor, read_instant, write_cursor, write_instant
from beffroi.kernel.journal import queries
from beffroi.kernel.journal.types import Line, Sensitivity
from beffroi.kernel.people.types import Kind, Verb

router = Router(tags=["journal"])
MAX_NUMBER = 2**63 - 1


class JournalAsked(Page):
    """Filters of the journal."""

    subject: str = Field("", max_length=160, description="What lines are about, or relate to: `incident:42`.")
    room: str = Field("", max_length=32, description="The room that wrote them.")
    verb: str = Field("", max_length=64, description="What was done.")
    text: str = Field("", max_length=160, description="Words that lines hold in clear; always the newest first.")
    actor: str = Field("", max_length=128, description="Who did it: an account, a rule's code, an asset's code.")
    since: str | None = Field(None, alias="from", max_length=40, description="Recorded after (RFC 3339).")
    until: str | None = Field(None, alias="to", max_length=40, description="Recorded before (RFC 3339).")
    after: int | None = Field(
        None, ge=0, le=MAX_NUMBER, description="Lines after this number, the oldest first: how to follow the journal."
    )


@router.get("/journal", auth=door(Verb.SEE, Kind.JOURNAL), **answers(shapes.Lines))
def list_lines(request: Entered, asked: Query[JournalAsked]) -> HttpResponse:
    """List lines of the journal, the newest first; with `after`, the oldest first."""
    check_known(request, JournalAsked)
    place = read_cursor(asked.cursor, int)
    forward = asked.after is not None
    filters = queries.Filters(
        before_seq=None if forward else place,
        after_seq=place if forward and place is not None else asked.after,
        subject=asked.subject,
        room=asked.room,
        verb=asked.verb,
        actor=asked.actor,
        text=asked.text,
        since=read_instant(asked.since, "from"),
        until=read_instant(asked.until, "to"),
        sensitivities=(Sensitivity.COMMON,),
    )
    found = queries.list_lines(filters, limit=asked.limit + 1)
    page, more = cut(found, asked.limit)
    following = write_cursor(page[-1].seq) if more else None
    return answer(shapes.Lines(told(page), following))


def told(lines: Sequence[Line]) -> list[shapes.Line]:
    """Return lines as they are told, each with those that correct it."""
    corrections = queries.corrections_of([line.seq for line in lines])
    return [_line(line, [each.seq for each in corrections.get(line.seq, ())]) for line in lines]


def _line(line: Line, corrected_by: list[int]) -> shapes.Line:
    return shapes.Line(
        sequence=line.seq,
        id=str(line.id),
        recorded_at=write_instant(line.recorded_at) or "",
        effective_at=write_instant(line.effective_at) or "",
        actor=shapes.Actor(str(line.actor.kind), line.actor.id, line.actor.name),
        room=line.room,
        verb=line.verb,
        subject=line.subject,
        related=list(line.related),
        purpose=line.purpose,
        reason=line.reason,
        sensitivity=str(line.sensitivity),
        content=line.content,
        digest=line.digest.hex(),
        corrects=int(line.content.get("corrects", 0)) or None,
        corrected_by=corrected_by,
        about=line.personal.about if line.personal else None,
        personal=str(line.personal.state) if line.personal else None,
    )


@router.get("/journal/{sequence}/proof", auth=door(Verb.SEE, Kind.JOURNAL), **answers(shapes.Proof))
def line_proof(request: Entered, sequence: int) -> HttpResponse:
    """Give the proof that a line is under a seal; `line_text` is null for a line that is reserved."""
    found = queries.proof_of(min(sequence, MAX_NUMBER))
    seal = found.seal
    return answer(
        shapes.Proof(
            format=queries.FORMAT,
            line=found.seq,
            line_text=found.text or None,
            line_digest=found.digest.hex(),
            place=found.place,
            size=found.size,
            path=[node.hex() for node in found.path],
            seal=None
            if seal is None
            else shapes.ProofSeal(
                number=seal.number,
                first_seq=seal.first_seq,
                last_seq=seal.last_seq,
                root=seal.root.hex(),
                previous=seal.previous.hex(),
                sealed_at=seal.sealed_at,
                digest=seal.digest.hex(),
            ),
        )
    )
