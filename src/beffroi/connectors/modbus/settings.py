"""Settings of Modbus TCP devices: where they are, which of their registers are read, what may be written to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from beffroi.foundation.bounds import MAX_ADDRESS
from beffroi.foundation.units import STATES, is_quantity, unit_of

Table = Literal["coil", "discrete_input", "holding_register", "input_register"]
Layout = Literal["bit", "uint16", "int16", "uint32", "int32", "float32"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
WIDTHS: Mapping[str, int] = {"bit": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "float32": 2}
BIT_TABLES = frozenset({"coil", "discrete_input"})


class Part(BaseModel):
    """A piece of the settings: no unknown key, no change after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(Part):
    """Where a number stands in a device. `address` counts from 0, as on the wire: register 40001 of a manual is 0."""

    table: Table
    address: int = Field(ge=0, le=65535)
    layout: Layout
    low_word_first: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.table in BIT_TABLES) != (self.layout == "bit"):
            raise ValueError(
                f"a {self.table} cannot hold a {self.layout}: coils and discrete inputs hold a bit, registers a number"
            )
        if self.address + WIDTHS[self.layout] > 65536:
            raise ValueError(f"a {self.layout} at address {self.address} goes beyond the last register, 65535")
        return self


class Register(Place):
    """One quantity: `value = raw x scale + offset`, or for a state the word that `states` gives for the raw number.

    `bit` (0 the lowest) takes one bit of a 16-bit register.
    """

    quantity: str
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    bit: int | None = Field(default=None, ge=0, le=15)
    states: Mapping[int, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if not is_quantity(self.quantity):
            raise ValueError(f"{self.quantity!r} is no quantity: its last word must be a unit")
        if self.bit is not None and self.layout != "uint16":
            raise ValueError(f"a bit of a {self.layout} cannot be taken; expected a uint16")
        words = STATES.get(self.quantity, ())
        if unit_of(self.quantity) == "state":
            if not self.states or not set(self.states.values()) <= set(words):
                raise ValueError(
                    f"`states` must say which raw number is which of {', '.join(words) or 'no known words'}"
                )
        elif self.states:
            raise ValueError(f"{self.quantity} is a number: it has no `states`")
        return self


class Write(Place):
    """One number written for a command: a constant `value`, or `parameter` of the command turned into raw.

    `raw = (value - offset) / scale`, rounded, so that one line of a manual serves reading and writing; `states` gives the
    raw number of a word. Only coils and holding registers can be written.
    """

    value: float | None = Field(default=None, allow_inf_nan=False)
    parameter: Slug | None = None
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    states: Mapping[str, int] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if self.table not in ("coil", "holding_register"):
            raise ValueError(f"a {self.table} cannot be written; expected a coil or a holding_register")
        if (self.value is None) == (self.parameter is None):
            raise ValueError(
                "give either `value`, a constant, or `parameter`, the name of one of the command's parameters"
            )
        if self.scale == 0:
            raise ValueError("`scale` is 0: nothing could be written")
        return self


class Model(Part):
    """One model of device: what is read in it, and what each command writes in it."""

    registers: tuple[Register, ...] = Field(min_length=1, max_length=500)
    commands: Mapping[Slug, tuple[Write, ...]] = Field(default_factory=dict)
    max_gap: int = Field(default=8, ge=0, le=120)
    write_multiple_only: bool = False

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [register.quantity for register in self.registers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"{twice} is read twice")
        for ability, writes in self.commands.items():
            if not 1 <= len(writes) <= 100:
                raise ValueError(f"the command {ability} has {len(writes)} writes; expected 1 to 100")
        return self


class Device(Part):
    """One device. `address` is the asset's address in the inventory; `unit` tells devices behind one gateway apart."""

    address: str = Field(min_length=1, max_length=MAX_ADDRESS)
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=502, ge=1, le=65535)
    unit: int = Field(default=1, ge=0, le=255)
    model: Slug


class ModbusSettings(BaseModel):
    """What one source of this kind polls. None of it is secret: the protocol knows no password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Mapping[Slug, Model] = Field(
        min_length=1,
        max_length=64,
        description="Model of device by name: its `registers`, its `commands`, `max_gap`, `write_multiple_only`; see above. "
        "No default: every manufacturer numbers his registers otherwise.",
    )
    devices: tuple[Device, ...] = Field(
        min_length=1,
        max_length=1000,
        description="The devices: `address`, `host`, `port` (502), `unit` (1), `model`. No default. Devices of the same host "
        "and port are asked one after the other on one connection: most gateways admit no more.",
    )
    period_s: float = Field(
        default=30,
        ge=1,
        le=3600,
        description="Seconds from one poll of a device to the next. Thirty: a boiler room or a pump changes in minutes; a "
        "command is followed by a poll at once, whatever the period.",
    )
    timeout_s: float = Field(
        default=3,
        gt=0,
        le=60,
        description="Seconds for a connection, and for each answer. Three: gateways to serial lines take one or two.",
    )
    attempts: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Polls without any answer in a row after which a device counts as unreachable; when all of them do, so "
        "does the source. Three: one lost answer is weather, three are a cut.",
    )
    max_backoff_s: float = Field(
        default=300,
        ge=1,
        le=3600,
        description="Seconds. After failures the wait for a host doubles from `period_s` up to this. Five minutes: long "
        "enough to spare a line in trouble, short enough to be back soon after it.",
    )
    max_connections: int = Field(
        default=32,
        ge=1,
        le=256,
        description="Hosts asked at the same time. Thirty-two: a thousand devices are then polled well within a period, and "
        "a cut of the whole network does not hold a thousand sockets.",
    )

    @field_validator("devices")
    @classmethod
    def _each_once(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        seen: set[object] = set()
        for device in devices:
            for mark in (device.address, (device.host, device.port, device.unit)):
                if mark in seen:
                    raise ValueError(
                        f"device {device.address!r} stands twice, by its address or by its host, port and unit"
                    )
                seen.add(mark)
        return devices

    @model_validator(mode="after")
    def _models_exist(self) -> Self:
        for device in self.devices:
            if device.model not in self.models:
                raise ValueError(
                    f"device {device.address!r} is of model {device.model!r}, which `models` does not hold"
                )
        return self

    def device(self, address: str) -> Device | None:
        """Return the device of an address, or None."""
        return next((device for device in self.devices if device.address == address), None)
