"""The engine against what breaks it: a batch that fails, a bus whose store is lost, a crowd that falls silent."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import psycopg
import pytest

from beffroi.app.engine.applying import Applier, Changes, Taken
from beffroi.app.engine.decoding import Decoded, make_ready
from beffroi.app.engine.telling import FRAME_ROWS, tell
from beffroi.foundation.clock import now
from beffroi.foundation.errors import NotFound, Refused
from beffroi.kernel.twin import actions, queries
from beffroi.kernel.twin.models import Position, Quarantine
from beffroi.kernel.twin.rules import Columns
from tests.app.conftest import BY, HASHED, World, publish, reading, wait_for


@pytest.mark.parametrize("fault", [psycopg.errors.NumericValueOutOfRange("too far"), KeyError("a_word_w")])
def test_a_message_that_cannot_be_applied_is_kept_aside_and_the_others_stored(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    assets = world.equip("a", "A1")
    login = world.gateway("gate", "a")
    apply = Applier.apply

    def failing(self: Applier, batch: list[Taken], decoded: Decoded) -> Changes:
        for taken in batch:
            for message in taken.messages:
                if b"666.0" in message.payload and (taken.stream, message.sequence) not in self.decoding.poison:
                    raise fault
        return apply(self, batch, decoded)

    monkeypatch.setattr(Applier, "apply", failing)
    world.engine()
    world.field()
    world.admit("gate")
    values = [1.0, 2.0, 666.0, 4.0, 5.0]
    assert publish(login, [("readings/a/A1", reading(value)) for value in values]) == 5
    world.wait_counted("a", received=5, stored=4, quarantined=1)
    assert sorted(value for _, value in world.history(assets["A1"])) == [1.0, 2.0, 4.0, 5.0]
    assert b"666.0" in bytes(Quarantine.objects.get().payload)


def test_a_bus_whose_store_is_lost_is_read_from_its_beginning(world: World) -> None:
    assets = world.equip("a", "A1")
    login = world.gateway("gate", "a")
    engine, field = world.engine(), world.field()
    world.admit("gate")
    messages = [("readings/a/A1", reading(float(value))) for value in range(30)]
    publish(login, [*messages, ("readings/a/A1", b"garbage")])
    world.wait_counted("a", stored=30, quarantined=1)
    world.stop(field)
    world.stop(engine)
    world.server.stop()
    shutil.rmtree(world.server.folder / "store")
    world.start_bus()
    world.engine()
    world.field()
    world.admit("gate")
    publish(login, [("readings/a/A1", reading(100.0 + value)) for value in range(5)])
    publish(login, [("readings/a/A1", b"garbage")] * 30)
    world.wait_counted("a", stored=35, quarantined=31)
    assert len(world.history(assets["A1"])) == 35


def test_an_epoch_is_never_given_twice_even_by_a_store_made_anew(transactional_db: None) -> None:
    _, first = actions.claim_position("S", 1)
    Position.objects.filter(stream="S").delete()
    _, second = actions.claim_position("S", 1)
    assert second >= first > 1_700_000_000
    assert actions.claim_position("S", 1)[1] > second


def test_a_log_that_lost_its_end_is_read_from_where_it_ends(transactional_db: None) -> None:
    _, epoch = actions.claim_position("S", 1)
    Position.objects.filter(stream="S").update(sequence=50)
    assert actions.match_log("S", 1, epoch, log="first", last=60) == 50
    assert actions.match_log("S", 1, epoch, log="first", last=48) == 48
    assert actions.match_log("S", 1, epoch, log="second", last=90) == 0


def test_frames_for_screens_are_small_enough_for_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 3 * FRAME_ROWS + 1
    sent: list[tuple[str, bytes]] = []

    class Bus:
        async def publish(self, subject: str, payload: bytes) -> None:
            sent.append((subject, payload))

    big = np.full(count, 2**62, np.int64)
    values = Columns(big, big, np.full(count, 1.5), big, big, big)
    import asyncio

    asyncio.run(tell(Bus(), "5f0c2a9b41de", Changes(values, [(2**40, 2)] * count)))  # type: ignore[arg-type]
    assert [subject for subject, _ in sent] == ["live.5f0c2a9b41de.values"] * 4 + ["live.5f0c2a9b41de.freshness"] * 4
    assert max(len(payload) for _, payload in sent) < 1 << 20


def test_two_sources_on_the_same_topics_are_not_read_twice(transactional_db: None) -> None:
    for code in ("first", "second"):
        actions.declare_source(code, "chirpstack", by=BY, at=now(), options={"application_ids": ["1"]})
    ready, reasons = make_ready(queries.sources())
    assert [reader.source.code for reader in ready] == ["first"]
    assert "`application/1`" in reasons[0]


@pytest.mark.parametrize("name", ["beffroi", "Beffroi", "", "a b", 'a"b', "a\nb", "é", "x" * 65, "$SYS"])
def test_a_gateway_cannot_take_a_name_that_breaks_the_bus(transactional_db: None, name: str) -> None:
    source = actions.declare_source("a", "mqtt_json", by=BY, at=now())
    with pytest.raises(Refused, match="cannot name a gateway"):
        actions.add_gateway(name, source, HASHED, by=BY, at=now())


def test_an_address_that_no_database_can_hold_belongs_to_nobody(transactional_db: None) -> None:
    assert queries.owners_of(["a\0b", "c"]) == {}


def test_a_session_that_fails_by_a_fault_of_ours_begins_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.equip("a", "A1")
    login = world.gateway("gate", "a")
    tick = Applier.tick
    failures: list[int] = []

    def failing(self: Applier) -> Any:
        if not failures:
            failures.append(1)
            raise RuntimeError("dictionary changed size during iteration")
        return tick(self)

    monkeypatch.setattr(Applier, "tick", failing)
    world.engine()
    world.field()
    wait_for(lambda: failures, "the fault")
    world.admit("gate")
    publish(login, [("readings/a/A1", reading(1.0))])
    world.wait_counted("a", stored=1)


@pytest.mark.parametrize("text", ["\0", "A\0b"])
def test_what_no_text_of_ours_holds_finds_nothing(transactional_db: None, text: str) -> None:
    with pytest.raises(NotFound):
        queries.get_asset(text)
    assert queries.list_assets(text=text, source=text, commune=text, asset_class=text, after=text) == ()
    assert queries.list_quarantine(source=text) == ()
    assert queries.ids_of_codes([text]) == []
