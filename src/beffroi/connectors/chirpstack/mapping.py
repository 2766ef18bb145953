"""What ChirpStack events mean: one report per uplink with what was measured and how well it was heard."""

from __future__ import annotations

from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.connectors.chirpstack.wire import Status, Uplink
from beffroi.foundation.bounds import check_instant
from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import Malformed
from beffroi.foundation.lorawan import measured, radio_values
from beffroi.kernel.twin.types import Report


def report_of_uplink(
    uplink: Uplink, *, address: str, received_at: Instant, settings: ChirpStackSettings
) -> Report | None:
    """Return the uplink's report, or None when it carries nothing. Raises Malformed.

    `rssi_dbm` and `snr_db` are those of the gateway that heard it loudest.
    """
    observed_at = _dated(uplink, received_at, settings)
    values = measured(
        fields=uplink.object,
        quantities=settings.quantities,
        payload=uplink.data,
        codec=settings.codecs.get(address, settings.codec),
    )
    values.update(radio_values((info.rssi, info.snr) for info in uplink.rx_info))
    return Report(address, observed_at, values) if values else None


def report_of_status(
    status: Status, *, address: str, received_at: Instant, settings: ChirpStackSettings
) -> Report | None:
    """Return the battery a device status tells, or None when it tells none (mains power, or not known)."""
    observed_at = _dated(status, received_at, settings)
    level = status.battery_level
    if level is None or status.battery_level_unavailable or status.external_power_source:
        return None
    if not 0 <= level <= 100:
        raise Malformed(f"batteryLevel is {level:g}; expected 0 to 100")
    return Report(address, observed_at, {"battery_pct": level})


def _dated(event: Uplink | Status, received_at: Instant, settings: ChirpStackSettings) -> Instant:
    observed_at = from_datetime(event.time)
    check_instant(observed_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
    return observed_at
