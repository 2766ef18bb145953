"""The form of an alarm definition: read field by field; what is wrong is said beside its field, what was typed stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from beffroi.console import ruling, words
from beffroi.console.definitions import to_card
from beffroi.console.door import page, refusal_words
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError, Forbidden
from beffroi.foundation.units import STATES
from beffroi.kernel.alarms import actions, queries
from beffroi.kernel.alarms.actions import WrongDefinition
from beffroi.kernel.alarms.rules.definition_entries import entry_of
from beffroi.kernel.alarms.rules.definition_rule import JOINS, MAX_COMPARISONS, OPERATORS
from beffroi.kernel.alarms.types import PRIORITIES
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin.types import CLASSES

SHOWN_ROWS = 4
"""Comparisons that the form shows at once; the others, as many as a definition may have, unfold."""

MAX_TYPED = 20_000
TEXTS = ("code", "title", "asset_class", "desk", "cause", "consequence", "response", "expression")
NUMBERS = ("on_delay_s", "off_delay_s", "release_delay_s", "re_alarm_s", "escalate_after_s", "silence_periods")
WHOLE = ("allowable_time_s", "priority", "re_alarm_s", "escalate_after_s")
NEEDED = ("allowable_time_s", "priority")
KINDS = (
    ("comparisons", gettext_lazy("Comparer des grandeurs")),
    ("silence", gettext_lazy("Guetter un silence")),
    ("expression", gettext_lazy("Écrire une expression CEL")),
)
HELP: Mapping[str, object] = {
    "code": gettext_lazy("Lettres minuscules, chiffres et « _ », une lettre d’abord, 64 au plus."),
    "title": gettext_lazy("Ce que les gens lisent : 1 à 160 caractères."),
    "asset_class": gettext_lazy("Choisissez la sorte d’équipement."),
    "desk": gettext_lazy("Choisissez la salle qui répond."),
    "priority": gettext_lazy("1 agir maintenant, 2 en quelques minutes, 3 dans la prise de poste, 4 liste du matin."),
    "cause": gettext_lazy("Ce qui la fait arriver : 1 à 2 000 caractères."),
    "consequence": gettext_lazy("Ce qui arrive si personne n’agit : 1 à 2 000 caractères."),
    "response": gettext_lazy("Ce que l’opérateur fait : 1 à 2 000 caractères."),
    "allowable_time_s": gettext_lazy("Secondes pour agir avant la conséquence : nombre entier, 1 au moins."),
    "on_delay_s": gettext_lazy("Secondes pendant lesquelles la condition tient : 0 à 86 400."),
    "off_delay_s": gettext_lazy("Secondes pendant lesquelles elle a cessé : 0 à 86 400."),
    "release_delay_s": gettext_lazy("Secondes, avec une explication seulement ; sinon laissez vide."),
    "suppressed_by": gettext_lazy(
        "« relation:définition », séparées par des espaces ; relations self, feeds, contains, source. L’explication existe, elle est "
        "au moins aussi urgente, et aucune ne s’explique elle-même. Ou « relation:command:commande » : ce que nous commandons."
    ),
    "re_alarm_s": gettext_lazy("Secondes de 60 à 86 400 ; vide : jamais."),
    "escalate_after_s": gettext_lazy("Secondes de 60 à 86 400, 0 : jamais ; vide : selon la priorité."),
    "silence_periods": gettext_lazy("Nombre de périodes sans nouvelle, 1 au moins, d’un équipement qui rend compte."),
    "expression": gettext_lazy(
        "Grandeurs de la sorte d’équipement, nombres, états entre guillemets, + - * / > >= < <= == != && || ! et "
        "parenthèses : 300 caractères au plus, ni fonction ni liste, et le tout dit oui ou non."
    ),
    "comparisons": gettext_lazy("Remplissez grandeur, comparaison et valeur d’une ligne au moins."),
    "row": gettext_lazy(
        "Une grandeur de cette sorte d’équipement ; pour un état, = ou ≠ et l’un de ses mots ; sinon un nombre. La bande "
        "morte va avec >, ≥, <, ≤."
    ),
    "tests": gettext_lazy("Liste YAML d’essais : name, given (at_s et valeurs), expect (raised_s, returned_s)."),
    "reason": gettext_lazy("Dites pourquoi : la seconde personne le lit."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.PROPOSE, Kind.DEFINITION)
def new_definition(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Write a definition that does not exist yet."""
    return _form(request, viewer, {"priority": 4, "off_delay_s": 60, "on_delay_s": 60, "opens_incident": False}, "")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Verb.PROPOSE, Kind.DEFINITION)
def change_definition(request: HttpRequest, viewer: Viewer, definition: str) -> HttpResponse:
    """Write a change of a definition; one's own open change is taken up where it was left."""
    card = queries.get_definition(definition, viewer)
    mine = card.revision is not None and card.revision.author == actions.author_key(viewer.actor)
    begun = card.revision if mine else None
    entry = dict(begun.fields) if begun and begun.fields else entry_of(card.definition)
    return _form(request, viewer, entry, definition, begun.reason if begun else "")


def _form(request: HttpRequest, viewer: Viewer, entry: Mapping[str, Any], code: str, reason: str = "") -> HttpResponse:
    typed, wrong = (_typed(request.POST), dict[str, str]()) if request.method == "POST" else (_shown(entry), {})
    if request.method == "POST":
        fields, wrong = _read(typed, code)
        if not wrong:
            try:
                written = actions.draft_definition(fields, reason=typed["reason"], by=viewer, at=clock.now())
            except WrongDefinition as error:
                wrong = {_place(problem.field): _told(problem.field, problem.text) for problem in error.problems}
            except Forbidden:
                raise
            except BeffroiError as error:
                wrong = {"reason" if error.key == "why-missing" else "": refusal_words(error)}
            else:
                messages.success(request, _("Le brouillon est enregistré. Regardez ses essais, puis proposez-le."))
                return to_card(written.code)
    else:
        typed["reason"] = reason
    context = (
        surround(request, viewer)
        | _choices()
        | {
            "code": code,
            "typed": typed,
            "rows": (rows := _rows(typed, wrong)),
            "more_open": any(row["wrong"] or row["quantity"] or row["threshold"] for row in rows[SHOWN_ROWS:]),
            "wrong": wrong,
            "general": wrong.get("", ""),
            "help": HELP,
            "labels": ruling.FIELDS,
        }
    )
    return render(request, "console/definition_form.html", context, status=422 if wrong else 200)


def _choices() -> dict[str, Any]:
    quantities = sorted({quantity for known in CLASSES.values() for quantity in known.quantities})
    return {
        "kinds": KINDS,
        "classes": [(slug, words.told(words.CLASSES, slug)) for slug in CLASSES],
        "desks": [(slug, words.told(words.DESKS, slug)) for slug in words.DESKS],
        "priorities": PRIORITIES,
        "quantities": [(name, words.told(words.QUANTITIES, name)) for name in quantities],
        "operators": [(sign, ruling.OPERATORS[sign]) for sign in OPERATORS],
        "joins": [(join, ruling.JOINS[join]) for join in JOINS],
        "state_words": sorted({words.told(words.STATE_WORDS[name], each) for name in STATES for each in STATES[name]}),
    }


def _typed(post: QueryDict) -> dict[str, str]:
    """Return what was typed, as it was typed."""
    return {
        name: str(value).replace("\r\n", "\n")[:MAX_TYPED]
        for name, value in post.dict().items()
        if name != "csrfmiddlewaretoken"
    }


def _shown(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return a definition's fields as the form shows them."""
    typed = {name: _text(entry[name]) for name in (*TEXTS, *NUMBERS, *WHOLE) if entry.get(name) is not None}
    for name in ("opens_incident", "latching"):
        typed[name] = "on" if entry.get(name) else ""
    typed["suppressed_by"] = " ".join(entry.get("suppressed_by", ()))
    typed["join"] = str(entry.get("join", "all"))
    kind = "silence" if "silence_periods" in entry else "expression" if "expression" in entry else "comparisons"
    typed["kind"] = kind
    compared = entry.get("comparisons") or ([entry] if "operator" in entry else [])
    for place, each in enumerate(compared, 1):
        for name in ("quantity", "operator", "threshold", "dead_band"):
            typed[f"{name}_{place}"] = _text(each.get(name, ""))
        typed[f"threshold_{place}"] = _state_shown(str(each["quantity"]), each["threshold"])
    tests = entry.get("tests")
    typed["tests"] = (
        yaml.safe_dump(tests, allow_unicode=True, sort_keys=False, default_flow_style=None) if tests else ""
    )
    return typed


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _state_shown(quantity: str, value: object) -> str:
    return words.told(words.STATE_WORDS.get(quantity, {}), value) if isinstance(value, str) else _text(value)


def _read(typed: Mapping[str, str], code: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields that were typed, for the kernel to judge, and what is no YAML."""
    fields: dict[str, Any] = {name: typed.get(name, "").strip() for name in (*TEXTS, *NEEDED)}
    fields["code"] = code or fields["code"]
    for name in {*NUMBERS, *WHOLE}:
        if typed.get(name, "").strip():
            fields[name] = _number(typed[name], whole=name in WHOLE)
    for name in ("opens_incident", "latching"):
        fields[name] = typed.get(name) == "on"
    if typed.get("suppressed_by", "").split():
        fields["suppressed_by"] = typed["suppressed_by"].split()
    _read_rule(typed, fields)
    try:
        tests = yaml.safe_load(typed.get("tests", "")) if typed.get("tests", "").strip() else []
    except (yaml.YAMLError, RecursionError, ValueError):
        return fields, {"tests": str(HELP["tests"])}
    return fields | ({"tests": tests} if tests else {}), {}


def _read_rule(typed: Mapping[str, str], fields: dict[str, Any]) -> None:
    kind = typed.get("kind", "comparisons")
    if kind != "silence":
        fields.pop("silence_periods", None)
    if kind != "expression":
        del fields["expression"]
    if kind != "comparisons":
        return
    compared = [row for place in range(1, MAX_COMPARISONS + 1) if (row := _comparison(typed, place))]
    if len(compared) == 1:
        fields |= compared[0]
    elif compared:
        fields |= {"comparisons": compared, "join": typed.get("join", "all")}


def _comparison(typed: Mapping[str, str], place: int) -> dict[str, Any]:
    names = ("quantity", "operator", "threshold", "dead_band")
    row = {name: typed.get(f"{name}_{place}", "").strip() for name in names}
    if not row["quantity"] and not row["threshold"]:
        return {}
    read: dict[str, Any] = {"quantity": row["quantity"], "operator": row["operator"]}
    read["threshold"] = _state_read(row["quantity"], row["threshold"])
    if row["dead_band"] and _number(row["dead_band"], whole=False) != 0:
        read["dead_band"] = _number(row["dead_band"], whole=False)
    return read


def _state_read(quantity: str, text: str) -> object:
    """Return a state's word from the word that people see, or a number."""
    for word in STATES.get(quantity, ()):
        if text.casefold() in (word, words.told(words.STATE_WORDS.get(quantity, {}), word).casefold()):
            return word
    return _number(text, whole=False)


def _number(text: str, *, whole: bool) -> object:
    """Return a number as people write it, with a comma or spaces; what is none stays text, which the kernel refuses."""
    plain = "".join(text.split()).replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        return text
    return int(value) if whole and value == int(value) else value


def _place(field: str) -> str:
    """Return beside which control of the form a problem is told."""
    if field.startswith("comparisons."):
        return f"row_{field.split('.')[1]}"
    if field in ("quantity", "operator", "threshold", "dead_band"):
        return "row_1"
    return "comparisons" if field in ("comparisons", "join") else field


def _told(field: str, reason: str) -> str:
    """Return what to write in a field, in the person's language; for tests the kernel's own words too: they name which."""
    place = "row" if _place(field).startswith("row_") else _place(field)
    if place == "tests":
        return f"{HELP['tests']} ({reason})"
    if not place:
        return str(HELP["comparisons"])
    return str(HELP.get(place, reason))


def _rows(typed: Mapping[str, str], wrong: Mapping[str, str]) -> list[dict[str, object]]:
    names = ("quantity", "operator", "threshold", "dead_band")
    return [
        {"place": place, "wrong": wrong.get(f"row_{place}", ""), "folds": place == SHOWN_ROWS + 1}
        | {name: typed.get(f"{name}_{place}", "") for name in names}
        for place in range(1, MAX_COMPARISONS + 1)
    ]
