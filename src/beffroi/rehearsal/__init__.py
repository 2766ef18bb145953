"""Rehearsal: the generated city and its simulated equipment. It speaks wire formats, files and nothing else.

`generate` writes a city's files, the same that a real city would hand to `beffroi import`. `run_city` reads those
files back and plays the equipment: it never sees the post's database, its settings or its events.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def generate(profile: str, seed: int, out: Path) -> dict[str, Any]:
    """Write the files of a generated city into the folder `out` and return what `city.json` says."""
    from beffroi.rehearsal.generator import generate as write_city

    return write_city(profile, seed, out)


async def run_city(
    city_dir: Path,
    gateways: Path,
    mqtt_host: str,
    mqtt_port: int,
    http_port: int,
    seed: int,
    *,
    modbus_port: int | None = None,
    post_url: str = "",
    scenario: str = "opening",
) -> None:
    """Play the equipment of the city in `city_dir` until cancelled. See `rehearsal.process`.

    `scenario` is a name of `rehearsal/scenarios`, or the path of a YAML file: what goes wrong, and when.
    """
    from beffroi.rehearsal.process import run

    await run(
        city_dir, gateways, mqtt_host, mqtt_port, http_port, seed, modbus_port=modbus_port, post_url=post_url,
        scenario=scenario,
    )  # fmt: skip
