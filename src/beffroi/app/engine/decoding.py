"""From messages to reports: finds the source, has its connector read the frame, finds the asset. Decoding does no I/O, so
that one batch is decoded while another is written; what it does not know is looked up afterwards (`settle`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from beffroi.app.registry import connector_settings, connectors
from beffroi.foundation.bus import FRAMES_PREFIX, FRAMES_STREAM, MQTT_PREFIX, MQTT_STREAM, Arrived, subject_of_topic
from beffroi.foundation.errors import Malformed, Misconfigured
from beffroi.foundation.log import logger
from beffroi.kernel.commands.types import Answered
from beffroi.kernel.twin.actions import Quarantined, Tally
from beffroi.kernel.twin.queries import SourceInfo
from beffroi.kernel.twin.rules import Heard
from beffroi.kernel.twin.types import Answer, Frame, Rejected, Report

log = logger("engine")
Lookup = Callable[[list[tuple[int, str]]], Mapping[tuple[int, str], int]]
Owners = Callable[[list[str]], Mapping[str, str]]
Known = Callable[[Sequence[tuple[UUID, int, str]]], Container[UUID]]
"""Which of these (command, source, address) were sent to that equipment over that source."""

_EXCERPT = 65_536
MAX_QUANTITIES = 2_000
"""Names of quantities that a post keeps: a device that invents one a message must not fill the catalogue."""
_TOO_MANY = f"it names a quantity not met before, and {MAX_QUANTITIES} are known: correct the name at the source"


@dataclass(frozen=True, slots=True)
class Reader:
    """A source made ready: its connector's decoder, its settings, what it reads in which stream, and the subjects of the
    commands that its gateways may hear."""

    source: SourceInfo
    decode: Callable[[Frame, Any], Any]
    options: Any
    stream: str
    filters: tuple[str, ...]
    keys: tuple[str, ...]
    commands: tuple[str, ...] = ()


def reader_of(source: SourceInfo) -> Reader:
    """Make a source ready. Raises Misconfigured when its connector or its settings cannot be used."""
    connector = connectors()[source.connector]
    options = connector_settings(connector, source.settings, source.code)
    topics = connector.topics(options, source.code)
    if topics:
        filters = tuple(MQTT_PREFIX + subject_of_topic(topic) for topic in topics)
        keys = tuple("/".join(topic.split("/")[:2]) for topic in topics)
        heard = connector.commands.topics if connector.commands else None
        commands = heard(options, source.code) if heard else ()
        return Reader(source, connector.decode, options, MQTT_STREAM, filters, keys, _heard(commands))
    return Reader(
        source, connector.decode, options, FRAMES_STREAM, (FRAMES_PREFIX + source.code,), (f"frames/{source.code}",)
    )


def _heard(topics: Iterable[str]) -> tuple[str, ...]:
    """Return the subjects of filters; one that ends with `#` is the level before it too, as the server subscribes it."""
    subjects = [subject_of_topic(topic) for topic in topics]
    return tuple(each for subject in subjects for each in dict.fromkeys((subject, subject.removesuffix(".>"))))


def make_ready(sources: Iterable[SourceInfo]) -> tuple[list[Reader], tuple[str, ...]]:
    """Make sources ready; return with them why others are not.

    What two sources read is read by the older: else each message would be stored twice, and what one has applied would
    be taken from the other.
    """
    ready: list[Reader] = []
    reasons: list[str] = []
    owners: dict[str, str] = {}
    for source in sorted(sources, key=lambda source: source.id):
        try:
            reader = reader_of(source)
        except (Misconfigured, KeyError) as error:
            reasons.append(str(error))
            continue
        if taken := next((key for key in reader.keys if key in owners), None):
            reasons.append(
                f"source `{source.code}`: source `{owners[taken]}` reads `{taken}` already; change its settings"
            )
            continue
        owners |= dict.fromkeys(reader.keys, source.code)
        ready.append(reader)
    return ready, tuple(reasons)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A report of an asset that is not known, to be looked up."""

    reader: Reader
    stream: str
    message: Arrived
    entry: int
    report: Report


@dataclass(frozen=True, slots=True)
class AnswerHeard:
    """What equipment says of a command, with the message that said it."""

    reader: Reader
    stream: str
    message: Arrived
    entry: int
    answer: Answer


@dataclass(slots=True)
class Decoded:
    """What a batch of messages says: reports to store, frames to keep aside, counts by source, and what is not known yet."""

    heard: list[Heard] = field(default_factory=list)
    aside: list[Quarantined] = field(default_factory=list)
    tallies: dict[int, Tally] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)
    answers: list[AnswerHeard] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)


class Decoding:
    """Decodes for one engine: knows its sources by the first two words of a topic, and its assets by address."""

    def __init__(
        self,
        readers: Iterable[Reader],
        *,
        poison: Container[tuple[str, int]] = (),
        quantities: Iterable[str] = (),
    ) -> None:
        self.poison = poison
        self.quantities = set(quantities)
        self.readers = {key: reader for reader in readers for key in reader.keys}
        self.assets: dict[int, dict[str, int]] = {reader.source.id: {} for reader in self.readers.values()}

    def learn(self, source_id: int, address: str, asset_id: int) -> None:
        """Know an asset by the name under which its source reports it."""
        self.assets.setdefault(source_id, {})[address] = asset_id

    def decode(self, batch: Iterable[tuple[str, Arrived]]) -> Decoded:
        """Decode (stream, message) pairs in their order; `settle` comes after it."""
        result = Decoded()
        for stream, message in batch:
            self._message(stream, message, result)
        return result

    def _message(self, stream: str, message: Arrived, result: Decoded) -> None:
        first = message.topic.find("/")
        second = message.topic.find("/", first + 1)
        reader = self.readers.get(message.topic[:second] if second > 0 else message.topic)
        if reader is None:
            self._keep(result, stream, message, 0, None, message.payload, "quarantined", "no source reads this topic")
            return
        tally = result.tallies.get(reader.source.id) or result.tallies.setdefault(reader.source.id, Tally())
        tally.last_received_at = max(tally.last_received_at, message.received_at)
        if (stream, message.sequence) in self.poison:
            reason = "the database would not take it: this is a fault of ours, report it"
            self._aside(result, tally, stream, message, 0, reader, message.payload, "quarantined", reason)
            return
        try:
            frame = Frame(reader.source.code, message.topic, message.payload, message.received_at)
            reports = reader.decode(frame, reader.options)
        except Malformed as error:
            self._aside(result, tally, stream, message, 0, reader, message.payload, "quarantined", error.reason)
            return
        except Exception as error:
            log.exception("decoder failed", source=reader.source.code, topic=message.topic)
            reason = f"the connector failed on it ({type(error).__name__}: {error}): this is a fault of ours, report it"
            self._aside(result, tally, stream, message, 0, reader, message.payload, "quarantined", reason)
            return
        addresses = self.assets[reader.source.id]
        for entry, report in enumerate(reports):
            if isinstance(report, Rejected):
                self._aside(result, tally, stream, message, entry, reader, report.excerpt, "quarantined", report.reason)
                continue
            if isinstance(report, Answer):
                result.answers.append(AnswerHeard(reader, stream, message, entry, report))
                continue
            if not self._knows(report):
                self._aside(result, tally, stream, message, entry, reader, message.payload, "quarantined", _TOO_MANY)
                continue
            asset_id = addresses.get(report.address)
            if asset_id is None:
                result.unknown.append(Unknown(reader, stream, message, entry, report))
            else:
                self._accept(result, tally, asset_id, report, message)

    def _knows(self, report: Report) -> bool:
        if report.values.keys() <= self.quantities:
            return True
        new = report.values.keys() - self.quantities
        if len(self.quantities) + len(new) > MAX_QUANTITIES:
            return False
        self.quantities |= new
        return True

    @staticmethod
    def _accept(result: Decoded, tally: Tally, asset_id: int, report: Report, message: Arrived) -> None:
        tally.received += 1
        tally.stored += 1
        result.heard.append((asset_id, report.observed_at, message.received_at, int(report.quality), report.values))

    def settle(self, result: Decoded, *, find: Lookup, owners: Owners, known: Known = lambda _: frozenset()) -> Decoded:
        """Look again in the inventory, which may have grown; what is still unknown is refused or kept aside.

        `find` and `owners` are asked once, and only where something is unknown; `known` where equipment answered commands.
        """
        self._settle_answers(result, known)
        unknown, result.unknown = result.unknown, []
        if not unknown:
            return result
        found = find([(item.reader.source.id, item.report.address) for item in unknown])
        strangers = [item for item in unknown if (item.reader.source.id, item.report.address) not in found]
        owned = owners(sorted({item.report.address for item in strangers})) if strangers else {}
        for item in unknown:
            source = item.reader.source
            tally = result.tallies[source.id]
            asset_id = found.get((source.id, item.report.address))
            if asset_id is not None:
                self.learn(source.id, item.report.address, asset_id)
                self._accept(result, tally, asset_id, item.report, item.message)
                continue
            owner = owned.get(item.report.address)
            verdict = "refused" if owner else "quarantined"
            reason = (
                f"`{item.report.address}` belongs to source `{owner}`, not to `{source.code}`"
                if owner
                else f"no asset of source `{source.code}` has the address `{item.report.address}`: import it first"
            )
            payload = item.message.payload
            self._aside(result, tally, item.stream, item.message, item.entry, item.reader, payload, verdict, reason)
        return result

    def _settle_answers(self, result: Decoded, known: Known) -> None:
        """Take the answers to commands that were sent to that equipment; the others are kept aside."""
        answers, result.answers = result.answers, []
        if not answers:
            return
        numbered = [(_number(item.answer.command), item) for item in answers]
        asked = [(id, item.reader.source.id, item.answer.address) for id, item in numbered if id is not None]
        sent = known(asked)
        for id, item in numbered:
            source, said = item.reader.source, item.answer
            tally = result.tallies[source.id]
            if id is not None and id in sent:
                tally.received += 1
                tally.stored += 1
                result.answered.append(Answered(id, source.id, said.accepted, said.reason, said.observed_at))
                continue
            reason = f"no command `{said.command[:64]}` was sent to `{said.address}` over source `{source.code}`"
            payload = item.message.payload
            self._aside(
                result, tally, item.stream, item.message, item.entry, item.reader, payload, "quarantined", reason
            )

    def _aside(
        self,
        result: Decoded,
        tally: Tally,
        stream: str,
        message: Arrived,
        entry: int,
        reader: Reader,
        payload: bytes,
        verdict: str,
        reason: str,
    ) -> None:
        tally.received += 1
        if verdict == "refused":
            tally.refused += 1
        else:
            tally.quarantined += 1
        self._keep(result, stream, message, entry, reader.source.id, payload, verdict, reason)

    @staticmethod
    def _keep(
        result: Decoded,
        stream: str,
        message: Arrived,
        entry: int,
        source_id: int | None,
        payload: bytes,
        verdict: str,
        reason: str,
    ) -> None:
        excerpt = payload if entry == 0 else payload[:_EXCERPT]  # the frame whole once, not once per entity of a feed
        result.aside.append(
            Quarantined(
                stream,
                message.sequence,
                entry,
                source_id,
                message.topic,
                excerpt,
                message.received_at,
                verdict,
                reason,
            )
        )


def _number(text: str) -> UUID | None:
    """Return the number of a command as equipment gives it back, or None where it is none of ours."""
    try:
        return UUID(text)
    except ValueError:
        return None
