"""Pieces of page, drawn by the same templates in a page and in the live stream: old page + frames = fresh page.

Nothing here knows of HTTP. A piece depends on what it shows and on the viewer's language and rights only, so that `live`
draws it once for all the consoles that share both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from beffroi.console import (
    commanding,
    crews_out,
    gathering,
    keeping,
    lifecycle,
    reading,
    sending,
    steps,
    streets,
    told,
    words,
)
from beffroi.console.pictures import (
    AssetState,
    Counts,
    Detail,
    SourceState,
    place_words,
    row_order,
    short_title,
    state_shown,
    waits_to_be_seen,
)
from beffroi.console.thumbnails import thumbnails
from beffroi.foundation import clock
from beffroi.foundation.clock import SECOND
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import Alarm, AlarmState, Group
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.dispatch.types import CrewsOut
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.incidents.types import OPEN_STATES, CloseReason, EvidenceKind, Incident
from beffroi.kernel.journal import queries as journal
from beffroi.kernel.journal.types import NO_WORDS
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import queries as procedures
from beffroi.kernel.procedures.types import LIBRARY, OUTBOX
from beffroi.kernel.twin.types import StateValue

_ELSEWHERE = (CloseReason.NOT_COMPETENT,)
"""A way out that has an act of its own: a transfer."""

UNSEEN = (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)
FELT = (
    "incident:",
    "alarm:",
    "source:",
    "asset:",
    "post:",
    "group:",
    "journal:",
    "definition:",
    "command:",
    "run:",
    OUTBOX,
)
"""Kinds of subject that the header or the footer may show."""

KEPT = ("alarm:", "source:", "asset:")
"""Kinds of subject that the page of what is kept aside may show."""

Fragment = dict[str, Any]
"""`{"target", "html" or None, "list"?, "order"?}` as web/src/live/frame.ts reads it."""


def _draw(template: str, viewer: Viewer, context: Mapping[str, Any]) -> SafeString:
    with translation.override(viewer.language):
        return SafeString(render_to_string(f"console/{template}.html", dict(context)).strip())


def render_incident_row(
    incident: Incident,
    viewer: Viewer,
    *,
    selected: bool = False,
    marks: Mapping[int, tuple[bool, bool]] | None = None,
    crews: Mapping[int, CrewsOut] | None = None,
) -> SafeString:
    """Draw an incident's row of the queue. `marks`: which alarms chatter or are stale, where they were read for many.

    `crews`: those that are out, where they were read for many too.
    """
    out = (dispatch.crews_of([incident.id]) if crews is None else crews).get(incident.id)
    marked = alarms.marks(incident.alarm_ids) if marks is None else marks
    mine = [marked[alarm] for alarm in incident.alarm_ids if alarm in marked]
    with translation.override(viewer.language):
        crews_words = sending.crews_words(out) if out else ""
    context = {
        "crews": out,
        "crews_words": crews_words,
        "chattering": any(chatters for chatters, _stale in mine),
        "stale": any(stale for _chatters, stale in mine),
        "incident": incident,
        "selected": selected,
        "order": row_order(incident),
        "unseen": int(waits_to_be_seen(incident)),
        "state": state_shown(incident),
        "ours": viewer.post.answers_for(incident.desk),
        "asked": lifecycle.is_asked(incident, viewer),
        "proposed_to": words.body_words(incident.proposed_to, incident.proposed_name),
        "lon": f"{incident.lon:.6f}",
        "lat": f"{incident.lat:.6f}",
        "title": short_title(incident),
        "where": place_words(incident.asset_name or incident.place, incident.commune),
    }
    return _draw("incident_row", viewer, context)


def render_detail(detail: Detail, viewer: Viewer) -> SafeString:
    """Draw an incident's panel with the acts that this viewer may do at its desk and in its commune."""
    return _draw("incident_detail", viewer, detail_context(detail, viewer))


def detail_context(detail: Detail, viewer: Viewer) -> dict[str, Any]:
    """Return what an incident's panel and its paper show, in the words of the viewer's language."""
    incident = detail.incident
    pictures = {str(each.it.id): each for each in thumbnails(incident, detail.evidence)}
    with translation.override(viewer.language):
        return {
            "incident": incident,
            "pictures": list(pictures.values()),
            "to_picture": procedures.steps_to_picture(incident.id, detail.evidence),
            "evidence_kinds": [str(kind) for kind in EvidenceKind],
            "title": short_title(incident),
            "where": place_words(incident.place, incident.commune),
            "may": _acts(incident, viewer),
            "closed": incident.state not in OPEN_STATES,
            "state": state_shown(incident),
            "unseen": waits_to_be_seen(incident) or any(alarm.state in UNSEEN for alarm in detail.alarms),
            "close_reasons": _ways_out(incident, viewer),
            "same_as": _same_as(detail, viewer),
            "alarms": [_alarm(alarm, viewer) for alarm in detail.alarms],
            "cameras": detail.cameras,
            "sees_definitions": people.may(viewer, Verb.SEE, Kind.DEFINITION),
            "sees_journal": people.may(viewer, Verb.SEE, Kind.JOURNAL),
            "lines": [
                (line, detail.origins.get(line.about, ""), pictures.get(line.picture))
                for line in told.tell_together(detail.lines, reader=viewer.username)
            ],
            **_links(detail),
            **sending.context(incident, detail.missions, viewer),
            **commanding.of_incident(incident.id, incident.asset_code or "", viewer),
            **streets.of_incident(detail, viewer),
            **lifecycle.shown(detail, viewer),
            **steps.context_of(incident, viewer),
        }


def render_flood(counts: Counts, groups: Sequence[Group], viewer: Viewer) -> SafeString:
    """Draw the line above the queue that tells a flood; it also names the groups that there are."""
    keys = " ".join(group.key for group in groups)
    return _draw("flood", viewer, {"flood": counts.flood, "alarms_10min": counts.alarms_10min, "groups": keys})


def render_counters(counts: Counts, viewer: Viewer) -> SafeString:
    """Draw the figures of the header; for who leads the room, with what their screen tells of by voice and sound."""
    is_told = people.may(viewer, Verb.ASSIGN, Kind.INCIDENT)
    return _draw("counters", viewer, {"counts": counts, "is_told": is_told})


def render_streams(sources: Sequence[SourceState], viewer: Viewer) -> SafeString:
    """Draw the state of the sources in the footer: how many are heard, and by name those that are not."""
    silent = [source for source in sources if source.silent]
    return _draw("streams", viewer, {"online": len(sources) - len(silent), "silent": silent})


def render_sealing(viewer: Viewer) -> SafeString:
    """Draw whether the journal is sealed as it should be: an age only where sealing stands still."""
    return _draw("sealing", viewer, {"still": journal.sealing_state(clock.now()).still_since})


def render_value_row(asset_id: int, value: StateValue, level: int, viewer: Viewer) -> SafeString:
    """Draw one quantity of a piece of equipment, hatched when the equipment is late or silent."""
    with translation.override(viewer.language):
        context = {
            "asset_id": asset_id,
            "value": value,
            "level": level,
            "text": words.value_words(value.quantity, value.value),
            "abnormal": words.is_abnormal(value.quantity, value.value),
            "quality": str(words.QUALITIES.get(int(value.quality), value.quality)),
        }
    return _draw("value_row", viewer, context)


def render_asset_state(state: AssetState, viewer: Viewer) -> SafeString:
    """Draw whether a piece of equipment reports as expected."""
    with translation.override(viewer.language):
        freshness = str(words.FRESHNESS.get(state.level, state.level))
    context = {"asset": state.asset, "level": state.level, "since": state.since, "freshness": freshness}
    return _draw("asset_state", viewer, context)


def render_asset_panel(state: AssetState, viewer: Viewer) -> SafeString:
    """Draw the short panel of a piece of equipment chosen on the map."""
    with translation.override(viewer.language):
        values = [
            {
                "label": words.told(words.QUANTITIES, value.quantity),
                "text": words.value_words(value.quantity, value.value),
                "observed_at": value.observed_at,
            }
            for value in state.values
        ]
    context = {
        "asset": state.asset,
        "where": place_words(state.asset.place, state.asset.commune),
        "level": state.level,
        "values": values,
        "alarms": state.alarms,
        "may_open": people.may(viewer, Verb.OPEN, Kind.INCIDENT, commune=state.asset.commune),
        "state": render_asset_state(state, viewer),
    }
    with translation.override(viewer.language):
        context |= commanding.of_asset(state.asset, viewer)
    return _draw("asset_panel", viewer, context)


def queue_fragment(incident: Incident, viewer: Viewer) -> Fragment:
    """Return what brings the queue up to date with an incident: its row, or its leaving when it is closed."""
    target = f"incident-{incident.id}"
    if incident.state not in OPEN_STATES or not lifecycle.comes_before(incident, viewer):
        return {"target": target, "html": None, "list": "queue"}
    row = render_incident_row(incident, viewer)
    return {"target": target, "html": row, "list": "queue", "order": row_order(incident)}


def fragments_for(subjects: Collection[str], viewer: Viewer) -> list[Fragment]:
    """Return what brings a page up to date with the subjects that lines of the journal were about.

    An alarm stands for the incident that gathers it. Panels are not sent: a page that shows an incident asks for its
    panel when the row comes. Groups come first, so that a row that belongs to one is never seen alone.
    """
    numbers = _numbers(subjects, "incident") | set(incidents.incidents_of_alarms(_numbers(subjects, "alarm")).values())
    numbers |= set(incidents.proposed_with(numbers))
    rows = [queue_fragment(found, viewer) for found in incidents.of_ids(numbers, seen_by=viewer)] if numbers else []
    apart = [distress_fragment(viewer)] if any(subject.startswith("distress:") for subject in subjects) else []
    apart += [crews_out.fragment(viewer)] if any(each.startswith(crews_out.TOLD_BY) for each in subjects) else []
    apart += [library_fragment(viewer)] if LIBRARY in subjects else []
    apart += streets.fragments(viewer) if any(subject.startswith("closure:") for subject in subjects) else []
    if not rows and not any(subject.startswith(FELT) for subject in subjects):
        return apart
    kept = [keeping.aside_fragment(viewer)] if any(subject.startswith(KEPT) for subject in subjects) else []
    told = OUTBOX in subjects or any(subject.startswith("run:") for subject in subjects)
    kept += [messages_fragment(viewer)] if told else []
    sealing: Fragment = {"target": "sealing", "html": render_sealing(viewer)}
    kept += [definitions_fragment(viewer)] if any(subject.startswith("definition:") for subject in subjects) else []
    return [
        *apart,
        *load_fragments(viewer),
        *rows,
        streams_fragment(reading.source_states(), viewer),
        sealing,
        *kept,
    ]


def definitions_fragment(viewer: Viewer) -> Fragment:
    """Return what tells the pages of alarm definitions that they are to be read again: they are drawn by the server alone."""
    return {"target": "definitions", "html": render_definitions_mark(viewer)}


def library_fragment(viewer: Viewer) -> Fragment:
    """Return what tells the pages of the library of procedures that they are to be read again."""
    return {"target": "library", "html": render_library_mark(viewer)}


def render_library_mark(viewer: Viewer) -> SafeString:
    """Draw the mark of how procedures and their changes stand, which changes with each act on one."""
    return _draw("library_mark", viewer, {"mark": procedures.library_mark()})


def render_definitions_mark(viewer: Viewer) -> SafeString:
    """Draw the mark of how definitions stand, which changes with each act on one."""
    return _draw("definitions_mark", viewer, {"mark": alarms.definitions_mark()})


def load_fragments(viewer: Viewer) -> list[Fragment]:
    """Return what brings the load of a post up to date: header, flood, groups. It also changes as time goes by."""
    counts, groups = reading.counts(viewer), gathering.groups_of(viewer)
    rows: list[Fragment] = [
        {
            "target": f"group-{group.key}",
            "html": html,
            "list": "queue",
            "order": gathering.row_order(group),
        }
        for group, html in gathering.render_group_rows(groups, viewer)
    ]
    flood: Fragment = {"target": "flood", "html": render_flood(counts, groups, viewer)}
    return [*rows, flood, counters_fragment(counts, viewer)]


def _numbers(subjects: Iterable[str], kind: str) -> set[int]:
    names = (subject.partition(":")[2] for subject in subjects if subject.startswith(f"{kind}:"))
    return {int(name) for name in names if name.isdigit()}


def messages_fragment(viewer: Viewer) -> Fragment:
    """Return what brings up to date what procedures told the person's post."""
    return {"target": "messages", "html": steps.render_messages(viewer)}


def counters_fragment(counts: Counts, viewer: Viewer) -> Fragment:
    """Return what brings the header's figures up to date."""
    return {"target": "counters", "html": render_counters(counts, viewer)}


def distress_fragment(viewer: Viewer) -> Fragment:
    """Return what brings the distresses that stand up to date: they are above every page."""
    return {"target": "distress", "html": sending.render_distress(viewer)}


def streams_fragment(sources: Sequence[SourceState], viewer: Viewer) -> Fragment:
    """Return what brings the footer's sources up to date."""
    return {"target": "streams", "html": render_streams(sources, viewer)}


def _acts(incident: Incident, viewer: Viewer) -> dict[str, bool]:
    def may(verb: Verb) -> bool:
        return people.may(viewer, verb, Kind.INCIDENT, desk=incident.desk, commune=incident.commune)

    verbs = (
        *(Verb.ACKNOWLEDGE, Verb.QUALIFY, Verb.TAKE, Verb.ASSIGN, Verb.NOTE, Verb.MARK, Verb.HOLD),
        *(Verb.TRANSFER, Verb.CLOSE, Verb.REOPEN, Verb.LINK),
    )
    found = {str(verb): may(verb) for verb in verbs}
    for desk in (*incident.associated, *([incident.proposed_to] if incident.proposed_to else ())):
        for verb in (Verb.NOTE, Verb.MARK):
            found[verb] |= people.may(viewer, verb, Kind.INCIDENT, desk=desk, commune=incident.commune)
    found["attach"] = found[Verb.NOTE] and people.may(viewer, Verb.ATTACH, Kind.EVIDENCE)
    return found


def _ways_out(incident: Incident, viewer: Viewer) -> list[str]:
    """Return the reasons to close; as a duplicate, for who may unite."""
    unites = people.may(viewer, Verb.LINK, Kind.INCIDENT, desk=incident.desk, commune=incident.commune)
    left = _ELSEWHERE if unites else (*_ELSEWHERE, CloseReason.DUPLICATE)
    return [str(reason) for reason in CloseReason if reason not in left]


def _same_as(detail: Detail, viewer: Viewer) -> list[tuple[str, str]]:
    """Return the incidents of which this one may be a duplicate: those proposed, then the open ones near it."""
    incident = detail.incident
    if incident.state not in OPEN_STATES:
        return []
    near = incidents.known_near(incident.lon, incident.lat, category=incident.category, seen_by=viewer, limit=9)
    others = [*(each.other for each in detail.proposals), *(each.incident for each in near)]
    return list(
        {each.reference: (each.reference, short_title(each)) for each in others if each.id != incident.id}.values()
    )


def _links(detail: Detail) -> dict[str, Any]:
    """Return what the panel shows of an incident's links, and what may be taken out of it."""
    proposals = [
        (each, short_title(each.other), words.facts_words(each.facts, later=each.later)) for each in detail.proposals
    ]
    notes = [line for line in detail.lines if line.verb == "note_incident" and line.subject.startswith("incident:")]
    return {
        "proposals": proposals,
        "duplicates": detail.duplicates,
        "signals": detail.signals,
        "written": detail.written,
        "told": next((signal.description for signal in reversed(detail.signals) if signal.description), NO_WORDS),
        "notes": [(line.seq, told.tell(line).text) for line in notes],
        "holds_much": len(detail.alarms) + len(detail.signals) > 1,
    }


def _alarm(alarm: Alarm, viewer: Viewer) -> dict[str, Any]:
    definition = alarm.definition
    quantity = definition.quantity
    reading = words.value_words(quantity, alarm.value) if quantity and alarm.value is not None else ""
    return {
        "id": alarm.id,
        "state": alarm.state,
        "state_words": words.alarm_state(alarm),
        "definition": definition,
        "reading": reading,
        "due_at": alarm.raised_at + definition.allowable_time_s * SECOND,
        "allowed": words.duration(definition.allowable_time_s),
        "suppressed_count": alarm.suppressed_count,
        "rung": alarm.rung if alarm.state == AlarmState.UNACKNOWLEDGED else 0,
        "rung_words": keeping.rung_words(alarm.rung),
        "set_aside": alarm.set_aside,
        "why": keeping.why(alarm, viewer),
        "may": keeping.acts_of(alarm, viewer),
    }
