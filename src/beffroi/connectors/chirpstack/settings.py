"""Settings of a ChirpStack v4 server: which applications, and how their devices' payloads are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from beffroi.foundation.lorawan_settings import LorawanSettings

ApplicationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
DevEui = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class ChirpStackSettings(LorawanSettings):
    """What one source of this kind listens to. None of it is secret: the server publishes to us with its credential."""

    application_ids: tuple[ApplicationId, ...] = Field(
        min_length=1,
        max_length=64,
        description="Identifiers of the applications whose devices report here, as the server's console shows them. No "
        "default: a server carries other people's applications too.",
    )
    codecs: Mapping[DevEui, str] = Field(
        default_factory=dict,
        description="Codec by DevEUI (16 lower-case hexadecimal digits), for applications that mix devices. Empty by "
        "default: `codec` then holds for all.",
    )
