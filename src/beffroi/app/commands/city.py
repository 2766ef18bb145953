"""`beffroi city …`: the simulated metropolis."""

from __future__ import annotations

import json
from pathlib import Path

import click

from beffroi.foundation.settings import runtime_address, settings


@click.group()
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
    """Play a scenario on the simulated city that runs: cabinet_trip, storm, gateway_silent …"""
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
