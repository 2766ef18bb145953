"""Every connector is whole: manifest, shape of its room, ladder, page."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from beffroi.kernel.twin.types import Connector

ROOT = Path(__file__).parents[2]
ROOMS = ROOT / "src/beffroi/connectors"
PAGES = ROOT / "docs/reference/connectors"
SLUGS = sorted(path.parent.name for path in ROOMS.glob("*/connector.py"))
FILES = {"__init__.py", "connector.py", "settings.py", "wire.py", "mapping.py", "diagnostics.py", "quality.toml"}
FETCHING = {"gtfs_rt", "modbus"}
COMMANDING = {"chirpstack", "modbus", "mqtt_json"}
LADDER = {
    "bronze": {"decodes-captures", "typed-settings", "set-up-and-removed-cleanly", "doc-page"},
    "silver": {"unavailable-logged-once", "re-authentication", "bounded-queues", "diagnostics-redacted", "named-owner"},
    "gold": {"fake-server-in-city", "import-of-assets", "translated-errors", "recovery-after-cut"},
    "platinum": {"property-tests", "strict-types", "measured-load", "verified-on-equipment"},
}


def manifest(slug: str) -> Connector:
    found = import_module(f"beffroi.connectors.{slug}.connector").CONNECTOR
    assert isinstance(found, Connector)
    return found


def settings_rows(slug: str) -> Iterator[str]:
    """The row that documents each setting: name, default, then its description word for word."""
    for name, about in manifest(slug).settings.model_fields.items():
        default: Any = about.get_default(call_default_factory=True, validated_data={})
        shown = "required" if default is PydanticUndefined else f"`{json.dumps(default)}`"
        yield f"| `{name}` | {shown} | {about.description} |"


def quality(slug: str) -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads((ROOMS / slug / "quality.toml").read_text())


def quality_rows(slug: str) -> Iterator[str]:
    """The row that documents each rule of the ladder."""
    for level, rules in quality(slug).items():
        for rule, entry in rules.items():
            yield f"| {level} | {rule} | {entry['status']} | {entry['reason']} |"


def test_the_connectors_are_there() -> None:
    assert SLUGS == ["chirpstack", "gtfs_rt", "modbus", "mqtt_json", "things_stack"]


@pytest.mark.parametrize("slug", SLUGS)
def test_manifests_are_complete(slug: str) -> None:
    connector = manifest(slug)
    assert connector.slug == slug
    assert connector.title == f"connector.{slug}.title"
    assert connector.edition
    assert connector.direction == ("read" if connector.commands is None else "read-command")
    assert (connector.client is not None) == (slug in FETCHING)
    assert (connector.commands is not None) == (slug in COMMANDING)
    for name, about in connector.settings.model_fields.items():
        assert about.description, name
    assert connector.settings.model_config["extra"] == "forbid"
    assert connector.settings.model_config["frozen"]


@pytest.mark.parametrize("slug", SLUGS)
def test_rooms_hold_the_same_files(slug: str) -> None:
    held = {path.name for path in (ROOMS / slug).iterdir() if path.name != "__pycache__"}
    assert held == FILES | ({"client.py"} if manifest(slug).client else set())


@pytest.mark.parametrize("slug", SLUGS)
def test_every_setting_is_documented(slug: str) -> None:
    page = (PAGES / f"{slug}.md").read_text().splitlines()
    assert [row for row in settings_rows(slug) if row not in page] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_the_ladder_is_whole_and_its_proofs_exist(slug: str) -> None:
    ladder = quality(slug)
    assert {level: set(rules) for level, rules in ladder.items()} == LADDER
    for rules in ladder.values():
        for rule, entry in rules.items():
            assert entry["status"] in ("done", "todo", "exempt"), rule
            assert entry["reason"], rule
            assert ("proof" in entry) == (entry["status"] == "done"), rule
            assert entry["status"] != "done" or (ROOT / entry["proof"]).is_file(), rule


@pytest.mark.parametrize("slug", SLUGS)
def test_every_rule_of_the_ladder_is_documented(slug: str) -> None:
    page = (PAGES / f"{slug}.md").read_text().splitlines()
    assert [row for row in quality_rows(slug) if row not in page] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_the_index_leads_to_every_page(slug: str) -> None:
    assert f"({slug}.md)" in (PAGES / "index.md").read_text()
