"""LoRaWAN devices behind a ChirpStack v4 network server, through its MQTT integration in JSON.

Read: uplinks (`event/up`) and the battery of device status (`event/status`); joins and locations are read and say nothing.
Commanded: what the settings give a payload for, put in a device's queue (`command/down`); its confirmation (`event/ack`), or
the gateway's (`event/txack`), is the answer, and the server's log tells what it threw away. Source: ChirpStack v4 documentation, "Integrations", event
types, and `integration.proto` of its API (MIT).
"""
