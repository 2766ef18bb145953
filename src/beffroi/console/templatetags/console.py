"""What templates need beyond Django's own tags: moments, priorities, words."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from beffroi.console import reasons, step_words, words
from beffroi.console.told import why_not_shown
from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.alarms.types import Alarm
from beffroi.kernel.journal.types import Words

register = template.Library()

_SHAPES: Mapping[int, str] = {
    1: "M16 3 30 28 2 28Z",
    2: "M16 2 30 16 16 30 2 16Z",
    3: "M16 3a13 13 0 1 1 0 26a13 13 0 1 1 0-26Z",
    4: "M6 6H26V26H6Z",
}


@register.simple_tag
def priority(level: int) -> SafeString:
    """Draw a priority: its shape, its figure, its name for who does not see it."""
    return format_html(
        '<span class="prio prio-{0}"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="{1}"/></svg>'
        '<span aria-hidden="true">{0}</span><span class="sr">{2}</span></span>',
        level,
        _SHAPES.get(level, _SHAPES[4]),
        _("Priorité %(level)s") % {"level": level},
    )


def _local(instant: Instant, layout: str) -> str:
    return formats.date_format(timezone.localtime(to_datetime(instant)), layout)


def _machine(instant: Instant) -> str:
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@register.simple_tag
def moment(instant: Instant | None, layout: str = "j b H:i") -> SafeString:
    """Write a moment in the post's time zone; nothing for None."""
    if instant is None:
        return mark_safe("")
    full = _local(instant, "l j F Y H:i:s")
    return format_html('<time datetime="{}" title="{}">{}</time>', _machine(instant), full, _local(instant, layout))


@register.simple_tag
def age(instant: Instant | None, precise: str = "min", css: str = "") -> SafeString:
    """Write a moment that the page's script turns into an age; without the script it stays a moment."""
    if instant is None:
        return mark_safe("")
    full = _local(instant, "j b H:i:s")
    return format_html('<time class="{}" datetime="{}" data-age="{}">{}</time>', css, _machine(instant), precise, full)


@register.filter
def written(part: Words) -> SafeString | str:
    """Write a text that people wrote freely; what stands instead where it was erased or is not for who looks."""
    instead = why_not_shown(part)
    return format_html('<span class="muted">({})</span>', instead) if instead else part.text


@register.filter
def words_for(key: object, name: str) -> str:
    """Return the words of a key in one of the lists of `beffroi.console.words`, or of those of procedures."""
    held = words if hasattr(words, name.upper()) else step_words
    return words.told(getattr(held, name.upper()), str(key))


@register.filter
def alarm_state(alarm: Alarm) -> str:
    """Return the state of an alarm, and by whom was commanded what explains it."""
    return words.alarm_state(alarm)


@register.filter
def reason(text: str) -> str:
    """Say a reason of ours or of a connector in the language in force; what equipment says stays as it said it."""
    return reasons.said(text)


@register.filter
def quantity_words(quantity: str) -> str:
    """Return what a quantity is called."""
    return words.told(words.QUANTITIES, quantity)


@register.filter
def metres(distance: float) -> str:
    """Write a distance: metres under a kilometre, by ten above a hundred."""
    if distance < 100:
        return f"{distance:.0f}\u202fm"
    if distance < 1000:
        return f"{round(distance, -1):.0f}\u202fm"
    return f"{formats.number_format(distance / 1000, 1)}\u202fkm"


@register.filter
def entry(mapping: Mapping[str, object], key: str) -> object:
    """Return what a mapping holds under a name; nothing when it does not."""
    return mapping.get(key, "")
