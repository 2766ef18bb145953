"""Settings of The Things Stack v3: which application, and how its devices' payloads are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from beffroi.foundation.lorawan_settings import LorawanSettings

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:-?[a-z0-9]){1,63}$")]
"""The stack's rule for identifiers of applications, tenants and devices."""


class ThingsStackSettings(LorawanSettings):
    """What one source of this kind listens to. None of it is secret: a bridge publishes to us with its credential."""

    application: Identifier = Field(
        description="Identifier of the application, as the stack's console shows it. No default: it names the topics.",
    )
    tenant: Identifier | Literal[""] = Field(
        default="ttn",
        description="Identifier of the tenant. `ttn`, that of The Things Network, which most cities start with; empty "
        "for an open-source stack of one's own, whose topics name no tenant.",
    )
    codecs: Mapping[Identifier, str] = Field(
        default_factory=dict,
        description="Codec by device identifier, for applications that mix devices. Empty by "
        "default: `codec` then holds for all.",
    )
