// Groups of the queue. The page holds both the rows and the groups that gather them; what is seen is decided here: groups in
// a flood, or when the person asked for them (key G), rows otherwise. A group that is opened shows its rows under it.

import { word } from "../words";
import { say } from "./announce";
import { on } from "./frame";
import { liveList } from "./patch";

const CHOICE = "beffroi.groups";

let grouped = false;
let flood = "";
/** Which open group shows a row under it, which shown group hides it. By the id of the row. */
let shownUnder = new Map<string, HTMLElement>();
let hiddenBy = new Set<string>();
const opened = new Set<string>();

const line = (): HTMLElement | null => document.getElementById("flood");

/** Whether a row is not to be seen: a group stands for it, or it is a group and groups are not shown. */
export function folds(row: HTMLElement): boolean {
  return row.dataset.group === undefined ? hiddenBy.has(row.id) : !grouped;
}

/** Where a row stands in the order of the list: right after its group when that one is open. */
export function placeOf(row: HTMLElement): string {
  const group = shownUnder.get(row.id);
  const order = row.dataset.order ?? "";
  return group ? `${group.dataset.order ?? ""}~${order}` : order;
}

function read(): void {
  hiddenBy = new Set();
  shownUnder = new Map();
  if (!grouped) return;
  for (const group of document.querySelectorAll<HTMLElement>("#queue > [data-members]:not([data-gone])")) {
    for (const number of (group.dataset.members ?? "").split(" ")) {
      if (!number) continue;
      if (opened.has(group.id)) shownUnder.set(`incident-${number}`, group);
      else hiddenBy.add(`incident-${number}`);
    }
    group.classList.toggle("opened", opened.has(group.id));
  }
  for (const row of document.querySelectorAll<HTMLElement>("#queue > .row"))
    row.classList.toggle("under", shownUnder.has(row.id));
}

/** Groups that the server no longer names leave. */
function retireOld(): void {
  const named = new Set((line()?.dataset.groups ?? "").split(" "));
  const list = liveList("queue");
  for (const row of document.querySelectorAll<HTMLElement>("#queue > [data-group]"))
    if (!named.has(row.dataset.group ?? "")) {
      opened.delete(row.id);
      list?.retire(row);
    }
}

function choose(on: boolean): void {
  grouped = on;
  const button = document.getElementById("gather");
  button?.setAttribute("aria-pressed", String(on));
  document.getElementById("queue")?.classList.toggle("gathered", on);
}

/** What a frame or a fresh page says of floods and groups. */
function follow(): void {
  const now = line()?.dataset.flood ?? "";
  if (Boolean(now) !== Boolean(flood)) {
    sessionStorage.removeItem(CHOICE); // a flood gathers by itself, and its end gives the rows back
    choose(Boolean(now));
    say(now ? (line()?.textContent?.trim() ?? "") : word("say.floodOver"));
  }
  flood = now;
  retireOld();
  read();
  liveList("queue")?.regroup();
}

function redraw(): void {
  read();
  liveList("queue")?.regroupNow();
}

/** Open a group, its rows under it, or close it. */
export function unfold(id: string): void {
  if (opened.has(id)) opened.delete(id);
  else opened.add(id);
  redraw();
}

/** Take the page as it was drawn: before any list is, so that nothing is shown that folds. */
export function startGroups(): void {
  if (!line()) return;
  flood = line()?.dataset.flood ?? "";
  const chosen = sessionStorage.getItem(CHOICE);
  choose(chosen === null ? flood !== "" : chosen === "on");
  redraw();
  document.getElementById("gather")?.addEventListener("click", () => {
    choose(!grouped);
    sessionStorage.setItem(CHOICE, grouped ? "on" : "off");
    redraw();
  });
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-unfolds]");
    if (button?.dataset.unfolds) unfold(button.dataset.unfolds);
  });
  on("beffroi:patched", follow);
}
