"""Alarm definitions through the API: listed, filtered, paged, with their versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from beffroi.api import shapes
from beffroi.kernel.alarms import actions
from beffroi.kernel.alarms.rules.definition_entries import entry_of
from beffroi.kernel.people.types import Role
from tests.api.conftest import BY, NOW
from tests.kernel.alarms.factories import DARK, SILENT, TRIPPED, viewer

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.routes")]
Get = Callable[..., Any]


@pytest.fixture
def changed(db: None) -> None:
    """Three definitions; one in its second version, one withdrawn, and one only written."""
    actions.publish_definitions([TRIPPED, SILENT, DARK], by=BY, at=NOW)
    nadia, omar = viewer("nadia", role=Role.ALARM_ENGINEER), viewer("omar", role=Role.ROOM_SUPERVISOR)
    for change in (
        actions.draft_definition(entry_of(replace(TRIPPED, on_delay_s=8.0)), reason="essai", by=nadia, at=NOW),
        actions.propose_withdrawal("light_dark", reason="essai", by=nadia, at=NOW),
    ):
        if change.state == "draft":
            actions.propose_definition(change.id, by=nadia, at=NOW)
        actions.put_definition_in_force(change.id, by=omar, at=NOW)
    actions.draft_definition(entry_of(replace(TRIPPED, code="written")), reason="essai", by=nadia, at=NOW)


def items(answer: Any) -> list[shapes.AlarmDefinition]:
    assert answer.status_code == 200, answer.content
    return list(msgspec.json.decode(answer.content, type=shapes.AlarmDefinitions).items)


@pytest.mark.usefixtures("changed")
def test_definitions_are_listed_filtered_and_paged(get: Get) -> None:
    found = items(get("alarm-definitions"))
    assert [(each.code, each.version, each.in_force) for each in found] == [
        ("cabinet_silent", 1, True), ("cabinet_tripped", 2, True), ("light_dark", 1, False),
    ]  # fmt: skip
    page = get("alarm-definitions", limit=2).json()
    rest = get("alarm-definitions", limit=2, cursor=page["next"]).json()
    assert [[each["code"] for each in part["items"]] for part in (page, rest)] == [
        ["cabinet_silent", "cabinet_tripped"], ["light_dark"],
    ]  # fmt: skip
    assert rest["next"] is None
    for query, codes in (
        ({"class": "light_point"}, ["light_dark"]),
        ({"state": "in_force", "priority": 3}, ["cabinet_silent"]),
        ({"state": "withdrawn"}, ["light_dark"]),
        ({"desk": "traffic"}, []),
    ):
        assert [each.code for each in items(get("alarm-definitions", **query))] == codes
    assert get("alarm-definitions", state="open").status_code == 422
    assert get("alarm-definitions", klass="x").status_code == 422


@pytest.mark.usefixtures("changed")
def test_definition_and_its_versions_say_the_rule_and_who(get: Get) -> None:
    one = msgspec.json.decode(get("alarm-definitions/light_dark").content, type=shapes.AlarmDefinition)
    assert (one.begins, one.quantity, one.written_by) == ("voltage_v < 100.0", "voltage_v", None)
    versions = items(get("alarm-definitions/cabinet_tripped/versions"))
    assert [(each.version, each.in_force, each.on_delay_s, each.written_by, each.put_in_force_by) for each in versions] == [
        (2, True, 8.0, "Nadia", "Omar"), (1, False, 0.0, None, None),
    ]  # fmt: skip
    page = get("alarm-definitions/cabinet_tripped/versions", limit=1).json()
    rest = get("alarm-definitions/cabinet_tripped/versions", limit=1, cursor=page["next"]).json()
    assert [page["items"][0]["version"], rest["items"][0]["version"], rest["next"]] == [2, 1, None]
    assert get("alarm-definitions/nothing").status_code == 404


@pytest.mark.usefixtures("changed")
def test_definitions_are_not_for_visitors(get: Get, token: Callable[..., str]) -> None:
    assert get("alarm-definitions", bearer=token("visitor")).status_code == 403
