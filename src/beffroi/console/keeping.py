"""What is kept from people, drawn: the page's lists, and the acts of one alarm in an incident's panel."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from beffroi.console import words
from beffroi.console.pictures import place_words
from beffroi.foundation import clock
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import Alarm, AlarmState, Shelving, Withdrawal
from beffroi.kernel.journal.types import NO_WORDS, Words
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Territory, Verb, Viewer
from beffroi.kernel.twin import queries as twin

MINUTES = (15, 30, 60, 120, 240, 480)
"""Durations that are offered for putting an alarm aside, as far as its priority bears them."""

SERVICE_MINUTES = (240, 480, 1_440, 4_320, 10_080, 43_200)
"""Durations that are offered for works on one piece of equipment."""

UNSEEN = (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)


def render_aside(viewer: Viewer) -> SafeString:
    """Draw what is put aside and what is out of service, with what this person may put back."""
    at = clock.now()
    with translation.override(viewer.language):
        context = {
            "shelvings": _shelvings(viewer),
            "withdrawals": _withdrawals(viewer, at),
            "expected": [
                {"it": each, "where": place_words(each.asset_name or each.place, each.commune)}
                for each in alarms.list_expected(seen_by=viewer)
            ],
        }
        return SafeString(render_to_string("console/aside.html", context).strip())


def aside_fragment(viewer: Viewer) -> dict[str, Any]:
    """Return what brings the page of what is kept aside up to date."""
    return {"target": "aside", "html": render_aside(viewer)}


def may_withdraw(viewer: Viewer) -> dict[str, Any]:
    """Return what the page offers to take out of service: equipment, and sources where the clearance reaches them all."""
    everywhere = people.territories(viewer, Verb.WITHDRAW, Kind.SOURCE) == (Territory(),)
    return {
        "may_withdraw": people.may(viewer, Verb.WITHDRAW, Kind.ALARM),
        "sources": [source.code for source in twin.sources()] if everywhere else [],
    }


def acts_of(alarm: Alarm, viewer: Viewer) -> dict[str, Any]:
    """Return which acts of an alarm this person may do now, and what each offers."""

    def may(verb: Verb) -> bool:
        return people.may(viewer, verb, Kind.ALARM, desk=alarm.desk, commune=alarm.commune)

    seen = alarm.state in (*UNSEEN, AlarmState.ACKNOWLEDGED)
    most = alarms.priorities()[alarm.priority].shelve_max_s // 60
    urgent = Verb.SHELVE_URGENT if alarm.priority == 1 else Verb.SHELVE
    latched = alarm.definition.latching and alarm.state == AlarmState.RETURNED_UNACKNOWLEDGED
    return {
        "acknowledge": alarm.state in UNSEEN and may(Verb.ACKNOWLEDGE),
        "shelve": seen and not latched and may(urgent),
        "unshelve": alarm.state == AlarmState.SHELVED and may(Verb.SHELVE),
        "reset": alarm.state == AlarmState.LATCHED and may(Verb.ACKNOWLEDGE),
        "withdraw": alarm.state not in (AlarmState.OUT_OF_SERVICE, AlarmState.NORMAL) and may(Verb.WITHDRAW),
        "minutes": _offered(tuple(each for each in MINUTES if each <= most) or (most,)),
        "service_minutes": _offered(SERVICE_MINUTES),
    }


def _offered(minutes: tuple[int, ...]) -> list[tuple[int, str]]:
    return [(each, _days(each) if each >= 1_440 else words.duration(each * 60)) for each in minutes]


def _days(minutes: int) -> str:
    return _("%(n)s j") % {"n": minutes // 1_440}


def rung_words(rung: int) -> str:
    """Return to whom an alarm that nobody acknowledged was told."""
    return str(words.RUNGS.get(rung, "")) if rung else ""


def why(alarm: Alarm, viewer: Viewer) -> Words:
    """Return why an alarm is kept from people, for who may read it; nothing where it is not."""
    kept = alarm.set_aside
    return alarms.reasons_aside([(kept, alarm.desk, alarm.commune)], seen_by=viewer)[0] if kept else NO_WORDS


def _shelvings(viewer: Viewer) -> list[dict[str, Any]]:
    found = alarms.list_shelvings(seen_by=viewer)
    read = alarms.reasons_aside(((each.kept, each.desk, each.commune) for each in found), seen_by=viewer)
    return [_shelving(each, viewer) | {"why": why} for each, why in zip(found, read, strict=True)]


def _withdrawals(viewer: Viewer, at: int) -> list[dict[str, Any]]:
    found = alarms.list_withdrawals(seen_by=viewer)
    read = alarms.reasons_aside(((each.kept, each.desk, each.commune) for each in found), seen_by=viewer)
    return [_withdrawal(each, viewer, at) | {"why": why} for each, why in zip(found, read, strict=True)]


def _shelving(each: Shelving, viewer: Viewer) -> dict[str, Any]:
    may = people.may(viewer, Verb.SHELVE, Kind.ALARM, desk=each.desk, commune=each.commune)
    return {"it": each, "where": place_words(each.asset_name or each.place, each.commune), "may": may}


def _withdrawal(each: Withdrawal, viewer: Viewer, at: int) -> dict[str, Any]:
    if each.source:
        may = people.territories(viewer, Verb.WITHDRAW, Kind.SOURCE) == (Territory(),)
    else:
        may = people.may(viewer, Verb.WITHDRAW, Kind.ALARM, desk=each.desk, commune=each.commune)
    where = place_words(each.asset_name or each.place, each.commune)
    return {"it": each, "where": where, "may": may, "overdue": each.kept.until <= at}
