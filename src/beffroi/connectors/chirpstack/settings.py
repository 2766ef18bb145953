"""Settings of a ChirpStack v4 server: which applications, how their devices' payloads are read, what commands send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from beffroi.foundation.errors import Malformed
from beffroi.foundation.lorawan_downlink import parse_template
from beffroi.foundation.lorawan_settings import LorawanSettings

ApplicationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
DevEui = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class Downlink(BaseModel):
    """What one command sends: `payload` as foundation/lorawan_downlink.py reads it, on a port, confirmed or not.

    `words`: parameter -> word -> the number sent for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    payload: str = Field(min_length=1, max_length=1000)
    f_port: int = Field(ge=1, le=223)
    confirmed: bool = True
    words: Mapping[str, Mapping[str, int]] = Field(default_factory=dict)

    @field_validator("payload")
    @classmethod
    def _readable(cls, payload: str) -> str:
        try:
            parse_template(payload)
        except Malformed as error:
            raise ValueError(error.reason) from error
        return payload


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
    commands: Mapping[Slug, Mapping[Slug, Downlink]] = Field(
        default_factory=dict,
        description="Model of device -> ability -> what is sent: `payload`, `f_port`, `confirmed` (true), `words`; see above. "
        "Empty by default: nothing can be commanded, and each model has bytes of its own.",
    )
    model: Slug | None = Field(
        default=None,
        description="Model of the devices, of those that `commands` names. None by default: a command sent in another "
        "model's bytes could do anything.",
    )
    models: Mapping[DevEui, Slug] = Field(
        default_factory=dict,
        description="Model by DevEUI, for applications that mix devices. Empty by default: `model` then holds for all.",
    )
    acknowledged_by: Literal["device", "gateway"] = Field(
        default="device",
        description="Whose word counts as the answer to a command: `device`, its confirmation (event `ack`), or `gateway`, "
        "the gateway's that it transmits (event `txack`), for devices that do not confirm. The device's by default: a "
        "gateway does not know whether it was heard.",
    )
    downlinks_per_s: float = Field(
        default=1,
        gt=0,
        le=50,
        description="Commands a second given to the server. One: a gateway may be on the air a tenth of the time at most in "
        "its band, and hears nothing meanwhile.",
    )

    @model_validator(mode="after")
    def _models_exist(self) -> Self:
        for name in (self.model, *self.models.values()):
            if name is not None and name not in self.commands:
                raise ValueError(
                    f"no model is called {name!r} in `commands`; there are {', '.join(sorted(self.commands)) or 'none'}"
                )
        return self
