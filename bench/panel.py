"""What an incident's panel costs to draw: `python -m bench.panel`. Prints figures, and asserts none;
`own CPU` is that of the page's process, at the median: wall time moves with every neighbour.

On a PostgreSQL of its own (the wheel's, in a temporary folder), with the streets of the generated metropolis and crews on duty
all over it. The panel as it is drawn (at each choice, and again at each change of what it shows); beside it the crews by
travel time, which were part of each drawing once and are asked for when they are looked at.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Make the town, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="dijon")
    parser.add_argument("--seed", type=int, default=21231)
    parser.add_argument("--units", type=int, nargs="+", default=[14, 200])
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    box = Path(tempfile.mkdtemp(prefix="beffroi-panel-"))
    os.environ |= {"BEFFROI_DATA": str(box), "DJANGO_SETTINGS_MODULE": "beffroi.app.django"}
    from beffroi.app.embedded.postgres import Postgres

    server = Postgres(box / "postgres", secrets=box / "secrets", log=box / "log" / "postgres.log")
    server.start()
    try:
        os.environ["BEFFROI_DATABASE_URL"] = server.owner_url
        import django

        django.setup()
        measure(asked.profile, asked.seed, asked.units, asked.rounds, box)
    finally:
        server.stop()
        shutil.rmtree(box, ignore_errors=True)


def measure(profile: str, seed: int, counts: list[int], rounds: int, box: Path) -> None:
    """Time the drawing of one incident's panel, and of the crews it offers."""
    from django.core.management import call_command

    from beffroi.app.provision import SYSTEM
    from beffroi.console import frames, reading, sending
    from beffroi.foundation.clock import now
    from beffroi.kernel.incidents import actions as incidents
    from beffroi.kernel.incidents.types import Category, Channel, Told
    from beffroi.kernel.people import actions as people
    from beffroi.kernel.people.queries import viewer_named
    from beffroi.kernel.places import actions as places
    from bench.routing import _drawn

    call_command("migrate", interactive=False, verbosity=0)
    people.ensure_demonstration_accounts(now())
    viewer = viewer_named("operatrice")
    places.import_streets(_drawn(profile, seed, box), by=SYSTEM, at=now())
    category = Category(code="street_dark", title="Rue dans le noir", desk="lighting", priority=2)
    incidents.publish_profile((category,), (), by=SYSTEM, at=now())
    told = Told("street_dark", 5.0415, 47.3220, place="12 rue Monge", commune="Dijon", channel=Channel.PHONE)
    incident = incidents.open_incident(told, by=viewer, at=now()).incident
    print(f"{'':44} {'p50 ms':>8} {'p95 ms':>8} {'own CPU':>8}")
    for count in counts:
        on_duty(count, viewer)
        show(
            f"{count} crews: the panel", rounds, lambda: frames.render_detail(reading.detail(incident, viewer), viewer)
        )
        show(f"{count} crews: the nearest, when asked for", rounds, lambda: sending.render_offers(incident, viewer))


def on_duty(count: int, viewer: object) -> None:
    """Have that many crews on duty, somewhere in the town, of four kinds of vehicle."""
    from datetime import timedelta

    from django.apps import apps

    from beffroi.app.provision import SYSTEM
    from beffroi.foundation.clock import now, to_datetime
    from beffroi.kernel.dispatch import actions
    from beffroi.kernel.dispatch.types import Point, Profile, UnitEntry, UnitKind
    from beffroi.kernel.places.types import Vehicle

    dice = random.Random(7)
    vehicles = (Vehicle.CAR, Vehicle.VAN, Vehicle.LORRY, Vehicle.BICYCLE)
    units = tuple(
        UnitEntry(f"crew-{n}", f"Équipe {n}", f"EQ {n}", UnitKind.LIGHTING_CREW, "lighting", "pilot",
                  Point(4.99 + dice.random() * 0.1, 47.29 + dice.random() * 0.07), vehicle=vehicles[n % 4])
        for n in range(count)
    )  # fmt: skip
    actions.publish_units(Profile(units=units), by=SYSTEM, at=now())
    at = to_datetime(now())
    table, last = apps.get_model("dispatch", "Unit"), apps.get_model("dispatch", "LastPosition")
    table.objects.update(duty="on", duty_since=at, duty_until=at + timedelta(hours=12), headcount=2, shares=True)
    last.objects.all().delete()
    last.objects.bulk_create(
        last(unit_id=row.pk, lon=row.base_lon, lat=row.base_lat, observed_at=at, erase_at=at + timedelta(hours=1))
        for row in table.objects.all()
    )


def show(name: str, rounds: int, draw: Callable[[], object]) -> None:
    """Draw again and again, and print what it took."""
    draw()
    took, busy = [], []
    for _ in range(rounds):
        began, own = time.perf_counter(), time.process_time()
        draw()
        took.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - own))
    took.sort()
    print(f"{name:44} {statistics.median(took):8.1f} {took[int(len(took) * 0.95)]:8.1f} {statistics.median(busy):8.1f}")


if __name__ == "__main__":
    main()
