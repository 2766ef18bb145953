"""The registry: which connectors this post has. The only list of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from beffroi.foundation.errors import Misconfigured
from beffroi.kernel.twin.types import Connector

LEAST_PERIOD_S = 30
"""What is fetched more often is not missed sooner: a producer that restarts is no silence."""

CONNECTORS = ("mqtt_json", "chirpstack", "things_stack", "gtfs_rt", "modbus")


@lru_cache(maxsize=1)
def connectors() -> Mapping[str, Connector]:
    """Return every connector's manifest by its slug."""
    found = (import_module(f"beffroi.connectors.{slug}.connector").CONNECTOR for slug in CONNECTORS)
    return MappingProxyType({connector.slug: connector for connector in found})


def connector_settings(connector: Connector, values: Mapping[str, Any], source: str) -> Any:
    """Return a source's settings, typed. Raises Misconfigured naming each wrong one."""
    try:
        return connector.settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise Misconfigured(f"source `{source}` ({connector.slug}): {wrong}") from error


def is_fetched(connector: str) -> bool:
    """Tell whether a connector asks for its frames; the others are sent theirs."""
    return connectors()[connector].client is not None if connector in connectors() else False


def period_of(connector: Connector, options: Any) -> int | None:
    """Return how often, in seconds, a source with these settings is heard when all is well; None: as its equipment is."""
    asked_s = getattr(options, "period_s", None)
    return None if connector.client is None or asked_s is None else max(LEAST_PERIOD_S, math.ceil(asked_s))
