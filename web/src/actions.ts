// Acts. Every control of the page belongs to one form, `#act` (it carries the CSRF token, so fragments hold none), and
// works without this script. With it, the act is sent alone and its answer is shown without leaving the page.

import { answer } from "./live/announce";
import { emit, type Fragment } from "./live/frame";
import { patch, settle } from "./live/patch";
import { word } from "./words";

interface Answer {
  /** The journal's line that the fragments are drawn after. */
  readonly seq?: number;
  readonly said?: string;
  readonly fragments?: readonly Fragment[];
}

/** A refusal, as RFC 9457 problem details. */
interface Problem {
  readonly title?: string;
  readonly detail?: string;
}

function fieldsOf(form: HTMLFormElement, button: HTMLButtonElement): FormData {
  const data = new FormData();
  if (button.name) data.append(button.name, button.value);
  const group = button.closest("[data-act]");
  for (const control of form.elements) {
    if (!(control instanceof HTMLInputElement || control instanceof HTMLSelectElement || control instanceof HTMLTextAreaElement))
      continue;
    if (control instanceof HTMLInputElement && (control.type === "checkbox" || control.type === "radio") && !control.checked) continue;
    const token = control.name === "csrfmiddlewaretoken";
    if (!control.name || !(token || group?.contains(control))) continue;
    if (control instanceof HTMLInputElement && control.type === "file") for (const file of control.files ?? []) data.append(control.name, file);
    else data.append(control.name, control.value);
  }
  return data;
}

function lacking(button: HTMLElement): HTMLElement | undefined {
  const group = button.closest("[data-act]");
  const wanted = group?.querySelectorAll<HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>("[data-needed]") ?? [];
  return [...wanted].find((control) => control.value.trim() === "");
}

let last: Promise<void> = Promise.resolve();

/** Acts reach the server in the order of the keys, one after the other: « A » then « P » is never « P » then « A ». */
function send(form: HTMLFormElement, button: HTMLButtonElement): void {
  if (button.getAttribute("aria-disabled") === "true") return;
  const missing = lacking(button);
  if (missing) {
    missing.setAttribute("aria-invalid", "true");
    missing.focus();
    answer(missing.dataset.needed || word("act.needed"));
    return;
  }
  button.setAttribute("aria-disabled", "true");
  const [action, fields] = [button.formAction, fieldsOf(form, button)];
  last = last.then(() => post(action, fields, button)).finally(() => button.removeAttribute("aria-disabled"));
}

/** Do an act that needs no words, without its button: for a key struck before the panel has come. */
export function act(action: string): void {
  const token = document.querySelector<HTMLInputElement>("#act input[name=csrfmiddlewaretoken]");
  const fields = new FormData();
  if (token) fields.append(token.name, token.value);
  fields.append("seen", document.body.dataset.since ?? "0");
  last = last.then(() => post(action, fields));
}

async function post(action: string, fields: FormData, button?: HTMLButtonElement): Promise<void> {
  try {
    const response = await fetch(action, { method: "POST", body: fields, headers: { Accept: "application/json" } });
    const body = (await response.json().catch(() => ({}))) as Answer & Problem;
    settle(body.fragments ?? [], body.seq ?? 0);
    patch(body.fragments ?? [], true);
    emitTargets(body.fragments ?? []);
    if (!response.ok) {
      answer(body.detail ?? body.title ?? word("act.refused"));
      return;
    }
    if (button) clear(button);
    answer(body.said ?? word("act.done"));
  } catch {
    answer(word("act.unreachable"));
  }
}

/** What an act changed is told to the page as a frame would: an open panel follows at once. */
function emitTargets(fragments: readonly Fragment[]): void {
  if (fragments.length > 0) emit("beffroi:frame", { seq: 0, fragments });
}

/** The words were taken: empty the fields and fold the panel they were in. */
function clear(button: HTMLElement): void {
  const group = button.closest("[data-act]");
  if (!group) return;
  for (const control of group.querySelectorAll<HTMLTextAreaElement | HTMLInputElement>("textarea, input"))
    if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = false;
    else if (control instanceof HTMLInputElement && control.type === "radio") control.checked = control.defaultChecked;
    else control.value = "";
  for (const control of group.querySelectorAll("select"))
    control.selectedIndex = Math.max(0, [...control.options].findIndex((option) => option.defaultSelected));
  if (group instanceof HTMLDetailsElement) group.open = false;
}

export function startActions(): void {
  const form = document.getElementById("act");
  if (!(form instanceof HTMLFormElement)) return;
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement) || button.hasAttribute("data-plain")) return;
    event.preventDefault();
    send(form, button);
  });
  // Enter in a field does that panel's own act: left alone, a browser would press the first button of the whole page.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof Element) || !event.target.matches("input, select")) return;
    const own = event.target.matches("select") ? event.target.closest<HTMLFormElement>("form[data-enter]") : null;
    if (own) {
      event.preventDefault(); // a browser sends a form from its fields, never from its lists
      own.requestSubmit();
      return;
    }
    const button = event.target.closest("[data-act]")?.querySelector<HTMLButtonElement>("button[formaction]");
    if (!button) return;
    event.preventDefault();
    button.click();
  });
  // The safe answer of a confirmation folds it: nothing is sent.
  document.addEventListener("click", (event) => {
    const safe = event.target instanceof Element ? event.target.closest("button[data-folds]") : null;
    const details = safe?.closest("details");
    if (!details) return;
    details.open = false;
    details.querySelector("summary")?.focus();
  });
  // A panel that unfolds hands the keyboard to its first field.
  document.addEventListener(
    "toggle",
    (event) => {
      const details = event.target;
      if (!(details instanceof HTMLDetailsElement && details.open && details.hasAttribute("data-act"))) return;
      // This is told late, after keys that were struck meanwhile: whoever has gone on to another field is left there.
      const active = document.activeElement;
      if (active === document.body || active === details.querySelector("summary"))
        details.querySelector<HTMLElement>("[data-safe], select, textarea, input:not([type=hidden], :disabled)")?.focus();
    },
    { capture: true },
  );
}
