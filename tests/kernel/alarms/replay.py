"""The states of alarms as the journal alone tells them: what the tables must be the sum of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from beffroi.kernel.alarms.rules import next_state
from beffroi.kernel.alarms.types import AlarmEvent, AlarmState
from beffroi.kernel.journal.types import Line

E, S = AlarmEvent, AlarmState
EVENTS = {
    "raise_alarm": E.RAISE,
    "record_alarm": E.RAISE,
    "return_alarm": E.RETURN,
    "record_return": E.RETURN,
    "acknowledge_alarm": E.ACKNOWLEDGE,
    "reset_alarm": E.RESET,
    "re_alarm": E.RE_ALARM,
    "escalate_alarm": E.ESCALATE,
    "release_alarm": E.RELEASE,
    "shelve_alarm": E.SHELVE,
    "unshelve_alarm": E.UNSHELVE,
    "end_shelving": E.EXPIRE,
    "restore_alarm": E.RESTORE,
}
"""Verbs of lines about one alarm, each of one transition."""

SUPPRESSING = frozenset({"suppress_alarms", "end_suppressed_alarms", "expect_alarms", "end_expected_alarms"})
"""Verbs of lines about alarms that another one, or a command, explains."""


def replay(lines: Iterable[Line], latching: frozenset[str] = frozenset()) -> dict[int, AlarmState]:
    """Return the state of each alarm after these lines, the oldest first; every line must be a transition of the table."""
    states: dict[int, AlarmState] = {}
    returned: set[int] = set()
    for line in lines:
        if line.verb == "acknowledge_group":
            for number in (int(name.removeprefix("alarm:")) for name in line.related if name.startswith("alarm:")):
                after = next_state(states[number], E.ACKNOWLEDGE, latching=False, holds=number not in returned)
                assert after is not None, f"alarm {number} was {states[number]} when its group was acknowledged"
                states[number] = after
        if line.room != "alarms":
            continue
        if line.verb in EVENTS:
            number = int(line.subject.removeprefix("alarm:"))
            _step(states, returned, number, line, latching)
        elif line.verb in SUPPRESSING:
            after = S.NORMAL if line.verb.startswith("end_") else S.SUPPRESSED
            states |= dict.fromkeys(line.content["alarms"], after)
        elif line.verb == "take_out_of_service":
            for state, numbers in line.content.get("states", {}).items():
                assert all(states[number] not in (S.NORMAL, S.OUT_OF_SERVICE) for number in numbers), line
                states |= dict.fromkeys(numbers, S(state))
        elif line.verb == "keep_aside":
            states[int(line.subject.removeprefix("alarm:"))] = S(line.content["state"])
    return states


def _step(states: dict[int, AlarmState], returned: set[int], number: int, line: Line, latching: frozenset[str]) -> None:
    content: Any = line.content
    before, event, after = states.get(number, S.NORMAL), EVENTS[line.verb], S(content["state"])
    cover = after if line.verb == "record_alarm" and before == S.NORMAL else None
    expected = next_state(
        before, event, latching=content["code"] in latching, holds=number not in returned, cover=cover
    )  # fmt: skip
    assert expected == after, f"{line.verb} of alarm {number}: {before} to {after}, not {expected}"
    states[number] = after
    if event == E.RETURN:
        returned.add(number)
    elif event == E.RAISE:
        returned.discard(number)
