"""`beffroi process NAME`: one process of the post, as the supervisor and systemd units start it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from urllib.parse import urlsplit

import click

from beffroi.app.shell import set_up_django
from beffroi.foundation.settings import runtime_address, settings


@click.command(hidden=True)
@click.argument("name")
@click.argument("argument", required=False)
def process(name: str, argument: str | None) -> None:
    """Run one process of the post: what the supervisor and systemd units start."""
    from beffroi.app.embedded.children import end_with_parent
    from beffroi.foundation.log import set_up

    end_with_parent()
    set_up(f"{name}-{argument}" if name == "engine" else name)
    PROCESSES[name](argument)


def _run_prepare(city_port: str | None) -> None:
    set_up_django()
    from beffroi.app import provision

    provision.prepare_database()
    if city_port:
        provision.prepare_city(int(city_port))
    else:
        provision.prepare_without_city()


def _run_engine(number: str | None) -> None:
    set_up_django()
    import uvloop

    from beffroi.app.engine.process import main as run

    uvloop.run(run(int(number or 1)))


def _run_connectors(_: str | None) -> None:
    set_up_django()
    import uvloop

    from beffroi.app.processes.field import main as run

    uvloop.run(run())


def _run_web(_: str | None) -> None:
    from beffroi.app.processes.web import main as run

    run()


def _run_live(_: str | None) -> None:
    set_up_django()
    from beffroi.app.processes.live import main as run

    run()


def _run_worker(_: str | None) -> None:
    set_up_django()
    from beffroi.app.processes.worker import main as run

    asyncio.run(run())


def _run_front(_: str | None) -> None:
    from beffroi.app.processes.front import main as run

    run()


def _run_city(port: str | None) -> None:
    os.nice(5)  # the post goes before what is played for it
    import uvloop

    from beffroi.rehearsal import run_city

    ours = settings()
    folder = ours.data.absolute() / "city"
    modbus = runtime_address("city-modbus")
    uvloop.run(
        run_city(
            folder,
            folder / "gateways.json",
            ours.mqtt_host,
            ours.mqtt_port,
            int(port or 0),
            ours.city_seed,
            modbus_port=None if modbus is None else urlsplit(modbus).port,
            post_url=f"http://127.0.0.1:{ours.http_port}",
        )
    )


PROCESSES: dict[str, Callable[[str | None], None]] = {
    "prepare": _run_prepare,
    "engine": _run_engine,
    "connectors": _run_connectors,
    "web": _run_web,
    "live": _run_live,
    "worker": _run_worker,
    "front": _run_front,
    "city": _run_city,
}
"""Each process of a post by its name."""
