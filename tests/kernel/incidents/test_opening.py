"""Incidents opened by a person, a partner or a procedure: by one door, kept with who told them, once for one key."""

from __future__ import annotations

import pytest

from beffroi.foundation.clock import MINUTE
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.alarms import queries as alarms
from beffroi.kernel.alarms.types import AlarmState
from beffroi.kernel.incidents import actions, queries
from beffroi.kernel.incidents.models import Incident, Signal
from beffroi.kernel.incidents.types import Channel, IncidentState, Origin
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import EVERYTHING, Actor, ActorKind
from beffroi.kernel.people.types import Role
from tests.kernel.alarms.factories import make_asset, moves, relate, viewer
from tests.kernel.incidents.factories import (
    DARK_CATEGORY,
    T0,
    alarm,
    call,
    happen,
    incident_of,
    seen,
    set_up,
    told,
    verbs,
    words,
)
from tests.kernel.incidents.scene import said_of

pytestmark = pytest.mark.django_db
PROCEDURE = Actor(ActorKind.RULE, "verglas_v3", "Procédure verglas v3")


@pytest.fixture(autouse=True)
def profile(db: None) -> None:
    set_up()


def test_call_opens_an_incident_of_its_category_where_it_was_told() -> None:
    found = call(at=T0)
    assert (found.title, found.category, found.priority, found.desk, found.place, found.commune, found.state) == (
        "Rue dans le noir", "street_dark", 2, "lighting", "12 rue Monge", "Dijon", IncidentState.NEW,
    )  # fmt: skip
    assert (found.origin, found.channel, said_of(found.id).description.text, found.opened_at, found.asset_code) == (
        Origin.PERSON, Channel.PHONE, "La rue est noire.", T0, None,
    )  # fmt: skip
    line = list_lines(reach=EVERYTHING)[0]
    assert (line.verb, line.subject, line.actor.kind, line.actor.id) == (
        "open_incident", f"incident:{found.id}", ActorKind.PERSON, "lucie",
    )  # fmt: skip
    assert (line.content["channel"], words(line)) == ("phone", "La rue est noire.")
    (signal,) = queries.signals_of(found.id)
    assert (signal.channel, signal.description.text, signal.teller, signal.received_at) == (
        Channel.PHONE, "La rue est noire.", "Lucie", T0,
    )  # fmt: skip


def test_equipment_gives_its_place_and_its_name() -> None:
    make_asset("A-014")
    found = call(asset="A-014", lon=0, lat=0)
    assert (found.title, found.asset_code, found.commune, found.place) == (
        "Rue dans le noir – Équipement A-014", "A-014", "Chenôve", "Rue des Essais",
    )  # fmt: skip
    happen(*moves("raise", "cabinet_tripped", found.asset_id or 0, at=T0 + 1), at=T0 + 1)
    assert (Incident.objects.count(), len(seen(found.id).alarm_ids)) == (1, 1)


def test_alarm_that_stood_alone_on_equipment_joins_what_is_told_of_it() -> None:
    lamp = make_asset("L-1", asset_class="light_point")
    alone = alarm("light_dark", lamp)
    assert not Incident.objects.exists()
    found = call(at=T0 + 1, asset="L-1", lon=0, lat=0)
    assert seen(found.id).alarm_ids == (alone,)
    assert verbs() == ["open_incident", "attach_alarm"]
    actions.take_incident(found.id, by=viewer("lucie"), at=T0 + 2)
    assert alarms.of_ids([alone])[0].state is AlarmState.ACKNOWLEDGED
    happen(*moves("return", "light_dark", lamp, at=T0 + 3), at=T0 + 3)
    assert seen(found.id).state is IncidentState.RESOLVED


def test_alarm_of_another_incident_or_kept_from_people_does_not_join_what_is_told() -> None:
    cabinet, lamp = make_asset("A-1"), make_asset("L-1", asset_class="light_point")
    relate(cabinet, "feeds", lamp)
    tripped = incident_of(alarm("cabinet_tripped", cabinet))
    explained = alarm("light_dark", lamp, at=T0 + 1)
    assert alarms.of_ids([explained])[0].state is AlarmState.SUPPRESSED
    assert seen(call(at=T0 + 2, asset="L-1", lon=0, lat=0).id).alarm_ids == ()
    again = call(at=T0 + 3, asset="A-1", lon=0, lat=0)
    assert (again.id != tripped, seen(again.id).alarm_ids) == (True, ())


def test_partner_is_journalled_as_a_partner_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    water = viewer("eaux", role=Role.PARTNER)
    from dataclasses import replace

    water = replace(water, roles=(Role.PARTNER,))
    monkeypatch.setattr("beffroi.kernel.incidents.actions.opening.MAX_PARTNER_10_MIN", 2)
    found = actions.open_incident(told("fallen_tree"), by=water, at=T0).incident
    assert (found.origin, found.channel, list_lines()[0].actor.kind) == (
        Origin.PARTNER,
        Channel.PARTNER,
        ActorKind.PARTNER,
    )
    actions.open_incident(told("noise"), by=water, at=T0 + 1)
    with pytest.raises(actions.TooMany, match="2 incidents in ten minutes"):
        actions.open_incident(told("noise"), by=water, at=T0 + 2)
    assert actions.open_incident(told("noise"), by=water, at=T0 + 11 * MINUTE).new
    assert Incident.objects.count() == 3


def test_procedure_opens_as_itself() -> None:
    found = actions.open_for_procedure(told("noise"), procedure=PROCEDURE, at=T0, key="run:7:3").incident
    again = actions.open_for_procedure(told("noise"), procedure=PROCEDURE, at=T0 + 5, key="run:7:3")
    assert (again.new, again.incident.id, found.origin, list_lines()[0].actor) == (
        False,
        found.id,
        Origin.PROCEDURE,
        PROCEDURE,
    )


def test_same_key_is_the_same_incident_and_another_content_is_refused() -> None:
    first = actions.open_incident(told(), by=viewer("lucie"), at=T0, key="k-1")
    again = actions.open_incident(told(), by=viewer("lucie"), at=T0 + 9, key="k-1")
    assert (first.new, again.new, again.incident.id, Incident.objects.count()) == (True, False, first.incident.id, 1)
    with pytest.raises(Refused, match="was used for something else") as refused:
        actions.open_incident(told("noise"), by=viewer("lucie"), at=T0 + 9, key="k-1")
    assert refused.value.key == "key-reused"
    assert actions.open_incident(told("noise"), by=viewer("paul"), at=T0 + 9, key="k-1").new
    assert verbs() == ["open_incident", "open_incident"]


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"category": "unknown"}, "category-unknown"),
        ({"lon": 0.0, "lat": 0.0}, "place-missing"),
        ({"lon": float("nan")}, "place-missing"),
        ({"asset": "nowhere"}, "asset-unknown"),
        ({"priority": 5}, "priority-unknown"),
        ({"channel": Channel.ALARM}, "channel-unknown"),
        ({"description": "x" * 2001}, "text-too-long"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_leaves_nothing(wrong: dict[str, object], key: str) -> None:
    with pytest.raises(Refused) as refused:
        call(**wrong)
    assert (refused.value.key, Incident.objects.count(), Signal.objects.count(), verbs()) == (key, 0, 0, [])


def test_opening_asks_for_the_commune_and_for_no_desk() -> None:
    here = viewer("ici", desk="citizens", commune="Dijon")
    assert actions.open_incident(told(), by=here, at=T0).incident.desk == DARK_CATEGORY.desk
    with pytest.raises(Forbidden):
        actions.open_incident(told(commune="Talant"), by=here, at=T0)
    with pytest.raises(Forbidden):
        actions.open_incident(told(), by=viewer("visite", role=Role.VISITOR), at=T0)
    assert Incident.objects.count() == 1


def test_known_near_gives_the_same_matter_first_then_by_distance() -> None:
    noise, dark, far = call(category="noise"), call(lon=5.0405), call(lon=5.06)
    found = queries.known_near(5.04, 47.32, category="street_dark", seen_by=viewer("lucie"))
    assert [(near.incident.id, near.alike) for near in found] == [(dark.id, True), (noise.id, False)]
    assert found[0].distance_m == pytest.approx(38, abs=1)
    assert found[1].distance_m == 0
    assert queries.known_near(5.04, 47.32, seen_by=viewer("loin", commune="Talant")) == ()
    assert far.id not in {near.incident.id for near in found}


def test_attached_call_is_kept_and_brings_back_what_was_resolved() -> None:
    asset = make_asset("A-1")
    happen(*moves("raise", "cabinet_tripped", asset, at=T0))
    happen(*moves("return", "cabinet_tripped", asset, at=T0 + 1), at=T0 + 1)
    (incident,) = Incident.objects.values_list("id", flat=True)
    assert seen(incident).state == IncidentState.RESOLVED
    after = actions.attach_signal(incident, told(description="Toujours noir."), by=viewer("lucie"), at=T0 + 2)
    assert (after.state, after.resolved_at) == (IncidentState.NEW, None)
    assert [signal.description.text for signal in queries.signals_of(incident)] == ["Toujours noir."]
    assert (verbs()[-1], words(list_lines(reach=EVERYTHING)[0])) == ("attach_signal", "Toujours noir.")


def test_attaching_to_what_was_closed_names_who_closed_it() -> None:
    incident = call().id
    actions.close_incident(incident, reason="no_action", comment="travaux", by=viewer("paul"), at=T0 + 1)
    with pytest.raises(Conflict, match="was closed by Paul"):
        actions.attach_signal(incident, told(), by=viewer("lucie"), at=T0 + 2)
    with pytest.raises(NotFound):
        actions.attach_signal(incident + 1000, told(), by=viewer("lucie"), at=T0 + 2)
    assert Signal.objects.count() == 1


def test_profile_put_in_force_twice_changes_nothing() -> None:
    from tests.kernel.incidents.factories import CATEGORIES, RULES, SYSTEM

    assert actions.publish_profile(CATEGORIES, RULES, by=SYSTEM, at=T0) == 0
    assert actions.publish_profile(CATEGORIES[:1], RULES, by=SYSTEM, at=T0) == 2
    assert [category.code for category in queries.categories()] == ["street_dark"]
    assert list_lines()[0].verb == "withdraw_category"
