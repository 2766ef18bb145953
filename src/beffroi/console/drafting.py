"""The form of a procedure: its text as it is written, what is wrong said line by line; what was typed stays."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from beffroi.console.door import page, refusal_words
from beffroi.console.library import to_procedure
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError, Forbidden
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import actions, queries
from beffroi.kernel.procedures.rules import Problem, WrongProcedure

MAX_TYPED = 200_000
BEGIN = """code: ma_fiche
version: 1
title: Ce que les gens lisent
desk: traffic
purpose: >-
  Quand et pourquoi on la lance, en une ou deux phrases.
for:
  categories: []
roles:
  - {code: operator, title: Opérateur, desk: traffic}
steps:
  - id: look
    kind: instruction
    title: Regarder ce qui se passe
    evidence: note
    within_s: 300
tests:
  - name: On regarde, et c'est fini
    when:
      - {at_s: 60, confirm: look}
    expect:
      - {at_s: 0, step: look, by: operator, within_s: 300}
      - {at_s: 60, end: done}
"""
"""What a new procedure begins with: the shape of one, which is already right but for its words."""


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.PROPOSE, Kind.PROCEDURE)
def new_procedure(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Write a procedure that does not exist yet."""
    return _form(request, viewer, BEGIN, "")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.PROPOSE, Kind.PROCEDURE)
def change_procedure(request: HttpRequest, viewer: Viewer, procedure: str) -> HttpResponse:
    """Write a change of a procedure; one's own open change is taken up where it was left."""
    card = queries.card(procedure)
    mine = card.revision is not None and card.revision.author == actions.author_key(viewer.actor)
    begun = card.revision if mine and card.revision and card.revision.text else None
    return _form(request, viewer, begun.text if begun else card.text, procedure, begun.reason if begun else "")


def _form(request: HttpRequest, viewer: Viewer, text: str, code: str, reason: str = "") -> HttpResponse:
    problems: tuple[Problem, ...] = ()
    wrong: dict[str, str] = {}
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n")[:MAX_TYPED]
        reason = request.POST.get("reason", "")
        try:
            written = actions.draft_procedure(text, code=code, reason=reason, by=viewer, at=clock.now())
        except WrongProcedure as error:
            problems = error.problems
        except Forbidden:
            raise
        except BeffroiError as error:
            wrong = {"reason" if error.key == "why-missing" else "general": refusal_words(error)}
        else:
            messages.success(request, _("Le brouillon est enregistré. Regardez ses essais, puis proposez-le."))
            return to_procedure(written.code)
    refused = bool(problems or wrong)
    context: dict[str, Any] = surround(request, viewer) | {
        "code": code,
        "text": text,
        "lines": max(20, min(28, text.count("\n") + 2)),
        "reason": reason,
        "problems": problems,
        "wrong": wrong,
        "refused": refused,
    }
    return render(request, "console/procedure_form.html", context, status=422 if refused else 200)
