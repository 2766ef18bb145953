// The form by which an incident is told. The server draws what it looks up (places, what is known near); this script asks
// while one types, and takes the first place on Enter. Without it the same buttons send the form.

import { writeAges } from "./live/ages";

const WAIT_MS = 180;
const REGIONS = ["place", "known", "send"];

class Telling {
  private timer = 0;
  private asked = 0;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly where: HTMLInputElement,
  ) {
    form.addEventListener("input", (event) => {
      if (event.target instanceof Element && event.target.hasAttribute("data-looks")) this.lookSoon();
    });
    form.addEventListener("submit", (event) => this.sent(event));
    form.addEventListener("click", (event) => {
      const goes = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-goes]") : null;
      if (goes) document.getElementById(goes.dataset.goes ?? "")?.focus();
    });
    where.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      void this.takeFirst();
    });
  }

  private lookSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), WAIT_MS);
  }

  private sent(event: SubmitEvent): void {
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement)) return;
    if (button.name === "choose") {
      event.preventDefault();
      void this.choose(button.value);
    } else if (button.value === "look") {
      event.preventDefault();
      void this.look();
    }
  }

  /** Ask what the form leads to, and show it; an answer that a later question overtook is dropped. */
  private async look(pick?: string): Promise<boolean> {
    window.clearTimeout(this.timer);
    this.timer = 0;
    const turn = ++this.asked;
    const fields = new FormData(this.form);
    fields.set("do", "look");
    if (pick !== undefined) fields.set("choose", pick);
    const response = await fetch(this.form.action, { method: "POST", body: fields, headers: { Accept: "text/html" } }).catch(
      () => undefined,
    );
    const html = response?.ok ? await response.text().catch(() => undefined) : undefined;
    if (html === undefined || turn !== this.asked) return false;
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const id of REGIONS) {
      const [mine, theirs] = [document.getElementById(id), fresh.getElementById(id)];
      if (mine && theirs) mine.replaceWith(document.importNode(theirs, true));
    }
    const chosen = fresh.querySelector<HTMLInputElement>("#t-where");
    if (pick !== undefined && chosen) this.where.value = chosen.value;
    writeAges();
    return true;
  }

  private async takeFirst(): Promise<void> {
    if (this.timer || !document.querySelector("#place .choices, #place .chosen")) await this.look();
    const first = document.querySelector<HTMLButtonElement>("#place .choices button");
    if (first) await this.choose(first.value);
    else if (document.querySelector("#place .chosen")) this.goOn();
  }

  private async choose(value: string): Promise<void> {
    if (await this.look(value)) this.goOn();
  }

  /** What is known is read first: its keys attach or go on. Where nothing is, the words come next. */
  private goOn(): void {
    const known = document.getElementById("known");
    (known?.dataset.count ? known : document.getElementById("t-description"))?.focus();
  }
}

export function startTelling(): void {
  const form = document.getElementById("telling");
  const where = document.getElementById("t-where");
  if (form instanceof HTMLFormElement && where instanceof HTMLInputElement) new Telling(form, where);
}
