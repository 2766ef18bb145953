"""The manifest of GTFS-Realtime vehicle positions, and the assembly of its parts."""

from __future__ import annotations

from beffroi.connectors.gtfs_rt.client import GtfsRtClient
from beffroi.connectors.gtfs_rt.mapping import to_reports
from beffroi.connectors.gtfs_rt.settings import GtfsRtSettings
from beffroi.connectors.gtfs_rt.wire import decode_feed
from beffroi.foundation.bounds import check_size
from beffroi.foundation.errors import Malformed
from beffroi.kernel.twin.types import Connector, Frame, Rejected, Report


def decode(frame: Frame, settings: GtfsRtSettings) -> tuple[Report | Rejected, ...]:
    """Return a report for each vehicle, and each entity that was rejected. Raises Malformed for the whole feed."""
    if frame.topic != f"frames/{frame.source}":
        raise Malformed(f"topic is {frame.topic[:160]!r}; expected frames/{frame.source}")
    check_size(frame.payload, settings.max_bytes)
    return to_reports(decode_feed(frame.payload), received_at=frame.received_at, settings=settings)


def topics(settings: GtfsRtSettings, source: str) -> tuple[str, ...]:
    """Return no filter: nobody publishes to this source, it is fetched."""
    return ()


CONNECTOR = Connector(
    slug="gtfs_rt",
    title="connector.gtfs_rt.title",
    edition="GTFS-Realtime 2.0, vehicle positions",
    settings=GtfsRtSettings,
    decode=decode,
    topics=topics,
    client=GtfsRtClient,
)
