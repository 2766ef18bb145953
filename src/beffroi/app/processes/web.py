"""The `web` process: pages and API, Django under WSGI threads."""

from __future__ import annotations

from granian.constants import Interfaces
from granian.server import Server

from beffroi.app.embedded.children import free_port
from beffroi.foundation.settings import publish_address, settings

THREADS = 8


def main() -> None:
    """Serve on a free loopback port, which the front door finds in the run folder."""
    port = free_port()
    publish_address("web", f"http://127.0.0.1:{port}")
    Server(
        "beffroi.app.wsgi:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        backpressure=64,
        log_enabled=settings().log_level == "debug",
    ).serve()
