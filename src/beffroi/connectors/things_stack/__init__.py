"""LoRaWAN devices behind The Things Stack v3 (The Things Network among them), through its MQTT server in JSON.

Read: uplinks (`.../up`); joins, downlink events, locations and service data are read and say nothing. Nothing may be
commanded. Source: The Things Stack documentation, "Data Formats" and "MQTT Server", v3.
"""
