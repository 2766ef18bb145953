// Sheets: what asks for more than one touch. A sheet is a dialog; what is typed in it survives everything behind it.

import { button, h, type Child } from "./draw";
import { word } from "./words";

/** Open a sheet; it leaves the page when it is closed. `act` is called with its form when it is sent, and closes it by true. */
export function sheet(title: string, children: readonly Child[], act: (form: HTMLFormElement, chosen: string) => boolean | Promise<boolean>): HTMLDialogElement {
  const last = children.at(-1);
  const acts = h("div", { class: "stack last" }, last, button("", word("act.cancel"), { class: "big", "data-close": true }));
  const form = h("form", { method: "dialog", class: "stack" }, h("h2", { id: "sheet-title" }, title), ...children.slice(0, -1), acts);
  const dialog = h("dialog", { class: "sheet", "aria-labelledby": "sheet-title" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = event.submitter instanceof HTMLButtonElement ? event.submitter.value : "";
    void Promise.resolve(act(form, chosen)).then((done) => done && dialog.close());
  });
  dialog.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A button of a sheet that sends it with a value. */
export function choice(value: string, text: string, main = false): HTMLButtonElement {
  return h("button", { class: main ? "big main" : "big", value }, text);
}

/** A text of a sheet, and where what lacks is told. */
export function field(name: string, label: string, rows = 2): HTMLElement {
  return h("label", { class: "field" }, h("span", {}, label), h("textarea", { name, rows, maxlength: 2000 }), h("span", { class: "lacking", role: "alert" }));
}

/** Return the text of a field. */
export function textOf(form: HTMLFormElement, name: string): string {
  const found = form.elements.namedItem(name);
  return found instanceof HTMLTextAreaElement ? found.value.trim() : "";
}

/** Say what a field lacks, and go to it. */
export function lacks(form: HTMLFormElement, name: string, text: string): false {
  const found = form.elements.namedItem(name);
  if (found instanceof HTMLTextAreaElement) {
    found.parentElement?.querySelector(".lacking")?.replaceChildren(text);
    found.focus();
  }
  return false;
}
