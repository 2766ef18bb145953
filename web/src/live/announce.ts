// What a screen reader is told (rule 12): priority 1 at once, all the rest merged every ten seconds.

import { counted, word } from "../words";

const MERGE_MS = 10_000;
const polite = () => document.getElementById("say-polite");
const assertive = () => document.getElementById("say-assertive");

let waiting: string[] = [];
let arrived = 0;
let timer = 0;

function flush(): void {
  timer = 0;
  const region = polite();
  if (!region) return;
  const parts = arrived > 0 ? [counted("say.new", arrived), ...waiting] : waiting;
  region.textContent = parts.slice(0, 4).join(" ");
  waiting = [];
  arrived = 0;
}

function later(): void {
  if (!timer) timer = window.setTimeout(flush, MERGE_MS);
}

/** Tell of a new incident, by its row. */
export function sayArrival(row: HTMLElement): void {
  if (row.dataset.group !== undefined) return; // its members are told, merged
  if (row.dataset.priority === "1") {
    const title = row.querySelector(".title")?.textContent?.trim() ?? "";
    const where = row.querySelector(".where")?.textContent?.trim() ?? "";
    sayNow(word("say.first", { title, where }));
    return;
  }
  arrived += 1;
  later();
}

/** Say at once, above whatever is being said: of priority 1 only. */
export function sayNow(text: string): void {
  const region = assertive();
  if (region) region.textContent = text;
}

/** Say a sentence among the next merged ones. */
export function say(text: string): void {
  waiting.push(text);
  later();
}

/** Answer an act of the person at the keyboard: said at once, it is what they wait for. */
export function answer(text: string): void {
  const region = polite();
  if (region) region.textContent = text;
  toast(text);
}

let toastTimer = 0;

function toast(text: string): void {
  const box = document.getElementById("toast");
  if (!box) return;
  box.textContent = text;
  box.hidden = false;
  window.clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => (box.hidden = true), 6000);
}
