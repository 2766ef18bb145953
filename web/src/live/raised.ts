// What is told to who leads the room: an alarm that nobody acknowledged in time, a deadline that passed (rules 12 and 15).
// Said once, when it happens: with its title where the queue is on the page, as a figure elsewhere. Other screens are not told.

import { counted, word } from "../words";
import { say, sayNow } from "./announce";
import { on } from "./frame";

/** What of a row is told higher. */
export interface Raised {
  readonly rung: number;
  readonly missed: readonly string[];
}

export function raisedOf(row: HTMLElement): Raised {
  return { rung: Number(row.dataset.rung ?? 0), missed: (row.dataset.missed ?? "").split(" ").filter(Boolean) };
}

/** How much is told by priority, as the header carries it for who is told; undefined for who is not. */
export function toldCounts(): readonly number[] | undefined {
  return document.getElementById("counters")?.dataset.told?.split(" ").map(Number);
}

/** The sentences that a row's change asks for. */
export function sentences(row: HTMLElement, before: Raised): string[] {
  const after = raisedOf(row);
  const [title, where] = [".title", ".where"].map((part) => row.querySelector(part)?.textContent?.trim() ?? "");
  const values = { title: title ?? "", where: where ?? "" };
  const told = after.rung > before.rung ? [word("say.escalated", values)] : [];
  const late = after.missed.filter((clock) => !before.missed.includes(clock));
  return [...told, ...late.map((clock) => word("say.late", { ...values, clock: word(`clock.${clock}`) }))];
}

/** Tell of a row that changed: priority 1 at once, the others merged. */
export function sayRaised(row: HTMLElement, before: Raised): void {
  if (toldCounts() === undefined) return;
  for (const text of sentences(row, before)) (row.dataset.priority === "1" ? sayNow : say)(text);
}

/** On pages without the queue the header's figure is what is told. `heard` is called with each priority of which there is more. */
export function followTold(heard: (priority: number) => void): void {
  let before = toldCounts();
  on("beffroi:frame", () => {
    const after = toldCounts();
    const more = (after ?? []).map((count, place) => count - (before?.[place] ?? count));
    before = after;
    for (const [place, count] of more.entries()) {
      if (count <= 0) continue;
      heard(place + 1);
      if (!document.getElementById("queue")) (place === 0 ? sayNow : say)(counted("say.raised", count, { priority: place + 1 }));
    }
  });
}
