"""The state of a GTFS-Realtime source as it may be sent to support: no key, no password, no query, no vehicle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import HttpUrl

from beffroi.connectors.gtfs_rt.settings import GtfsRtSettings
from beffroi.foundation.contact import Contact


def describe(contact: Contact, settings: GtfsRtSettings) -> Mapping[str, Any]:
    """Return last contact, last error, counters, settings without their secrets, and how the last feed begins."""
    state = asdict(contact)
    state["sample"] = contact.sample[:16].hex() if contact.sample else "no frame yet"
    state["last_error"] = _without_secrets(contact.last_error, settings)
    shown = settings.model_dump(mode="json", exclude={"url", "headers", "proxy"})
    shown["url"] = _shown(settings.url)
    shown["proxy"] = None if settings.proxy is None else _shown(settings.proxy)
    shown["headers"] = sorted(settings.headers)
    return {**state, "settings": shown}


def _shown(url: HttpUrl) -> str:
    """Return the address without user, password, path or query: keys are hidden in all four."""
    return f"{url.scheme}://{url.host}:{url.port}"


def _without_secrets(text: str, settings: GtfsRtSettings) -> str:
    for value in settings.headers.values():
        text = text.replace(value.get_secret_value() or "\0", "***")
    for url in (settings.url, settings.proxy):
        if url is not None:
            text = text.replace(str(url), _shown(url))
    return text
