// The panel beside the queue: drawn by the server, asked for when something is chosen and again when it changed.

import { answer } from "./live/announce";
import { on } from "./live/frame";
import { fillOpen } from "./live/lazy";
import { morph } from "./live/patch";
import { writeAges } from "./live/ages";
import { word } from "./words";

const FOLLOW_MS = 120;
/** How often the panel of a piece of equipment is asked for again: its values are no lines that a frame would name. */
const VALUES_MS = 3000;

let url = "";
/** The id of the row that the panel follows: an incident's, or a group's. */
let followed = "";
let running: Promise<boolean> | undefined;
let again = false;
let timer = 0;

/** The page's panel, if it has one. */
export const panel = (): HTMLElement | null => document.getElementById("detail");

/**
 * The panel that is on its way, if the one shown is another's: its keys wait for it, or they would act on the one
 * before. Resolves to whether that very panel was shown.
 */
export function panelComing(): Promise<boolean> | undefined {
  return panel()?.hasAttribute("aria-busy") ? running : undefined;
}

/** Show the panel of that address, which follows the row of the id `about`. */
export function showPanel(wanted: string, about = ""): Promise<boolean> {
  if (wanted === url && running) {
    again = true; // an answer already on its way may be older than what is asked for now
    return running;
  }
  url = wanted;
  followed = about;
  const asked = run(wanted).finally(() => {
    if (running === asked) running = undefined;
  });
  running = asked;
  return asked;
}

/** Ask, show, and ask again while changes came meanwhile; give up when another panel was asked for. */
async function run(wanted: string): Promise<boolean> {
  const target = panel();
  if (!target) return false;
  const shown = target.firstElementChild;
  const same = shown instanceof HTMLElement && shown.dataset.panel === wanted;
  if (!same) target.setAttribute("aria-busy", "true");
  do {
    again = false;
    const response = await fetch(wanted, { headers: { Accept: "text/html" } }).catch(() => undefined);
    const html = response?.ok ? await response.text().catch(() => undefined) : undefined;
    if (url !== wanted) return false;
    target.removeAttribute("aria-busy");
    if (html === undefined) {
      if (!same) target.replaceChildren();
      answer(word(response?.status === 403 ? "panel.forbidden" : "panel.failed"));
      return false;
    }
    draw(target, html);
  } while (again);
  return true;
}

function draw(target: HTMLElement, html: string): void {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const fresh = template.content.firstElementChild;
  const shown = target.firstElementChild;
  if (shown && fresh && shown.id === fresh.id) morph(shown, fresh);
  else {
    target.replaceChildren(template.content);
    target.scrollTop = 0;
  }
  writeAges(target);
  fillOpen(target);
}

/** The panel of a piece of equipment, if one is shown. */
function shownAsset(): HTMLElement | null {
  return panel()?.querySelector<HTMLElement>(":scope > [data-asset]") ?? null;
}

function refresh(): void {
  timer ||= window.setTimeout(() => {
    timer = 0;
    if (url) void showPanel(url, followed);
  }, FOLLOW_MS);
}

/** The panel follows its row: when a frame or an act changes the incident it shows, or will show, it is asked for again. */
export function startPanel(): void {
  const shown = panel()?.firstElementChild;
  if (shown instanceof HTMLElement && shown.dataset.panel) {
    url = shown.dataset.panel;
    followed = shown.dataset.follows ?? (shown.dataset.incident ? `incident-${shown.dataset.incident}` : "");
  }
  on("beffroi:frame", (frame) => {
    if (followed && frame.fragments?.some((fragment) => fragment.target === followed)) refresh();
  });
  on("beffroi:frame", (frame) => {
    const asset = Number(shownAsset()?.dataset.asset);
    if (asset && (frame.whole || frame.conditions?.some(([id]) => id === asset))) refresh();
  });
  window.setInterval(() => {
    if ((shownAsset() || panel()?.querySelector("[data-refresh-soon]")) && !document.hidden && document.documentElement.dataset.stream === "live") refresh();
  }, VALUES_MS);
  on("beffroi:resync", refresh);
}
