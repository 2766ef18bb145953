"""The reference page says what the code reads."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from beffroi.kernel.alarms.rules import LATCHING, TABLE, parse_definitions, parse_priorities
from beffroi.kernel.alarms.types import Definition
from tests.kernel.alarms.test_definitions import PROFILE

STATES = (Path(__file__).parents[3] / "docs" / "reference" / "alarm-states.md").read_text(encoding="utf-8")
PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "alarm-definitions.md").read_text(encoding="utf-8")


def test_reference_names_every_field() -> None:
    fields = PAGE.split("## Fields")[1].split("## The city")[0]
    named = {
        name
        for row in fields.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == set(Definition.__dataclass_fields__)


def test_reference_lists_the_city_s_definitions() -> None:
    listed = re.findall(r"^\| `(\w+)` \| .* \| (\d) \|$", PAGE, re.MULTILINE)
    written = parse_definitions(PROFILE.read_text(encoding="utf-8"))
    assert listed == [(definition.code, str(definition.priority)) for definition in written]


def test_reference_tells_the_tables_of_the_life_of_an_alarm() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (?:`(\w+)`)? ?\| (?:`(\w+)`|(the same))? ?\|$", STATES, re.MULTILINE)
    plain = {(state, event): after for event, state, after, _, _ in rows if after}
    latching = {(state, event): other or after for event, state, after, other, same in rows if other or same}
    assert (plain, latching) == (dict(TABLE), dict(LATCHING))


def test_reference_tells_the_times_of_the_city_s_priorities() -> None:
    rows = re.findall(r"^\| (\d) \| (\d+) \| (\d+) \|$", STATES, re.MULTILINE)
    written = parse_priorities((PROFILE.parent / "priorities.yaml").read_text(encoding="utf-8"))
    assert [tuple(map(int, row)) for row in rows] == [
        (each.priority, each.escalate_after_s, each.shelve_max_s) for each in written
    ]


def test_example_of_the_reference_is_read() -> None:
    example = PAGE.split("```yaml")[1].split("```")[0]
    assert [definition.code for definition in parse_definitions(example)] == ["lighting_cabinet_tripped"]
    assert set(yaml.safe_load(example)) == {"definitions"}
