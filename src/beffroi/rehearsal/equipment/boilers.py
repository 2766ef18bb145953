"""Boiler rooms of buildings, as their automata show them: registers behind one gateway, a unit each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from beffroi.connectors.modbus.wire import Answer, Refusal, Request
from beffroi.foundation.clock import SECOND, Instant
from beffroi.rehearsal.equipment.model import Failing
from beffroi.rehearsal.inventory import Item

ROOM_DEGC = 18.0
WARMS_IN_S, COOLS_IN_S = 240.0, 1200.0
"""Time constants of the water: quick with the burner, slow without."""
LEAST_DEGC, MOST_DEGC = 20.0, 90.0
"""What the automaton lets anybody set; beyond it, it answers with exception 3."""
ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE, NOBODY_THERE = 2, 3, 4, 11
OFF, ON, FAULT = 0, 1, 2
IN_SERVICE, LOCAL_SWITCH, SETPOINT = 0, 0, 0
"""Coil 0, discrete input 0, holding register 0."""


@dataclass(slots=True)
class Boiler:
    """One boiler, and when its water was last worked out."""

    code: str
    setpoint_degc: float
    flow_degc: float
    at: Instant
    in_service: bool = True
    broken: bool = False
    local: bool = False
    silent: bool = False

    @property
    def state(self) -> int:
        """OFF, ON or FAULT."""
        return FAULT if self.broken else ON if self.in_service else OFF

    def settle(self, now: Instant) -> None:
        """Let the water warm or cool up to now."""
        burns = self.state == ON
        target, within_s = (self.setpoint_degc, WARMS_IN_S) if burns else (ROOM_DEGC, COOLS_IN_S)
        elapsed_s = max(0, now - self.at) / SECOND
        self.flow_degc = target + (self.flow_degc - target) * math.exp(-elapsed_s / within_s)
        self.at = now


class Boilers:
    """Answers for the units of a gateway. Input registers 0 to 2: state, flow and return temperature in tenths of a degree."""

    def __init__(self, items: Sequence[Item], start: Instant, random: Random) -> None:
        self._boilers = {item.code: _boiler(item, start, random) for item in items}
        self._units = {int(item.properties["modbus_unit"]): self._boilers[item.code] for item in items}

    def answer(self, unit: int, request: Request, now: Instant) -> Answer | Refusal:
        """Answer a request. A unit that is silent, or not there, is what the gateway says it is: exception 11."""
        boiler = self._units.get(unit)
        if boiler is None or boiler.silent:
            return Refusal(request, NOBODY_THERE)
        boiler.settle(now)
        if request.values:
            return self._write(boiler, request)
        held = _table(boiler, request.table)
        if request.address + request.count > len(held):
            return Refusal(request, ILLEGAL_ADDRESS)
        return Answer(request, tuple(held[request.address : request.address + request.count]))

    def failings(self) -> Sequence[Failing]:
        """A burner fails, somebody turns the key to local, a unit falls silent."""
        codes = list(self._boilers)
        return (
            Failing("boiler_fault", codes, self.fail, self.mend),
            Failing("boiler_local", codes, self.take_local, self.give_back),
            Failing("boiler_silent", codes, self.silence, self.resume),
        )

    def fail(self, code: str, now: Instant) -> None:
        """Let the burner fail: the water cools."""
        self._settled(code, now).broken = True

    def mend(self, code: str, now: Instant) -> None:
        """Mend it."""
        self._settled(code, now).broken = False

    def take_local(self, code: str, now: Instant) -> None:
        """Turn the key to local: the automaton is read, and refuses every write."""
        self._settled(code, now).local = True

    def give_back(self, code: str, now: Instant) -> None:
        """Turn it back."""
        self._settled(code, now).local = False

    def silence(self, code: str, now: Instant) -> None:
        """Cut the serial line of a unit."""
        self._settled(code, now).silent = True

    def resume(self, code: str, now: Instant) -> None:
        """Mend it."""
        self._settled(code, now).silent = False

    def _settled(self, code: str, now: Instant) -> Boiler:
        self._boilers[code].settle(now)
        return self._boilers[code]

    @staticmethod
    def _write(boiler: Boiler, request: Request) -> Answer | Refusal:
        if boiler.local:
            return Refusal(request, DEVICE_FAILURE)
        if request.count != 1 or request.address != 0:
            return Refusal(request, ILLEGAL_ADDRESS)
        if request.table == "coil":
            boiler.in_service = bool(request.values[0])
            return Answer(request)
        setpoint_degc = request.values[0] / 10
        if not LEAST_DEGC <= setpoint_degc <= MOST_DEGC:
            return Refusal(request, ILLEGAL_VALUE)
        boiler.setpoint_degc = setpoint_degc
        return Answer(request)


def _boiler(item: Item, start: Instant, random: Random) -> Boiler:
    setpoint_degc = random.choice((60.0, 65.0, 70.0))
    return Boiler(item.code, setpoint_degc, setpoint_degc - random.uniform(0, 3), start)


def _table(boiler: Boiler, table: str) -> list[int]:
    if table == "coil":
        return [int(boiler.in_service)]
    if table == "discrete_input":
        return [int(boiler.local)]
    if table == "holding_register":
        return [round(boiler.setpoint_degc * 10)]
    warmth = (boiler.flow_degc - ROOM_DEGC) / 5
    return [boiler.state, round(boiler.flow_degc * 10), round((boiler.flow_degc - warmth) * 10)]
