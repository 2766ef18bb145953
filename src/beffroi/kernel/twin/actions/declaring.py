"""Sources and gateways: what is read, and who may publish it. One line of the journal for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from beffroi.foundation.clock import Instant, to_datetime
from beffroi.foundation.errors import Conflict, Refused
from beffroi.foundation.settings import settings
from beffroi.kernel.journal.actions import append
from beffroi.kernel.journal.types import Actor, Entry
from beffroi.kernel.twin.actions.representing import represent
from beffroi.kernel.twin.models import Gateway, Source
from beffroi.kernel.twin.rules import partition_of

ROOM = "twin"
RESERVED = frozenset({"beffroi"})
"""Users of the embedded bus that are the post itself: a gateway of that name would keep the bus from starting."""

SOURCE_NAME = "1 to 64 letters, digits, `-` or `_`"


def note_forgotten(post: str, readers: int, *, by: Actor, at: Instant) -> None:
    """Journal that readers of another post on the bus were removed there: what they had not read may go."""
    with transaction.atomic():
        append([Entry(by, ROOM, "forget_post", f"post:{post}", content={"readers": readers})], at=at)


def names_source(code: str) -> bool:
    """Tell whether a word can name a source: it stands in topics and in subjects of the bus."""
    return 0 < len(code) <= 64 and all(letter.isalnum() or letter in "-_" for letter in code)


def declare_source(
    code: str,
    connector: str,
    *,
    by: Actor,
    at: Instant,
    options: Mapping[str, Any] | None = None,
    period_s: int | None = None,
) -> Source:
    """Declare a source, or return the one declared, with the asset that stands for it. Journalled.

    Its partition is decided here, for ever. `period_s`: how often it is heard when all is well; None: as it was, else as
    its equipment is. Raises Refused for a code that cannot stand in a topic, or a source already declared with another connector.
    """
    if not names_source(code):
        raise Refused(f"`{code}` cannot name a source: {SOURCE_NAME}")
    with transaction.atomic():
        source, made = Source.objects.get_or_create(
            code=code,
            defaults={
                "connector": connector,
                "settings": dict(options or {}),
                "partition": partition_of(code, settings().partitions),
                "period_s": period_s,
                "created_at": to_datetime(at),
            },
        )
        if source.connector != connector:
            raise Refused(f"source `{code}` is already read by the connector `{source.connector}`")
        changed = not made and options is not None and dict(options) != source.settings
        if changed:
            source.settings = dict(options or {})
            source.save(update_fields=["settings"])
        if not made and period_s is not None and period_s != source.period_s:
            source.period_s, changed = period_s, True
            source.save(update_fields=["period_s"])
        if made or changed:
            represent([source.pk])
            verb = "declare_source" if made else "configure_source"
            content = {"connector": connector} | ({"period_s": source.period_s} if source.period_s else {})
            append([Entry(by, ROOM, verb, f"source:{code}", content=content)], at=at)
            tell("sources")
    return source


def add_gateway(name: str, source: Source, password_hash: str, *, by: Actor, at: Instant) -> Gateway:
    """Give a gateway the right to publish for one source. Journalled.

    Raises Conflict when the name is taken, Refused for one that cannot stand in the bus's list of users, where the
    post's own account is called `beffroi`.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) or name.casefold() in RESERVED:
        raise Refused(
            f"`{name[:80]}` cannot name a gateway: 1 to 64 ASCII letters, digits, `.`, `-` or `_`, not `beffroi`"
        )
    with transaction.atomic():
        gateway, made = Gateway.objects.get_or_create(
            name=name,
            defaults={"source": source, "password_hash": password_hash, "created_at": to_datetime(at)},
        )
        if not made:
            raise Conflict(f"a gateway is already called `{name}`: choose another name")
        content = {"source": source.code}
        append([Entry(by, ROOM, "add_gateway", f"gateway:{name}", (f"source:{source.code}",), content)], at=at)
        tell("gateways")
    return gateway


def revoke_gateway(name: str, *, by: Actor, at: Instant, reason: str) -> None:
    """Withdraw a gateway's right to publish. Raises Refused when there is none of that name. Journalled."""
    with transaction.atomic():
        if not Gateway.objects.filter(name=name, revoked_at=None).update(revoked_at=to_datetime(at)):
            raise Refused(f"no gateway in force is called `{name}`")
        append([Entry(by, ROOM, "revoke_gateway", f"gateway:{name}", reason=reason)], at=at)
        tell("gateways")


def tell(what: str) -> None:
    """Tell the engines, once this transaction is committed, what to look at again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('twin', %s)", [what])
