"""What ChirpStack events mean: a report per uplink, an answer per downlink; and what a command sends."""

from __future__ import annotations

from beffroi.connectors.chirpstack.settings import ChirpStackSettings
from beffroi.connectors.chirpstack.wire import (
    Acknowledgement,
    DownlinkCommand,
    Log,
    Status,
    Transmission,
    Uplink,
    encode_command_topic,
    encode_downlink,
)
from beffroi.foundation.bounds import check_instant
from beffroi.foundation.clock import Instant, from_datetime
from beffroi.foundation.errors import Malformed
from beffroi.foundation.lorawan import measured, radio_values
from beffroi.foundation.lorawan_downlink import fill_template
from beffroi.kernel.twin.types import Answer, Order, Report, Unsupported, WireCommand

DISCARDED = frozenset({"DOWNLINK_PAYLOAD_SIZE", "F_CNT_DOWN", "EXPIRED", "DOWNLINK_CODEC"})
"""Codes of the server's log that say, for certain, that a downlink was taken from the queue and never sent."""


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


def answer_of_acknowledgement(
    event: Acknowledgement, *, address: str, received_at: Instant, settings: ChirpStackSettings
) -> Answer | None:
    """Return the device's confirmation of a downlink, or None.

    A downlink that was not confirmed in time is no refusal: the device may have heard it and its confirmation been lost. It
    is left to run out, as silence.
    """
    if not event.acknowledged or not event.queue_item_id:
        return None
    return Answer(address, event.queue_item_id, True, "", _dated(event, received_at, settings))


def answer_of_transmission(
    event: Transmission, *, address: str, received_at: Instant, settings: ChirpStackSettings
) -> Answer | None:
    """Return the gateway's word that it transmits, where that counts as the answer; else None."""
    if settings.acknowledged_by != "gateway" or not event.queue_item_id:
        return None
    return Answer(address, event.queue_item_id, True, "", _dated(event, received_at, settings))


def answer_of_log(event: Log, *, address: str, received_at: Instant, settings: ChirpStackSettings) -> Answer | None:
    """Return the server's word that a downlink was thrown away unsent, or None for any other entry of its log."""
    command = event.context.get("queue_item_id", "")
    if event.code not in DISCARDED or not command:
        return None
    reason = f"the server has thrown the downlink away: {event.code}, {event.description[:200]}"
    return Answer(address, command, False, reason, _dated(event, received_at, settings))


def encode(order: Order, settings: ChirpStackSettings) -> tuple[WireCommand, ...]:
    """Return an order as the downlink that is put in the device's queue. Raises Unsupported."""
    model = settings.models.get(order.address, settings.model)
    if model is None:
        raise Unsupported(f"no model is set for the device {order.address}: give `model`, or its entry in `models`")
    downlink = settings.commands[model].get(order.ability)
    if downlink is None:
        known = ", ".join(sorted(settings.commands[model])) or "none"
        raise Unsupported(f"the model {model} has no payload for `{order.ability}`; it has {known}")
    try:
        data = fill_template(downlink.payload, order.parameters, downlink.words)
    except Malformed as error:
        raise Unsupported(error.reason) from error
    command = DownlinkCommand(order.command, order.address, downlink.confirmed, downlink.f_port, data)
    return (WireCommand(encode_command_topic(_application(order, settings), order.address), encode_downlink(command)),)


def _application(order: Order, settings: ChirpStackSettings) -> str:
    """Return the application of a device: the only one, or what the inventory says. Raises Unsupported."""
    if len(settings.application_ids) == 1:
        return settings.application_ids[0]
    application = order.properties.get("application_id")
    if application not in settings.application_ids:
        raise Unsupported(
            f"which application the device {order.address} is of is not known: import its `application_id`"
        )
    return str(application)


def _dated(
    event: Uplink | Status | Acknowledgement | Transmission | Log, received_at: Instant, settings: ChirpStackSettings
) -> Instant:
    observed_at = from_datetime(event.time)
    check_instant(observed_at, received_at, max_age_s=settings.max_age_s, max_ahead_s=settings.max_ahead_s)
    return observed_at
