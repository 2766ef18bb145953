"""Reading the tests that stand beside a procedure."""

from __future__ import annotations

from beffroi.kernel.procedures.rules.lines import Entry, Listed, Sheet
from beffroi.kernel.procedures.types import Deed, Expected, Given, Trial, Until

MAX_TRIALS = 30
MAX_EVENTS = 200
VERBS = ("confirm", "seen", "answer", "tick", "skip", "send", "engage", "done", "fails", "happens")
_GIVEN = ("category", "alarm", "priority", "desk", "asset_class", "commune", "night", "teller")
ENDS = ("done",)


def read_trials(entry: Entry, sheet: Sheet) -> tuple[Trial, ...]:
    """Return the tests of a procedure."""
    found = []
    for each in sheet.entries(entry, "tests", most=MAX_TRIALS, needed=False):
        sheet.known(each, ("name", "given", "when", "expect", "until_s"), "a test")
        given = sheet.mapping(each, "given") or Entry(each.line)
        when = tuple(_deed(deed, sheet) for deed in sheet.entries(each, "when", most=MAX_EVENTS, needed=False))
        expect = tuple(_expected(e, sheet) for e in sheet.entries(each, "expect", most=MAX_EVENTS))
        if [deed.at_s for deed in when] != sorted(deed.at_s for deed in when):
            sheet.wrong(each.lines["when"], "when", "write what is done in the order of its seconds")
        last = max([0.0, *(deed.at_s for deed in when), *(e.at_s for e in expect)])
        until = sheet.seconds(each, "until_s") if "until_s" in each else last
        found.append(Trial(sheet.text(each, "name", most=160), _given(given, sheet), when, expect, max(until, last)))
    return tuple(found)


def _given(entry: Entry, sheet: Sheet) -> Given:
    sheet.known(entry, _GIVEN, "`given`")
    stated = entry.get("alarm")
    alarms = (
        sheet.texts(entry, "alarm", most=10)
        if isinstance(stated, Listed)
        else (sheet.code(entry, "alarm", needed=False),)
    )
    return Given(
        category=sheet.code(entry, "category", needed=False),
        alarms=tuple(alarm for alarm in alarms if alarm),
        priority=sheet.whole(entry, "priority", 1, 4, default=3),
        desk=sheet.code(entry, "desk", needed=False),
        asset_class=sheet.code(entry, "asset_class", needed=False),
        commune=sheet.text(entry, "commune", most=80, needed=False),
        night=sheet.flag(entry, "night"),
        teller=sheet.flag(entry, "teller"),
    )


def _deed(entry: Entry, sheet: Sheet) -> Deed:
    sheet.known(entry, ("at_s", *VERBS, "with", "item"), "what is done")
    named = [verb for verb in VERBS if verb in entry]
    if len(named) != 1:
        sheet.wrong(entry.line, "when", f"write one of {', '.join(VERBS)}, with the step")
        return Deed(0, "confirm")
    verb = named[0]
    at_s = sheet.seconds(entry, "at_s")
    if verb == "happens":
        return Deed(at_s, verb, "", sheet.choice(entry, verb, tuple(Until)))
    value = ""
    if verb == "answer":
        value = sheet.code(entry, "with")
    elif verb == "tick" and "item" in entry:
        value = str(sheet.whole(entry, "item", 1, 20))
    return Deed(at_s, verb, sheet.text(entry, verb, most=200), value)


def _expected(entry: Entry, sheet: Sheet) -> Expected:
    sheet.known(entry, ("at_s", "step", "by", "within_s", "late", "told", "end"), "what is expected")
    at_s = sheet.seconds(entry, "at_s")
    if "end" in entry:
        return Expected(at_s, "end", by=sheet.choice(entry, "end", ENDS))
    if "late" in entry:
        return Expected(at_s, "late", sheet.text(entry, "late", most=200))
    step = sheet.text(entry, "step", most=200)
    if "told" in entry:
        return Expected(at_s, "told", step, sheet.code(entry, "told"))
    within = sheet.whole(entry, "within_s", 1, 604_800, default=0)
    return Expected(at_s, "step", step, sheet.code(entry, "by", needed=False), within)
