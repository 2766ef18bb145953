// The day as the person made it: what the server told last, with what was pressed since and is not sent yet.

import type { Day, Item, Mission, Unit } from "./types";
import { word } from "./words";

const STATES: Readonly<Partial<Record<string, Mission["state"]>>> = {
  accept: "accepted",
  depart: "en_route",
  arrive: "on_site",
  finish: "done",
  refuse: "refused",
};
const DUTIES: Readonly<Partial<Record<string, Unit["duty"]>>> = { begin: "on", pause: "break", unavailable: "unavailable", resume: "on", end: "off" };

/** A mission as it is shown; `unsent` says that something of it waits to be sent. */
export interface Shown extends Mission {
  readonly unsent: number;
}

export function missionsShown(day: Day, items: readonly Item[]): Shown[] {
  return day.missions.map((mission) => {
    const mine = items.filter((item) => item.mission === mission.number);
    return mine.reduce(applied, { ...mission, unsent: mine.length });
  });
}

export function unitShown(day: Day, items: readonly Item[]): Unit | null {
  if (!day.unit) return null;
  return items.reduce<Unit>((unit, item) => {
    const duty = DUTIES[item.act];
    const shares = item.act === "sharing" || item.act === "begin" ? item.data.shares !== false : unit.shares;
    if (duty === undefined) return shares === unit.shares ? unit : { ...unit, shares };
    const reason = duty === "unavailable" ? word(`unavailable.${item.data.reason}`).toLocaleLowerCase() : "";
    return { ...unit, duty, shares, reason, said: word(`said.${duty}`) };
  }, day.unit);
}

function applied(mission: Shown, item: Item): Shown {
  const state = STATES[item.act];
  if (state && mission.live) return { ...mission, state, live: state !== "done" && state !== "refused" };
  if (item.act === "check")
    return {
      ...mission,
      checklist: mission.checklist.map((each, line) =>
        line === item.data.line ? { ...each, checked_at: item.data.checked === false ? null : item.pressed_at * 1000 } : each,
      ),
    };
  return mission;
}
