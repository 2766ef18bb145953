from __future__ import annotations

from pathlib import Path

import pytest

import beffroi.app
from beffroi.foundation.clock import MINUTE, SECOND
from beffroi.foundation.errors import Malformed
from beffroi.kernel.people import rules
from beffroi.kernel.people.types import WHOLE_ROOM, Kind, Post, Right, Role, Territory, Verb

NOW = 1_780_000_000_000_000


def _decide(right: Right, *, desk: str = "", commune: str = "", at: int = NOW) -> bool:
    return rules.decide([right], Verb.TAKE, Kind.INCIDENT, desk=desk, commune=commune, at=at)


def test_nothing_is_allowed_without_a_right() -> None:
    assert not any(rules.decide((), verb, kind, at=NOW) for verb in Verb for kind in Kind)


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        (Right(Verb.TAKE, Kind.INCIDENT), True),
        (Right(Verb.SEE, Kind.INCIDENT), False),
        (Right(Verb.TAKE, Kind.ALARM), False),
        (Right(Verb.TAKE, Kind.INCIDENT, desk="lighting"), True),
        (Right(Verb.TAKE, Kind.INCIDENT, desk="traffic"), False),
        (Right(Verb.TAKE, Kind.INCIDENT, commune="Fénay"), False),
        (Right(Verb.TAKE, Kind.INCIDENT, desk="lighting", commune="Dijon"), True),
        (Right(Verb.TAKE, Kind.INCIDENT, valid_from=NOW), True),
        (Right(Verb.TAKE, Kind.INCIDENT, valid_from=NOW + 1), False),
        (Right(Verb.TAKE, Kind.INCIDENT, valid_until=NOW + 1), True),
        (Right(Verb.TAKE, Kind.INCIDENT, valid_until=NOW), False),
    ],
)
def test_decision_on_one_thing(right: Right, allowed: bool) -> None:
    assert _decide(right, desk="lighting", commune="Dijon") is allowed


def test_a_right_at_one_desk_opens_the_list_and_narrows_it() -> None:
    right = Right(Verb.TAKE, Kind.INCIDENT, desk="lighting")
    assert _decide(right)
    assert rules.territories([right], Verb.TAKE, Kind.INCIDENT, at=NOW) == (Territory("lighting"),)
    wide = [right, Right(Verb.TAKE, Kind.INCIDENT)]
    assert rules.territories(wide, Verb.TAKE, Kind.INCIDENT, at=NOW) == (Territory(),)
    assert rules.territories(wide, Verb.CLOSE, Kind.INCIDENT, at=NOW) == ()


def _verbs(role: Role, kind: Kind) -> set[Verb]:
    return set(rules.RIGHTS[role].get(kind, ()))


def test_visitor_only_looks() -> None:
    assert {verb for verbs in rules.RIGHTS[Role.VISITOR].values() for verb in verbs} == {Verb.SEE, Verb.SEARCH}
    assert Kind.JOURNAL not in rules.RIGHTS[Role.VISITOR]


def test_supervisor_may_all_that_an_operator_may() -> None:
    assert all(_verbs(Role.OPERATOR, kind) <= _verbs(Role.ROOM_SUPERVISOR, kind) for kind in Kind)


def test_city_it_sees_no_incident_and_no_journal_line() -> None:
    assert not {Kind.INCIDENT, Kind.ALARM, Kind.SITUATION} & set(rules.RIGHTS[Role.CITY_IT])
    assert _verbs(Role.CITY_IT, Kind.JOURNAL) == {Verb.VERIFY}


def test_integration_changes_nothing() -> None:
    assert {verb for verbs in rules.RIGHTS[Role.INTEGRATION].values() for verb in verbs} == {Verb.SEE, Verb.SEARCH}


def test_every_role_has_its_rights_written() -> None:
    assert set(rules.RIGHTS) == set(Role)


def test_sign_in_waits_after_five_failures_in_five_minutes() -> None:
    failures = [NOW - second * SECOND for second in (50, 40, 30, 20, 10)]
    assert rules.wait_before_sign_in(failures[:4], NOW) == 0
    assert rules.wait_before_sign_in(failures, NOW) == 20 * SECOND
    assert rules.wait_before_sign_in(failures, NOW + 20 * SECOND) == 0
    assert rules.wait_before_sign_in(failures, NOW + 5 * MINUTE) == 0


def test_posts_are_read_in_their_order() -> None:
    text = "posts:\n- {code: traffic, title: Circulation, desks: [traffic, transit]}\n- {code: night, title: Nuit, desks: all}"
    assert rules.parse_posts(text) == (Post("traffic", "Circulation", ("traffic", "transit")), Post("night", "Nuit"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("posts: {", "no YAML"),
        ("positions: []", "one key, `posts`"),
        ("posts: [{code: a, title: A}]", "post 1: write `code`, `title` and `desks`"),
        ("posts: [{code: Å, title: A, desks: all}]", "post 1: the code"),
        ("posts: [{code: a, title: '', desks: all}]", "post a: the title"),
        ("posts: [{code: a, title: A, desks: []}]", "post a: `desks` is a list"),
        ("posts: [{code: a, title: A, desks: lighting}]", "post a: `desks` is a list"),
        ("posts: [{code: a, title: A, desks: all}, {code: a, title: B, desks: all}]", "a is written twice"),
    ],
)
def test_wrong_posts_are_refused_saying_what_to_write(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said.replace("[", r"\[")):
        rules.parse_posts(text)


def test_profile_of_the_city_names_the_posts_of_the_room() -> None:
    posts = rules.parse_posts((Path(beffroi.app.__file__).parent / "profile" / "posts.yaml").read_text())
    assert [post.code for post in posts] == ["pilot", "traffic", "buildings", "night"]
    assert rules.whole_room(posts) == posts
    assert rules.seat("", posts).code == "night"


def test_seat_that_is_no_more_is_the_whole_room() -> None:
    traffic = Post("traffic", "Circulation", ("traffic",))
    assert rules.seat("traffic", (traffic, WHOLE_ROOM)) == traffic
    assert rules.seat("cellar", rules.whole_room([traffic])) == WHOLE_ROOM
    assert [traffic.answers_for(desk) for desk in ("traffic", "lighting")] == [True, False]
