"""Quantities: a name whose last word is its unit, and the words of those that are states."""

from __future__ import annotations

from collections.abc import Mapping

UNITS: Mapping[str, str] = {
    "w": "W",
    "kwh": "kWh",
    "v": "V",
    "a": "A",
    "degc": "°C",
    "pct": "%",
    "lx": "lx",
    "m": "m",
    "mm": "mm",
    "kmh": "km/h",
    "deg": "°",
    "s": "s",
    "ms": "ms",
    "dbm": "dBm",
    "db": "dB",
    "hpa": "hPa",
    "ppm": "ppm",
    "count": "",
    "state": "",
}
"""Unit suffix of a quantity's name -> symbol shown to people."""

STATES: Mapping[str, tuple[str, ...]] = {
    "lamp_state": ("off", "on", "fault"),
    "feeder_state": ("energised", "tripped", "open"),
    "door_state": ("closed", "open"),
    "controller_state": ("normal", "flashing", "dark", "maintenance", "local"),
    "bollard_state": ("down", "up", "moving", "fault"),
    "intrusion_state": ("normal", "alarm"),
    "fire_state": ("normal", "alarm"),
    "flood_state": ("normal", "alarm"),
    "tilt_state": ("normal", "tilt"),
    "mode_state": ("schedule", "ordered", "fallback"),
    "arming_state": ("disarmed", "armed"),
    "boiler_state": ("off", "on", "fault"),
}
"""Quantity of unit `state` -> its words; the value stored is the word's place in the tuple."""


def unit_of(quantity: str) -> str | None:
    """Return the unit suffix of a quantity's name, or None when it names no known unit."""
    name, _, suffix = quantity.rpartition("_")
    return suffix if name and suffix in UNITS else None


def is_quantity(name: str) -> bool:
    """Tell whether a name is that of a quantity: lower-case ASCII words, a known unit last, 48 characters at most."""
    return (
        len(name) <= 48
        and name.isascii()
        and name.replace("_", "").isalnum()
        and name == name.lower()
        and unit_of(name) is not None
    )


def state_value(quantity: str, word: str) -> float | None:
    """Return the value that stands for a state's word, or None when the quantity has no such state."""
    words = STATES.get(quantity, ())
    return float(words.index(word)) if word in words else None


def state_word(quantity: str, value: float) -> str | None:
    """Return the word that a value of a state stands for, or None when it stands for none."""
    words = STATES.get(quantity, ())
    place = int(value)
    return words[place] if place == value and 0 <= place < len(words) else None
