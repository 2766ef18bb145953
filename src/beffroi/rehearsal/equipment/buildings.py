"""Secured buildings' panels, and the LoRaWAN sensors inside some of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random

from beffroi.foundation.clock import DAY, SECOND, Instant
from beffroi.rehearsal.daylight import local_hour
from beffroi.rehearsal.equipment.model import BEGINS, Failing, Reply, Said
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.rhythm import Rhythm

PANEL_PERIOD_S, FIRST_PANELS_S = 60, 20
SENSOR_PERIOD_S, FIRST_SENSORS_S = 600, 30
ALARMS = ("intrusion", "fire", "flood")
RESTLESS_S = 20
"""For how long after its alarm a detector still sees somebody: the panel is not reset meanwhile."""


class Climate:
    """The air inside one place: heated for the day, let down at night, each place a little different."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._base_degc = random.uniform(18.5, 20.5)
        self._phase = random.uniform(0, 2 * math.pi)

    def at(self, now: Instant) -> tuple[float, float]:
        """Return temperature in degrees Celsius and relative humidity in per cent."""
        day = math.cos((local_hour(now) - 15) / 24 * 2 * math.pi)
        slow = math.sin(now / DAY * 2 * math.pi / 5 + self._phase)
        temperature = self._base_degc + 1.3 * day + 0.5 * slow + self._random.gauss(0, 0.05)
        humidity = 46 - 3 * day + 5 * slow + self._random.gauss(0, 0.4)
        return round(temperature, 1), round(humidity, 1)


class Buildings:
    """Panels that say their alarms at once, and everything every minute."""

    def __init__(self, items: Sequence[Item], start: Instant, random: Random) -> None:
        self.source = items[0].source
        self._items = items
        self._at = {item.code: place for place, item in enumerate(items)}
        self._climates = [Climate(random) for _ in items]
        self._alarms: list[set[str]] = [set() for _ in items]
        self._called = {item.address: place for place, item in enumerate(items)}
        self._armed: set[int] = set()
        self._seen_at: dict[int, Instant] = {}
        self._rhythm = Rhythm(len(items), PANEL_PERIOD_S, start, FIRST_PANELS_S)

    def step(self, now: Instant) -> list[Said]:
        """Return what panels say by now."""
        return [self._says(place, now) for place in self._rhythm.due(now)]

    def failings(self) -> Sequence[Failing]:
        """Intrusion, fire and flood alarms; a panel that falls silent."""
        codes = list(self._at)
        return (
            Failing("building_intrusion", codes, self._raising("intrusion"), self._clearing("intrusion")),
            Failing("building_fire", codes, self._raising("fire"), self._clearing("fire")),
            Failing("building_flood", codes, self._raising("flood"), self._clearing("flood")),
            Failing("building_silent", codes, self.silence, self.resume),
        )

    def obeying(self) -> Sequence[str]:
        """Return the addresses of all panels."""
        return list(self._called)

    def obey(self, address: str, ability: str, parameters: Mapping[str, float | str], now: Instant) -> Reply | None:
        """Forget an intrusion that is over, watch the building, or watch it no more."""
        place = self._called[address]
        if self._rhythm.is_stopped(place):
            return None
        intrusion = "intrusion" in self._alarms[place]
        if ability == "reset_panel":
            if intrusion and now - self._seen_at.get(place, 0) < RESTLESS_S * SECOND:
                return Reply(False, "un détecteur voit encore quelqu’un")
            self._alarms[place].discard("intrusion")
        elif ability == "arm_building":
            if intrusion:
                return Reply(False, "zone ouverte : alarme en cours")
            self._armed.add(place)
        elif ability == "disarm_building":
            self._armed.discard(place)
        else:
            return Reply(False, f"{ability} : commande inconnue")
        self._rhythm.hurry(place, now + SECOND)
        return BEGINS

    def raise_alarm(self, code: str, alarm: str, now: Instant) -> None:
        """Let a panel raise one of ALARMS."""
        self._alarms[self._at[code]].add(alarm)
        if alarm == "intrusion":
            self._seen_at[self._at[code]] = now
        self._rhythm.hurry(self._at[code], now)

    def clear_alarm(self, code: str, alarm: str, now: Instant) -> None:
        """Let it return to normal."""
        self._alarms[self._at[code]].discard(alarm)
        self._rhythm.hurry(self._at[code], now)

    def silence(self, code: str, now: Instant) -> None:
        """Cut a panel's line."""
        self._rhythm.stop(self._at[code])

    def resume(self, code: str, now: Instant) -> None:
        """Mend it."""
        self._rhythm.hurry(self._at[code], now)

    def _raising(self, alarm: str) -> Callable[[str, Instant], None]:
        return lambda code, now: self.raise_alarm(code, alarm, now)

    def _clearing(self, alarm: str) -> Callable[[str, Instant], None]:
        return lambda code, now: self.clear_alarm(code, alarm, now)

    def _says(self, place: int, now: Instant) -> Said:
        temperature, humidity = self._climates[place].at(now)
        values: dict[str, float | str] = {
            f"{alarm}_state": "alarm" if alarm in self._alarms[place] else "normal" for alarm in ALARMS
        }
        values["arming_state"] = "armed" if place in self._armed else "disarmed"
        values |= {"temperature_degc": temperature, "humidity_pct": humidity}
        return Said(self._items[place].address, now, values)


class Sensors:
    """Temperature and humidity sensors on batteries, every ten minutes."""

    def __init__(self, items: Sequence[Item], start: Instant, random: Random) -> None:
        self.source = items[0].source
        self._items = items
        self._at = {item.code: place for place, item in enumerate(items)}
        self._climates = [Climate(random) for _ in items]
        self._full_pct = [random.uniform(35, 100) for _ in items]
        self._start = start
        self._rhythm = Rhythm(len(items), SENSOR_PERIOD_S, start, FIRST_SENSORS_S)

    def step(self, now: Instant) -> list[Said]:
        """Return what sensors say by now."""
        return [self._says(place, now) for place in self._rhythm.due(now)]

    def failings(self) -> Sequence[Failing]:
        """A sensor falls silent."""
        return (Failing("sensor_silent", list(self._at), self.silence, self.resume),)

    def silence(self, code: str, now: Instant) -> None:
        """Take a sensor out of reach."""
        self._rhythm.stop(self._at[code])

    def resume(self, code: str, now: Instant) -> None:
        """Bring it back."""
        self._rhythm.hurry(self._at[code], now)

    def _says(self, place: int, now: Instant) -> Said:
        temperature, humidity = self._climates[place].at(now)
        battery = max(1, round(self._full_pct[place] - (now - self._start) / DAY * 0.03))
        values = {"temperature_degc": temperature, "humidity_pct": round(humidity * 2) / 2, "battery_pct": battery}
        return Said(self._items[place].address, now, values)
