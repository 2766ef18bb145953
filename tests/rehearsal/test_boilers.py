"""Boiler rooms: their water, their commands, their failings, and the gateway over which the real client asks them."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from beffroi.connectors.modbus.client import ModbusClient, ModbusSender
from beffroi.connectors.modbus.connector import decode
from beffroi.connectors.modbus.mapping import encode
from beffroi.connectors.modbus.settings import ModbusSettings
from beffroi.connectors.modbus.wire import Answer, Refusal, Request, read, write
from beffroi.foundation.clock import SECOND, now
from beffroi.kernel.twin.types import Frame, Order, Outcome, Receipt, Report
from beffroi.rehearsal.equipment.boilers import Boilers
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.modbus import serve_modbus

START = 1_769_860_800 * SECOND
WATER = read("input_register", 0, 3)


def boilers(count: int = 2, start: int = START) -> Boilers:
    items = [
        Item(f"CH{n:02d}", "boiler_room", "boilers", f"CH{n:02d}", f"CH{n:02d}", 5.04, 47.32, {"modbus_unit": str(n)})
        for n in range(1, count + 1)
    ]
    return Boilers(items, start, Random(1))


def heard(plant: Boilers, request: Request, at_s: float = 0, unit: int = 1) -> tuple[int, ...]:
    answer = plant.answer(unit, request, START + int(at_s * SECOND))
    assert isinstance(answer, Answer)
    return answer.values


def refused(plant: Boilers, request: Request, unit: int = 1) -> int:
    answer = plant.answer(unit, request, START)
    assert isinstance(answer, Refusal)
    return answer.code


def test_water_follows_the_setpoint_and_cools_without_the_burner() -> None:
    plant = boilers()
    assert plant.answer(1, write("holding_register", 0, [800]), START) == Answer(write("holding_register", 0, [800]))
    state, flow, back = heard(plant, WATER, 1800)
    assert state == 1 and 790 < flow <= 800 and back < flow
    plant.answer(1, write("coil", 0, [0]), START + 1800 * SECOND)
    state, cooler, _ = heard(plant, WATER, 3000)
    assert state == 0 and cooler < 500
    assert heard(plant, read("coil", 0, 1), 3000) == (0,)
    assert heard(plant, read("holding_register", 0, 1), 3000) == (800,)


def test_a_broken_burner_is_told_and_mended() -> None:
    plant = boilers()
    plant.fail("CH01", START)
    assert heard(plant, WATER)[0] == 2
    plant.mend("CH01", START)
    assert heard(plant, WATER)[0] == 1


def test_a_boiler_on_local_is_read_and_refuses_every_write() -> None:
    plant = boilers()
    plant.take_local("CH01", START)
    assert refused(plant, write("coil", 0, [0])) == 4
    assert heard(plant, read("discrete_input", 0, 1)) == (1,)
    plant.give_back("CH01", START)
    assert isinstance(plant.answer(1, write("coil", 0, [0]), START), Answer)


def test_what_an_automaton_does_not_have_or_allow_is_refused() -> None:
    plant = boilers()
    assert refused(plant, read("input_register", 2, 2)) == 2
    assert refused(plant, write("holding_register", 0, [950])) == 3
    assert refused(plant, write("coil", 1, [1])) == 2
    assert refused(plant, WATER, unit=9) == 11


def test_a_silent_unit_is_told_by_its_gateway() -> None:
    plant = boilers()
    plant.silence("CH02", START)
    assert refused(plant, WATER, unit=2) == 11
    assert heard(plant, WATER, unit=1)[0] == 1
    plant.resume("CH02", START)
    assert heard(plant, WATER, unit=2)[0] == 1


SETPOINT = {"table": "holding_register", "address": 0, "layout": "int16", "scale": 0.1}


def settings(port: int) -> ModbusSettings:
    model: dict[str, Any] = {
        "registers": [{"quantity": "setpoint_degc", **SETPOINT}],
        "commands": {"set_setpoint": [{"parameter": "setpoint_degc", **SETPOINT}]},
    }
    device = {"address": "CH01", "host": "127.0.0.1", "port": port, "unit": 1, "model": "boiler"}
    return ModbusSettings.model_validate({"models": {"boiler": model}, "devices": [device]})


def test_the_real_client_reads_and_commands_a_boiler_over_the_wire() -> None:
    async def story() -> None:
        server = await serve_modbus(boilers(start=now()).answer, 0, now)
        options = settings(server.sockets[0].getsockname()[1])
        frames, sender = ModbusClient(options).frames(), ModbusSender(options)
        await anext(frames)
        order = Order("c-1", "boilers", "CH01", "boiler_room", "set_setpoint", {"setpoint_degc": 55.0}, START)
        (wire,) = encode(order, options)
        assert await sender.send(wire) == Receipt(Outcome.ACCEPTED)
        payload = await anext(frames)
        assert decode(Frame("boilers", "frames/boilers", payload, START), options) == (
            Report("CH01", START, {"setpoint_degc": 55.0}),
        )
        await frames.aclose()
        await sender.close()
        server.close()

    asyncio.run(asyncio.wait_for(story(), 30))


def test_a_client_that_speaks_no_modbus_is_let_go() -> None:
    async def story() -> None:
        server = await serve_modbus(boilers().answer, 0, now)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        server.close()

    asyncio.run(asyncio.wait_for(story(), 30))
