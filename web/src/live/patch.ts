// Puts fragments into the page and keeps what the person is doing: focus, selection, scroll, text being typed.

import { Idiomorph } from "idiomorph";
import { writeAges } from "./ages";
import { sayArrival } from "./announce";
import { emit, type Fragment, type Frame } from "./frame";
import { LiveList } from "./queue";
import { raisedOf, sayRaised } from "./raised";

/** Attributes that belong to the person at the screen, not to the server. */
const THEIRS = new Set(["open", "hidden", "aria-current", "data-waiting", "data-gone", "data-folded"]);

const lists = new Map<string, LiveList>();

/** The live list of that id, made when it is first asked for. */
export function liveList(id: string): LiveList | undefined {
  const known = lists.get(id);
  if (known?.element.isConnected) return known;
  const element = document.getElementById(id);
  if (!element) return undefined;
  const list = new LiveList(element);
  lists.set(id, list);
  return list;
}

function beingTyped(node: Node): boolean {
  if (node instanceof HTMLInputElement && (node.type === "checkbox" || node.type === "radio"))
    return node.checked !== node.defaultChecked;
  if (node instanceof HTMLTextAreaElement || node instanceof HTMLInputElement) return node.value !== node.defaultValue;
  if (!(node instanceof HTMLSelectElement)) return false;
  return node.selectedIndex > 0 && node.options[node.selectedIndex]?.defaultSelected !== true;
}

/**
 * Make `element` like `html`, touching only what differs. What is being typed is kept by `beingTyped`; the library's own
 * `ignoreActiveValue` is left off: it would also keep the old words of a row whose link has the focus.
 */
export function morph(element: Element, html: string | Element): void {
  Idiomorph.morph(element, typeof html === "string" ? html.trim() : html, {
    morphStyle: "outerHTML",
    restoreFocus: true,
    callbacks: {
      beforeNodeMorphed: (node: Node) => !beingTyped(node) && !isIsland(node) && !underHand(node),
      beforeAttributeUpdated: (name: string) => !THEIRS.has(name),
    },
  });
}

/** A list that is being chosen from keeps its order and its choices until the keyboard has left it (rule 6). */
function underHand(node: Node): boolean {
  return node instanceof Element && node.hasAttribute("data-hold") && node.contains(document.activeElement);
}

function isIsland(node: Node): boolean {
  return node instanceof Element && (node.localName === "city-map" || node.localName === "history-plot" || node.hasAttribute("data-lazy"));
}

function parse(html: string): HTMLElement | undefined {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  const first = template.content.firstElementChild;
  return first instanceof HTMLElement ? first : undefined;
}

function patchRow(fragment: Fragment, listId: string, quiet: boolean): void {
  const list = liveList(listId);
  if (!list) return;
  const row = document.getElementById(fragment.target);
  if (fragment.html === null) {
    if (row) list.retire(row);
    return;
  }
  if (row) {
    const order = row.dataset.order;
    const before = raisedOf(row);
    morph(row, fragment.html);
    delete row.dataset.gone;
    if (row.dataset.order !== order) list.reorder();
    if (!quiet) sayRaised(row, before);
    return;
  }
  const fresh = parse(fragment.html);
  if (!fresh) return;
  list.insert(fresh);
  if (!quiet) sayArrival(fresh);
}

const settled = new Map<string, number>();

/** These were drawn after line `seq`: a frame that stops before it, and arrives later, would take them back in time. */
export function settle(fragments: readonly Fragment[], seq: number): void {
  for (const { target } of fragments) settled.set(target, seq);
}

/** What of a frame is not older than the answer to an act that is shown already. */
export function current(frame: Frame): readonly Fragment[] {
  const fragments = frame.fragments ?? [];
  if (settled.size === 0) return fragments;
  const kept = fragments.filter(({ target }) => frame.seq >= (settled.get(target) ?? 0));
  for (const { target } of kept) if (settled.has(target)) settled.set(target, frame.seq);
  return kept;
}

/** The page was drawn anew, perhaps from another journal: what was settled says nothing of it. */
export function unsettle(): void {
  settled.clear();
}

/** Apply fragments in their order. `quiet`: they were there before, tell nobody. */
export function patch(fragments: readonly Fragment[], quiet = false): void {
  if (fragments.length === 0) return;
  for (const fragment of fragments) {
    if (fragment.list) {
      patchRow(fragment, fragment.list, quiet);
      continue;
    }
    const element = document.getElementById(fragment.target);
    if (!element) continue;
    if (fragment.html === null) element.remove();
    else morph(element, fragment.html);
  }
  writeAges();
  emit("beffroi:patched", null);
  emit("beffroi:rows", null);
}

/** Bring a list to what a fresh page shows, row by row, under the same rules as frames. */
export function patchList(fresh: Element): void {
  const list = document.getElementById(fresh.id);
  if (!list) return;
  const wanted = new Set([...fresh.children].map((row) => row.id));
  const fragments: Fragment[] = [...list.children]
    .filter((row) => row.id && !wanted.has(row.id))
    .map((row) => ({ target: row.id, html: null, list: fresh.id }));
  for (const row of fresh.children) fragments.push({ target: row.id, html: row.outerHTML, list: fresh.id });
  patch(fragments, true);
}
