"""LoRaWAN devices behind a ChirpStack v4 network server, through its MQTT integration in JSON.

Read: uplinks (`event/up`) and the battery of device status (`event/status`); joins, acknowledgements, logs and
locations are read and say nothing. Nothing may be commanded. Source: ChirpStack v4 documentation, "Integrations", event
types, and `integration.proto` of its API (MIT).
"""
