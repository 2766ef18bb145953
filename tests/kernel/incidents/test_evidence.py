"""Pictures attached to incidents: kept once, encrypted, told in the journal, seen by who may, gone with the case's key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from beffroi.foundation.clock import MINUTE
from beffroi.foundation.errors import Forbidden, NotFound, Refused
from beffroi.kernel.incidents import actions, queries, rules
from beffroi.kernel.incidents.models import Evidence as Row
from beffroi.kernel.incidents.types import Evidence, EvidenceKind
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal.queries import lines_of
from beffroi.kernel.people.types import Kind, Right, Role, Verb, Viewer
from tests.kernel.alarms.factories import make_asset, viewer
from tests.kernel.faults import assert_whole_or_nothing, at_once
from tests.kernel.incidents.photos import photo
from tests.kernel.incidents.scene import T0, chief, lines, set_up, traffic, trip, verbs

PHOTO = photo()
LATER = T0 + MINUTE


@pytest.fixture
def incident(db: None) -> int:
    return trip(set_up())


def crew(username: str = "equipe", *more: tuple[Verb, Kind]) -> Viewer:
    """Someone outside, who may attach pictures and see nothing of the room."""
    rights = frozenset(Right(verb, kind) for verb, kind in ((Verb.ATTACH, Kind.EVIDENCE), *more))
    return replace(viewer(username), rights=rights)


def attach(incident: int, by: Viewer | None = None, **changes: Any) -> Evidence:
    asked = {"kind": "before", "picture": PHOTO, "at": LATER, "token": ""} | changes
    return actions.attach_evidence(incident, by=by or viewer("nadia"), **asked)


def test_picture_is_kept_encrypted_and_its_digest_is_in_the_journal(incident: int) -> None:
    kept = attach(incident, taken_at=LATER - 5, step="baliser")
    assert queries.evidence_of(incident) == (kept,)
    opened = queries.picture(kept.id, viewer("nadia"))
    small = queries.picture(kept.id, viewer("nadia"), small=True)
    assert opened.jpeg[:2] == small.jpeg[:2] == b"\xff\xd8" and b"SECRET" not in opened.jpeg
    digest = hashlib.sha256(opened.jpeg).hexdigest()
    assert kept == Evidence(
        id=kept.id, incident=incident, kind=EvidenceKind.BEFORE, taken_at=LATER - 5, attached_at=LATER, by="nadia",
        by_name="Nadia", sha256=digest, size_bytes=len(opened.jpeg), width_px=64, height_px=48, step="baliser",
    )  # fmt: skip
    row = Row.objects.get()
    for column in (row.picture, row.thumbnail):
        assert b"JFIF" not in bytes(column)
    (line,) = lines(incident, "attach_evidence")
    told = {name: line.content[name] for name in ("evidence", "kind", "sha256", "size_bytes", "step")}
    assert told == {
        "evidence": str(kept.id), "kind": "before", "sha256": digest, "size_bytes": kept.size_bytes, "step": "baliser",
    }  # fmt: skip
    assert (line.effective_at, line.recorded_at, line.actor.id) == (LATER - 5, LATER, "nadia")
    assert line.related == (f"asset:{queries.get(incident, chief()).asset_code}", f"evidence:{kept.id}")


def test_picture_sent_twice_with_a_token_is_one(incident: int) -> None:
    first = attach(incident, token="t-1")
    assert attach(incident, token="t-1", at=LATER + MINUTE) == first
    assert (Row.objects.count(), verbs(incident).count("attach_evidence")) == (1, 1)
    for changes in ({"kind": "after"}, {"picture": photo("PNG")}, {"mission": 4}):
        with pytest.raises(Refused) as refusal:
            attach(incident, token="t-1", **changes)
        assert refusal.value.key == "key-reused"
    other = trip(make_asset("A-2"), T0 + 1)
    with pytest.raises(Refused, match="something else"):
        attach(other, token="t-1")
    assert attach(incident, by=viewer("karim"), token="t-1").id != first.id
    assert attach(incident).id != attach(incident).id


def test_refusals_write_nothing(incident: int) -> None:
    before = verbs(incident)
    for changes, key in (
        ({"kind": "selfie"}, "kind-unknown"),
        ({"picture": b"nothing"}, "picture-unknown"),
        ({"step": "x" * 65}, "text-too-long"),
        ({"token": "x" * 81}, "key-malformed"),
    ):
        with pytest.raises(Refused) as refusal:
            attach(incident, **changes)
        assert refusal.value.key == key
    with pytest.raises(NotFound):
        attach(incident + 1_000)
    assert (verbs(incident), Row.objects.count()) == (before, 0)


def test_incident_keeps_so_many_pictures_and_no_more(incident: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_PER_INCIDENT", 2)
    attach(incident)
    attach(incident)
    with pytest.raises(Refused) as refusal:
        attach(incident)
    assert refusal.value.key == "picture-too-many"


def test_who_may_attach(incident: int) -> None:
    with pytest.raises(Forbidden):
        attach(incident, by=traffic())
    actions.associate_desk(incident, "traffic", by=viewer("nadia"), at=T0 + 1)
    assert attach(incident, by=traffic()).by == "tania"
    outside = crew()
    with pytest.raises(Forbidden):
        attach(incident, by=outside)
    assert attach(incident, by=outside, mission=12).mission == 12
    with pytest.raises(Forbidden):
        attach(incident, by=viewer("vera", role=Role.VISITOR), mission=12)


def test_who_told_an_incident_may_illustrate_it(incident: int) -> None:
    from tests.kernel.incidents.factories import CATEGORIES, RULES, SYSTEM, told

    actions.publish_profile(CATEGORIES, RULES, by=SYSTEM, at=T0)
    teller = crew("patrouille", (Verb.OPEN, Kind.INCIDENT))
    opened = actions.open_incident(told(), by=teller, at=LATER, key="k").incident
    assert attach(opened.id, by=teller).incident == opened.id
    with pytest.raises(Forbidden):
        attach(incident, by=teller)


def test_who_may_open_a_picture(incident: int) -> None:
    mine = attach(incident, by=crew(), mission=12)
    assert queries.evidence_of_mission(12) == (mine,) and queries.evidence_of_mission(13) == ()
    mate = crew("coequipier")
    for seen_by, missions, seen in (
        (viewer("nadia"), (), True),
        (crew(), (), True),
        (mate, (12,), True),
        (mate, (13,), False),
        (mate, (), False),
        (traffic(), (), False),
        (viewer("vera", role=Role.VISITOR), (), False),
    ):
        if seen:
            assert queries.evidence_named(mine.id, seen_by, missions=missions) == mine
            continue
        for read in (queries.evidence_named, queries.picture):
            with pytest.raises(NotFound):
                read(mine.id, seen_by, missions=missions)


def test_opening_is_journalled_for_its_incident_once_in_a_while_and_not_for_ones_own(incident: int) -> None:
    kept = attach(incident)
    reference = queries.get(incident, chief()).reference
    for at in (LATER, LATER + MINUTE, LATER + 16 * MINUTE):
        assert actions.open_evidence(kept.id, by=chief(), at=at).evidence == kept
    actions.open_evidence(kept.id, by=viewer("nadia"), at=LATER)
    told = [(line.verb, line.actor.id, line.purpose, line.recorded_at) for line in lines_of(f"evidence:{kept.id}")]
    assert told == [
        ("open_evidence", "chief", reference, LATER + 16 * MINUTE),
        ("open_evidence", "chief", reference, LATER),
        ("attach_evidence", "nadia", "", LATER),
    ]
    with pytest.raises(NotFound):
        actions.open_evidence(kept.id, by=traffic(), at=LATER)


def test_erasing_the_case_erases_its_pictures_and_leaves_their_lines(incident: int) -> None:
    kept, other = attach(incident), attach(trip(make_asset("A-2"), T0 + 1))
    journal.erase_personal(f"case:incident-{incident}", reason="conservation", by=chief().actor, at=LATER + 1)
    gone = replace(kept, readable=False, erased_at=LATER + 1, erased_reason="conservation")
    assert queries.evidence_of(incident) == (gone,)
    for small in (False, True):
        with pytest.raises(Refused) as refusal:
            queries.picture(kept.id, chief(), small=small)
        assert refusal.value.key == "picture-erased"
    assert [line.content["sha256"] for line in lines(incident, "attach_evidence")] == [kept.sha256]
    assert queries.picture(other.id, chief()).evidence == other
    assert attach(incident).readable


def test_picture_of_a_duplicate_is_shown_with_the_incident_that_goes_on(incident: int) -> None:
    younger = trip(make_asset("A-2"), T0 + 1)
    reference = queries.get(younger, chief()).reference
    ours, theirs = attach(incident), attach(younger, at=LATER + 1)
    actions.merge_incidents(younger, incident, by=chief(), at=LATER + 2)
    assert queries.evidence_of(incident) == (ours, replace(theirs, first=reference))
    late = attach(younger, at=LATER + 3)
    assert [each.id for each in queries.evidence_of(incident)] == [ours.id, theirs.id, late.id]


def test_picture_taken_offline_comes_on_an_incident_that_is_closed(incident: int) -> None:
    actions.close_incident(incident, reason="no_action", comment="travaux", by=chief(), at=T0 + 2)
    version = queries.get(incident, chief()).version
    assert attach(incident).kind is EvidenceKind.BEFORE
    after = queries.get(incident, chief())
    assert (after.state, after.version) == ("no_action", version + 1)


@pytest.mark.django_db(transaction=True)
def test_attaching_and_opening_are_whole_or_nothing(transactional_db: None) -> None:
    number, by = trip(set_up()), viewer("nadia")
    assert_whole_or_nothing(lambda: attach(number, by=by, token="t"), least=8)
    kept = queries.evidence_of(number)[0]
    watcher = chief()
    assert_whole_or_nothing(lambda: actions.open_evidence(kept.id, by=watcher, at=LATER), least=3)


@pytest.mark.django_db(transaction=True)
def test_picture_sent_twice_at_the_same_instant_is_one(transactional_db: None) -> None:
    number, by = trip(set_up()), viewer("nadia")
    one, other = at_once(*[lambda: attach(number, by=by, token="t")] * 2)
    assert one == other
    assert (Row.objects.count(), verbs(number).count("attach_evidence")) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_one_token_for_two_incidents_at_the_same_instant_keeps_one(transactional_db: None) -> None:
    first, by = trip(set_up()), viewer("nadia")
    second = trip(make_asset("A-2"), T0 + 1)
    found = at_once(lambda: attach(first, by=by, token="t"), lambda: attach(second, by=by, token="t"))
    assert sorted(type(each).__name__ for each in found) == ["Evidence", "Refused"]
    assert Row.objects.count() == 1
