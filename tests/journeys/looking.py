"""How often an expectation looks at a page: Playwright looks twice a second after the first quarter of one, which is long
for a page that answers in less. Here it looks some thirty times a second until what is expected is there.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import LocatorAssertions, PageAssertions

PATIENCE_MS = 15_000.0
"""For how long what is expected may be absent, where a test does not say it."""
AT_A_TIME_MS = 100.0
"""Playwright looks at once, and 20 and 70 ms later; then it is asked anew."""


def look_often() -> None:
    """Have every expectation of this process look often."""
    for kind in (LocatorAssertions, PageAssertions):
        for name in [name for name in vars(kind) if name.startswith(("to_", "not_to_"))]:
            matcher = getattr(kind, name)
            if not hasattr(matcher, "__wrapped__"):
                setattr(kind, name, _often(matcher))


def _often(matcher: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(matcher)
    def look(self: Any, *arguments: Any, timeout: float | None = None, **options: Any) -> None:
        __tracebackhide__ = True
        end = time.monotonic() + (PATIENCE_MS if timeout is None else timeout) / 1000
        while True:
            left_ms = (end - time.monotonic()) * 1000
            try:
                matcher(self, *arguments, timeout=max(min(left_ms, AT_A_TIME_MS), 1.0), **options)
            except AssertionError:
                if left_ms <= AT_A_TIME_MS:
                    raise
            else:
                return

    return look
