// The selected incident or piece of equipment: its row, its panel, the address bar and the map say the same.

import { act } from "./actions";
import { answer } from "./live/announce";
import { emit, on, type Selection } from "./live/frame";
import { liveList, morph } from "./live/patch";
import { writeAges } from "./live/ages";
import { word } from "./words";

const panel = () => document.getElementById("detail");
let wanted = "";
let lastPlace = 0;
let coming: Promise<boolean> | undefined;

/**
 * The panel that is on its way, if one is: its keys wait for it, or they would act on the one before. Resolves to
 * whether that very panel was shown, and not another that was asked for since.
 */
export function panelComing(): Promise<boolean> | undefined {
  return panel()?.hasAttribute("aria-busy") ? coming : undefined;
}

/** Do an act on the row that is chosen, whatever panel is still shown. */
export function actOnSelected(verb: string): void {
  const row = document.querySelector<HTMLElement>("#queue a[aria-current='true']")?.closest<HTMLElement>("[data-panel]");
  if (row?.dataset.panel) act(row.dataset.panel.replace(/panel$/, verb));
}

function rowOf(id: number): HTMLElement | null {
  return document.getElementById(`incident-${id}`);
}

function markRow(id: number | undefined): void {
  for (const link of document.querySelectorAll("#queue a[aria-current]")) link.removeAttribute("aria-current");
  if (id !== undefined) rowOf(id)?.querySelector("a")?.setAttribute("aria-current", "true");
}

function showPanel(url: string): Promise<boolean> {
  coming = fetchPanel(url);
  return coming;
}

/** Fetch the panel of a selection and show it; an older answer that comes late is dropped. */
async function fetchPanel(url: string): Promise<boolean> {
  wanted = url;
  const target = panel();
  if (!target) return false;
  const other = target.firstElementChild;
  const same = other instanceof HTMLElement && other.dataset.panel === url;
  if (!same) target.setAttribute("aria-busy", "true");
  const response = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => undefined);
  const html = response?.ok ? await response.text().catch(() => undefined) : undefined;
  if (wanted !== url) return false;
  target.removeAttribute("aria-busy");
  if (html === undefined) {
    if (!same) target.replaceChildren();
    answer(word(response?.status === 403 ? "panel.forbidden" : "panel.failed"));
    return false;
  }
  const current = target.firstElementChild;
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const fresh = template.content.firstElementChild;
  if (current && fresh && current.id === fresh.id) morph(current, fresh);
  else {
    target.replaceChildren(template.content);
    target.scrollTop = 0;
  }
  writeAges(target);
  return true;
}

export function selectIncident(id: number, origin: Selection["origin"]): void {
  const row = rowOf(id);
  const link = row?.querySelector("a");
  if (!row || !link || !panel()) return;
  markRow(id);
  history.replaceState(null, "", link.href);
  if (origin !== "page") row.scrollIntoView({ block: "nearest" });
  if (row.dataset.panel) void showPanel(row.dataset.panel);
  emit("beffroi:select", { kind: "incident", id, origin });
}

export function selectAsset(id: number, origin: Selection["origin"]): void {
  const base = panel()?.dataset.assetPanel;
  if (!base) return;
  markRow(undefined);
  void showPanel(base.replace("/0/", `/${id}/`));
  emit("beffroi:select", { kind: "asset", id, origin });
}

/** Move to the next (1) or previous (-1) row of the page's list; the row under the eye first if none is selected. */
export function step(direction: 1 | -1): void {
  const list = document.querySelector<HTMLElement>("[data-list], [data-steps]");
  if (!list) return;
  if (list.hasAttribute("data-list")) liveList(list.id)?.touch();
  const links = [...list.querySelectorAll<HTMLAnchorElement>(":scope > :not([hidden]) a:not([tabindex='-1'])")];
  const firsts = links.filter((link, place) => link.closest("li, tr") !== links[place - 1]?.closest("li, tr"));
  const selected = firsts.findIndex((link) => link.getAttribute("aria-current") === "true");
  const focused = firsts.findIndex((link) => link === document.activeElement);
  const from = focused >= 0 ? focused : selected;
  // The row one was on has left: the one that took its place is next.
  const start = direction === 1 ? Math.min(lastPlace, firsts.length - 1) : lastPlace - 1;
  const place = from < 0 ? Math.max(0, start) : from + direction;
  const next = firsts[place];
  if (!next) return;
  lastPlace = place;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  const row = next.closest<HTMLElement>("[data-id]");
  if (row && list.id === "queue") selectIncident(Number(row.dataset.id), "queue");
}

/** An open panel follows its row: when frames change the row and bring no panel, the panel is asked for again. */
let pending = 0;
function followRow(targets: ReadonlySet<string>): void {
  const shown = panel()?.firstElementChild;
  const id = shown instanceof HTMLElement ? shown.dataset.incident : undefined;
  if (!id || !targets.has(`incident-${id}`) || targets.has(`detail-${id}`)) return;
  window.clearTimeout(pending);
  pending = window.setTimeout(() => {
    const url = shown instanceof HTMLElement ? shown.dataset.panel : undefined;
    if (url) void showPanel(url);
  }, 120);
}

export function startSelection(): void {
  document.getElementById("queue")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const row = (event.target as Element).closest<HTMLElement>("[data-id]");
    if (!row || !panel()) return;
    event.preventDefault();
    selectIncident(Number(row.dataset.id), "queue");
  });
  on("beffroi:frame", (frame) => followRow(new Set((frame.fragments ?? []).map((fragment) => fragment.target))));
}
