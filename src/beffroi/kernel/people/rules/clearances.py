"""Which role may do what, and the decision of the one door. Pure; reviewed line by line: deny by default."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

from beffroi.foundation.clock import MINUTE, SECOND, Instant
from beffroi.kernel.people.types import Kind, Right, Role, Territory, Verb

SIGN_IN_FAILURES = 5
SIGN_IN_WINDOW: Instant = 5 * MINUTE
SIGN_IN_WAIT: Instant = 30 * SECOND
"""After 5 failures in 5 minutes an account is tried at most every 30 s: guessing stops, and nobody locks a room out."""

SIGN_IN_TOLD = 50
"""Failures in 5 minutes past which those of unknown names are no more written one by one: nobody floods the journal."""

TOKEN_PREFIX = "bft_"  # noqa: S105 -- what a token begins with, so that scanners find a leaked one

_PICTURE: Mapping[Kind, tuple[Verb, ...]] = {
    Kind.SITUATION: (Verb.SEE,),
    Kind.ALARM: (Verb.SEE,),
    Kind.INCIDENT: (Verb.SEE,),
    Kind.ASSET: (Verb.SEE, Verb.SEARCH),
    Kind.READING: (Verb.SEE,),
    Kind.PLACE: (Verb.SEE, Verb.SEARCH),
}
"""The common picture: place, state, need."""

_COMMANDING = (Verb.SEE, Verb.ASK, Verb.AUTHORISE, Verb.CANCEL)
"""Asking equipment to act, and being the second person of what somebody else asked. Never of what oneself asked."""

_LEADING = (
    Verb.ACKNOWLEDGE,
    Verb.QUALIFY,
    Verb.TAKE,
    Verb.NOTE,
    Verb.MARK,
    Verb.HOLD,
    Verb.TRANSFER,
    Verb.CLOSE,
    Verb.REOPEN,
    Verb.LINK,
)
"""Leading an incident from its reception to its end. Giving it to somebody else is the supervisor's."""

_ENGAGING: Mapping[Kind, tuple[Verb, ...]] = {
    Kind.UNIT: (Verb.SEE, Verb.MARK),
    Kind.MISSION: (Verb.SEE, Verb.PROPOSE, Verb.MARK, Verb.CANCEL),
    Kind.POSITION: (Verb.SEE,),
    Kind.DISTRESS: (Verb.SEE, Verb.OPEN, Verb.ACKNOWLEDGE, Verb.CLOSE),
}
"""Sending crews: who is where while on duty, missions, and what a crew says by radio. Ways of crews are not in it."""

RIGHTS: Mapping[Role, Mapping[Kind, tuple[Verb, ...]]] = {
    Role.OPERATOR: {
        **_PICTURE,
        **_ENGAGING,
        Kind.SHIFT: (Verb.SEE, Verb.NOTE, Verb.HAND_OVER),
        Kind.ALARM: (Verb.SEE, Verb.ACKNOWLEDGE, Verb.SHELVE),
        Kind.INCIDENT: (Verb.SEE, Verb.OPEN, *_LEADING),
        Kind.COMMAND: _COMMANDING,
        Kind.STREET: (Verb.CLOSE, Verb.REOPEN),
        Kind.EVIDENCE: (Verb.ATTACH,),
        Kind.DEFINITION: (Verb.SEE,),
        Kind.PROCEDURE: (Verb.SEE, Verb.RUN),
        Kind.JOURNAL: (Verb.SEE,),
        Kind.DESK_LINE: (Verb.SEE,),
        Kind.PERSONAL: (Verb.SEE,),
    },
    Role.ROOM_SUPERVISOR: {
        **_PICTURE,
        **_ENGAGING,
        Kind.POSITION: (Verb.SEE, Verb.OPEN),
        Kind.SHIFT: (Verb.SEE, Verb.NOTE, Verb.HAND_OVER),
        Kind.ALARM: (Verb.SEE, Verb.ACKNOWLEDGE, Verb.SHELVE, Verb.SHELVE_URGENT, Verb.WITHDRAW),
        Kind.DEFINITION: (Verb.SEE, Verb.PROPOSE, Verb.REVIEW),
        Kind.INCIDENT: (
            Verb.SEE,
            Verb.OPEN,
            *_LEADING,
            Verb.ASSIGN,
            Verb.EXPORT,
        ),
        Kind.COMMAND: _COMMANDING,
        Kind.STREET: (Verb.CLOSE, Verb.REOPEN),
        Kind.EVIDENCE: (Verb.ATTACH,),
        Kind.PROCEDURE: (Verb.SEE, Verb.RUN, Verb.PROPOSE, Verb.REVIEW),
        Kind.SOURCE: (Verb.WITHDRAW,),
        Kind.JOURNAL: (Verb.SEE, Verb.EXPORT, Verb.VERIFY, Verb.CORRECT),
        Kind.DESK_LINE: (Verb.SEE,),
        Kind.PERSONAL: (Verb.SEE, Verb.CONFIRM),
        Kind.STATUS: (Verb.SEE,),
    },
    Role.ALARM_ENGINEER: {
        **_PICTURE,
        Kind.DEFINITION: (Verb.SEE, Verb.PROPOSE, Verb.REVIEW),
        Kind.PROCEDURE: (Verb.SEE, Verb.PROPOSE, Verb.REVIEW),
        Kind.JOURNAL: (Verb.SEE,),
    },
    Role.VISITOR: _PICTURE,
    Role.CITY_IT: {
        Kind.ASSET: (Verb.SEE, Verb.SEARCH, Verb.DECLARE),
        Kind.READING: (Verb.SEE,),
        Kind.PLACE: (Verb.SEE, Verb.SEARCH),
        Kind.STATUS: (Verb.SEE,),
        Kind.SOURCE: (Verb.SEE, Verb.DECLARE),
        Kind.GATEWAY: (Verb.SEE, Verb.DECLARE, Verb.REVOKE),
        Kind.QUARANTINE: (Verb.SEE,),
        Kind.TOKEN: (Verb.SEE, Verb.DECLARE, Verb.REVOKE),
        Kind.PERSON: (Verb.SEE, Verb.DECLARE),
        Kind.CLEARANCE: (Verb.SEE, Verb.GRANT, Verb.REVOKE),
        Kind.JOURNAL: (Verb.VERIFY,),
    },
    Role.INTEGRATION: {
        Kind.ALARM: (Verb.SEE,),
        Kind.COMMAND: (Verb.SEE,),
        Kind.DEFINITION: (Verb.SEE,),
        Kind.INCIDENT: (Verb.SEE,),
        Kind.PROCEDURE: (Verb.SEE,),
        Kind.ASSET: (Verb.SEE, Verb.SEARCH),
        Kind.READING: (Verb.SEE,),
        Kind.PLACE: (Verb.SEE, Verb.SEARCH),
        Kind.JOURNAL: (Verb.SEE,),
        Kind.STATUS: (Verb.SEE,),
    },
    Role.DATA_PROTECTION: {
        Kind.JOURNAL: (Verb.SEE, Verb.EXPORT, Verb.VERIFY),
        Kind.DESK_LINE: (Verb.SEE,),
        Kind.VAULT_LINE: (Verb.OPEN,),
        Kind.PERSONAL: (Verb.SEE, Verb.ERASE, Verb.CONFIRM),
        Kind.POSITION: (Verb.OPEN,),
    },
    Role.PARTNER: {
        Kind.INCIDENT: (Verb.OPEN,),
        Kind.EVIDENCE: (Verb.ATTACH,),
        Kind.PLACE: (Verb.SEARCH,),
    },
    Role.CREW: {
        Kind.UNIT: (Verb.REPORT,),
        Kind.MISSION: (Verb.REPORT,),
        Kind.DISTRESS: (Verb.REPORT,),
        Kind.INCIDENT: (Verb.OPEN,),
        Kind.EVIDENCE: (Verb.ATTACH,),
        Kind.PLACE: (Verb.SEARCH,),
    },
}
"""Role -> kind of thing -> verbs. A visitor reads no journal: it names the people on duty. The city's IT staff keep
the machine running and see no incident. `integration` is for another system of the city, through the API; `partner` is for
another body (water, State roads, rescue), which tells incidents through the API and reads nothing back but its own.
`crew` is for the people of a crew: their own duty, missions and distress, and telling what they find; no queue, no map."""


def rights_of(
    role: Role,
    *,
    desk: str = "",
    commune: str = "",
    valid_from: Instant | None = None,
    valid_until: Instant | None = None,
) -> frozenset[Right]:
    """Return the rights that one clearance gives."""
    return frozenset(
        Right(verb, kind, desk, commune, valid_from, valid_until)
        for kind, verbs in RIGHTS[role].items()
        for verb in verbs
    )


def decide(
    rights: Collection[Right], verb: Verb, kind: Kind, *, desk: str = "", commune: str = "", at: Instant
) -> bool:
    """Tell whether one of the rights allows this verb on this kind of thing at this desk, in this commune, now.

    An empty desk or commune asks whether it is allowed anywhere at all: what is then listed is narrowed by
    `territories`. A thing that has a desk or a commune is asked for with it.
    """
    return any(
        right.verb is verb and right.kind is kind and _covers(right, desk, commune) and _in_force(right, at)
        for right in rights
    )


def territories(rights: Iterable[Right], verb: Verb, kind: Kind, *, at: Instant) -> tuple[Territory, ...]:
    """Return where this verb is allowed on this kind of thing; `Territory()` alone when it is everywhere."""
    found = {
        Territory(right.desk, right.commune)
        for right in rights
        if right.verb is verb and right.kind is kind and _in_force(right, at)
    }
    if Territory() in found:
        return (Territory(),)
    return tuple(sorted(found, key=lambda territory: (territory.desk, territory.commune)))


def _covers(right: Right, desk: str, commune: str) -> bool:
    return (not desk or right.desk in ("", desk)) and (not commune or right.commune in ("", commune))


def _in_force(right: Right, at: Instant) -> bool:
    began = right.valid_from is None or right.valid_from <= at
    return began and (right.valid_until is None or at < right.valid_until)


def wait_before_sign_in(failures: Sequence[Instant], at: Instant) -> Instant:
    """Return for how long an account must wait before it is tried again, from its failures; 0 when it need not."""
    recent = [failure for failure in failures if at - failure < SIGN_IN_WINDOW]
    if len(recent) < SIGN_IN_FAILURES:
        return 0
    return max(0, max(recent) + SIGN_IN_WAIT - at)


def folded_name(username: str) -> str:
    """Return an account name as it is kept: no spaces around, lower case."""
    return username.strip().casefold()


def name_digest(username: str) -> bytes:
    """Return what stands for a name somebody typed: people type passwords into the wrong box, so it is not kept."""
    return hashlib.sha256(b"beffroi sign-in\n" + folded_name(username)[:256].encode("utf-8", "replace")).digest()


def token_digest(secret: str) -> bytes:
    """Return what is kept of a token. A plain SHA-256 is enough: the secret has 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
