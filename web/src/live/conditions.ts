// The condition of every piece of equipment, as the stream tells it: once whole when it opens, then what changes. It is
// kept here from the first frame on, because a map is made later and its places come by other requests, some older.

import type { Frame } from "./frame";

const NORMAL = 0;

let told: Map<number, number> | undefined;

/** Take what a frame says. */
export function takeConditions(frame: Frame): void {
  if (frame.whole) told = new Map(frame.conditions);
  else for (const [id, condition] of frame.conditions ?? []) told?.set(id, condition);
}

/** The condition of a piece of equipment; `otherwise` while no stream has told. */
export function conditionOf(id: number, otherwise: number): number {
  return told ? (told.get(id) ?? NORMAL) : otherwise;
}
