"""`/metrics`: what the post counts and measures, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Error

from beffroi.foundation.clock import now
from beffroi.foundation.database import connect
from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.heartbeat import heartbeats

_REPORTS = "SELECT s.code, c.received + c.denied, c.stored, c.quarantined, c.refused FROM twin_counter c JOIN twin_source s ON s.id = c.source_id"
_OUTCOMES = ("received", "stored", "quarantined", "refused")


class _Post(Collector):
    def __init__(self, ready: bool) -> None:
        self.ready = ready

    def collect(self):  # type: ignore[no-untyped-def]
        """Yield every family, once for each scrape."""
        yield GaugeMetricFamily("beffroi_ready", "1 when every part of the post serves", value=float(self.ready))
        yield from self._processes()
        try:
            yield from self._database()
        except (BeffroiError, Error):
            return

    def _processes(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for heartbeat in heartbeats().values():
            figures = {
                **heartbeat.figures,
                "heartbeat_age_s": (now() - heartbeat.at) / 1e6,
                "up": float(heartbeat.ready),
            }
            for name, value in figures.items():
                family = families.setdefault(
                    name, GaugeMetricFamily(f"beffroi_process_{name}", f"{name} of each process", labels=["process"])
                )
                family.add_metric([heartbeat.name], value)
        yield from families.values()

    def _database(self) -> Iterator[Metric]:
        with connect() as connection:
            reports = CounterMetricFamily(
                "beffroi_reports", "Reports by source and outcome", labels=["source", "outcome"]
            )
            for code, *counts in connection.execute(_REPORTS):
                for outcome, value in zip(_OUTCOMES, counts, strict=True):
                    reports.add_metric([code, outcome], value)
            yield reports
            floods = GaugeMetricFamily("beffroi_alarm_flood", "1 when the post is in flood", labels=["post"])
            rates = GaugeMetricFamily("beffroi_alarm_rate", "Alarms put before a post in 10 minutes", labels=["post"])
            for code, flooded, rate in connection.execute(_FLOODS):
                floods.add_metric([code], flooded)
                rates.add_metric([code], rate)
            yield floods
            yield rates
            commands = GaugeMetricFamily("beffroi_commands", "Commands that are open, by state", labels=["state"])
            for state, count in connection.execute(_COMMANDS):
                commands.add_metric([state], count)
            yield commands
            letters = GaugeMetricFamily("beffroi_letters", "Letters that are not sent, by state", labels=["state"])
            for state, count in connection.execute(_LETTERS):
                letters.add_metric([state], count)
            yield letters
            for name, help_text, query in _GAUGES:
                row = connection.execute(query).fetchone()
                yield GaugeMetricFamily(name, help_text, value=float(row[0] or 0) if row else 0.0)


_FLOODS = """
SELECT p.code, (SELECT count(*) FROM alarms_flood f WHERE f.post = p.code AND f.closed_at IS NULL),
    (SELECT count(*) FROM alarms_announcement a WHERE a.at > now() - interval '10 minutes'
        AND (p.desks = '' OR a.desk = ANY(string_to_array(p.desks, ' '))))
FROM people_post p ORDER BY p.place
"""

_COMMANDS = """
SELECT s, (SELECT count(*) FROM commands_command c WHERE c.state = s)
FROM unnest(ARRAY['asked', 'authorised', 'sent', 'acknowledged']) AS s
"""

_LETTERS = """
SELECT s, (SELECT count(*) FROM procedures_letter l WHERE l.state = s)
FROM unnest(ARRAY['waiting', 'sending', 'in_doubt', 'refused', 'given_up']) AS s
"""

_GAUGES = (
    (
        "beffroi_letters_waiting_age_s",
        "Seconds for which the oldest waiting letter has waited",
        "SELECT extract(epoch FROM now() - min(written_at)) FROM procedures_letter WHERE state = 'waiting'",
    ),
    (
        "beffroi_commands_in_doubt",
        "Commands of which it is not known whether they left",
        "SELECT count(*) FROM commands_command WHERE in_doubt AND state IN ('sent', 'acknowledged')",
    ),
    (
        "beffroi_alarms_chattering",
        "Alarms that chatter now",
        "SELECT count(*) FROM alarms_chatter WHERE ended_at IS NULL",
    ),
    (
        "beffroi_alarms_stale",
        "Alarms standing for more than a day",
        "SELECT count(*) FROM alarms_alarm WHERE stale_at IS NOT NULL AND ended_at IS NULL",
    ),
    (
        "beffroi_alarms_open",
        "Alarms standing before people",
        "SELECT count(*) FROM alarms_alarm WHERE ended_at IS NULL AND suppressed_by_id IS NULL AND commanded_id IS NULL",
    ),
    (
        "beffroi_incidents_open",
        "Incidents not closed",
        "SELECT count(*) FROM incidents_incident WHERE closed_at IS NULL",
    ),
    ("beffroi_quarantine_frames", "Frames kept in quarantine", "SELECT sum(rows) FROM twin_quarantineday"),
    ("beffroi_quarantine_bytes", "Bytes kept in quarantine", "SELECT sum(bytes) FROM twin_quarantineday"),
    (
        "beffroi_quarantine_dropped",
        "Frames that left the quarantine for want of room",
        "SELECT sum(dropped) FROM twin_quarantineday",
    ),
    ("beffroi_journal_sequence", "Last line of the journal", "SELECT seq FROM journal_head"),
    ("beffroi_journal_sealed", "Last sealed line", "SELECT max(last_seq) FROM journal_seal"),
)


def exposition(ready: bool) -> tuple[bytes, str]:
    """Return the text of a scrape and its content type."""
    registry = CollectorRegistry()
    registry.register(_Post(ready))
    return generate_latest(registry), CONTENT_TYPE_LATEST
