"""The bombardment of bench/garbage.py in small: every frame meets the one fate it must meet."""

from __future__ import annotations

import random

import pytest
from bench.garbage import DENIED, QUARANTINED, REFUSED, SOURCES, STORED, break_protocol, expected, shots, throw
from bench.load import code_of, source_of

from beffroi.kernel.twin.models import History, Quarantine
from tests.app.conftest import World, publish, reading, wait_for

ASSETS = 40
FRAMES = 1_500


@pytest.mark.parametrize("seed", [1])
def test_every_frame_of_a_bombardment_meets_its_fate(world: World, seed: int) -> None:
    for group in range(SOURCES):
        world.equip(source_of(group), *(code_of(k) for k in range(ASSETS) if k % SOURCES == group))
        world.gateway(f"gate-{group}", source_of(group))
    engine, field = world.engine(), world.field()
    world.admit(*(f"gate-{group}" for group in range(SOURCES)))
    logins = [world.login(f"gate-{group}") for group in range(SOURCES)]

    r = random.Random(seed)
    thrown, acked = throw(logins, shots(r, FRAMES, assets=ASSETS, large_every=500), 0)
    assert len(acked) == FRAMES
    wanted = expected(thrown, acked)

    def counted() -> dict[str, int]:
        each = [world.counted(source_of(group)) for group in range(SOURCES)]
        return {name: sum(counts[name] for counts in each) for name in each[0]}

    unclaimed = Quarantine.objects.filter(source=None)
    wait_for(lambda: counted()["received"] + unclaimed.count() >= FRAMES - wanted[DENIED], "all frames are counted")
    wait_for(lambda: counted()["denied"] >= wanted[DENIED], "all frames the bus refused are counted")
    found = counted()
    aside = [(row.verdict, row.topic, bytes(row.payload)[:60], row.reason) for row in Quarantine.objects.all()]
    assert found["stored"] == wanted[STORED], aside[:20]
    assert found["quarantined"] + unclaimed.count() == wanted[QUARANTINED]
    assert (found["refused"], found["denied"]) == (wanted[REFUSED] + wanted[DENIED], wanted[DENIED])
    assert History.objects.count() == 4 * wanted[STORED]
    assert all(reason and "fault of ours" not in reason for *_, reason in aside)

    deeds = {break_protocol(r.choice(logins), r) for _ in range(40)}
    assert {deed for deed, closed in deeds if not closed} <= {"packet of 256 MB announced"}  # it waits for the rest
    before = world.counted(source_of(0))["stored"]
    assert publish(logins[0], [(f"readings/{source_of(0)}/{code_of(0)}", reading(1))]) == 1
    world.wait_counted(source_of(0), stored=before + 1)
    assert (engine.fault, field.fault) == (None, None)
