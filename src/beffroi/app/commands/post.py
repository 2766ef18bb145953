"""`beffroi up`, `down`, `doctor`: the post on this data folder."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import click

from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.settings import settings


@click.command()
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


@click.command()
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


@click.command()
def doctor() -> None:
    """Say what is wrong with this post and how to mend it."""
    from beffroi.app.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.good else 'WRONG'} {finding.what}")
        if not finding.good:
            click.echo(f"      -> {finding.remedy}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)
