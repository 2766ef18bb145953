"""The client against a Modbus server that others wrote (pymodbus): what we hold to be the protocol is not only our own reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from beffroi.connectors.modbus.client import ModbusClient, ModbusSender
from beffroi.connectors.modbus.connector import decode
from beffroi.connectors.modbus.mapping import encode
from beffroi.connectors.modbus.settings import ModbusSettings
from beffroi.foundation.clock import SECOND
from beffroi.kernel.twin.types import Frame, Order, Outcome, Receipt, Rejected, Report

from .boiler import BOILER, boilers

NOON = 1_769_860_800 * SECOND


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """A device of four tables, unit 1: coils 0 to 15, discrete inputs, holding registers, input registers."""
    coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    discrete = [SimData(0, values=[False, False, False, True] + [False] * 12, datatype=DataType.BITS)]
    holding = [SimData(0, values=[685, 0, 0, 0], datatype=DataType.REGISTERS)]
    inputs = [SimData(0, values=[1, 713, 612], datatype=DataType.REGISTERS)]
    server = ModbusTcpServer(SimDevice(1, (coils, discrete, holding, inputs)), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    assert server.transport is not None
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()


def order(ability: str, **parameters: float | str) -> Order:
    return Order("c-1", "boilers", "CH-1", "boiler_room", ability, parameters, NOON)


async def read(settings: ModbusSettings) -> tuple[Report | Rejected, ...]:
    frames = ModbusClient(settings).frames()
    try:
        return decode(Frame("boilers", "frames/boilers", await anext(frames), NOON), settings)
    finally:
        await frames.aclose()


WELL = {
    "boiler_state": 1.0,
    "flow_temperature_degc": 71.3,
    "return_temperature_degc": 61.2,
    "setpoint_degc": 68.5,
    "door_state": 1.0,
}
NIGHT: dict[str, Any] = {
    "commands": {
        "night": [
            {"table": "coil", "address": 1, "layout": "bit", "value": 1},
            {"table": "coil", "address": 2, "layout": "bit", "value": 1},
            {"table": "holding_register", "address": 0, "layout": "int16", "scale": 0.1, "parameter": "setpoint_degc"},
            {"table": "holding_register", "address": 1, "layout": "float32", "parameter": "setpoint_degc"},
        ],
        "far": [{"table": "coil", "address": 900, "layout": "bit", "value": 1}],
    },
}


def test_another_makers_server_is_read_and_commanded() -> None:
    async def story() -> None:
        async with serving() as port:
            settings = boilers(port, models={"boiler": BOILER | {"commands": BOILER["commands"] | NIGHT["commands"]}})
            assert await read(settings) == (Report("CH-1", NOON, WELL),)
            sender = ModbusSender(settings)
            for asked in (
                order("set_setpoint", setpoint_degc=55.0),
                order("start_boiler"),
                order("night", setpoint_degc=48.5),
            ):
                (wire,) = encode(asked, settings)
                assert await sender.send(wire) == Receipt(Outcome.ACCEPTED)
            (wire,) = encode(order("far"), settings)
            refused = await sender.send(wire)
            await sender.close()
            assert refused.outcome is Outcome.REFUSED and "exception 2, illegal data address" in refused.reason
            registers = [
                *BOILER["registers"],
                {"quantity": "night_setpoint_degc", "table": "holding_register", "address": 1, "layout": "float32"},
                *(
                    {
                        "quantity": quantity, "table": "coil", "address": place, "layout": "bit",
                        "states": {0: "normal", 1: "alarm"},
                    }
                    for place, quantity in enumerate(("intrusion_state", "fire_state", "flood_state"))
                ),
            ]  # fmt: skip
            looked = boilers(port, models={"boiler": {"registers": registers}})
            done = {
                "setpoint_degc": 48.5, "night_setpoint_degc": 48.5, "intrusion_state": 1.0, "fire_state": 1.0,
                "flood_state": 1.0,
            }  # fmt: skip
            assert await read(looked) == (Report("CH-1", NOON, WELL | done),)

    asyncio.run(asyncio.wait_for(story(), 30))
