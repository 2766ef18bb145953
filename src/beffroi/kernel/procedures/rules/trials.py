"""Running the tests that stand beside a procedure: the same interpreter, on a clock of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import BeffroiError
from beffroi.kernel.procedures.rules import moving
from beffroi.kernel.procedures.rules.moving import Doer, Moved
from beffroi.kernel.procedures.rules.running import begin, next_wake, settle, step_named
from beffroi.kernel.procedures.types import (
    Checklist,
    Deed,
    Expected,
    Given,
    Happening,
    Notification,
    Outcome,
    Procedure,
    RunState,
    Trial,
    Wait,
    What,
)

START: Instant = 1_000 * SECOND
TESTER = Doer("essai", "Essai")


def run_trials(procedure: Procedure, library: Mapping[str, Procedure] | None = None) -> tuple[Outcome, ...]:
    """Run every test of a procedure; `library` holds what it calls."""
    pinned = moving.pin(procedure, {**(library or {}), procedure.code: procedure})
    return tuple(run_trial(pinned, trial) for trial in procedure.tests)


def run_trial(procedure: Procedure, trial: Trial) -> Outcome:
    """Run one test of a procedure whose calls are pinned."""
    trying = _Trying(procedure, trial.given)
    try:
        for deed in trial.when:
            trying.wait_until(START + round(deed.at_s * SECOND))
            trying.do(deed)
        trying.wait_until(START + round(trial.until_s * SECOND))
    except BeffroiError as error:
        return Outcome(trial.name, False, trial.expect, tuple(trying.came), error.reason)
    came = tuple(trying.came)
    return Outcome(trial.name, came == trial.expect, trial.expect, came)


class _Trying:
    """A run on a clock that a test moves."""

    def __init__(self, procedure: Procedure, given: Given) -> None:
        self.given, self.now = given, START
        self.came: list[Expected] = []
        run, happened = begin(procedure, given, START)
        self.run: RunState = run
        self._tell(happened)

    def wait_until(self, instant: Instant) -> None:
        """Let time pass: whatever the run does by itself, at its instant."""
        while (wake := next_wake(self.run)) is not None and wake <= instant:
            self.now = max(self.now, wake)
            self.run, happened = settle(self.run, self.given, self.now)
            self._tell(happened)
        self.now = instant

    def do(self, deed: Deed) -> None:
        """Do what a test says that people, equipment or crews do."""
        if deed.verb == "happens":
            self.given = replace(self.given, reached=(*self.given.reached, deed.value))
            self.run, happened = settle(self.run, self.given, self.now)
            self._tell(happened)
        elif deed.verb == "tick":
            self._tick(deed)
        else:
            moved = self._move(deed)
            self.run = moved.run
            self._tell(moved.happened)

    def _move(self, deed: Deed) -> Moved:
        run, key = self.run, deed.step
        by, given, now = TESTER, self.given, self.now
        match deed.verb:
            case "answer":
                return moving.answer(run, key, deed.value, by=by, given=given, now=now)
            case "skip":
                return moving.skip(run, key, by=by, given=given, now=now)
            case "send" | "engage":
                return moving.ask(run, key, key, by=by, given=given, now=now)
            case "done" | "fails":
                return moving.report(run, key, done=deed.verb == "done", reference=key, given=given, now=now)
            case _:
                return moving.confirm(run, key, by=by, given=given, now=now, noted=True)

    def _tick(self, deed: Deed) -> None:
        placed = step_named(self.run, deed.step)
        step = placed.step if placed else None
        ticked = placed.run.ticked if placed and placed.run else ()
        count = len(step.items) if isinstance(step, Checklist) else 1
        items = [int(deed.value) - 1] if deed.value else [item for item in range(count) if item not in ticked]
        for item in items:
            moved = moving.tick(self.run, deed.step, item, by=TESTER, given=self.given, now=self.now)
            self.run = moved.run
            self._tell(moved.happened)

    def _tell(self, happened: Iterable[Happening]) -> None:
        for each in happened:
            at_s = (each.at - START) / SECOND
            match each.what:
                case What.OPENED:
                    self.came.append(self._opened(each, at_s))
                case What.LATE:
                    self.came.append(Expected(at_s, "late", each.step))
                case What.ESCALATED:
                    self.came.append(Expected(at_s, "told", each.step, each.to))
                case What.RUN_ENDED:
                    self.came.append(Expected(at_s, "end", by=str(self.run.status)))
                case _:
                    pass

    def _opened(self, each: Happening, at_s: float) -> Expected:
        placed = step_named(self.run, each.step)
        assert placed is not None  # it has just opened
        by = "" if isinstance(placed.step, Wait | Notification) else placed.role.code
        return Expected(at_s, "step", each.step, by, placed.step.within_s)


def expected_words(expected: Iterable[Expected]) -> list[str]:
    """Return what a test expects or found, a line for each thing, as it is written in the file."""
    lines = []
    for each in expected:
        at = f"at_s: {each.at_s:g}"
        match each.what:
            case "step":
                by = f", by: {each.by}" if each.by else ""
                within = f", within_s: {each.within_s}" if each.within_s else ""
                lines.append(f"- {{{at}, step: {each.step}{by}{within}}}")
            case "late":
                lines.append(f"- {{{at}, late: {each.step}}}")
            case "told":
                lines.append(f"- {{{at}, told: {each.by}, step: {each.step}}}")
            case _:
                lines.append(f"- {{{at}, end: {each.by}}}")
    return lines
