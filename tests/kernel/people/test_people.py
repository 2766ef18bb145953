"""Accounts, tokens and signing in, on the real database and with the real password hash."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from beffroi.foundation.clock import DAY, SECOND
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.journal.queries import list_lines
from beffroi.kernel.journal.types import Actor, ActorKind
from beffroi.kernel.people import actions, queries
from beffroi.kernel.people.models import Person, SignInFailure, Token
from beffroi.kernel.people.types import (
    ANONYMOUS,
    WHOLE_ROOM,
    Kind,
    Post,
    Role,
    TooManyAttempts,
    Verb,
    WrongCredentials,
)

pytestmark = pytest.mark.django_db
NOW = 1_780_000_000_000_000
BY = Actor(ActorKind.PERSON, "responsable", "La responsable")
WHY = "arrivée au poste"


@pytest.fixture
def nadia() -> str:
    actions.create_person("nadia", "Nadia M.", "NM", password="un long secret", by=BY, at=NOW, reason=WHY)
    return "nadia"


def _verbs() -> list[tuple[str, str]]:
    return [(line.verb, line.subject) for line in reversed(list_lines())]


@pytest.mark.usefixtures("nadia")
def test_new_account_may_nothing() -> None:
    viewer = queries.viewer_named("nadia")
    assert not viewer.rights
    with pytest.raises(Forbidden, match="nadia may not see a thing of kind incident"):
        queries.require(viewer, Verb.SEE, Kind.INCIDENT)


@pytest.mark.usefixtures("nadia")
def test_clearance_opens_the_door_where_and_while_it_holds() -> None:
    actions.grant_clearance("nadia", "operator", by=BY, at=NOW, reason=WHY, desk="lighting", valid_until=NOW + DAY)
    viewer = queries.viewer_named("nadia")
    assert viewer.roles == (Role.OPERATOR,)
    assert queries.may(viewer, Verb.TAKE, Kind.INCIDENT, desk="lighting", at=NOW)
    assert not queries.may(viewer, Verb.TAKE, Kind.INCIDENT, desk="traffic", at=NOW)
    assert not queries.may(viewer, Verb.TAKE, Kind.INCIDENT, desk="lighting", at=NOW + DAY)
    assert not queries.may(viewer, Verb.TAKE, Kind.INCIDENT, desk="lighting", at=NOW - 1)
    line = list_lines()[0]
    assert (line.verb, line.actor, line.reason, line.content["role"]) == ("grant_clearance", BY, WHY, "operator")


@pytest.mark.usefixtures("nadia")
def test_account_out_of_use_may_nothing() -> None:
    actions.grant_clearance("nadia", "operator", by=BY, at=NOW, reason=WHY)
    Person.objects.update(is_active=False)
    assert queries.viewer_of(Person.objects.get()) == ANONYMOUS
    assert queries.viewer_of(AnonymousUser()) == ANONYMOUS
    with pytest.raises(NotFound):
        queries.viewer_named("nadia")


@pytest.mark.usefixtures("nadia")
def test_account_names_are_unique_whatever_their_case() -> None:
    with pytest.raises(Conflict):
        actions.create_person("Nadia ", "Autre", "AU", password=None, by=BY, at=NOW, reason=WHY)
    with pytest.raises(Refused):
        actions.create_person("na dia", "Autre", "AU", password=None, by=BY, at=NOW, reason=WHY)
    with pytest.raises(Refused, match="operator, room_supervisor"):
        actions.grant_clearance("nadia", "king", by=BY, at=NOW, reason=WHY)


@pytest.mark.usefixtures("nadia")
def test_token_speaks_for_its_account_until_it_is_revoked_or_expires() -> None:
    token = actions.create_token("nadia", "supervision", by=BY, at=NOW, reason=WHY, days=1)
    assert token.secret.startswith("bft_")
    assert token.secret not in repr(token)
    assert token.secret.encode() not in bytes(Token.objects.get().digest)
    viewer = queries.viewer_of_token(token.secret, at=NOW)
    assert viewer is not None
    assert viewer.username == "nadia"
    assert queries.viewer_of_token(token.secret + "x", at=NOW) is None
    assert queries.viewer_of_token("", at=NOW) is None
    assert queries.viewer_of_token(token.secret, at=NOW + DAY) is None
    actions.revoke_token(token.id, by=BY, at=NOW, reason="perdu")
    assert queries.viewer_of_token(token.secret, at=NOW) is None
    with pytest.raises(NotFound):
        actions.revoke_token(token.id, by=BY, at=NOW, reason="perdu")
    assert [verb for verb, _ in _verbs()] == ["create_person", "create_token", "revoke_token"]
    assert all(token.secret not in str(line.content) for line in list_lines())


@pytest.mark.usefixtures("nadia")
def test_sign_in_is_journalled_and_forgets_failures() -> None:
    with pytest.raises(WrongCredentials):
        actions.sign_in("nadia", "faux", at=NOW)
    assert actions.sign_in(" Nadia", "un long secret", at=NOW).get_username() == "nadia"
    actions.sign_out("nadia", at=NOW)
    told = ["fail_sign_in", "sign_in", "sign_out"]
    assert _verbs()[1:] == [(verb, "person:nadia") for verb in told]
    assert not SignInFailure.objects.exists()


def test_unknown_name_is_refused_and_kept_nowhere() -> None:
    with pytest.raises(WrongCredentials):
        actions.sign_in("mon mot de passe\x00", "nadia", at=NOW)
    line = list_lines()[0]
    assert (line.verb, line.subject, line.actor) == ("fail_sign_in", "person:unknown", actions.SYSTEM)


@pytest.mark.usefixtures("nadia")
def test_sign_in_waits_after_five_failures() -> None:
    for second in range(5):
        with pytest.raises(WrongCredentials):
            actions.sign_in("nadia", "faux", at=NOW + second * SECOND)
    with pytest.raises(TooManyAttempts, match="wait 30 s"):
        actions.sign_in("nadia", "un long secret", at=NOW + 4 * SECOND)
    assert actions.sign_in("nadia", "un long secret", at=NOW + 34 * SECOND)


def test_account_without_password_cannot_sign_in() -> None:
    actions.create_person("machine", "Machine", "MA", password=None, by=BY, at=NOW, reason=WHY)
    with pytest.raises(WrongCredentials):
        actions.sign_in("machine", "", at=NOW)


def test_demonstration_accounts_are_opened_once_and_retired() -> None:
    listed = actions.ensure_demonstration_accounts(NOW)
    assert [name for name, _, _ in listed] == [name for name, *_ in actions.DEMONSTRATION_ACCOUNTS]
    lines = len(list_lines())
    assert actions.ensure_demonstration_accounts(NOW) == listed
    assert len(list_lines()) == lines
    assert actions.sign_in(*listed[0][:2], at=NOW).get_username() == "operatrice"
    assert all(account.demonstration for account in queries.list_accounts())
    assert actions.retire_demonstration_accounts(NOW) == len(listed)
    with pytest.raises(WrongCredentials):
        actions.sign_in(*listed[0][:2], at=NOW)
    assert actions.ensure_demonstration_accounts(NOW) == listed
    assert actions.sign_in(*listed[0][:2], at=NOW).get_username() == "operatrice"


def test_demonstration_leaves_a_real_account_alone() -> None:
    actions.create_person("visiteur", "Une vraie personne", "VP", password=None, by=BY, at=NOW, reason=WHY)
    assert "visiteur" not in [name for name, _, _ in actions.ensure_demonstration_accounts(NOW)]
    assert actions.retire_demonstration_accounts(NOW) == len(actions.DEMONSTRATION_ACCOUNTS) - 1
    assert queries.viewer_named("visiteur").roles == ()


@pytest.mark.usefixtures("nadia")
def test_preferences_are_kept() -> None:
    actions.set_preferences("nadia", language="pt-br", palette="day", single_key_shortcuts=False)
    viewer = queries.viewer_named("nadia")
    assert (viewer.language, viewer.palette, viewer.single_key_shortcuts) == ("pt-br", "day", False)
    with pytest.raises(Refused, match="is no language"):
        actions.set_preferences("nadia", language="", palette="day", single_key_shortcuts=False)


def test_room_without_posts_is_one_post_for_every_desk(nadia: str) -> None:
    assert queries.posts() == (WHOLE_ROOM,)
    assert queries.post_of(nadia) == WHOLE_ROOM
    assert queries.viewer_named(nadia).post.answers_for("lighting")


def test_posts_are_published_once_and_withdrawn_with_a_line_each(nadia: str) -> None:
    traffic, night = Post("traffic", "Circulation", ("traffic", "transit")), Post("night", "Nuit")
    assert actions.publish_posts([traffic, night], by=BY, at=NOW) == 2
    assert actions.publish_posts([traffic, night], by=BY, at=NOW) == 0
    assert queries.posts() == (traffic, night)
    actions.sit_at(nadia, "traffic", at=NOW)
    assert queries.post_of(nadia) == traffic
    assert actions.publish_posts([night], by=BY, at=NOW) == 1
    assert queries.post_of(nadia) == night
    assert _verbs()[-4:] == [
        ("publish_post", "post:traffic"),
        ("publish_post", "post:night"),
        ("sit_at_post", "post:traffic"),
        ("withdraw_post", "post:traffic"),
    ]


def test_sitting_at_a_post_is_told_once_and_refused_for_a_post_that_is_not(nadia: str) -> None:
    actions.publish_posts([Post("traffic", "Circulation", ("traffic",))], by=BY, at=NOW)
    for _ in range(2):
        actions.sit_at(nadia, "traffic", at=NOW)
    assert [verb for verb, _ in _verbs()].count("sit_at_post") == 1
    line = list_lines()[0]
    assert (line.actor.id, line.related, line.content["desks"]) == (nadia, ("person:nadia",), ["traffic"])
    with pytest.raises(NotFound, match="there are traffic, room"):
        actions.sit_at(nadia, "cellar", at=NOW)
    assert queries.post_of(nadia).code == "traffic"
