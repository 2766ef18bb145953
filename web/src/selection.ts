// The selected incident or piece of equipment: its row, its panel, the address bar and the map say the same.

import { act } from "./actions";
import { emit, type Selection } from "./live/frame";
import { liveList } from "./live/patch";
import { panel, showPanel } from "./panel";

let lastPlace = 0;

/** Do an act on the row that is chosen, whatever panel is still shown. */
export function actOnSelected(verb: string): void {
  const row = document.querySelector<HTMLElement>("#queue a[aria-current='true']")?.closest<HTMLElement>("[data-panel]");
  if (!row?.dataset.panel || (row.dataset.group !== undefined && verb !== "acknowledge")) return;
  act(row.dataset.panel.replace(/panel$/, verb));
}

function rowOf(id: number): HTMLElement | null {
  return document.getElementById(`incident-${id}`);
}

function markRow(id: number | undefined): void {
  for (const link of document.querySelectorAll("#queue a[aria-current]")) link.removeAttribute("aria-current");
  if (id !== undefined) rowOf(id)?.querySelector("a")?.setAttribute("aria-current", "true");
}

function selectRow(row: HTMLElement, origin: Selection["origin"]): void {
  if (row.dataset.group === undefined) selectIncident(Number(row.dataset.id), origin);
  else selectGroup(row);
}

function selectGroup(row: HTMLElement): void {
  const link = row.querySelector("a");
  if (!link || !row.dataset.panel) return;
  markRow(undefined);
  link.setAttribute("aria-current", "true");
  history.replaceState(null, "", link.href);
  row.scrollIntoView({ block: "nearest" });
  void showPanel(row.dataset.panel, row.id);
}

export function selectIncident(id: number, origin: Selection["origin"]): void {
  const row = rowOf(id);
  const link = row?.querySelector("a");
  if (!row || !link || !panel()) return;
  markRow(id);
  history.replaceState(null, "", link.href);
  if (origin !== "page") row.scrollIntoView({ block: "nearest" });
  if (row.dataset.panel) void showPanel(row.dataset.panel, row.id);
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
  const links = [...list.querySelectorAll<HTMLAnchorElement>(":scope > :not([hidden]) a:not([tabindex='-1'])")].filter((link) => link.checkVisibility());
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
  const row = next.closest<HTMLElement>("[data-id], [data-group]");
  if (row && list.id === "queue") selectRow(row, "queue");
}

export function startSelection(): void {
  document.getElementById("queue")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    const row = (event.target as Element).closest<HTMLElement>("[data-id], [data-group]");
    if (!row || !panel()) return;
    event.preventDefault();
    selectRow(row, "queue");
  });
}
