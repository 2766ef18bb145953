"""The `worker` process: each second what alarms and incidents do by themselves, and the journal's seal; jobs; each day's work."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from procrastinate.contrib.django import app as jobs

from beffroi.app.provision import PROFILE
from beffroi.foundation.clock import DAY, now
from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.heartbeat import beat
from beffroi.foundation.log import logger
from beffroi.foundation.settings import settings
from beffroi.kernel.alarms import actions as alarms
from beffroi.kernel.commands import actions as commands
from beffroi.kernel.dispatch import actions as dispatch
from beffroi.kernel.incidents import actions as incidents
from beffroi.kernel.journal import actions as journal
from beffroi.kernel.journal.queries import this_witness
from beffroi.kernel.people import actions as people_actions
from beffroi.kernel.people import queries as people
from beffroi.kernel.places import actions as places
from beffroi.kernel.procedures import actions as procedures
from beffroi.kernel.procedures.rules import Answers, parse_answers
from beffroi.kernel.twin import actions as twin

log = logger("worker")
SEAL_EVERY_S = 1.0
LETTERS_EVERY_S = 2.0
STOP_WITHIN_S = 3.0


@jobs.periodic(cron="7 * * * *")
@jobs.task(name="make_history_days", queueing_lock="make_history_days", pass_context=False)
def make_history_days(timestamp: int) -> None:
    """Make the history's partitions of today and the two days after, so that none is made in a hurry at midnight."""
    at = timestamp * 1_000_000
    twin.ensure_history(at, at + 2 * DAY)


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="sum_up_alarms", queueing_lock="sum_up_alarms", pass_context=False)
def sum_up_alarms(timestamp: int) -> None:
    """Keep the sums that alarm figures over long periods are read from."""
    alarms.sum_up(at=timestamp * 1_000_000)


@jobs.periodic(cron="23 3 * * *")
@jobs.task(name="drop_expired_readings", queueing_lock="drop_expired_readings", pass_context=False)
def drop_expired_readings(timestamp: int) -> None:
    """Drop days of history and quarantined frames that are past their time."""
    ours = settings()
    days, frames = twin.drop_expired(
        timestamp * 1_000_000, history_days=ours.history_days, quarantine_days=ours.quarantine_days
    )
    log.info("expired readings dropped", days=days, frames=frames)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="expire_instructions", queueing_lock="expire_instructions", pass_context=False)
def expire_instructions(timestamp: int) -> None:
    """End the instructions of the room whose date has passed."""
    people_actions.expire_instructions(at=now())


@jobs.periodic(cron="* * * * *")
@jobs.task(name="bound_quarantine", queueing_lock="bound_quarantine", pass_context=False)
def bound_quarantine(timestamp: int) -> None:
    """Make room in the quarantine once it holds more than its bounds: the oldest frames go, counted by day."""
    ours = settings()
    dropped = twin.bound_quarantine(max_rows=ours.quarantine_max_rows, max_bytes=ours.quarantine_max_mb * 1_000_000)
    if dropped:
        log.warning("frames in quarantine went for want of room, before their time", frames=dropped)


class Worker:
    """The process, from start to stop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.seals_total = 0

    async def run(self) -> None:
        """Serve until asked to stop; a lost database is waited for."""
        jobs_task = asyncio.create_task(self._jobs())
        letters = asyncio.create_task(_write_letters())
        while not self.stopping.is_set():
            acts = (_watch, _let_time_pass, _pass_time, _turn, _watch_crews, _time_commands, _run_procedures)
            works = (*acts, self._seal, _compare)
            faults = [await _fault_of(work) for work in works]
            if reasons := list(dict.fromkeys(fault for fault in faults if fault)):
                beat("worker", now(), ready=False, reasons=reasons)
            else:
                beat("worker", now(), figures={"seals_total": self.seals_total})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), SEAL_EVERY_S)
        jobs_task.cancel()
        letters.cancel()
        await asyncio.wait({jobs_task, letters}, timeout=STOP_WITHIN_S)

    def _seal(self) -> None:
        witness = this_witness()
        while journal.seal(now(), witness=witness) is not None:
            self.seals_total += 1

    async def _jobs(self) -> None:
        while not self.stopping.is_set():  # a queue that is closed without its database hides that it was cancelled
            try:
                connector: Any = jobs.connector
                with jobs.replace_connector(connector.get_worker_connector()) as queue:
                    async with queue.open_async():
                        await queue.run_worker_async(install_signal_handlers=False, concurrency=4)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("the queue of jobs is lost, starting anew", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(1)


def _watch() -> None:
    alarms.watch_alarms(people.posts(), at=now())


def _pass_time() -> None:
    """Do what incidents do by themselves: deadlines that pass, holds that end, proposals left without answer."""
    incidents.pass_time(now())


def _turn() -> None:
    """Tell of the closures of streets that begin or end by themselves."""
    places.turn_closures(at=now())


def _watch_crews() -> None:
    """Tell the silences of crews, end duties that last too long, erase positions on time (docs/explanation/dispatch.md)."""
    dispatch.pass_time(now())


def _time_commands() -> None:
    """End commands that waited too long, undo those whose end has come, sum up large ones (docs/explanation/commands.md)."""
    commands.pass_time(now())


def _run_procedures() -> None:
    """Do what procedures do by themselves: waits that end, steps that are late, runs whose incident ended."""
    procedures.pass_time(now())


def _let_time_pass() -> None:
    """End shelvings, tell again, tell higher, recall: what becomes due by itself (docs/explanation/alarms.md)."""
    incidents.let_time_pass(at=now())


async def _write_letters() -> None:
    """Send what procedures write to people outside, beside the works of each second: a slow mail server delays no alarm."""
    while True:
        await _fault_of(_send_letters)
        await asyncio.sleep(LETTERS_EVERY_S)


def _send_letters() -> None:
    procedures.answer_tellers(_answers(), at=now())
    procedures.send_letters(now())


@cache
def _answers() -> Answers:
    """Return what the city writes to those who told an incident, read once."""
    return parse_answers((PROFILE / "letters.yaml").read_text(encoding="utf-8"))


async def _fault_of(work: Callable[[], None]) -> str:
    """Do one of the works of each second in a thread; a fault in one leaves the others, and is tried again.

    Return why it was not done, for who reads the post's state.
    """

    def attempt() -> None:
        close_old_connections()
        work()

    try:
        await sync_to_async(attempt, thread_sensitive=False)()
    except Exception as error:
        log.warning("not done, trying again", work=work.__name__, error=f"{type(error).__name__}: {error}")
        return _why(work.__name__, error)
    return ""


def _why(work: str, error: Exception) -> str:
    """Return why it was not done, for who reads the post's state: a Conflict of the journal is no lost database."""
    if not isinstance(error, BeffroiError):
        return "the database does not answer"
    return f"the journal is not sealed: {error.reason}" if work == "_seal" else error.reason


def _compare() -> None:
    """Compare the incidents that opened or changed with their neighbours: within a second, away from the readings' path."""
    incidents.compare_incidents(at=now())


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    worker = Worker()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, worker.stopping.set)
    await worker.run()
