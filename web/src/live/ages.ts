// Ages and the clock, told by the server's time: a console's own clock may be wrong by minutes.

import { counted, language, word } from "../words";

let offset_ms = 0;

/** Learn the server's time, microseconds. */
export function setServerTime(at_us: number): void {
  offset_ms = at_us / 1000 - Date.now();
}

/** The server's time, milliseconds. */
export function serverNow(): number {
  return Date.now() + offset_ms;
}

/** An age in the words of the console: seconds are told only where `precise`. */
export function ageWords(seconds: number, precise: boolean): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return precise ? word("age.s", { n: s }) : word("age.now");
  const minutes = Math.floor(s / 60);
  if (minutes < 120) return word("age.min", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return word("age.h", { n: hours, m: String(minutes % 60).padStart(2, "0") });
  return counted("age.d", Math.floor(hours / 24));
}

/** What is left before a deadline, or by how much it has passed. */
export function leftWords(seconds: number): string {
  return word(seconds < 0 ? "left.over" : "left.rest", { t: ageWords(Math.abs(seconds), false) });
}

/** Write the ages of every `<time data-age>` under `root`. The moment itself stays in its title. */
export function writeAges(root: ParentNode = document): void {
  const now = serverNow();
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    const then = Date.parse(element.dateTime);
    if (Number.isNaN(then)) continue;
    const seconds = (now - then) / 1000;
    const text = element.dataset.age === "left" ? leftWords(-seconds) : ageWords(seconds, element.dataset.age === "s");
    if (!element.title) element.title = element.textContent ?? "";
    if (element.textContent !== text) element.textContent = text;
  }
}

function writeClock(): void {
  const clock = document.getElementById("clock");
  if (!clock) return;
  const zone = clock.dataset.zone;
  clock.textContent = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    ...(zone ? { timeZone: zone } : {}),
  }).format(serverNow());
}

export function startClock(): void {
  const rendered = Number(document.body.dataset.at);
  if (rendered) setServerTime(rendered);
  writeAges();
  writeClock();
  window.setInterval(writeClock, 1000);
  window.setInterval(writeAges, 5000);
}
