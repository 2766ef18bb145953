"""The reference of the API, of the clearances and of the journal says what the code says."""

from __future__ import annotations

import json
from pathlib import Path

from ninja import Schema

from beffroi.api import (
    alarms,
    commands,
    definitions,
    dispatch,
    incidents,
    journal,
    missions,
    places,
    procedures,
    runs,
    twin,
)
from beffroi.api.routes import api
from beffroi.kernel.journal.types import Record
from beffroi.kernel.people.actions import DEMONSTRATION_ACCOUNTS
from beffroi.kernel.people.rules import RIGHTS
from tests.docs.pages import DOCS, blocks_of, rows_of, section, words_in_code

API = DOCS / "reference" / "api.md"
CLEARANCES = DOCS / "reference" / "clearances.md"
JOURNAL = DOCS / "reference" / "journal.md"
SOURCES = Path(__file__).parents[2] / "src"


def test_every_route_is_documented_with_what_it_needs() -> None:
    found = {}
    for bound in api._get_bound_routers():
        for path, view in bound.path_operations.items():
            asks = view.operations[0].auth_callbacks[0].asks  # type: ignore[attr-defined]
            found["/api/v1" + path.replace("{path:", "{")] = [str(word) for word in asks]
    assert {words_in_code(row[0])[0]: words_in_code(row[2]) for row in rows_of(section(API, "## Routes"))} == found


def test_every_filter_is_documented() -> None:
    asked: dict[str, type[Schema]] = {
        "assets": twin.AssetsAsked,
        "readings": twin.ReadingsAsked,
        "alarms": alarms.AlarmsAsked,
        "alarm-definitions": definitions.DefinitionsAsked,
        "commands": commands.CommandsAsked,
        "commands/groups": commands.GroupsAsked,
        "incidents": incidents.IncidentsAsked,
        "journal": journal.JournalAsked,
        "dispatch/units": dispatch.UnitsAsked,
        "missions": missions.MissionsAsked,
        "procedures": procedures.ProceduresAsked,
        "runs": runs.RunsAsked,
        "addresses": places.AddressesAsked,
    }
    expected = {
        name: {field.alias or word for word, field in shape.model_fields.items()} - {"limit", "cursor"}
        for name, shape in asked.items()
    }
    rows = rows_of(section(API, "## Lists"))
    assert {row[0].strip("`"): set(words_in_code(row[1])) for row in rows} == expected


def test_examples_are_json() -> None:
    assert [json.loads(block) for page in (API, JOURNAL) for block in blocks_of(page, "json")]


def test_rights_are_documented_as_they_are() -> None:
    expected = [[role, kind, *verbs] for role, kinds in RIGHTS.items() for kind, verbs in kinds.items()]
    rows = rows_of(section(CLEARANCES, "## Roles and their rights"))
    assert [words_in_code(" ".join(row)) for row in rows] == expected


def test_demonstration_accounts_are_documented() -> None:
    rows = rows_of(section(CLEARANCES, "## Accounts of the demonstration"))
    expected = [[name, f"beffroi-{name}", role] for name, _, _, _, role in DEMONSTRATION_ACCOUNTS]
    assert [words_in_code(" ".join(row)) for row in rows] == expected


def test_fields_of_a_line_are_documented_in_the_order_of_the_digest() -> None:
    rows = rows_of(section(JOURNAL, "## Fields of a line"))
    assert [row[0].strip("`") for row in rows] == [*Record.__struct_fields__, "digest"]


def test_verbs_of_the_reference_are_written_by_the_code() -> None:
    code = "\n".join(file.read_text() for file in sorted((SOURCES / "beffroi" / "kernel").rglob("*.py")))
    told = [verb for row in rows_of(section(JOURNAL, "## Verbs")) for verb in words_in_code(row[1])]
    assert [verb for verb in told if f'"{verb}"' not in code] == []
