"""Settings of a GTFS-Realtime feed: where it is, how often it is asked, what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, StringConstraints, field_validator

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class GtfsRtSettings(BaseModel):
    """What one feed needs. Secret: the values of `headers`, and what a URL holds as password or query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl = Field(
        description="Address of the vehicle positions feed, http or https. No default. Redirections are not followed: "
        "headers must not be sent where nobody said.",
    )
    period_s: float = Field(
        default=20,
        ge=1,
        le=3600,
        description="Seconds from one request to the next. Twenty: the standard's good practice refreshes a feed every "
        "thirty at least, and most producers ask not to be polled quicker than fifteen.",
    )
    timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Seconds for a whole answer, from connecting to its last byte. Ten: half a period, so that a slow "
        "producer is seen as slow and not as late.",
    )
    max_backoff_s: float = Field(
        default=300,
        ge=1,
        le=3600,
        description="Seconds. After failures the wait doubles from `period_s` up to this, also when the producer asks "
        "for longer. Five minutes: long enough to spare a producer in trouble, short enough to be back soon after it.",
    )
    attempts: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Failures in a row after which the source is declared unreachable. Three: one lost answer is "
        "weather, three are a cut.",
    )
    max_bytes: int = Field(
        default=16 * 1_048_576,
        ge=1024,
        le=256 * 1_048_576,
        description="Bytes of one feed, after decompression. Sixteen mebibytes hold some 150,000 vehicles.",
    )
    max_entities: int = Field(
        default=50_000,
        ge=1,
        description="Entities in one feed. Fifty thousand: more vehicles than any metropolis runs.",
    )
    headers: Mapping[HeaderName, SecretStr] = Field(
        default_factory=dict,
        description="Headers sent with each request, such as a key the producer gave. Secret. Empty by default: most "
        "feeds are open.",
    )
    proxy: HttpUrl | None = Field(
        default=None,
        description="Address of the proxy through which the feed is fetched. None by default, and none is taken from "
        "the environment: what goes through a proxy is decided here.",
    )
    stale_after_s: float = Field(
        default=90,
        gt=0,
        description="Seconds. When the feed's own date is older than this at its receipt, its positions are uncertain: "
        "the producer serves a frozen feed. Ninety: the standard's good practice for the age of vehicle positions.",
    )
    max_age_s: float = Field(
        default=30 * 86_400,
        gt=0,
        description="Seconds. A feed older than this is quarantined whole, a vehicle's position alone. Thirty days: "
        "beyond it a date is an error, not a delay.",
    )
    max_ahead_s: float = Field(
        default=300,
        ge=0,
        description="Seconds. The same for dates later than their receipt. Five minutes: a position from the future "
        "would hide all true ones after it.",
    )

    @field_validator("headers")
    @classmethod
    def _writable(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, value in headers.items():
            text = value.get_secret_value()
            if not (text.isascii() and text.isprintable() and 1 <= len(text) <= 4096):
                raise ValueError(f"the value of {name} must be 1 to 4096 printable ASCII characters")
        return headers
