"""`beffroi gateway …`: who may publish on the field bus, each for its own source."""

from __future__ import annotations

import secrets
import time

import click

from beffroi.app.shell import actor, set_up_django
from beffroi.foundation.clock import now
from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.settings import settings


@click.group()
def gateway() -> None:
    """Who may publish on the field bus, each for its own source."""


@gateway.command("add")
@click.argument("name")
@click.option("--source", "code", required=True, help="The source for which it publishes; declared if it is not yet.")
@click.option("--connector", default="mqtt_json", show_default=True, help="Of a source that is not declared yet.")
def gateway_add(name: str, code: str, connector: str) -> None:
    """Give a gateway the right to publish; prints its user and password, once."""
    set_up_django()
    from beffroi.app.provision import hash_password
    from beffroi.kernel.twin import actions as twin
    from beffroi.kernel.twin import queries as twin_queries

    by, at = actor(), now()
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
    set_up_django()
    from beffroi.kernel.twin.actions import revoke_gateway

    revoke_gateway(name, by=actor(), at=now(), reason=reason)
    click.echo(f"{name} may no longer publish")


@gateway.command("list")
def gateway_list() -> None:
    """List the gateways in force."""
    set_up_django()
    from beffroi.kernel.twin.queries import gateways_in_force

    for entry in gateways_in_force():
        click.echo(f"{entry.name:24} source {entry.source}")
