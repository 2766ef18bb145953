"""What every network server of LoRaWAN devices is to be told: how payloads are read, and what an uplink may claim."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator

from beffroi.foundation.lorawan import DEFAULT_QUANTITIES, known_codec, known_quantities


class LorawanSettings(BaseModel):
    """Settings that connectors to network servers share; each adds how its server names applications and devices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: str | None = Field(
        default=None,
        description="Codec for payloads the server has not decoded itself. None by default: a payload read with the "
        "wrong codec gives wrong values that look right.",
    )
    codecs: Mapping[str, str] = Field(default_factory=dict, description="Codec by device.")
    quantities: Mapping[str, str] = Field(
        default_factory=lambda: dict(DEFAULT_QUANTITIES),
        description="Name in what the server decoded -> our quantity. The default holds the names most public "
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
        description="Bytes in one message. An uplink heard by forty gateways has twenty to thirty thousand.",
    )

    _codec = field_validator("codec")(known_codec)
    _quantities = field_validator("quantities")(known_quantities)

    @field_validator("codecs")
    @classmethod
    def _codecs(cls, codecs: Mapping[str, str]) -> Mapping[str, str]:
        for name in codecs.values():
            known_codec(name)
        return codecs
