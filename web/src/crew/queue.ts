// What is not sent yet goes in order, one at a time, when there is network. Each thing has a token: what is sent again after
// an answer that was lost is one. A refusal is the last word on it: it is told, and the next goes.

import { LOCK, meaning, post, ask as send, settle, SYNC, waiting } from "./sending";
import { dropItem, keepItem, readQueue } from "./store";
import type { ActName, Day, Item } from "./types";

const AGAIN_MS = [2_000, 5_000, 15_000, 30_000];

declare global {
  interface ServiceWorkerRegistration {
    /** Background Sync, where the browser has it. */
    readonly sync?: { register(tag: string): Promise<void> };
  }
}

export type Net = "on" | "off" | "login";

/** What the page does as the queue goes on. */
export interface Listener {
  changed(): void;
  told(day: Day): Promise<void>;
  /** The post did not keep a picture: it is a notice now. */
  refused(): Promise<void>;
  said(text: string): void;
  net(state: Net): void;
}

export class Queue {
  items: readonly Item[] = [];
  private failures = 0;
  private timer = 0;
  private sending = false;

  constructor(
    readonly person: string,
    private readonly listener: Listener,
  ) {
    window.addEventListener("online", () => this.soon(0));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.soon(0);
      else if (this.mine.length > 0) this.whenBack(); // the page may be gone before it knows that nothing left
    });
  }

  /** What this person has not sent yet. */
  get mine(): readonly Item[] {
    return this.items.filter((item) => item.person === this.person);
  }

  /** What others who used this phone have not sent yet, by name. */
  get others(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const item of this.items) if (item.person !== this.person) found.set(item.person, (found.get(item.person) ?? 0) + 1);
    return found;
  }

  async load(): Promise<void> {
    this.items = await readQueue();
    this.listener.changed();
  }

  /** Keep something to send, then send it. Rejects when the phone cannot keep it. `token`: made before, where it is needed. */
  async add(kind: Item["kind"], act: ActName | "", mission: number, data: Item["data"], picture?: Blob, token: string = crypto.randomUUID()): Promise<string> {
    const item = { token, person: this.person, kind, act, mission, pressed_at: Date.now(), data };
    await keepItem(picture ? { ...item, picture } : item);
    await this.load();
    this.soon(0);
    return token;
  }

  /** Take something back that was not sent. */
  async drop(token: string): Promise<void> {
    const found = this.items.find((item) => item.token === token);
    if (found?.id !== undefined) await dropItem(found.id);
    await this.load();
  }

  /** Send what waits, after so many milliseconds. */
  soon(delay: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.send(), delay);
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      // One tab at a time, or the worker: two would send the same twice, which is harmless, but out of order.
      await navigator.locks.request(LOCK, async () => {
        await this.load();
        for (let [next] = await waiting(this.person); next; [next] = await waiting(this.person)) if (!(await this.sent(next))) return;
        this.failures = 0;
      });
    } finally {
      this.sending = false;
      if (this.mine.length > 0) this.soon(AGAIN_MS[Math.min(this.failures, AGAIN_MS.length - 1)] ?? 30_000);
    }
  }

  /** Send one thing; true when the server has had the last word on it. */
  private async sent(item: Item): Promise<boolean> {
    const response = await post(item, csrf()).catch(() => undefined);
    const means = meaning(response);
    if (means === "login") {
      this.failures = AGAIN_MS.length;
      this.listener.net("login");
      return false;
    }
    if (means === "later" || !response) {
      this.failures += 1;
      this.listener.net("off");
      this.whenBack();
      return false;
    }
    this.failures = 0;
    this.listener.net("on");
    const answer = await settle(item, response, async ({ day }) => {
      if (item.picture && !response.ok) await this.listener.refused();
      if (day) await this.listener.told(day);
    });
    await this.load();
    if (answer.said) this.listener.said(answer.said);
    return true;
  }

  /** Have the browser wake the worker when there is network, the page closed too: where it can, which is not every phone. */
  private whenBack(): void {
    void navigator.serviceWorker?.ready.then((worker) => worker.sync?.register(SYNC)).catch(() => undefined);
  }
}

/** Ask the server as this page; rejects when it does not answer in time. */
export function ask(address: string, body?: BodyInit, patience?: number): Promise<Response> {
  return send(address, csrf(), body, patience);
}

/** The session's token against forged requests, from its cookie. */
function csrf(): string {
  return /(?:^|; )beffroi_csrf=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}
