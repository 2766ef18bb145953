"""Readings in plain JSON over MQTT, for any device or gateway that can write a line of text.

Topic `readings/{source}/{address}`, QoS 1, payload `{"observed_at": ..., "<quantity>_<unit>": value, ...}`. The format
is ours: docs/reference/connectors/mqtt_json.md is its specification. Commands leave on `commands/{source}/{address}`, and
equipment answers on `acknowledgements/{source}/{address}`.
"""
