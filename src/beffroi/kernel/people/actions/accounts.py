"""Accounts, clearances, tokens and signing in. Each act is a line of the journal with who did it and why."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, connection, transaction

from beffroi.foundation.clock import DAY, Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Conflict, Forbidden, NotFound, Refused
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, ActorKind, Entry
from beffroi.kernel.people import queries, rules
from beffroi.kernel.people.models import Clearance, Person, SignInFailure, Token
from beffroi.kernel.people.models import Post as PostRow
from beffroi.kernel.people.types import IssuedToken, Post, Role, TooManyAttempts, Viewer, WrongCredentials

ROOM = "people"
SYSTEM = Actor(ActorKind.SYSTEM, "beffroi", "Beffroi")
_DEMONSTRATION = "demonstration with the simulated city"

DEMONSTRATION_ACCOUNTS: tuple[tuple[str, str, str, str, Role], ...] = (
    ("operatrice", "Lucie Marchand", "LM", "opératrice", Role.OPERATOR),
    ("chefsalle", "Paul Berthier", "PB", "chef de salle", Role.ROOM_SUPERVISOR),
    ("ingenieure", "Inès Corbin", "IC", "ingénieure alarmes", Role.ALARM_ENGINEER),
    ("visiteur", "Visiteuse de passage", "VP", "visiteur, lecture seule", Role.VISITOR),
    ("technicien", "Thomas Nivet", "TN", "technicien des systèmes", Role.CITY_IT),
    ("dpo", "Claire Vasseur", "CV", "déléguée à la protection des données", Role.DATA_PROTECTION),
    ("equipiere", "Maud Perrin", "MP", "équipière, Éclairage 1", Role.CREW),
    ("cantonnier", "Yann Collet", "YC", "équipier, Voirie 1", Role.CREW),
    ("patrouille", "Patrouille PM 1", "P1", "patrouille de police municipale", Role.CREW),
)
"""Account, name, initials, title, role. The password is `beffroi-` and the account's name (docs/reference/clearances)."""


def create_person(
    username: str,
    display_name: str,
    initials: str,
    *,
    password: str | None,
    by: Actor,
    at: Instant,
    reason: str,
    language: str = "fr",
    demonstration: bool = False,
) -> int:
    """Open an account and return its number. It may do nothing before a clearance is granted.

    Without a password nobody can sign in with it: an account for a machine, which uses tokens. Raises Conflict when
    the name is taken, Refused when it cannot be one.
    """
    name = rules.folded_name(username)
    if not 1 <= len(name) <= 64 or not name.isprintable() or " " in name:
        raise Refused(f"an account's name has 1 to 64 characters and no space: `{username[:80]}` cannot be one")
    try:
        with transaction.atomic():
            person = Person.objects.create(
                username=name,
                display_name=display_name[:120],
                initials=initials[:4],
                password=make_password(password),
                language=language,
                demonstration=demonstration,
            )
            _tell(by, "create_person", name, reason, at, {"display_name": display_name[:120]})
    except IntegrityError as error:
        raise Conflict(f"there is already an account called `{name}`") from error
    return int(person.pk)


def grant_clearance(
    username: str,
    role: str,
    *,
    by: Actor,
    at: Instant,
    reason: str,
    desk: str = "",
    commune: str = "",
    valid_until: Instant | None = None,
) -> None:
    """Give a role to a person at a desk (empty: every desk), in a commune (empty: all), from now until an instant.

    Raises NotFound without such an account, Refused for an unknown role.
    """
    if role not in set(Role):
        raise Refused(f"there is no role `{role}`; the roles are {', '.join(Role)}")
    with transaction.atomic():
        Clearance.objects.create(
            person=_person(username),
            role=role,
            desk=desk,
            commune=commune,
            valid_from=to_datetime(at),
            valid_until=_moment(valid_until),
            granted_by=by.id[:64],
            reason=reason,
        )
        content = {"role": role, "desk": desk, "commune": commune, "valid_until": valid_until}
        _tell(by, "grant_clearance", rules.folded_name(username), reason, at, content)


def create_token(
    username: str, name: str, *, by: Actor, at: Instant, reason: str, days: int | None = None
) -> IssuedToken:
    """Make a bearer token with which a machine does what this account may do. Its secret is returned here only.

    Expires after `days`, or never. Raises NotFound without such an account.
    """
    secret = rules.TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires_at = None if days is None else at + days * DAY
    with transaction.atomic():
        token = Token.objects.create(
            person=_person(username),
            name=name[:80],
            digest=rules.token_digest(secret),
            created_at=to_datetime(at),
            expires_at=_moment(expires_at),
        )
        content = {"token": token.pk, "name": name[:80], "expires_at": expires_at}
        _tell(by, "create_token", rules.folded_name(username), reason, at, content)
    return IssuedToken(int(token.pk), name[:80], secret, expires_at)


def revoke_token(token_id: int, *, by: Actor, at: Instant, reason: str) -> None:
    """Put a token out of use, at once. Raises NotFound when there is no such token in use."""
    with transaction.atomic():
        token = Token.objects.select_related("person").filter(pk=token_id, revoked_at=None).first()
        if token is None:
            raise NotFound(f"there is no token {token_id} in use")
        Token.objects.filter(pk=token_id).update(revoked_at=to_datetime(at))
        _tell(by, "revoke_token", token.person.username, reason, at, {"token": token_id, "name": token.name})


def sign_in(username: str, password: str, *, at: Instant) -> AbstractBaseUser:
    """Check a name and a password and return the account, for the framework's session. Journalled either way.

    After 5 failures in 5 minutes an account waits 30 s before each try (TooManyAttempts, nothing is checked). Raises
    WrongCredentials otherwise; an unknown name takes as long as a wrong password.
    """
    _take_turn(username, at)
    name = rules.folded_name(username)
    person = Person.objects.filter(username=name, is_active=True).first() if _storable(name) else None
    hashed = person.password if person else _decoy()
    good = check_password(password, hashed) and person is not None
    with transaction.atomic():
        if good and person is not None:
            SignInFailure.objects.filter(account=rules.name_digest(username)).delete()
            append([_signed(Actor(ActorKind.PERSON, name, person.display_name), "sign_in", name)], at=at)
            return person
        if person is not None:
            append([_signed(Actor(ActorKind.PERSON, name, person.display_name), "fail_sign_in", name)], at=at)
        elif SignInFailure.objects.count() <= rules.SIGN_IN_TOLD:
            append([_signed(SYSTEM, "fail_sign_in", "unknown")], at=at)
    raise WrongCredentials("the name or the password is wrong")


def sign_out(username: str, *, at: Instant) -> None:
    """Tell the journal that a person left their post."""
    person = Person.objects.filter(username=username).first()
    if person is not None:
        with transaction.atomic():
            actor = Actor(ActorKind.PERSON, person.username, person.display_name)
            append([_signed(actor, "sign_out", person.username)], at=at)


def set_preferences(username: str, *, language: str, palette: str, single_key_shortcuts: bool) -> None:
    """Keep how a person likes their screen. Not journalled: it changes nothing for anyone else.

    Raises Refused for a language or a palette that cannot be one, NotFound without such an account.
    """
    for name, text in (("language", language), ("palette", palette)):
        if not re.fullmatch(r"[a-z][a-z-]{1,7}", text):
            raise Refused(f"`{text[:20]}` is no {name}")
    changed = Person.objects.filter(username=rules.folded_name(username)).update(
        language=language, palette=palette, single_key_shortcuts=single_key_shortcuts
    )
    if not changed:
        raise NotFound(f"no account is called `{username}`")


def publish_posts(posts: Iterable[Post], *, by: Actor, at: Instant) -> int:
    """Make these the posts of the room, and return how many were added, changed or withdrawn. Journalled one by one.

    Doing it twice changes nothing. Who sat at a post that is withdrawn sits, from then on, where every desk comes.
    """
    wanted = {post.code: (place, post) for place, post in enumerate(posts)}
    with transaction.atomic():
        known = {row.code: row for row in PostRow.objects.select_for_update().order_by("id")}
        lines = []
        for code, (place, post) in wanted.items():
            row = known.get(code)
            before = (row.title, row.desks) if row else None
            after = (post.title, " ".join(post.desks))
            PostRow.objects.update_or_create(
                code=code, defaults={"title": post.title, "desks": after[1], "place": place}
            )
            if before != after:
                lines.append(_about_post("publish_post", post, by))
        for code in known.keys() - wanted.keys():
            PostRow.objects.filter(code=code).delete()
            lines.append(_about_post("withdraw_post", Post(code, known[code].title), by))
        append(lines, at=at)
    return len(lines)


def sit_at(username: str, code: str, *, at: Instant) -> Post:
    """Have a person sit at a post of the room: its desks come before them from now on. Journalled when it changes.

    Raises NotFound for a post or an account that does not exist.
    """
    post = queries.post_named(code)
    with transaction.atomic():
        person = Person.objects.select_for_update().filter(username=rules.folded_name(username)).first()
        if person is None:
            raise NotFound(f"no account is called `{username}`")
        moved = queries.post_of(person.username) != post
        Person.objects.filter(pk=person.pk).update(post=post.code)
        if moved:
            actor = Actor(ActorKind.PERSON, person.username, person.display_name)
            append([_about_post("sit_at_post", post, actor, f"person:{person.username}")], at=at)
    return post


def signed_in(by: Viewer) -> int:
    """Return the number of the person who acts. Raises Forbidden for nobody, whom no clearance names anyway."""
    if by.id is None:
        raise Forbidden("sign in first: an act is somebody's")
    return by.id


def ensure_demonstration_accounts(at: Instant) -> list[tuple[str, str, str]]:
    """Open the demonstration's accounts where they are missing; return (account, password, title) of each.

    Only called when the simulated city runs: their passwords are public. A real account of the same name is left
    alone and not listed.
    """
    listed = []
    for username, display_name, initials, title, role in DEMONSTRATION_ACCOUNTS:
        password = f"beffroi-{username}"
        if ensure_demonstration_account(username, display_name, initials, role, password=password, at=at):
            listed.append((username, password, title))
    return listed


def ensure_demonstration_account(
    username: str, display_name: str, initials: str, role: Role, *, password: str | None, at: Instant, desk: str = ""
) -> bool:
    """Open one account of the demonstration where it is missing, or put it back in use; tell whether it is one.

    Without a password it is for a machine of the simulated city, which uses a token.
    """
    person = Person.objects.filter(username=username).first()
    if person is not None and not person.demonstration:
        return False
    with transaction.atomic():
        if person is None:
            create_person(
                username,
                display_name,
                initials,
                password=password,
                by=SYSTEM,
                at=at,
                reason=_DEMONSTRATION,
                demonstration=True,
            )
            grant_clearance(username, role, by=SYSTEM, at=at, reason=_DEMONSTRATION, desk=desk)
        elif not person.is_active:
            Person.objects.filter(pk=person.pk).update(is_active=True)
            _tell(SYSTEM, "open_account", username, _DEMONSTRATION, at, {})
    return True


def retire_demonstration_accounts(at: Instant) -> int:
    """Put the demonstration's accounts out of use, since their passwords are public; return how many were in use.

    Called at each start without the simulated city.
    """
    with transaction.atomic():
        names = list(Person.objects.filter(demonstration=True, is_active=True).values_list("username", flat=True))
        Person.objects.filter(username__in=names).update(is_active=False)
        for name in names:
            _tell(SYSTEM, "close_account", name, "the simulated city does not run", at, {})
    return len(names)


def _take_turn(username: str, at: Instant) -> None:
    """Count this try as a failure before anything is checked: tries made at the same time cannot pass together."""
    account = rules.name_digest(username)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(account[:8], "big", signed=True)])
        SignInFailure.objects.filter(at__lt=to_datetime(at - rules.SIGN_IN_WINDOW)).delete()
        failures = SignInFailure.objects.filter(account=account).values_list("at", flat=True)
        wait = rules.wait_before_sign_in([from_datetime(moment) for moment in failures], at)
        if wait:
            seconds = -(-wait // 1_000_000)
            raise TooManyAttempts(f"too many sign-ins failed for this account: wait {seconds} s and try again", seconds)
        SignInFailure.objects.create(account=account, at=to_datetime(at))


@cache
def _decoy() -> str:
    """A hash that no password fits, made as dearly as the others: an unknown name is not told by its speed."""
    return make_password(secrets.token_urlsafe(32))


def _storable(name: str) -> bool:
    return "\x00" not in name and len(name) <= 64


def _person(username: str) -> Person:
    person = Person.objects.filter(username=rules.folded_name(username)).first()
    if person is None:
        raise NotFound(f"no account is called `{username}`")
    return person


def _about_post(verb: str, post: Post, by: Actor, *related: str) -> Entry:
    content = {"title": post.title, "desks": list(post.desks)}
    return Entry(by, ROOM, verb, f"post:{post.code}", related, content)


def _signed(actor: Actor, verb: str, name: str) -> Entry:
    return Entry(actor=actor, room=ROOM, verb=verb, subject=f"person:{name}")


def _tell(by: Actor, verb: str, username: str, reason: str, at: Instant, content: Mapping[str, object]) -> None:
    append([Entry(by, ROOM, verb, f"person:{username}", content=content, reason=reason)], at=at)


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
