"""What a crew's phone sends: acts, pictures, new problems, positions. Each with a token, so that what is sent again is one.

A phone that was offline may be late: then the answer says what became of the mission, what to do, and what is kept all the
same. Words and pictures are never lost: they are kept on the incident, whatever became of the mission.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from beffroi.console.crew_day import day_of
from beffroi.console.crew_late import advice, refused_words, title_of
from beffroi.console.door import page
from beffroi.foundation import clock
from beffroi.foundation.clock import Instant
from beffroi.foundation.errors import BeffroiError, Malformed, Refused
from beffroi.kernel.dispatch import actions
from beffroi.kernel.dispatch import queries as dispatch
from beffroi.kernel.dispatch.types import Point
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.incidents.rules.evidence import MAX_SENT_BYTES
from beffroi.kernel.incidents.types import Channel, Told
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.procedures import queries as procedures

MAX_BODY = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """An act as the phone sends it. `pressed_at` is when the person pressed, by the phone's clock."""

    act: str
    token: str
    mission: int = 0
    pressed_at: Instant | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a text of the act; nothing where there is none."""
        value = self.data.get(name, "")
        return value if isinstance(value, str) else ""

    def number(self, name: str, otherwise: int) -> int:
        """Return a whole number of the act."""
        value = self.data.get(name, otherwise)
        return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


Act = Callable[[Asked, Viewer, Instant], object]


def _pressed(asked: Asked) -> dict[str, Any]:
    return {"token": asked.token, "effective_at": asked.pressed_at}


ACTS: Mapping[str, Act] = {
    "accept": lambda a, by, at: actions.accept_mission(a.mission, by=by, at=at, **_pressed(a)),
    "refuse": lambda a, by, at: actions.refuse_mission(a.mission, reason=a.text("reason"), by=by, at=at, **_pressed(a)),
    "depart": lambda a, by, at: actions.depart(a.mission, by=by, at=at, **_pressed(a)),
    "arrive": lambda a, by, at: actions.arrive(a.mission, by=by, at=at, **_pressed(a)),
    "safe": lambda a, by, at: actions.make_safe(a.mission, by=by, at=at, **_pressed(a)),
    "finish": lambda a, by, at: actions.finish(
        a.mission, outcome=a.text("outcome"), comment=a.text("comment"), by=by, at=at, **_pressed(a)
    ),
    "sign": lambda a, by, at: actions.give_sign(a.mission, by=by, at=at, token=a.token),
    "check": lambda a, by, at: actions.check_item(
        a.mission, a.number("line", -1), checked=a.data.get("checked") is not False, by=by, at=at, token=a.token
    ),
    "note": lambda a, by, at: actions.note_mission(a.mission, a.text("text"), by=by, at=at, **_pressed(a)),
    "begin": lambda a, by, at: actions.go_on_duty(
        headcount=a.number("headcount", 1), shares=a.data.get("shares") is not False, by=by, at=at, token=a.token
    ),
    "pause": lambda a, by, at: actions.take_break(by=by, at=at, token=a.token),
    "unavailable": lambda a, by, at: actions.set_unavailable(reason=a.text("reason"), by=by, at=at, token=a.token),
    "resume": lambda a, by, at: actions.end_break(by=by, at=at, token=a.token),
    "sharing": lambda a, by, at: actions.share_position(a.data.get("shares") is True, by=by, at=at, token=a.token),
    "end": lambda a, by, at: actions.end_duty(by=by, at=at, token=a.token),
    "distress": lambda a, by, at: actions.raise_distress(position=_point(a.data), by=by, at=at, token=a.token),
}
"""What a phone may send, by its name there."""

WORDS_OF = {"finish": "comment", "refuse": "reason"}
"""Acts that carry words: where the act comes too late, the words are kept as a note."""


@require_POST
@page(Verb.REPORT, Kind.MISSION)
def act(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Do one act, and answer with the day as it stands; too late, say what became of it and what to do."""
    asked = _read(request)
    at = clock.now()
    try:
        ACTS[asked.act](asked, viewer, at)
    except BeffroiError as error:
        return _late(viewer, asked, error, at)
    return _answer(viewer)


@require_POST
@page(Verb.ATTACH, Kind.EVIDENCE)
def picture(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Keep a picture of a mission, whatever became of it meanwhile."""
    number = _whole(request.POST.get("mission", ""))
    if not number:
        raise Malformed("of which mission is the picture? name its number")
    mission = dispatch.mission(number, seen_by=viewer)
    incidents.attach_evidence(
        mission.incident,
        kind=request.POST.get("kind", ""),
        picture=_picture(request),
        mission=mission.number,
        step=procedures.known_picture_name(mission.incident, request.POST.get("step", "")),
        taken_at=_instant(request.POST.get("pressed_at")),
        by=viewer,
        at=clock.now(),
        token=_token(request.POST.get("token", "")),
    )
    return _answer(viewer)


@require_POST
@page(Verb.OPEN, Kind.INCIDENT)
def problem(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Open an incident by what a crew finds: a word, a place, a picture. Sent again, it is the same."""
    given, at = request.POST, clock.now()
    token = _token(given.get("token", ""))
    point = _point({name: _degrees(given.get(name, "")) for name in ("lon", "lat")})
    told = Told(
        category=given.get("category", ""),
        lon=point.lon if point else 0.0,
        lat=point.lat if point else 0.0,
        description=given.get("text", ""),
        channel=Channel.PATROL,
    )
    opened = incidents.open_incident(told, by=viewer, at=at, key=f"{token[:70]}:problem").incident
    said = _("%(ref)s signalé au poste.") % {"ref": opened.reference}
    try:
        if "picture" in request.FILES:
            incidents.attach_evidence(
                opened.id,
                kind="before",
                picture=_picture(request),
                taken_at=_instant(given.get("pressed_at")),
                by=viewer,
                at=at,
                token=f"{token[:70]}:picture",
            )
    except Refused as refused:  # the incident stands: the phone is told both
        return _refused(viewer, refused, detail=said, at=at)
    return _answer(viewer, said=said)


@require_POST
@page(Verb.REPORT, Kind.UNIT)
def position(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Take where the crew is, on duty only; it is written over, and nowhere in the journal."""
    asked = _read(request, needs_act=False)
    point = _point(asked.data)
    if point is None:
        raise Refused("no position", key="place-missing")
    accuracy = asked.data.get("accuracy_m")
    actions.report_position(
        point.lon,
        point.lat,
        accuracy_m=float(accuracy) if isinstance(accuracy, int | float) and 0 <= accuracy <= 100_000 else None,
        observed_at=asked.pressed_at,
        by=viewer,
        at=clock.now(),
    )
    return HttpResponse(status=204)


def _answer(viewer: Viewer, *, said: str = "") -> HttpResponse:
    return JsonResponse({"said": said, "day": day_of(viewer, clock.now())}, headers={"Cache-Control": "no-store"})


def _refused(viewer: Viewer, refused: Refused, *, detail: str, at: Instant) -> HttpResponse:
    """Say why something is not kept, and what stands all the same."""
    body = {
        "type": f"urn:beffroi:{refused.key}",
        "title": refused_words(refused),
        "detail": detail,
        "status": refused.status,
        "reason": refused.reason,
        "day": day_of(viewer, at),
    }
    return JsonResponse(body, status=refused.status, content_type="application/problem+json")


def _late(viewer: Viewer, asked: Asked, error: BeffroiError, at: Instant) -> HttpResponse:
    """Say why an act is not done, what to do, and keep its words on the incident."""
    words, kept = asked.text(WORDS_OF.get(asked.act, "")), False
    if words and error.status == 409:
        actions.note_mission(
            asked.mission, words, by=viewer, at=at, token=f"{asked.token[:70]}:kept", effective_at=asked.pressed_at
        )
        kept = True
    mission = dispatch.mission(asked.mission, seen_by=viewer) if error.status == 409 and asked.mission else None
    body = {
        "type": f"urn:beffroi:{error.key}",
        "title": title_of(mission) if mission is not None else refused_words(error),
        "detail": advice(mission, kept=kept),
        "status": error.status,
        "reason": error.reason,
        "day": day_of(viewer, clock.now()),
    }
    return JsonResponse(body, status=error.status, content_type="application/problem+json")


def _read(request: HttpRequest, *, needs_act: bool = True) -> Asked:
    """Return an act. Raises Malformed for what is none."""
    try:
        body = json.loads(request.body[: MAX_BODY + 1]) if len(request.body) <= MAX_BODY else None
    except (ValueError, RecursionError) as error:
        raise Malformed("the act is no JSON") from error
    if not isinstance(body, dict):
        raise Malformed("an act is an object of at most 20,000 bytes")
    act, mission, data = body.get("act", ""), body.get("mission", 0), body.get("data", {})
    if needs_act and act not in ACTS:
        raise Malformed(f"`{str(act)[:40]}` is no act; there are {', '.join(ACTS)}")
    token = _token(body.get("token", "")) if needs_act else ""
    return Asked(
        str(act),
        token,
        mission if isinstance(mission, int) and not isinstance(mission, bool) else 0,
        _instant(body.get("pressed_at")),
        data if isinstance(data, dict) else {},
    )


def _token(token: object) -> str:
    if not isinstance(token, str) or not 8 <= len(token) <= 64 or not token.isprintable():
        raise Malformed("an act has a token of 8 to 64 characters, made by the phone")
    return token


def _instant(millis: object) -> Instant | None:
    """Return the instant of a phone's clock, which counts milliseconds; None for what is none."""
    text = str(millis) if isinstance(millis, int | str) and not isinstance(millis, bool) else ""
    return int(text) * 1000 if text.isascii() and text.isdigit() and len(text) < 16 else None


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else 0


def _degrees(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _point(data: Mapping[str, Any]) -> Point | None:
    lon, lat = data.get("lon"), data.get("lat")
    if isinstance(lon, int | float) and isinstance(lat, int | float):
        return Point(float(lon), float(lat))
    return None


def _picture(request: HttpRequest) -> bytes:
    sent = request.FILES.get("picture")
    if sent is None:
        raise Refused("there is no picture", key="picture-missing")
    if (sent.size or 0) > MAX_SENT_BYTES:
        raise Refused(f"the picture has {sent.size} bytes; {MAX_SENT_BYTES} at most", key="picture-too-large")
    return bytes(sent.read())
