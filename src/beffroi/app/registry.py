"""The registry: which connectors this post has. The only list of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from beffroi.foundation.errors import Misconfigured
from beffroi.kernel.twin.types import Connector

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
