"""What could not be read: the quarantine's page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from beffroi.console.door import page
from beffroi.console.surround import surround
from beffroi.foundation.settings import settings
from beffroi.kernel.people.types import Kind, Verb, Viewer
from beffroi.kernel.twin import queries as twin

PAGE = 100
EXCERPT_BYTES = 600


@require_safe
@page(Verb.SEE, Kind.QUARANTINE)
def quarantine(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the frames that could not be read or were refused, with the reason and the beginning of each."""
    source = request.GET.get("source", "").strip()[:64]
    asked = request.GET.get("before", "")
    before = number_of(asked)
    frames = twin.list_quarantine(source=source or None, before=before, limit=PAGE + 1)
    kept = {"source": source} if source else {}
    context = surround(request, viewer) | {
        "frames": [
            {
                "received_at": frame.received_at,
                "source": frame.source,
                "verdict": frame.verdict,
                "reason": frame.reason,
                "topic": frame.topic,
                "size": ngettext("%(n)s octet", "%(n)s octets", len(frame.payload)) % {"n": len(frame.payload)},
                "excerpt": excerpt(frame.payload),
            }
            for frame in frames[:PAGE]
        ],
        "source": source,
        "room": _room(twin.quarantined()),
        "counters_by_source": sorted(twin.totals().by_source.items()),
        "older": f"?{urlencode(kept | {'before': frames[PAGE - 1].id})}" if len(frames) > PAGE else "",
    }
    return render(request, "console/quarantine.html", context)


def _room(aside: twin.Aside) -> dict[str, object]:
    """Return how much lies in quarantine beside its bounds, and what went for want of room."""
    ours = settings()
    return {
        "frames": aside.rows,
        "size": filesizeformat(aside.bytes),
        "max_frames": ours.quarantine_max_rows,
        "max_size": filesizeformat(ours.quarantine_max_mb * 1_000_000),
        "days": ours.quarantine_days,
        "dropped": aside.dropped,
        "dropped_by_day": aside.dropped_by_day,
    }


def excerpt(payload: bytes) -> str:
    """Return the beginning of a frame as text that shows every byte: what is no character is written `\\xNN`."""
    shown = payload[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")
    text = "".join(sign if sign.isprintable() or sign == "\n" else f"\\x{ord(sign):02x}" for sign in shown)
    return text + ("…" if len(payload) > EXCERPT_BYTES else "")


def number_of(text: str) -> int | None:
    """Return a line's number as it was asked for, None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
