"""The states of a mission and what moves it from one to another: the whole table; what is not in it is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import Refused
from beffroi.kernel.dispatch.types import LIVE_STATES, MissionEvent, MissionState, Outcome

_S, _E = MissionState, MissionEvent
MAX_TEXT = 2_000
MAX_CHECKLIST = 30
MAX_ITEM = 200
TOLERANCE: Instant = 60 * SECOND

TABLE: Mapping[tuple[MissionState, MissionEvent], MissionState] = MappingProxyType(
    {
        (_S.PROPOSED, _E.ACCEPT): _S.ACCEPTED,
        (_S.PROPOSED, _E.REFUSE): _S.REFUSED,
        (_S.PROPOSED, _E.DEPART): _S.EN_ROUTE,
        (_S.ACCEPTED, _E.DEPART): _S.EN_ROUTE,
        (_S.ACCEPTED, _E.ARRIVE): _S.ON_SITE,
        (_S.EN_ROUTE, _E.ARRIVE): _S.ON_SITE,
        (_S.ON_SITE, _E.MAKE_SAFE): _S.ON_SITE,
        **{(state, _E.FINISH): _S.DONE for state in (_S.ACCEPTED, _S.EN_ROUTE, _S.ON_SITE)},
        **{(state, _E.CANCEL): _S.CANCELLED for state in LIVE_STATES},
    }
)
"""(state, event) -> state. A crew that is there may forget to say that it left: it arrives all the same."""

DONE_BY: Mapping[MissionEvent, str] = MappingProxyType(
    {
        _E.PROPOSE: "proposed",
        _E.ACCEPT: "accepted",
        _E.REFUSE: "refused",
        _E.DEPART: "departed for",
        _E.ARRIVE: "arrived for",
        _E.MAKE_SAFE: "made safe",
        _E.FINISH: "finished",
        _E.CANCEL: "cancelled",
    }
)
"""How an act is told to who comes after it."""


def next_state(state: MissionState, event: MissionEvent) -> MissionState | None:
    """Return the state an event leads to, or None when it does not concern a mission in this state."""
    return TABLE.get((state, event))


def check_text(text: str, what: str, *, needed: bool = True) -> str:
    """Return a text that people wrote, without spaces around. Raises Refused when it is too long, or empty and needed."""
    plain = text.replace("\x00", "").strip()
    if needed and not plain:
        raise Refused(f"{what} is empty: write it", key="text-missing")
    if len(plain) > MAX_TEXT:
        raise Refused(f"{what} has {len(plain)} characters; write {MAX_TEXT} at most", key="text-too-long")
    return plain


def check_list(items: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list to check on site. Raises Refused when it is too long or an item is empty."""
    if len(items) > MAX_CHECKLIST:
        raise Refused(f"the list has {len(items)} lines; write {MAX_CHECKLIST} at most", key="text-too-long")
    found = tuple(item.replace("\x00", "").strip() for item in items)
    if any(not 1 <= len(item) <= MAX_ITEM for item in found):
        raise Refused(f"a line of the list has 1 to {MAX_ITEM} characters", key="text-missing")
    return found


def check_outcome(outcome: str, comment: str, state: MissionState) -> Outcome:
    """Return how a mission ends. Raises Refused for another word, or when what is said cannot be from there.

    A crew that never was on site can only say that it was not done, and why.
    """
    if outcome not in set(Outcome):
        raise Refused(f"how did it end? choose one of {', '.join(Outcome)}", key="outcome-missing")
    chosen = Outcome(outcome)
    if state is not MissionState.ON_SITE and chosen is not Outcome.NOT_DONE:
        raise Refused(
            "the crew is not on site yet: say that it arrived first, or that it was not done", key="not-there"
        )
    if chosen is Outcome.NOT_DONE and not comment.strip():
        raise Refused("not done: say in a word why", key="text-missing")
    return chosen


def happened_at(effective_at: Instant | None, *, after: Instant, at: Instant) -> Instant:
    """Return when an act happened, from the phone that tells it: not before the step before, not ahead of now.

    A phone whose clock is wrong must not keep a crew from telling: its instant is brought between the two.
    """
    return at if effective_at is None else max(min(effective_at, at), min(after, at))


def no_such_line(place: int, lines: int) -> Refused:
    """Return the refusal of a line that the list does not have."""
    return Refused(f"the list has {lines} lines; there is none numbered {place}", key="line-unknown")
