"""Automata that speak Modbus TCP: boiler rooms, pumping stations, cabinets, panels.

Read: the registers that a model lists, polled, one report a device. Commanded: what a model lists under `commands`, written
with function codes 5, 6, 15 or 16. Source: MODBUS Application Protocol Specification V1.1b3 and MODBUS Messaging on TCP/IP
Implementation Guide V1.0b (Modbus Organization, free to read).
"""
