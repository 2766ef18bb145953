"""The settings of an invented boiler room, as a city would write them after a manufacturer's manual."""

from __future__ import annotations

from typing import Any

from beffroi.connectors.modbus.settings import ModbusSettings

BOILER: dict[str, Any] = {
    "registers": [
        {
            "quantity": "boiler_state", "table": "input_register", "address": 0, "layout": "uint16",
            "states": {0: "off", 1: "on", 2: "fault"},
        },
        {"quantity": "flow_temperature_degc", "table": "input_register", "address": 1, "layout": "int16", "scale": 0.1},
        {"quantity": "return_temperature_degc", "table": "input_register", "address": 2, "layout": "int16", "scale": 0.1},
        {"quantity": "setpoint_degc", "table": "holding_register", "address": 0, "layout": "int16", "scale": 0.1},
        {
            "quantity": "door_state", "table": "discrete_input", "address": 3, "layout": "bit",
            "states": {0: "closed", 1: "open"},
        },
    ],
    "commands": {
        "set_setpoint": [
            {
                "table": "holding_register", "address": 0, "layout": "int16", "scale": 0.1,
                "parameter": "setpoint_degc",
            }
        ],
        "stop_boiler": [{"table": "coil", "address": 0, "layout": "bit", "value": 0}],
        "start_boiler": [{"table": "coil", "address": 0, "layout": "bit", "value": 1}],
    },
}  # fmt: skip


def boilers(*ports: int, units: int = 1, **changes: Any) -> ModbusSettings:
    """One host a port, each with `units` boilers: `CH-1`, `CH-2` ..."""
    places = [(port, unit) for port in ports for unit in range(1, units + 1)]
    devices = [
        {"address": f"CH-{number}", "host": "127.0.0.1", "port": port, "unit": unit, "model": "boiler"}
        for number, (port, unit) in enumerate(places, start=1)
    ]
    return ModbusSettings.model_validate({"models": {"boiler": BOILER}, "devices": devices, **changes})
