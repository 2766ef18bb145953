"""The command `beffroi`. Each command says what it did, or what is wrong and how to mend it, in one line."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from beffroi.app.defining import alarms
from beffroi.app.journaling import journal
from beffroi.app.shell import actor as _actor
from beffroi.app.shell import set_up_django as _django
from beffroi.foundation.clock import now
from beffroi.foundation.errors import BeffroiError, Conflict, Malformed
from beffroi.foundation.settings import runtime_address, settings


class _Group(click.Group):
    """Turns our errors into one line on the standard error and the exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BeffroiError as error:
            click.echo(f"beffroi: {error.reason}", err=True)
        except Exception as error:
            if not _is_lost_database(error):
                raise
            click.echo(
                "beffroi: the database does not answer: start the post (`beffroi up`), or set BEFFROI_DATABASE_URL",
                err=True,
            )
        sys.exit(1)


def _is_lost_database(error: Exception) -> bool:
    from django.db import InterfaceError, OperationalError

    return isinstance(error, OperationalError | InterfaceError)


@click.group(cls=_Group)
@click.version_option(package_name="beffroi")
def main() -> None:
    """Beffroi, the open connected command post of a metropolis."""


# -- the post ------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--city/--no-city", default=True, help="With the simulated metropolis, or without.")
@click.option("--detach", is_flag=True, help="Return once the post is ready; `beffroi down` stops it.")
def up(city: bool, detach: bool) -> None:
    """Start the post and keep it running."""
    if detach:
        _detach(city)
        return
    from beffroi.app.supervisor import Supervisor, post_log
    from beffroi.foundation.log import set_up

    set_up("supervisor", post_log())

    async def run() -> None:
        supervisor = Supervisor(city, say=click.echo)
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, supervisor.stopping.set)
        await supervisor.run()

    asyncio.run(run())


def _detach(city: bool) -> None:
    from beffroi.app.supervisor import check_ports, post_log

    check_ports(settings())
    flag = "--city" if city else "--no-city"
    said = settings().data.absolute() / "log" / "supervisor.log"
    said.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with said.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "beffroi.app", "up", flag],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
    while process.poll() is None:
        text = said.read_text(errors="replace")
        if "\nready http" in f"\n{text}":
            click.echo(text.strip())
            return
        time.sleep(0.1)
    click.echo(said.read_text(errors="replace").strip(), err=True)
    click.echo(f"beffroi: the post did not start (details in {post_log()})", err=True)
    sys.exit(1)


@main.command()
def down() -> None:
    """Stop the post that runs on this data folder."""
    from beffroi.app.supervisor import post_pid

    pid = post_pid()
    os.kill(pid, signal.SIGTERM)
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            click.echo("the post is stopped")
            return
        time.sleep(0.1)
    raise BeffroiError(f"the post (process {pid}) has not stopped after 60 s")


@main.command()
def doctor() -> None:
    """Say what is wrong with this post and how to mend it."""
    from beffroi.app.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.good else 'WRONG'} {finding.what}")
        if not finding.good:
            click.echo(f"      -> {finding.remedy}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@main.command(hidden=True)
@click.argument("name")
@click.argument("argument", required=False)
def process(name: str, argument: str | None) -> None:
    """Run one process of the post: what the supervisor and systemd units start."""
    from beffroi.foundation.log import set_up

    set_up(f"{name}-{argument}" if name == "engine" else name)
    _PROCESSES[name](argument)


def _run_prepare(city_port: str | None) -> None:
    _django()
    from beffroi.app import provision

    provision.prepare_database()
    if city_port:
        provision.prepare_city(int(city_port))
    else:
        provision.prepare_without_city()


def _run_engine(number: str | None) -> None:
    _django()
    import uvloop

    from beffroi.app.engine.process import main as run

    uvloop.run(run(int(number or 1)))


def _run_connectors(_: str | None) -> None:
    _django()
    import uvloop

    from beffroi.app.processes.field import main as run

    uvloop.run(run())


def _run_web(_: str | None) -> None:
    from beffroi.app.processes.web import main as run

    run()


def _run_live(_: str | None) -> None:
    _django()
    from beffroi.app.processes.live import main as run

    run()


def _run_worker(_: str | None) -> None:
    _django()
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
    uvloop.run(
        run_city(folder, folder / "gateways.json", ours.mqtt_host, ours.mqtt_port, int(port or 0), ours.city_seed)
    )


_PROCESSES: dict[str, Callable[[str | None], None]] = {
    "prepare": _run_prepare,
    "engine": _run_engine,
    "connectors": _run_connectors,
    "web": _run_web,
    "live": _run_live,
    "worker": _run_worker,
    "front": _run_front,
    "city": _run_city,
}


# -- what the city connects ----------------------------------------------------------------------------------------


@main.group()
def source() -> None:
    """Streams of frames: one for each gateway or feed."""


@source.command("add")
@click.argument("code")
@click.option("--connector", default="mqtt_json", show_default=True)
@click.option("--setting", "pairs", multiple=True, metavar="NAME=VALUE", help="A setting of the connector; repeatable.")
def source_add(code: str, connector: str, pairs: tuple[str, ...]) -> None:
    """Declare a source, or change its settings."""
    _django()
    from beffroi.app.registry import connector_settings, connectors
    from beffroi.kernel.twin.actions import declare_source

    if connector not in connectors():
        raise Malformed(f"no connector is called `{connector}`; there are: {', '.join(connectors())}")
    options = dict(_pair(text) for text in pairs)
    connector_settings(connectors()[connector], options, code)
    _check_topics(code, connector, options)
    declared = declare_source(code, connector, by=_actor(), at=now(), options=options)
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
    _django()
    from beffroi.kernel.twin.queries import sources

    for entry in sources():
        click.echo(f"{entry.code:20} {entry.connector:14} partition {entry.partition}")


@main.group()
def bus() -> None:
    """Who else reads on a bus of your own."""


@bus.command("readers")
def bus_readers() -> None:
    """List the readers that are not this post's, and whether messages are kept for them."""
    _django()
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
    _django()
    from beffroi.app.readers import forget, remove_readers
    from beffroi.kernel.twin.actions import identity

    count = asyncio.run(remove_readers(post, identity()))
    forget(post, count, by=_actor(), at=now())
    click.echo(f"{count} readers of the post {post} removed")


@main.group()
def gateway() -> None:
    """Who may publish on the field bus, each for its own source."""


@gateway.command("add")
@click.argument("name")
@click.option("--source", "code", required=True, help="The source for which it publishes; declared if it is not yet.")
@click.option("--connector", default="mqtt_json", show_default=True, help="Of a source that is not declared yet.")
def gateway_add(name: str, code: str, connector: str) -> None:
    """Give a gateway the right to publish; prints its user and password, once."""
    _django()
    from beffroi.app.provision import hash_password
    from beffroi.kernel.twin import actions as twin
    from beffroi.kernel.twin import queries as twin_queries

    by, at = _actor(), now()
    known = {entry.code: entry.connector for entry in twin_queries.sources()}
    declared = twin.declare_source(code, known.get(code, connector), by=by, at=at)
    password = secrets.token_urlsafe(18)
    twin.add_gateway(name, declared, hash_password(password), by=by, at=at)
    click.echo(f"user {name}")
    click.echo(f"password {password}")
    click.echo(_await_admission(name))


def _await_admission(name: str) -> str:
    """Wait until the bus admits the gateway; say what happens otherwise. Bounded: 20 s."""
    if settings().nats_url is not None:
        return "note: this bus is your own: add this user to its accounts (docs/how-to/use-your-own-nats.md)"
    from beffroi.app.processes.field import Admission

    for _ in range(200):
        try:
            server = Admission.of_this_post().server
            if any(gateway.name == name for gateway in server.admitted()) and server.loaded():
                return f"admitted on {settings().mqtt_host}:{settings().mqtt_port}"
        except BeffroiError:
            return "note: the post is not running; the gateway is admitted at its next start"
        time.sleep(0.1)
    return "note: not admitted after 20 s; `beffroi doctor` says why"


@gateway.command("revoke")
@click.argument("name")
@click.option("--reason", required=True)
def gateway_revoke(name: str, reason: str) -> None:
    """Withdraw a gateway's right to publish."""
    _django()
    from beffroi.kernel.twin.actions import revoke_gateway

    revoke_gateway(name, by=_actor(), at=now(), reason=reason)
    click.echo(f"{name} may no longer publish")


@gateway.command("list")
def gateway_list() -> None:
    """List the gateways in force."""
    _django()
    from beffroi.kernel.twin.queries import gateways_in_force

    for entry in gateways_in_force():
        click.echo(f"{entry.name:24} source {entry.source}")


@main.command("import")
@click.argument("what", type=click.Choice(["assets", "relations", "communes", "streets", "addresses"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(what: str, file: Path) -> None:
    """Take an inventory or a territory from a file; all of it or nothing."""
    _django()
    from beffroi.kernel.places import actions as places
    from beffroi.kernel.twin import actions as twin

    steps: dict[str, Callable[..., int]] = {
        "assets": twin.import_assets,
        "relations": twin.import_relations,
        "communes": places.import_communes,
        "streets": places.import_streets,
        "addresses": places.import_addresses,
    }
    count = steps[what](file, by=_actor(), at=now())
    click.echo(f"{count} {what} imported from {file.name}")


# -- people --------------------------------------------------------------------------------------------------------


@main.group()
def token() -> None:
    """Bearer tokens for the API."""


@token.command("create")
@click.argument("name")
@click.option("--person", default=None, help="Account it acts for; by default an account for machines, `integration`.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=None, help="Days for which it is valid; default: until revoked."
)
def token_create(name: str, person: str | None, days: int | None) -> None:
    """Make a token; prints it, once."""
    _django()
    from beffroi.app.accounts import create_token_for

    click.echo(create_token_for(name, person, days, by=_actor(), at=now()))


@main.group()
def person() -> None:
    """Accounts and clearances."""


@person.command("add")
@click.argument("username")
@click.option("--name", required=True, help="Name shown to others.")
@click.option("--initials", required=True)
@click.option(
    "--role", required=True, help="operator, room_supervisor, visitor, city_it, data_protection or integration"
)
@click.option("--reason", required=True, help="Why this clearance is given; kept in the journal.")
@click.password_option()
def person_add(username: str, name: str, initials: str, role: str, reason: str, password: str) -> None:
    """Open an account with one clearance."""
    _django()
    from beffroi.app.accounts import open_account

    open_account(username, name, initials, role, password, reason=reason, by=_actor(), at=now())
    click.echo(f"{username} may sign in as {role}")


main.add_command(alarms)
main.add_command(journal)


# -- the simulated city --------------------------------------------------------------------------------------------


@main.group()
def city() -> None:
    """The simulated metropolis."""


@city.command("generate")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--profile", default=None, help="Profile of the city; default: the setting BEFFROI_CITY.")
@click.option("--seed", type=int, default=None)
def city_generate(folder: Path, profile: str | None, seed: int | None) -> None:
    """Write a city's inventories and basemap into a folder, to look at or to import elsewhere."""
    from beffroi.rehearsal.generator import generate

    folder.mkdir(parents=True, exist_ok=True)
    facts = generate(profile or settings().city, settings().city_seed if seed is None else seed, folder)
    shown = {name: value for name, value in facts.items() if not isinstance(value, list)}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=1))


@city.command("scenario")
@click.argument("name")
def city_scenario(name: str) -> None:
    """Play a scenario on the simulated city that runs: cabinet_trip, storm, chattering_detector, two_operators."""
    import httpx

    address = runtime_address("city")
    if address is None:
        raise click.ClickException("no simulated city runs here: start the post with `beffroi up`")
    try:
        answer = httpx.post(f"{address}/rehearsal/scenario", json={"name": name}, timeout=10)
    except httpx.HTTPError as error:
        raise click.ClickException(f"the simulated city does not answer: {error}") from error
    body = answer.json()
    if answer.status_code != 201:
        raise click.ClickException(str(body.get("detail", body)))
    click.echo(f"{body['title']}: {body['failures']} failures are on their way")
