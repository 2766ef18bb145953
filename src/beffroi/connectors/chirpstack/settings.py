"""Settings of a ChirpStack v4 server: which applications, and how their devices' payloads are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from beffroi.foundation.lorawan import DEFAULT_QUANTITIES, known_codec, known_quantities

ApplicationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
DevEui = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class ChirpStackSettings(BaseModel):
    """What one source of this kind listens to. None of it is secret: the server publishes to us with its credential."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_ids: tuple[ApplicationId, ...] = Field(
        min_length=1,
        max_length=64,
        description="Identifiers of the applications whose devices report here, as the server's console shows them. No "
        "default: a server carries other people's applications too.",
    )
    codec: str | None = Field(
        default=None,
        description="Codec for payloads the server has not decoded itself. None by default: a payload read with the "
        "wrong codec gives wrong values that look right.",
    )
    codecs: Mapping[DevEui, str] = Field(
        default_factory=dict,
        description="Codec by DevEUI (16 lower-case hexadecimal digits), for applications that mix devices. Empty by "
        "default: `codec` then holds for all.",
    )
    quantities: Mapping[str, str] = Field(
        default_factory=lambda: dict(DEFAULT_QUANTITIES),
        description="Name in the server's decoded `object` -> our quantity. The default holds the names most public "
        "codecs use, in the units they use; a list given here replaces it whole.",
    )
    max_age_s: float = Field(
        default=30 * 86_400,
        gt=0,
        description="Seconds. An uplink older than this at its receipt is quarantined. Thirty days: a server may catch "
        "up after a long cut.",
    )
    max_ahead_s: float = Field(
        default=300,
        ge=0,
        description="Seconds. An uplink later than its receipt by more than this is quarantined. Five minutes: servers "
        "keep time, and a value from the future would hide all true ones after it.",
    )
    max_bytes: int = Field(
        default=65_536,
        ge=1024,
        le=1_048_576,
        description="Bytes in one event. An uplink heard by forty gateways has about twenty thousand.",
    )

    _codec = field_validator("codec")(known_codec)
    _quantities = field_validator("quantities")(known_quantities)

    @field_validator("codecs")
    @classmethod
    def _codecs(cls, codecs: Mapping[str, str]) -> Mapping[str, str]:
        for name in codecs.values():
            known_codec(name)
        return codecs
