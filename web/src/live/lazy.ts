// Parts of a panel that cost the server a reckoning: asked for when they are unfolded, and again while they stay open.

import { answer } from "./announce";
import { morph } from "./patch";
import { writeAges } from "./ages";
import { word } from "../words";

/** Keys wait for it: never for long. */
const PATIENCE_MS = 10_000;
const asking = new Map<Element, Promise<boolean>>();

/** The lazy part of what unfolds, if it has one. */
export const lazyPart = (details: Element | null): HTMLElement | null => details?.querySelector<HTMLElement>("[data-lazy]") ?? null;

/** Ask for a lazy part and show it; one question at a time. Resolves to whether it is shown. */
export function fill(part: HTMLElement): Promise<boolean> {
  const running = asking.get(part);
  if (running) return running;
  const asked = ask(part).finally(() => asking.delete(part));
  asking.set(part, asked);
  return asked;
}

async function ask(part: HTMLElement): Promise<boolean> {
  part.setAttribute("aria-busy", "true");
  const response = await fetch(part.dataset.lazy ?? "", { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
  const html = response?.ok ? await response.text().catch(() => undefined) : undefined;
  part.removeAttribute("aria-busy");
  if (html === undefined) {
    answer(word(response?.status === 403 ? "panel.forbidden" : "panel.failed"));
    return false;
  }
  if (!part.isConnected || part.closest("details")?.open === false) return false;
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const [shown, fresh] = [part.firstElementChild, template.content.firstElementChild];
  if (shown && fresh && shown.id && shown.id === fresh.id) morph(shown, fresh);
  else part.replaceChildren(template.content);
  writeAges(part);
  return true;
}

/** What is unfolded already is brought up to date: its panel was drawn anew. */
export function fillOpen(within: Element): void {
  for (const part of within.querySelectorAll<HTMLElement>("details[open] [data-lazy]")) void fill(part);
}

export function startLazy(): void {
  // However it is unfolded: by a key (keys.ts, which asks at once), by the pointer, by an assistive device.
  document.addEventListener(
    "toggle",
    (event) => {
      const details = event.target;
      const part = details instanceof HTMLDetailsElement ? lazyPart(details) : null;
      if (!(details instanceof HTMLDetailsElement) || !part) return;
      if (!details.open) {
        part.replaceChildren(); // what was true then is not offered as true later
        return;
      }
      void fill(part).then((shown) => shown && enter(details));
    },
    { capture: true },
  );
}

/** Hand the keyboard to what came, unless the person has gone on meanwhile. */
export function enter(details: HTMLDetailsElement): void {
  const active = document.activeElement;
  if (!details.open || !(active === document.body || active === details.querySelector("summary"))) return;
  const first = details.querySelector<HTMLElement>("[data-safe], input:checked, select, textarea, input:not([type=hidden], :disabled)");
  first?.focus();
}
