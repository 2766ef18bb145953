// The distress button: held for two seconds, or touched twice. It says at once whether the room has it; without network it
// says that it was NOT sent and offers the telephone, and goes on trying until it is sent or taken back.

import { button, h } from "./draw";
import type { Day } from "./types";
import { hour, word } from "./words";

const HOLD_MS = 2000;
const TWICE_MS = 4000;

export class Distress {
  private held = 0;
  private tapped = 0;
  private token = "";
  private raisedAt = 0;
  private dialog: HTMLDialogElement | undefined;

  constructor(
    private readonly raise: () => Promise<string>,
    private readonly drop: (token: string) => Promise<void>,
    private readonly waits: (token: string) => boolean,
  ) {
    document.addEventListener("pointerdown", (event) => this.down(event));
    for (const name of ["pointerup", "pointercancel"] as const) document.addEventListener(name, () => this.up());
  }

  /** A touch or a key: the second one within four seconds alerts. */
  touch(): void {
    if (Date.now() - this.tapped < TWICE_MS) void this.alert();
    else {
      this.tapped = Date.now();
      label(word("distress.again"));
      window.setTimeout(() => label(word("distress.hold")), TWICE_MS);
    }
  }

  /** Bring the sheet up to date with what is known. */
  show(day: Day, offline: boolean): void {
    if (Date.now() - this.tapped < TWICE_MS) label(word("distress.again")); // the button was drawn anew meanwhile
    if (!this.dialog) return;
    const standing = day.distress;
    const unsent = this.token !== "" && this.waits(this.token);
    const lines: Node[] = [];
    if (unsent && offline) lines.push(h("h1", {}, word("distress.unsent")), h("p", {}, word("distress.retry")));
    else if (unsent || (!standing && Date.now() - this.raisedAt < 10_000)) lines.push(h("h1", {}, word("distress.sending")));
    else if (standing) lines.push(h("h1", {}, word("distress.sent", { t: hour(standing.raised_at / 1000) })));
    if (standing?.answered_name) lines.push(h("p", { class: "answered" }, word("distress.answered", { who: standing.answered_name })));
    const call = h("a", { class: "button big main", href: `tel:${day.phone.replaceAll(" ", "")}` }, word("distress.call", { phone: day.phone }));
    const leave = unsent ? button("distress-drop", word("distress.drop"), { class: "big" }) : button("distress-close", word("distress.close"), { class: "big" });
    const drawn = h("div", { class: unsent && offline ? "stack failed" : "stack", role: "alert" }, ...lines, call, leave);
    if (this.dialog.firstElementChild?.outerHTML !== drawn.outerHTML) this.dialog.replaceChildren(drawn);
  }

  /** Take the alert back before it is sent. */
  async give(): Promise<void> {
    await this.drop(this.token);
    this.close();
  }

  close(): void {
    this.dialog?.close();
  }

  private down(event: PointerEvent): void {
    if (!(event.target instanceof Element) || !event.target.closest("#distress-button")) return;
    document.getElementById("distress-button")?.classList.add("held");
    this.held = window.setTimeout(() => {
      this.up();
      void this.alert();
    }, HOLD_MS);
  }

  private up(): void {
    window.clearTimeout(this.held);
    document.getElementById("distress-button")?.classList.remove("held");
  }

  private async alert(): Promise<void> {
    this.tapped = 0;
    if (this.dialog) return;
    navigator.vibrate?.([400]);
    this.dialog = h("dialog", { class: "sheet alert", "aria-label": word("distress.button") });
    this.dialog.addEventListener("close", () => {
      this.dialog?.remove();
      this.dialog = undefined;
    });
    this.dialog.append(h("div", { class: "stack", role: "alert" }, h("h1", {}, word("distress.sending"))));
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.raisedAt = Date.now();
    this.token = await this.raise();
  }
}

function label(text: string): void {
  document.querySelector("#distress-button span")?.replaceChildren(text);
}
