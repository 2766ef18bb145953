"""Structured logs: one JSON object a line on the standard error, which the supervisor gathers."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

# structlog looks for `rich` to colour tracebacks for a person at a terminal; our lines are JSON, and finding it costs every
# process a quarter of a second of its start.
_sought = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402

del sys.modules["rich"]
if _sought is not None:
    sys.modules["rich"] = _sought

from beffroi.foundation.settings import settings  # noqa: E402


def set_up(process: str, file: Path | None = None) -> None:
    """Send this process's words, and those of its libraries, as JSON lines to the standard error, or to a file."""
    words = sys.stderr if file is None else file.open("a", buffering=1)
    level = getattr(logging, settings().log_level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _process(process),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(words),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(words)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _process(name: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("process", name)
        return event

    return add


def logger(name: str) -> Any:
    """Return a logger for a part of the post."""
    return structlog.get_logger(part=name)
