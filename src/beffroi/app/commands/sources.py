"""`beffroi source …`, `bus …`: what the city connects, and who else reads on a bus of your own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from beffroi.app.shell import actor, set_up_django
from beffroi.foundation.clock import now
from beffroi.foundation.errors import Conflict, Malformed


@click.group()
def source() -> None:
    """Streams of frames: one for each gateway or feed."""


@source.command("add")
@click.argument("code")
@click.option("--connector", default="mqtt_json", show_default=True)
@click.option("--setting", "pairs", multiple=True, metavar="NAME=VALUE", help="A setting of the connector; repeatable.")
@click.option(
    "--period",
    "period_s",
    type=click.IntRange(1, 86_400),
    default=None,
    help="Seconds after which it is heard when all is well; default: as it is asked, or as its equipment reports.",
)
def source_add(code: str, connector: str, pairs: tuple[str, ...], period_s: int | None) -> None:
    """Declare a source, or change its settings."""
    set_up_django()
    from beffroi.app.registry import connector_settings, connectors, period_of
    from beffroi.kernel.twin.actions import declare_source

    if connector not in connectors():
        raise Malformed(f"no connector is called `{connector}`; there are: {', '.join(connectors())}")
    options = dict(_pair(text) for text in pairs)
    typed = connector_settings(connectors()[connector], options, code)
    _check_topics(code, connector, options)
    period_s = period_s or period_of(connectors()[connector], typed)
    declared = declare_source(code, connector, by=actor(), at=now(), options=options, period_s=period_s)
    click.echo(f"source {code} is read by {connector} in partition {declared.partition}")


def _check_topics(code: str, connector: str, options: dict[str, Any]) -> None:
    """Raise Conflict when another source reads the topics that this one would."""
    from beffroi.app.engine.decoding import make_ready
    from beffroi.kernel.twin.queries import SourceInfo, sources

    others = [entry for entry in sources() if entry.code != code]
    last = max((entry.id for entry in others), default=0) + 1
    ready, reasons = make_ready([*others, SourceInfo(last, code, connector, options, 0)])
    if all(reader.source.code != code for reader in ready):
        raise Conflict(reasons[-1])


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Malformed(f"`{text}` is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@source.command("list")
def source_list() -> None:
    """List the sources, their connector and partition."""
    set_up_django()
    from beffroi.kernel.twin.queries import sources

    for entry in sources():
        click.echo(f"{entry.code:20} {entry.connector:14} partition {entry.partition}")


@click.group()
def bus() -> None:
    """Who else reads on a bus of your own."""


@bus.command("readers")
def bus_readers() -> None:
    """List the readers that are not this post's, and whether messages are kept for them."""
    set_up_django()
    from beffroi.app.readers import OLDER, readers_of_others
    from beffroi.kernel.twin.actions import identity

    click.echo(f"this post is {identity()}")
    for stream, reader in asyncio.run(readers_of_others(identity())):
        whose = "not Beffroi's" if reader.post is None else f"post {reader.post or OLDER}"
        kept = "" if reader.holds_after is None else f", messages after {reader.holds_after} are kept for it"
        click.echo(f"{stream:12} {reader.name:44} {whose} {reader.machine}{kept}")


@bus.command("forget")
@click.argument("post")
def bus_forget(post: str) -> None:
    """Remove the readers of another post that is gone for good; what it had not read may then be released."""
    set_up_django()
    from beffroi.app.readers import forget, remove_readers
    from beffroi.kernel.twin.actions import identity

    count = asyncio.run(remove_readers(post, identity()))
    forget(post, count, by=actor(), at=now())
    click.echo(f"{count} readers of the post {post} removed")
