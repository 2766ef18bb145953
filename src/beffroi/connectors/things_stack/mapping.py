"""What an uplink of The Things Stack means: one report with what was measured and how well it was heard."""

from __future__ import annotations

from beffroi.connectors.things_stack.settings import ThingsStackSettings
from beffroi.connectors.things_stack.wire import Uplink
from beffroi.foundation.bounds import check_instant
from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.lorawan import measured, radio_values
from beffroi.kernel.twin.types import Quality, Report


def report_of_uplink(
    uplink: Uplink, *, address: str, received_at: Instant, settings: ThingsStackSettings
) -> Report | None:
    """Return the uplink's report, or None when it carries nothing. Raises Malformed.

    It is dated by the network server's `received_at`, else by the application server's; without either it is dated from
    its receipt here and is UNCERTAIN. `rssi_dbm` and `snr_db` are those of the gateway that heard it loudest.
    """
    message = uplink.uplink_message
    moment = message.received_at or uplink.received_at
    observed_at = received_at if moment is None else from_datetime(moment)
    check_instant(observed_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
    values = measured(
        fields=message.decoded_payload,
        quantities=settings.quantities,
        payload=message.frm_payload,
        codec=settings.codecs.get(address, settings.codec),
    )
    values.update(radio_values((gateway.rssi, gateway.snr) for gateway in message.rx_metadata))
    quality = Quality.UNCERTAIN if moment is None else Quality.GOOD
    return Report(address, observed_at, values, quality) if values else None
