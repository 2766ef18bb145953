"""Polling Modbus devices on the loopback: `python -m bench.modbus`. Prints polls and registers a second, and what share was kept.

Servers of our own answer in a process beside, each host with several devices behind it; the client polls them with a period of
one second and each poll is decoded to its report, as the engine does. The limit beside it: as many bare request-and-answer
exchanges as one connection bears without any decoding.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import time
from collections.abc import Sequence
from typing import Any

from beffroi.connectors.modbus.client import ModbusClient
from beffroi.connectors.modbus.connector import decode
from beffroi.connectors.modbus.settings import ModbusSettings
from beffroi.connectors.modbus.wire import (
    HEADER_BYTES,
    Adu,
    Answer,
    Request,
    body_bytes,
    encode_adu,
    encode_request,
    read,
)
from beffroi.foundation.clock import now
from beffroi.kernel.twin.types import Frame, Report
from beffroi.rehearsal.modbus import serve_modbus
from bench.results import save, table

SIZES = ((1, 1), (10, 10), (100, 10))
"""Hosts, and devices behind each."""


def main() -> int:
    """Poll, print, save; 1 when a poll could not be read."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--registers", type=int, default=40)
    words.add_argument("--seconds", type=float, default=10.0)
    asked = words.parse_args()
    rows, bad = [], 0
    for hosts, devices in SIZES:
        ports = free_ports(hosts)
        beside = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
        beside.start()
        try:
            found = asyncio.run(poll(ports, devices, asked.registers, asked.seconds))
        finally:
            beside.kill()
            beside.join()
        bad += found["bad"]
        rows.append({"hosts": hosts, "devices": hosts * devices, **found})
    print(told(rows))
    print(save("modbus", {"registers": asked.registers, "seconds": asked.seconds, "sizes": rows}))
    return 1 if bad else 0


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports


def serve(ports: Sequence[int]) -> None:
    """Answer every read with its own addresses, for ever."""

    def answer(unit: int, request: Request, at: int) -> Answer:
        return Answer(request, tuple(range(request.address, request.address + request.count)))

    async def run() -> None:
        servers = [await serve_modbus(answer, port, now) for port in ports]
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(run())


def settings_of(ports: Sequence[int], devices: int, registers: int) -> ModbusSettings:
    """Return settings of one source: so many devices behind each port, so many registers in each."""
    names = [f"r{number:03d}_count" for number in range(registers)]
    model = {
        "registers": [
            {"quantity": name, "table": "holding_register", "address": place, "layout": "uint16"}
            for place, name in enumerate(names)
        ]
    }
    return ModbusSettings.model_validate(
        {
            "models": {"m": model},
            "devices": [
                {"address": f"{port}-{unit}", "host": "127.0.0.1", "port": port, "unit": unit, "model": "m"}
                for port in ports
                for unit in range(1, devices + 1)
            ],
            "period_s": 1,
        }
    )


async def poll(ports: Sequence[int], devices: int, registers: int, seconds: float) -> dict[str, Any]:
    """Poll for so long; return what came, what was wanted, and what it cost."""
    await until_served(ports)
    bare = await bare_exchanges(ports[0], registers)
    settings = settings_of(ports, devices, registers)
    client = ModbusClient(settings)
    good = bad = 0
    began, cpu = time.monotonic(), time.process_time()
    frames = client.frames()
    while (left := began + seconds - time.monotonic()) > 0:
        try:
            payload = await asyncio.wait_for(anext(frames), left)
        except TimeoutError:
            break
        said = decode(Frame("bench", "frames/bench", payload, now()), settings)
        whole = len(said) == 1 and isinstance(said[0], Report) and len(said[0].values) == registers
        good, bad = good + whole, bad + (not whole)
    passed, cpu = time.monotonic() - began, time.process_time() - cpu
    await frames.aclose()
    wanted = len(settings.devices) * passed
    return {
        "bad": bad, "polls_per_s": good / passed, "registers_per_s": good * registers / passed,
        "kept": min(1.0, good / wanted), "cpu_share": cpu / passed, "bare_exchanges_per_s": bare,
    }  # fmt: skip


async def until_served(ports: Sequence[int]) -> None:
    """Wait until every port answers."""
    for port in ports:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            break


async def bare_exchanges(port: int, registers: int, seconds: float = 2.0) -> float:
    """Return how many reads a second one connection bears, the answers thrown away as they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = encode_adu(Adu(1, 1, encode_request(read("holding_register", 0, registers))))
    count, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        writer.write(asked)
        header = await reader.readexactly(HEADER_BYTES)
        await reader.readexactly(body_bytes(header))
        count += 1
    writer.close()
    return count / (time.monotonic() - began)


def told(rows: Sequence[dict[str, Any]]) -> str:
    """Return the figures for people."""
    heads = ("Hosts", "Devices", "Polls/s", "Registers/s", "Of those wanted", "CPU of the poller", "Bare, one line")
    return table(
        heads,
        [
            (
                f"{row['hosts']}", f"{row['devices']:,}", f"{row['polls_per_s']:,.0f}", f"{row['registers_per_s']:,.0f}",
                f"{row['kept']:.1%}", f"{row['cpu_share']:.0%}", f"{row['bare_exchanges_per_s']:,.0f}/s",
            )
            for row in rows
        ],
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
