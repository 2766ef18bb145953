"""Public lighting: cabinets and the lamps they feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from beffroi.foundation.clock import SECOND, Instant
from beffroi.rehearsal.daylight import lamp_level_pct
from beffroi.rehearsal.equipment.model import BEGINS, Failing, Reply, Said
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.rhythm import Rhythm

LAMP_PERIOD_S, CABINET_PERIOD_S = 900, 60
FIRST_LAMPS_S, FIRST_CABINETS_S = 50, 20
STANDBY_W = 1.5
LAST_GASP_S = (0.4, 4.0)
BACK_S = (2.0, 20.0)
OBEY_S = (0.5, 4.0)
DEAF_SHARE, BROKEN_SHARE = 0.003, 0.001
"""Of a great many lamps a few never hear what they are told, and a few refuse: their driver is broken."""


class Lighting:
    """Lamps burn by the sun and are dimmed at night. When a cabinet trips, each of its lamps says so once, then is dark."""

    def __init__(
        self,
        lamps: Sequence[Item],
        cabinets: Sequence[Item],
        feeds: Mapping[str, Sequence[str]],
        centre: tuple[float, float],
        start: Instant,
        random: Random,
    ) -> None:
        self.source = cabinets[0].source
        self._lamps, self._cabinets, self._centre, self._random = lamps, cabinets, centre, random
        self._lamp_at = {lamp.code: place for place, lamp in enumerate(lamps)}
        self._cabinet_at = {cabinet.code: place for place, cabinet in enumerate(cabinets)}
        self._lamp_called = {lamp.address: place for place, lamp in enumerate(lamps)}
        self._cabinet_called = {cabinet.address: place for place, cabinet in enumerate(cabinets)}
        self._rated_w = [float(lamp.properties.get("rated_w", 60)) for lamp in lamps]
        self._fed = [[self._lamp_at[code] for code in feeds.get(cabinet.code, ())] for cabinet in cabinets]
        self._feeder: dict[int, int] = {lamp: place for place, fed in enumerate(self._fed) for lamp in fed}
        self._offset_v = [random.uniform(-3.5, 3.5) for _ in cabinets]
        self._tripped: set[int] = set()
        self._opened: set[int] = set()
        self._ordered: dict[int, int] = {}
        self._told: set[int] = set()
        manners = Random(len(lamps))
        drawn = manners.sample(range(len(lamps)), int(len(lamps) * (DEAF_SHARE + BROKEN_SHARE)))
        broken = int(len(lamps) * BROKEN_SHARE)
        self._broken, self._deaf = set(drawn[:broken]), set(drawn[broken:])
        self._open_doors: set[int] = set()
        self._faulty: set[int] = set()
        self._stuck_on: set[int] = set()
        self._lamp_rhythm = Rhythm(len(lamps), LAMP_PERIOD_S, start, FIRST_LAMPS_S)
        self._cabinet_rhythm = Rhythm(len(cabinets), CABINET_PERIOD_S, start, FIRST_CABINETS_S)

    def step(self, now: Instant) -> list[Said]:
        """Return what lamps and cabinets say by now."""
        level_pct = lamp_level_pct(now, *self._centre)
        said = [self._cabinet_says(place, now, level_pct) for place in self._cabinet_rhythm.due(now)]
        for place in self._lamp_rhythm.due(now):
            said.append(self._lamp_says(place, now, level_pct))
            if self._without_supply(place):
                self._lamp_rhythm.stop(place)
        return said

    def failings(self) -> Sequence[Failing]:
        """A feeder trips, a door stands open, a cabinet falls silent, a lamp fails or burns by day."""
        cabinets, lamps = list(self._cabinet_at), list(self._lamp_at)
        return (
            Failing("cabinet_trip", cabinets, self.trip, self.restore),
            Failing("cabinet_door", cabinets, self.open_door, self.close_door),
            Failing("cabinet_silent", cabinets, self.silence, self.resume),
            Failing("lamp_fault", lamps, self.break_lamp, self.mend_lamp),
            Failing("lamp_day_burner", lamps, self.stick_lamp, self.free_lamp),
            Failing("lamp_deaf", lamps, self.deafen_lamp, self.cure_lamp),
        )

    def obeying(self) -> Sequence[str]:
        """Return the addresses of all lamps and cabinets."""
        return [*self._lamp_called, *self._cabinet_called]

    def obey(self, address: str, ability: str, parameters: Mapping[str, float | str], now: Instant) -> Reply | None:
        """Set a lamp's level or give it back to its schedule; open or close a cabinet's feeder."""
        place = self._lamp_called.get(address)
        if place is not None:
            return self._lamp_obeys(place, ability, parameters, now)
        return self._cabinet_obeys(self._cabinet_called[address], ability, now)

    def _lamp_obeys(
        self, place: int, ability: str, parameters: Mapping[str, float | str], now: Instant
    ) -> Reply | None:
        if place in self._deaf or self._without_supply(place):
            return None
        if place in self._broken:
            return Reply(False, "ballast en défaut")
        if ability == "set_level":
            self._ordered[place] = round(float(parameters["level_pct"]))
        elif ability == "return_to_schedule":
            self._ordered.pop(place, None)
        else:
            return Reply(False, f"{ability} : commande inconnue")
        self._told.add(place)
        self._lamp_rhythm.hurry(place, now + int(self._random.uniform(*OBEY_S) * SECOND))
        return BEGINS

    def _cabinet_obeys(self, place: int, ability: str, now: Instant) -> Reply | None:
        if self._cabinet_rhythm.is_stopped(place):
            return None
        if place in self._open_doors:
            return Reply(False, "porte ouverte, commande locale")
        if place in self._tripped:
            return Reply(False, "protection déclenchée, à réarmer sur place")
        if ability not in ("open_feeder", "close_feeder"):
            return Reply(False, f"{ability} : commande inconnue")
        opens = ability == "open_feeder"
        (self._opened.add if opens else self._opened.discard)(place)
        self._cabinet_rhythm.hurry(place, now + SECOND)
        for lamp in self._fed[place]:
            self._lamp_rhythm.hurry(lamp, now + int(self._random.uniform(*(LAST_GASP_S if opens else BACK_S)) * SECOND))
        return BEGINS

    def deafen_lamp(self, code: str, now: Instant) -> None:
        """Let a lamp hear no command any more; it goes on reporting."""
        self._deaf.add(self._lamp_at[code])

    def cure_lamp(self, code: str, now: Instant) -> None:
        """Let it hear again."""
        self._deaf.discard(self._lamp_at[code])

    def _without_supply(self, lamp: int) -> bool:
        cabinet = self._feeder.get(lamp)
        return cabinet in self._tripped or cabinet in self._opened

    def _level_of(self, lamp: int, level_pct: int) -> int:
        return self._ordered.get(lamp, level_pct)

    def trip(self, code: str, now: Instant) -> None:
        """Open a cabinet's feeder: it reports at once, its lamps with their last charge within seconds."""
        place = self._cabinet_at[code]
        self._tripped.add(place)
        self._cabinet_rhythm.hurry(place, now)
        for lamp in self._fed[place]:
            self._lamp_rhythm.hurry(lamp, now + int(self._random.uniform(*LAST_GASP_S) * SECOND))

    def restore(self, code: str, now: Instant) -> None:
        """Close the feeder again: the cabinet reports, its lamps wake up one after the other."""
        place = self._cabinet_at[code]
        self._tripped.discard(place)
        self._cabinet_rhythm.hurry(place, now)
        for lamp in self._fed[place]:
            self._lamp_rhythm.hurry(lamp, now + int(self._random.uniform(*BACK_S) * SECOND))

    def open_door(self, code: str, now: Instant) -> None:
        """Leave a cabinet's door open."""
        self._open_doors.add(self._cabinet_at[code])
        self._cabinet_rhythm.hurry(self._cabinet_at[code], now)

    def close_door(self, code: str, now: Instant) -> None:
        """Close it."""
        self._open_doors.discard(self._cabinet_at[code])
        self._cabinet_rhythm.hurry(self._cabinet_at[code], now)

    def silence(self, code: str, now: Instant) -> None:
        """Cut a cabinet's link: its lamps, which have their own, go on."""
        self._cabinet_rhythm.stop(self._cabinet_at[code])

    def resume(self, code: str, now: Instant) -> None:
        """Mend the link."""
        self._cabinet_rhythm.hurry(self._cabinet_at[code], now)

    def break_lamp(self, code: str, now: Instant) -> None:
        """Let a lamp fail: it has voltage and gives no light."""
        self._faulty.add(self._lamp_at[code])
        self._lamp_rhythm.hurry(self._lamp_at[code], now)

    def mend_lamp(self, code: str, now: Instant) -> None:
        """Change the lamp."""
        self._faulty.discard(self._lamp_at[code])
        self._lamp_rhythm.hurry(self._lamp_at[code], now)

    def stick_lamp(self, code: str, now: Instant) -> None:
        """Let a lamp's contactor stick: it burns whatever it is told."""
        self._stuck_on.add(self._lamp_at[code])
        self._lamp_rhythm.hurry(self._lamp_at[code], now)

    def free_lamp(self, code: str, now: Instant) -> None:
        """Mend the contactor."""
        self._stuck_on.discard(self._lamp_at[code])
        self._lamp_rhythm.hurry(self._lamp_at[code], now)

    def _voltage_v(self, cabinet: int | None) -> float:
        offset = self._offset_v[cabinet] if cabinet is not None else 0.0
        return round(231 + offset + self._random.gauss(0, 0.6), 1)

    def _lamp_says(self, place: int, now: Instant, level_pct: int) -> Said:
        cabinet = self._feeder.get(place)
        address = self._lamps[place].address
        if self._without_supply(place):
            return Said(address, now, {"voltage_v": 0, "power_w": 0, "dim_pct": 0, "lamp_state": "off"})
        level_pct = self._level_of(place, level_pct)
        burns_pct = 100 if place in self._stuck_on else level_pct
        lit = burns_pct > 0 and place not in self._faulty
        power_w = self._rated_w[place] * burns_pct / 100 * self._random.uniform(0.96, 1.04) if lit else 0.0
        state = "fault" if place in self._faulty else "on" if lit else "off"
        values: dict[str, float | str] = {
            "voltage_v": self._voltage_v(cabinet),
            "power_w": round(power_w + STANDBY_W, 1),
            "dim_pct": level_pct if lit else 0,
            "lamp_state": state,
        }
        if place in self._told:
            values["mode_state"] = "ordered" if place in self._ordered else "schedule"
        return Said(address, now, values)

    def _cabinet_says(self, place: int, now: Instant, level_pct: int) -> Said:
        dark = place in self._tripped or place in self._opened
        lit = (lamp for lamp in self._fed[place] if lamp not in self._faulty)
        lit_w = sum(self._rated_w[lamp] * self._level_of(lamp, level_pct) for lamp in lit) / 100
        power_w = 0.0 if dark else lit_w * self._random.uniform(0.99, 1.01) + STANDBY_W * len(self._fed[place])
        return Said(
            self._cabinets[place].address,
            now,
            {
                "voltage_v": 0 if dark else self._voltage_v(place),
                "power_w": round(power_w, 1),
                "feeder_state": "tripped" if place in self._tripped else "open" if dark else "energised",
                "door_state": "open" if place in self._open_doors else "closed",
            },
        )
