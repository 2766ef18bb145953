// The keyboard. A control says its own key (`data-key="a"`), so that the help, the hint and the act cannot differ.
// Shortcuts of one character can be switched off (RGAA 12.11): `<body data-shortcuts="off">`.

import { enter, fill, lazyPart } from "./live/lazy";
import { panelComing } from "./panel";
import { actOnSelected, step } from "./selection";

const STEPS: Readonly<Record<string, 1 | -1>> = { j: 1, k: -1 };
/** Acts without words: a key struck while the panel is still on its way is done at once, on the chosen row. */
const ACTS: Readonly<Record<string, string>> = { a: "acknowledge", p: "take" };
/** Keys that open something of the panel: they wait for it, and nothing struck after them is taken for a key. */
const OPENINGS: ReadonlySet<string> = new Set("cmoerf-uxdqvyzbw;=+*<>)'$s%_");
/** How long a page that is being left takes no keys; one that is slower still is acted on again. */
const LEAVING_MS = 3000;
const ARROWS: Readonly<Record<string, 1 | -1>> = { ArrowDown: 1, ArrowUp: -1 };

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), select, textarea"))
  );
}

function visible(element: HTMLElement): boolean {
  return element.checkVisibility();
}

/** Do what the key says: press the first visible control that names it, in an open dialog, then the panel, the page, its surround. */
function press(key: string): boolean {
  const dialog = document.querySelector("dialog[open]");
  const nearest = document.activeElement?.closest("[data-own-keys]"); // an alarm's own acts: only while it has the focus
  const scopes = dialog
    ? [dialog]
    : [nearest, document.getElementById("detail"), document.getElementById("main"), document];
  for (const scope of scopes) {
    const named = [...(scope?.querySelectorAll<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? [])];
    const found =
      named.find((control) => visible(control) && (scope === nearest || !ownKey(control))) ??
      named.find((control) => control.closest("details.more"));
    if (!found) continue;
    if (found.matches("input, select, textarea")) found.focus();
    else if (found.parentElement instanceof HTMLDetailsElement && found.localName === "summary") unfold(found.parentElement);
    else follow(found);
    return true;
  }
  return false;
}

/** Press a control. Where it leads to another page, what is struck before that page has come is no key of this one. */
function follow(control: HTMLElement): void {
  if (control instanceof HTMLAnchorElement && !control.target && !control.hash && !control.hasAttribute("download"))
    window.addEventListener("click", (event) => !event.defaultPrevented && leave(), { once: true });
  control.click();
}

function leave(): void {
  held = true;
  window.setTimeout(() => (held = false), LEAVING_MS); // a file that was asked for leaves the page where it is
}

/** A key that an alarm keeps to itself while another part of the page has the focus. */
function ownKey(control: HTMLElement): boolean {
  return control.closest("[data-own-keys]") !== null && control.closest("[data-page-key]") === null;
}

/** Open a panel's fields and hand them the keyboard at once: what is typed next is text, never a key. */
function unfold(details: HTMLDetailsElement): void {
  details.open = true;
  const part = lazyPart(details);
  if (part) {
    details.querySelector("summary")?.focus();
    held = true; // nothing struck before it comes is taken for a key
    void fill(part).then((shown) => {
      held = false;
      if (shown) enter(details);
    });
    return;
  }
  details.querySelector<HTMLElement>("[data-safe], select, textarea, input:not([type=hidden], :disabled)")?.focus();
  details.querySelector<HTMLElement>("select, textarea, input:not([type=hidden]), .panel button")?.focus();
}

/** Enter does the step of a procedure that waits for a person, where nothing else on the page would take it. */
function stepOn(event: KeyboardEvent): void {
  const target = event.target instanceof Element ? event.target : null;
  const chosen = target?.closest("#queue a[aria-current='true']");
  const free = target === document.body || target?.id === "main" || target?.id === "detail" || chosen;
  if (free && !document.querySelector("dialog[open]") && press("Enter")) event.preventDefault();
}

/** Go to the next of the parts that have keys of their own: an incident's alarms, one after the other. */
function stepInside(): boolean {
  const parts = [...document.querySelectorAll<HTMLElement>("#detail [data-own-keys]")].filter(visible);
  const here = parts.findIndex((part) => part.contains(document.activeElement));
  const next = parts[(here + 1) % parts.length];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return next !== undefined;
}

let held = false;

/** A key struck before its panel has come. True when it was taken. */
function early(key: string): boolean {
  const coming = panelComing();
  if (!coming) return false;
  const act = ACTS[key];
  if (act) {
    actOnSelected(act);
    return true;
  }
  if (!OPENINGS.has(key)) return false;
  held = true;
  void coming.then((shown) => {
    held = false;
    if (shown) press(key);
  });
  return true;
}

function escape(): void {
  const dialog = document.querySelector("dialog[open]");
  if (dialog instanceof HTMLDialogElement) return;
  const active = document.activeElement;
  if (!(active instanceof HTMLElement)) return;
  const details = active.closest("details[data-act]");
  if (details instanceof HTMLDetailsElement && details.open) {
    details.open = false;
    details.querySelector("summary")?.focus();
  } else if (typing(active)) active.blur();
}

function pressed(event: KeyboardEvent): void {
  if (event.key === "Escape") {
    escape();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target)) return;
  if (held) {
    event.preventDefault();
    return;
  }
  if (event.key === "Enter" && document.body.dataset.shortcuts !== "off") {
    stepOn(event);
    return;
  }
  const arrow = ARROWS[event.key];
  const inList = event.target instanceof Element && event.target.closest("[data-list], [data-steps]") !== null;
  if (arrow && inList) {
    event.preventDefault();
    step(arrow);
    return;
  }
  if (document.body.dataset.shortcuts === "off" || event.key.length !== 1 || event.key === " ") return;
  const key = event.key.toLowerCase();
  const direction = STEPS[key];
  if (direction && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    step(direction);
    return;
  }
  if (early(key) || (key === ";" ? stepInside() : press(key))) event.preventDefault();
}

export function startKeys(): void {
  document.addEventListener("keydown", pressed);
  window.addEventListener("pageshow", () => (held = false)); // back again by the browser's own button
  for (const opener of document.querySelectorAll<HTMLElement>("[data-opens]"))
    opener.addEventListener("click", (event) => {
      const dialog = document.getElementById(opener.dataset.opens ?? "");
      if (!(dialog instanceof HTMLDialogElement)) return;
      event.preventDefault();
      if (dialog.open) dialog.close();
      else dialog.showModal();
    });
}
