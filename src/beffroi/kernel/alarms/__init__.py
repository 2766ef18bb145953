"""Alarms: definitions (cause, consequence, response, allowable time), rules, states after ISA-18.2."""
