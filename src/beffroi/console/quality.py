"""The alarm conscience: how good a post's alarms are to whoever answers them, live, beside what the norms ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from beffroi.console import words
from beffroi.console.door import page
from beffroi.console.surround import surround
from beffroi.foundation import clock
from beffroi.foundation.clock import DAY, HOUR, Instant
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.rules.figures import Figures, Judged, Mark
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

PERIODS: tuple[tuple[str, Instant, object], ...] = (
    ("8h", 8 * HOUR, gettext_lazy("8 heures")),
    ("day", DAY, gettext_lazy("24 heures")),
    ("week", 7 * DAY, gettext_lazy("7 jours")),
    ("month", 30 * DAY, gettext_lazy("30 jours")),
    ("year", 365 * DAY, gettext_lazy("1 an")),
)
WORST_OVER: Instant = 7 * DAY


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of the page: what it is, what it is worth, what the norm asks."""

    name: str
    label: str
    value: str
    target: str
    mark: Mark
    verdict: str


TARGETS = {
    "per_10_min": (
        gettext_lazy("Alarmes par 10 min, en moyenne"),
        gettext_lazy("1 ou moins ; plus de 2 : trop (EEMUA 191)"),
    ),
    "per_day": (gettext_lazy("Alarmes par jour"), gettext_lazy("150 ou moins, 300 au plus (ISA-18.2)")),
    "peak_10_min": (gettext_lazy("Pointe en 10 min"), gettext_lazy("10 ou moins (ISA-18.2)")),
    "in_flood": (gettext_lazy("Part du temps en avalanche"), gettext_lazy("moins de 1 % (ISA-18.2)")),
    "low": (gettext_lazy("Priorités 3 et 4"), gettext_lazy("environ 80 % (EEMUA 191)")),
    "medium": (gettext_lazy("Priorité 2"), gettext_lazy("environ 15 % (EEMUA 191)")),
    "high": (gettext_lazy("Priorité 1"), gettext_lazy("environ 5 % (EEMUA 191)")),
    "top_ten": (gettext_lazy("Part des dix alarmes les plus fréquentes"), gettext_lazy("1 à 5 % (ISA-18.2)")),
    "stale": (gettext_lazy("Alarmes debout depuis plus de 24 h"), gettext_lazy("moins de 5 (ISA-18.2)")),
    "chattering": (gettext_lazy("Alarmes bavardes en ce moment"), gettext_lazy("aucune (ISA-18.2)")),
}
SHARES = frozenset({"in_flood", "low", "medium", "high", "top_ten"})
MARKS = {
    Mark.GOOD: gettext_lazy("bon"),
    Mark.FAIR: gettext_lazy("à surveiller"),
    Mark.BAD: gettext_lazy("mauvais"),
    Mark.NONE: gettext_lazy("rien à mesurer"),
}


@require_safe
@page(Verb.SEE, Kind.ALARM)
def quality(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the figures of a post (`?post=`, else the person's own) over a period (`?period=`), and the week's worst ten."""
    since = journal.last_seq()
    posts = people.posts()
    asked = {"post": request.GET.get("post", ""), "period": request.GET.get("period", "")}
    post = next((each for each in posts if each.code == asked["post"]), viewer.post)
    period, length, _label = next((each for each in PERIODS if each[0] == asked["period"]), PERIODS[1])
    now = clock.now()
    known = {each.code: each for each in alarms.definitions_in_force()}
    found = alarms.figures(post, now - length, now, worst_since=now - WORST_OVER)
    context = surround(request, viewer, since=since) | {
        "post": post,
        "posts": [(each, f"?{urlencode({'post': each.code, 'period': period})}") for each in posts],
        "period": period,
        "periods": [(name, f"?{urlencode({'post': post.code, 'period': name})}", label) for name, _l, label in PERIODS],
        "found": found,
        "lines": [_line(each) for each in found.judged],
        "facts": _facts(found),
        "flood": alarms.open_flood(post),
        "floods": alarms.list_floods(post, now - length, now, limit=10),
        "chattering": alarms.chattering_now(post, limit=10),
        "sees_definitions": people.may(viewer, Verb.SEE, Kind.DEFINITION),
        "worst": [(each, percent(each.share), known.get(each.code)) for each in found.worst],
    }
    return render(request, "console/quality.html", context)


def _line(each: Judged) -> Line:
    label, target = TARGETS[each.name]
    return Line(each.name, str(label), _value(each), str(target), each.mark, str(MARKS[each.mark]))


def _value(each: Judged) -> str:
    if each.value is None:
        return "–"
    if each.name in SHARES:
        return percent(each.value)
    text = f"{each.value:.0f}" if each.value == int(each.value) or each.value >= 100 else f"{each.value:.1f}"
    return text.replace(".", _(","))


def percent(share: float) -> str:
    """Write a share of 0 to 1 in per cent, with one decimal under ten."""
    value = share * 100
    text = f"{value:.0f}" if value >= 10 or value == 0 else f"{value:.1f}"
    return f"{text.replace('.', _(','))}\u202f%"


def _facts(found: Figures) -> list[tuple[str, str]]:
    """Return what has no target of its own, as (what, how much)."""
    load = found.load
    nothing = "–"
    mean, longest = load.acknowledge_mean_s, load.acknowledge_longest_s
    facts: list[tuple[str, Any]] = [
        (_("Alarmes annoncées"), load.announced),
        (_("Debout en ce moment"), found.standing),
        (_("Avalanches"), found.floods),
        (_("Épisodes bavards"), found.chatters),
        (_("Devenues anciennes"), found.became_stale),
        (_("Acquittées"), load.acknowledged),
        (_("Délai moyen d’acquittement"), nothing if mean is None else words.lasting(mean)),
        (_("Plus long délai d’acquittement"), nothing if longest is None else words.lasting(longest)),
    ]
    return [(label, str(value)) for label, value in facts]
