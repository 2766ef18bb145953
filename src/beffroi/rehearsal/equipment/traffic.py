"""Street equipment: traffic signal controllers and retractable bollards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from beffroi.foundation.clock import SECOND, Instant
from beffroi.rehearsal.daylight import local_hour
from beffroi.rehearsal.equipment.model import BEGINS, Failing, Reply, Said
from beffroi.rehearsal.inventory import Item
from beffroi.rehearsal.rhythm import Rhythm

CONTROLLER_PERIOD_S, BOLLARD_PERIOD_S, FIRST_S = 30, 60, 15
MOVE_S, DOWN_S = 4.0, 14.0
PLANS = ((6.5, 1), (9.5, 2), (16.5, 3), (19.0, 4), (22.0, 3), (24.0, 1))
"""Signal plan until each hour: 1 night, 2 morning peak, 3 day, 4 evening peak."""

RESCUE_PLAN = 9
WITHOUT_RESCUE_PLAN = 17
"""One controller in so many has no plan for rescuers, and says so."""


def plan_at(now: Instant) -> int:
    """Return the number of the signal plan in force."""
    hour = local_hour(now)
    return next(plan for until, plan in PLANS if hour < until)


class Intersections:
    """Controllers that follow the plan of the hour, and fall back to flashing by themselves when something is wrong."""

    def __init__(self, items: Sequence[Item], start: Instant, random: Random) -> None:
        self.source = items[0].source
        self._items, self._random = items, random
        self._at = {item.code: place for place, item in enumerate(items)}
        self._states = ["normal"] * len(items)
        self._called = {item.address: place for place, item in enumerate(items)}
        self._ordered: dict[int, int] = {}
        self._asked_to_flash: set[int] = set()
        self._rhythm = Rhythm(len(items), CONTROLLER_PERIOD_S, start, FIRST_S)

    def step(self, now: Instant) -> list[Said]:
        """Return what controllers say by now."""
        plan = plan_at(now)
        return [self._says(place, now, plan) for place in self._rhythm.due(now)]

    def _says(self, place: int, now: Instant, plan: int) -> Said:
        state = "flashing" if place in self._asked_to_flash and self._states[place] == "normal" else self._states[place]
        values: dict[str, float | str] = {
            "controller_state": state,
            "plan_count": self._ordered.get(place, plan) if state == "normal" else 0,
        }
        if self._states[place] == "normal":  # in fault it follows neither schedule nor order; by hand it says of none
            ordered = place in self._ordered or place in self._asked_to_flash
            values["mode_state"] = "ordered" if ordered else "schedule"
        elif self._states[place] in ("flashing", "dark"):
            values["mode_state"] = "fallback"
        return Said(self._items[place].address, now, values)

    def obeying(self) -> Sequence[str]:
        """Return the addresses of all controllers."""
        return list(self._called)

    def obey(self, address: str, ability: str, parameters: Mapping[str, float | str], now: Instant) -> Reply | None:
        """Take up a plan or a mode, unless somebody works at the controller, or its own safety speaks against it."""
        place = self._called[address]
        if self._rhythm.is_stopped(place):
            return None
        refusals = {
            "local": "contrôleur en commande locale",
            "maintenance": "contrôleur en maintenance",
            "dark": "contrôleur hors tension",
            "flashing": "clignotant de sécurité : défaut présent",
        }
        if (reason := refusals.get(self._states[place])) is not None:
            return Reply(False, reason)
        if ability == "return_to_normal":
            self._ordered.pop(place, None)
            self._asked_to_flash.discard(place)
        elif ability == "ask_flashing":
            self._asked_to_flash.add(place)
        elif ability in ("ask_plan", "ask_green_wave"):
            plan = RESCUE_PLAN if ability == "ask_green_wave" else round(float(parameters["plan"]))
            if plan not in {known for _, known in PLANS} | {RESCUE_PLAN}:
                return Reply(False, f"plan {plan} inconnu de ce contrôleur")
            if plan == RESCUE_PLAN and place % WITHOUT_RESCUE_PLAN == WITHOUT_RESCUE_PLAN - 1:
                return Reply(False, "ce carrefour n’a pas de plan de priorité")
            self._ordered[place] = plan
        else:
            return Reply(False, f"{ability} : commande inconnue")
        self._rhythm.hurry(place, now + 2 * SECOND)
        return BEGINS

    def failings(self) -> Sequence[Failing]:
        """Flashing, dark, left in local mode, silent."""
        codes = list(self._at)
        return (
            Failing("intersection_flashing", codes, self.flash, self.restore),
            Failing("intersection_dark", codes, self.darken, self.restore),
            Failing("intersection_local", codes, self.take_local, self.restore),
            Failing("intersection_silent", codes, self.silence, self.restore),
        )

    def flash(self, code: str, now: Instant) -> None:
        """The controller has seen a conflict or a broken red lamp."""
        self._set(code, "flashing", now)

    def darken(self, code: str, now: Instant) -> None:
        """Its supply is lost; its link has a battery."""
        self._set(code, "dark", now)

    def take_local(self, code: str, now: Instant) -> None:
        """Somebody has opened it and works there."""
        self._set(code, "local", now)

    def silence(self, code: str, now: Instant) -> None:
        """Its link is cut; it goes on by itself."""
        self._rhythm.stop(self._at[code])

    def restore(self, code: str, now: Instant) -> None:
        """It follows its plan again; what it was ordered before is forgotten."""
        self._ordered.pop(self._at[code], None)
        self._asked_to_flash.discard(self._at[code])
        self._set(code, "normal", now)

    def _set(self, code: str, state: str, now: Instant) -> None:
        self._states[self._at[code]] = state
        self._rhythm.hurry(self._at[code], now)


class Bollards:
    """Bollards that let a vehicle through every few minutes by day, seldom at night, and say each change."""

    def __init__(self, items: Sequence[Item], start: Instant, random: Random) -> None:
        self.source = items[0].source
        self._items, self._random = items, random
        self._at = {item.code: place for place, item in enumerate(items)}
        self._states = ["up"] * len(items)
        self._called = {item.address: place for place, item in enumerate(items)}
        self._kept_down: set[int] = set()
        self._on_loop: set[int] = set()
        self._cycles = [random.randrange(2_000, 60_000) for _ in items]
        self._changes: list[list[tuple[Instant, str]]] = [[] for _ in items]
        self._next = [start + int(random.uniform(5, 300) * SECOND) for _ in items]
        self._rhythm = Rhythm(len(items), BOLLARD_PERIOD_S, start, FIRST_S)

    def step(self, now: Instant) -> list[Said]:
        """Return what bollards say by now."""
        for place in range(len(self._items)):
            if self._states[place] != "fault":
                self._move(place, now)
        return [
            Said(
                self._items[place].address,
                now,
                {"bollard_state": self._states[place], "cycle_count": self._cycles[place]},
            )
            for place in self._rhythm.due(now)
        ]

    def failings(self) -> Sequence[Failing]:
        """In fault, or silent."""
        codes = list(self._at)
        return (
            Failing("bollard_fault", codes, self.fault, self.restore),
            Failing("bollard_silent", codes, self.silence, self.restore),
            Failing("bollard_loop", codes, self.occupy, self.free),
        )

    def obeying(self) -> Sequence[str]:
        """Return the addresses of all bollards."""
        return list(self._called)

    def obey(self, address: str, ability: str, parameters: Mapping[str, float | str], now: Instant) -> Reply | None:
        """Go down and stay there, or come up: never under a vehicle, which its own loop sees."""
        place = self._called[address]
        if self._rhythm.is_stopped(place):
            return None
        if self._states[place] == "fault":
            return Reply(False, "borne en défaut")
        moved = now + int(MOVE_S * SECOND)
        if ability == "lower_bollard":
            self._kept_down.add(place)
            self._changes[place] = [(now, "moving"), (moved, "down")] if self._states[place] != "down" else []
        elif ability == "raise_bollard":
            passing = bool(self._changes[place]) and place not in self._kept_down
            if place in self._on_loop or (passing and self._states[place] == "down"):
                return Reply(False, "véhicule sur la boucle")
            self._kept_down.discard(place)
            self._changes[place] = [(now, "moving"), (moved, "up")] if self._states[place] != "up" else []
            self._next[place] = now + 120 * SECOND
        else:
            return Reply(False, f"{ability} : commande inconnue")
        self._rhythm.hurry(place, now + SECOND)
        return BEGINS

    def occupy(self, code: str, now: Instant) -> None:
        """A vehicle stands on its loop."""
        self._on_loop.add(self._at[code])

    def free(self, code: str, now: Instant) -> None:
        """The vehicle has gone."""
        self._on_loop.discard(self._at[code])

    def fault(self, code: str, now: Instant) -> None:
        """It stands where it is and says so."""
        place = self._at[code]
        self._states[place], self._changes[place] = "fault", []
        self._rhythm.hurry(place, now)

    def silence(self, code: str, now: Instant) -> None:
        """Its link is cut."""
        place = self._at[code]
        self._changes[place] = []
        self._next[place] = now + 86_400 * SECOND
        self._rhythm.stop(place)

    def restore(self, code: str, now: Instant) -> None:
        """It closes the way again."""
        place = self._at[code]
        self._kept_down.discard(place)
        self._states[place] = "up"
        self._next[place] = now + int(self._random.uniform(60, 300) * SECOND)
        self._rhythm.hurry(place, now)

    def _move(self, place: int, now: Instant) -> None:
        """Begin a passage when it is time, and go through its changes, saying each."""
        if now >= self._next[place] and not self._changes[place] and place not in self._kept_down:
            down, up = now + int(MOVE_S * SECOND), now + int((MOVE_S + DOWN_S) * SECOND)
            self._changes[place] = [(now, "moving"), (down, "down"), (up, "moving"), (up + int(MOVE_S * SECOND), "up")]
            busy = 7 <= local_hour(now) < 21
            self._next[place] = now + int(self._random.expovariate(1 / (480 if busy else 2400)) * SECOND) + 60 * SECOND
        while self._changes[place] and self._changes[place][0][0] <= now:
            _, state = self._changes[place].pop(0)
            self._states[place] = state
            self._cycles[place] += state == "up"
            self._rhythm.hurry(place, now)
