"""The city's vehicles: some are on duty at a time, drive about the streets, and report; the others are parked and silent."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from beffroi.foundation.clock import SECOND, Instant
from beffroi.rehearsal.equipment.model import Failing, Said
from beffroi.rehearsal.equipment.roads import Journey, Position, Roads, metres_between
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.rhythm import Rhythm

PERIOD_S, FIRST_S = 20, 20
ON_DUTY_SHARE = 0.3
DUTY_S, REST_S = (5400, 14_400), (600, 5400)
TRIP_M = (400.0, 3500.0)
WORK_S = (30, 420)


class _Vehicle:
    """One vehicle's day: trips with work at each end while on duty, then home, then rest."""

    __slots__ = ("at", "heading_deg", "home", "journey", "moved_at", "off_at", "on_duty", "returning", "work_until")

    def __init__(self, home: Position, start: Instant) -> None:
        self.home, self.at, self.moved_at = home, home, start
        self.heading_deg = 0.0
        self.journey: Journey | None = None
        self.on_duty, self.returning = False, False
        self.off_at = self.work_until = start


class Vehicles:
    """The fleet. Positions are reported on duty only: nobody is followed home."""

    def __init__(self, items: Sequence[Item], roads: Roads, start: Instant, random: Random) -> None:
        self.source = items[0].source
        self._items, self._roads, self._random = items, roads, random
        self._at = {item.code: place for place, item in enumerate(items)}
        homes: dict[str, Position] = {}
        for item in items:
            depot = item.properties.get("depot", "")
            if depot not in homes:
                homes[depot] = roads.nearest((item.lon, item.lat))
        self._vehicles = [_Vehicle(homes[item.properties.get("depot", "")], start) for item in items]
        self._silent: set[int] = set()
        self._rhythm = Rhythm(len(items), PERIOD_S, start, FIRST_S)
        on_duty = max(1, round(len(items) * ON_DUTY_SHARE))
        for place in random.sample(range(len(items)), on_duty):
            self._go_on_duty(self._vehicles[place], start, under_way=True)
        for vehicle in self._vehicles:
            if not vehicle.on_duty:
                vehicle.off_at = start + int(random.uniform(*REST_S) * SECOND)
        self._wanted = on_duty

    def step(self, now: Instant) -> list[Said]:
        """Return what vehicles on duty say by now."""
        said = []
        for place in self._rhythm.due(now):
            vehicle = self._vehicles[place]
            if not vehicle.on_duty:
                if now >= vehicle.off_at and sum(each.on_duty for each in self._vehicles) < self._wanted:
                    self._go_on_duty(vehicle, now)
                continue
            where = self._drive(vehicle, now)
            if place not in self._silent:
                said.append(Said(self._items[place].address, now, where))
        return said

    def failings(self) -> Sequence[Failing]:
        """A vehicle's tracker falls silent."""
        return (Failing("vehicle_silent", list(self._at), self.silence, self.resume),)

    def silence(self, code: str, now: Instant) -> None:
        """Let a tracker fail; the vehicle drives on."""
        self._silent.add(self._at[code])

    def resume(self, code: str, now: Instant) -> None:
        """Mend it."""
        self._silent.discard(self._at[code])

    def _go_on_duty(self, vehicle: _Vehicle, now: Instant, *, under_way: bool = False) -> None:
        """Begin a duty at the depot, or somewhere in town when the simulation starts in the middle of one."""
        vehicle.on_duty, vehicle.returning, vehicle.moved_at = True, False, now
        vehicle.off_at = now + int(self._random.uniform(*DUTY_S) * SECOND)
        vehicle.work_until = now
        if under_way:
            vehicle.at = self._random.choice(self._roads.crossings)

    def _drive(self, vehicle: _Vehicle, now: Instant) -> dict[str, float | str]:
        """Move a vehicle up to now, and return its whereabouts as quantities."""
        seconds = (now - vehicle.moved_at) / SECOND
        vehicle.moved_at = now
        if vehicle.journey is None and now >= vehicle.work_until:
            vehicle.returning = now >= vehicle.off_at
            streets = self._roads.route(vehicle.at, vehicle.home if vehicle.returning else self._goal(vehicle.at))
            vehicle.journey = Journey(streets, self._random) if streets else None
            if vehicle.journey is None and vehicle.returning:
                self._rest(vehicle, now)
        if vehicle.journey is None:
            return _quantities(vehicle.at, 0.0, vehicle.heading_deg)
        vehicle.journey.advance(seconds)
        position, speed_kmh, heading_deg = vehicle.journey.whereabouts()
        if vehicle.journey.ended:
            vehicle.at, vehicle.heading_deg, vehicle.journey = position, heading_deg, None
            vehicle.work_until = now + int(self._random.uniform(*WORK_S) * SECOND)
            if vehicle.returning:
                self._rest(vehicle, now)
        return _quantities(position, speed_kmh, heading_deg)

    def _rest(self, vehicle: _Vehicle, now: Instant) -> None:
        vehicle.on_duty = False
        vehicle.off_at = now + int(self._random.uniform(*REST_S) * SECOND)

    def _goal(self, at: Position) -> Position:
        """Return a crossing at a work trip's distance, or any when a few draws find none."""
        for _ in range(60):
            goal = self._random.choice(self._roads.crossings)
            if TRIP_M[0] < metres_between(at, goal) < TRIP_M[1]:
                return goal
        return self._random.choice(self._roads.crossings)


def _quantities(position: Position, speed_kmh: float, heading_deg: float) -> dict[str, float | str]:
    return {
        "longitude_deg": round(position[0], 6),
        "latitude_deg": round(position[1], 6),
        "speed_kmh": speed_kmh,
        "heading_deg": heading_deg,
    }
