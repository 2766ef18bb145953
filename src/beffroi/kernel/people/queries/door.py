"""The one door: every page, API route, frame, search and export asks here. And who the accounts are."""

from __future__ import annotations

import hmac

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Q
from django.utils.crypto import constant_time_compare

from beffroi.foundation import clock
from beffroi.foundation.clock import Instant, from_datetime, to_datetime
from beffroi.foundation.errors import Forbidden, NotFound
from beffroi.kernel.journal.types import Reach
from beffroi.kernel.people import rules
from beffroi.kernel.people.models import Clearance, Person, Token
from beffroi.kernel.people.models import Post as PostRow
from beffroi.kernel.people.types import ANONYMOUS, Account, Kind, Post, Right, Role, Territory, Verb, Viewer


def may(
    viewer: Viewer, verb: Verb, kind: Kind, *, desk: str = "", commune: str = "", at: Instant | None = None
) -> bool:
    """Tell whether this person may do this verb on this kind of thing here, now (or at an instant)."""
    moment = clock.now() if at is None else at
    return rules.decide(viewer.rights, verb, kind, desk=desk, commune=commune, at=moment)


def require(
    viewer: Viewer, verb: Verb, kind: Kind, *, desk: str = "", commune: str = "", at: Instant | None = None
) -> None:
    """Let pass, or raise Forbidden with the clearance that is missing."""
    if may(viewer, verb, kind, desk=desk, commune=commune, at=at):
        return
    where = "".join(f" ({name} {value})" for name, value in (("desk", desk), ("commune", commune)) if value)
    who = viewer.username or "nobody signed in, who"
    raise Forbidden(f"{who} may not {verb} a thing of kind {kind}{where}: no clearance in force gives it")


def territories(viewer: Viewer, verb: Verb, kind: Kind, *, at: Instant | None = None) -> tuple[Territory, ...]:
    """Return where the person may do it, so that a list is narrowed to it; empty: nowhere."""
    return rules.territories(viewer.rights, verb, kind, at=clock.now() if at is None else at)


def communes_of(viewer: Viewer, verb: Verb, kind: Kind) -> frozenset[str] | None:
    """Return the communes in which the person may do it, whatever the desk; None: everywhere."""
    names = {territory.commune for territory in territories(viewer, verb, kind)}
    return None if "" in names else frozenset(names)


def reach_of(viewer: Viewer) -> Reach:
    """Return what this person may read of the journal's lines, as the door says. A vault's line is opened one by one."""
    return Reach(desks=_places_of(viewer, Kind.DESK_LINE), personal=_places_of(viewer, Kind.PERSONAL))


def _places_of(viewer: Viewer, kind: Kind) -> frozenset[tuple[str, str]]:
    return frozenset((territory.desk, territory.commune) for territory in territories(viewer, Verb.SEE, kind))


def posts() -> tuple[Post, ...]:
    """Return the posts of the room, in the order of the city's profile; one of them at least answers for every desk."""
    rows = PostRow.objects.order_by("place", "code")
    return rules.whole_room(Post(row.code, row.title, tuple(row.desks.split())) for row in rows)


def post_named(code: str) -> Post:
    """Return a post by its code. Raises NotFound naming those there are."""
    known = posts()
    for post in known:
        if post.code == code:
            return post
    raise NotFound(f"no post is called `{code[:40]}`; there are {', '.join(post.code for post in known)}")


def post_of(username: str) -> Post:
    """Return where a person sits: the post they chose, else the first that answers for every desk. Raises NotFound."""
    return viewer_named(username).post


def viewer_of(person: AbstractBaseUser | AnonymousUser) -> Viewer:
    """Return who a signed-in person is and what they may do; anonymous, or an account put out of use, may nothing."""
    if not isinstance(person, Person) or not person.is_active:
        return ANONYMOUS
    return _viewer(person)


def viewer_named(username: str) -> Viewer:
    """Return the viewer of an account by its name. Raises NotFound."""
    person = Person.objects.filter(username=rules.folded_name(username), is_active=True).first()
    if person is None:
        raise NotFound(f"no account in use is called `{username}`")
    return _viewer(person)


def viewer_of_token(bearer: str, *, at: Instant) -> Viewer | None:
    """Return whom a bearer token speaks for; None when it is unknown, expired, revoked, or its account out of use.

    It is found by its digest, so the time taken tells nothing about the secret; the digests are compared in constant
    time all the same.
    """
    if not bearer.startswith(rules.TOKEN_PREFIX) or len(bearer) > 200:
        return None
    digest = rules.token_digest(bearer)
    moment = to_datetime(at)
    in_force = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=moment))
    token = Token.objects.select_related("person").filter(in_force, digest=digest, person__is_active=True).first()
    if token is None or not hmac.compare_digest(bytes(token.digest), digest):
        return None
    return _viewer(token.person)


def viewer_of_session(session_key: str) -> Viewer | None:
    """Return whose session a cookie names; None when it is unknown, ended, older than the password, or out of use.

    For the process that serves streams, which has no middleware of Django's.
    """
    if not session_key:
        return None
    data = SessionStore(session_key=session_key).load()
    person = Person.objects.filter(pk=data.get(SESSION_KEY, 0) or 0, is_active=True).first()
    known = str(data.get(HASH_SESSION_KEY, ""))
    if person is None or not constant_time_compare(known, person.get_session_auth_hash()):
        return None
    return _viewer(person)


def who_may(verb: Verb, kind: Kind, *, desk: str = "", commune: str = "") -> tuple[tuple[str, str], ...]:
    """Return the accounts in use (name, display name) that may do it here now, by display name. The caller asks the door."""
    roles = [role for role, kinds in rules.RIGHTS.items() if verb in kinds.get(kind, ())]
    now = to_datetime(clock.now())
    held = Clearance.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=now),
        role__in=roles,
        desk__in={"", desk},
        commune__in={"", commune},
        valid_from__lte=now,
        person__is_active=True,
    )
    names = held.values_list("person__username", "person__display_name").distinct()
    return tuple(sorted(names, key=lambda each: each[1]))


def list_accounts() -> tuple[Account, ...]:
    """Return every account, by name. The caller asks the door (see, person)."""
    return tuple(
        Account(
            person.username,
            person.display_name,
            tuple(sorted({Role(each.role) for each in person.clearances.all() if each.role in set(Role)})),
            person.is_active,
            person.demonstration,
        )
        for person in Person.objects.prefetch_related("clearances").order_by("username")
    )


def _viewer(person: Person) -> Viewer:
    rights: set[Right] = set()
    roles: list[Role] = []
    for clearance in Clearance.objects.filter(person=person).order_by("id"):
        if clearance.role not in set(Role):
            continue  # a role that this version does not know gives nothing
        role = Role(clearance.role)
        roles.append(role)
        rights |= rules.rights_of(
            role,
            desk=clearance.desk,
            commune=clearance.commune,
            valid_from=from_datetime(clearance.valid_from),
            valid_until=from_datetime(clearance.valid_until) if clearance.valid_until else None,
        )
    return Viewer(
        username=person.username,
        display_name=person.display_name,
        initials=person.initials,
        language=person.language,
        rights=frozenset(rights),
        id=person.pk,
        roles=tuple(dict.fromkeys(roles)),
        palette=person.palette,
        single_key_shortcuts=person.single_key_shortcuts,
        post=rules.seat(person.post, posts()),
    )
