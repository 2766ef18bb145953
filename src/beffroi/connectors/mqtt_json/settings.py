"""Settings of plain JSON readings: none is needed, none is secret."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MqttJsonSettings(BaseModel):
    """Bounds on what a device may claim."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_age_s: float = Field(
        default=30 * 86_400,
        gt=0,
        description="Seconds. An observation older than this at its receipt is quarantined. Thirty days: a logger that "
        "comes back from a long cut may catch up, a clock that restarts in 1970 may not.",
    )
    max_ahead_s: float = Field(
        default=300,
        ge=0,
        description="Seconds. An observation later than its receipt by more than this is quarantined. Five minutes: "
        "clocks drift, but a value from the future would hide all true ones after it.",
    )
    max_quantities: int = Field(
        default=64,
        ge=1,
        le=1024,
        description="Quantities in one payload. Sixty-four: no class of equipment has more, and one message must not "
        "cost as much as thousands.",
    )
    max_bytes: int = Field(
        default=16_384,
        ge=64,
        le=1_048_576,
        description="Bytes in one payload. Sixteen thousand hold sixty-four quantities three times over.",
    )
    commands_per_s: float = Field(
        default=200,
        gt=0,
        le=10_000,
        description="Commands sent in a second at most. Two hundred: a gateway hands them on to lamps by radio, one after "
        "the other, and must still hear what they report.",
    )
