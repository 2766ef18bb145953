"""Settings of The Things Stack v3: which application, and how its devices' payloads are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from beffroi.foundation.lorawan import DEFAULT_QUANTITIES, known_codec, known_quantities

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:-?[a-z0-9]){1,63}$")]
"""The stack's rule for identifiers of applications, tenants and devices."""


class ThingsStackSettings(BaseModel):
    """What one source of this kind listens to. None of it is secret: a bridge publishes to us with its credential."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application: Identifier = Field(
        description="Identifier of the application, as the stack's console shows it. No default: it names the topics.",
    )
    tenant: Identifier | Literal[""] = Field(
        default="ttn",
        description="Identifier of the tenant. `ttn`, that of The Things Network, which most cities start with; empty "
        "for an open-source stack of one's own, whose topics name no tenant.",
    )
    codec: str | None = Field(
        default=None,
        description="Codec for payloads the stack has not decoded itself. None by default: a payload read with the "
        "wrong codec gives wrong values that look right.",
    )
    codecs: Mapping[Identifier, str] = Field(
        default_factory=dict,
        description="Codec by device identifier, for applications that mix devices. Empty by "
        "default: `codec` then holds for all.",
    )
    quantities: Mapping[str, str] = Field(
        default_factory=lambda: dict(DEFAULT_QUANTITIES),
        description="Name in the stack's `decoded_payload` -> our quantity. The default holds the names most public "
        "codecs use, in the units they use; a list given here replaces it whole.",
    )
    max_age_s: float = Field(
        default=30 * 86_400,
        gt=0,
        description="Seconds. An uplink older than this at its receipt is quarantined. Thirty days: a bridge may catch "
        "up after a long cut.",
    )
    max_ahead_s: float = Field(
        default=300,
        ge=0,
        description="Seconds. An uplink later than its receipt by more than this is quarantined. Five minutes: stacks "
        "keep time, and a value from the future would hide all true ones after it.",
    )
    max_bytes: int = Field(
        default=65_536,
        ge=1024,
        le=1_048_576,
        description="Bytes in one message. An uplink heard by forty gateways has about thirty thousand.",
    )

    _codec = field_validator("codec")(known_codec)
    _quantities = field_validator("quantities")(known_quantities)

    @field_validator("codecs")
    @classmethod
    def _codecs(cls, codecs: Mapping[str, str]) -> Mapping[str, str]:
        for name in codecs.values():
            known_codec(name)
        return codecs
