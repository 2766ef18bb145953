"""How words are looked up, and how lengths of time are said."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext

Words = Mapping[str, object]


def told(words: Words, key: str) -> str:
    """Return the words for a key, or the key itself: a term that is not translated yet stays readable."""
    return str(words.get(key, key.replace("_", " ")))


def duration(seconds: int) -> str:
    """Return a length of time in the largest unit that says it exactly."""
    if seconds % 3600 == 0 and seconds:
        return gettext("%(n)s h") % {"n": seconds // 3600}
    if seconds % 60 == 0 and seconds:
        return gettext("%(n)s min") % {"n": seconds // 60}
    return gettext("%(n)s s") % {"n": seconds}


def lasting(seconds: float) -> str:
    """Return a measured length of time as people say it: seconds, minutes, hours with minutes, days."""
    whole = round(seconds)
    if whole < 120:
        return gettext("%(n)s s") % {"n": whole}
    if whole < 7200:
        return gettext("%(n)s min") % {"n": round(whole / 60)}
    if whole < 172_800:
        return gettext("%(n)s h %(m)02d") % {"n": whole // 3600, "m": whole % 3600 // 60}
    return gettext("%(n)s j") % {"n": whole // 86_400}
