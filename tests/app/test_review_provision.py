"""Starting again on what somebody changed or lost: partitions, the store, logs that grew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beffroi.app import commands, provision, supervisor
from beffroi.foundation.clock import now
from beffroi.foundation.errors import Misconfigured
from beffroi.foundation.settings import settings
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.twin import actions as twin
from beffroi.kernel.twin import queries
from beffroi.rehearsal import generator

BY = Actor(ActorKind.SYSTEM, "test", "Essai")


@pytest.mark.django_db
def test_fewer_partitions_than_sources_were_given_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = twin.declare_source("lighting", "mqtt_json", by=BY, at=now()).partition
    provision.check_partitions()
    monkeypatch.setattr(settings(), "partitions", partition)
    with pytest.raises(Misconfigured, match=f"set it to {partition + 1} or more"):
        provision.check_partitions()


@pytest.mark.django_db
def test_a_city_whose_store_was_lost_is_imported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "data", tmp_path)
    settings().run.mkdir()
    folder = provision.city_folder()
    monkeypatch.setattr(generator, "generate", _small_city)
    provision.prepare_city(1)
    assert queries.get_asset("L1").source == "lighting"
    first = (folder / "gateways.json").read_text()
    provision.prepare_city(1)
    assert (folder / "gateways.json").read_text() == first
    _lose_the_store()
    provision.prepare_city(1)
    assert queries.get_asset("L1").source == "lighting"
    assert len(queries.gateways_in_force()) == len(provision.CITY_SOURCES)


def _small_city(_profile: str, _seed: int, folder: Path) -> dict[str, Any]:
    for name in ("communes", "streets"):
        (folder / f"{name}.geojson").write_text('{"type":"FeatureCollection","features":[]}')
    (folder / "addresses.csv").write_text("id,number,street,commune,lon,lat\n")
    (folder / "assets.csv").write_text("asset,class,lon,lat,name,source\nL1,light_point,5.04,47.32,L1,lighting\n")
    (folder / "relations.csv").write_text("from,kind,to\n")
    return {}


def _lose_the_store() -> None:
    from beffroi.kernel.twin.models import Asset, Gateway, Source

    for model in (Gateway, Asset, Source):
        model.objects.all().delete()


@pytest.mark.django_db
def test_a_source_on_the_topics_of_another_is_refused() -> None:
    add = ["source", "add", "--connector", "chirpstack", "--setting", 'application_ids=["1"]']
    assert CliRunner().invoke(commands.main, [*add, "first"]).exit_code == 0
    assert CliRunner().invoke(commands.main, [*add, "first"]).exit_code == 0
    second = CliRunner().invoke(commands.main, [*add, "second"])
    assert second.exit_code == 1
    assert "source `first` reads `application/1` already" in second.output
    assert [source.code for source in queries.sources()] == ["first"]


def test_a_log_that_grew_is_put_aside_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "MOST_LOG_BYTES", 10)
    log, short = tmp_path / "post.log", tmp_path / "short.log"
    short.write_text("short")
    with log.open("ab", buffering=0) as writing:
        writing.write(b"a line that is long\n")
        supervisor.turn_logs(tmp_path)
        writing.write(b"next\n")
    assert log.read_bytes() == b"next\n"
    assert (tmp_path / "post.log.1").read_bytes() == b"a line that is long\n"
    assert short.read_text() == "short"
