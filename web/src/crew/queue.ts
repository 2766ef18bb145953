// What is not sent yet goes in order, one at a time, when there is network. Each thing has a token: what is sent again after
// an answer that was lost is one. A refusal is the last word on it: it is told, and the next goes.

import { dropItem, dropNotice, keepDay, keepItem, keepNotice, readNotices, readQueue } from "./store";
import type { ActName, Day, Item } from "./types";
import { word } from "./words";

const PATIENCE_MS = 20_000;
/** A picture on a poor network takes its time. */
const UPLOAD_MS = 90_000;
const AGAIN_MS = [2_000, 5_000, 15_000, 30_000];
/** Statuses after which the same may succeed later: too many, a part that starts again, no answer. */
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

export type Net = "on" | "off" | "login";

interface Answer {
  readonly day?: Day;
  readonly said?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** What the page does as the queue goes on. */
export interface Listener {
  changed(): void;
  told(day: Day): Promise<void>;
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

  /** Keep something to send, then send it. Rejects when the phone cannot keep it. */
  async add(kind: Item["kind"], act: ActName | "", mission: number, data: Item["data"], picture?: Blob): Promise<string> {
    const token = crypto.randomUUID();
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
      // One tab at a time: two would send the same twice, which is harmless, but out of order.
      await navigator.locks.request("beffroi-crew-queue", async () => {
        await this.load();
        for (let next = this.next(); next; next = this.next()) if (!(await this.sent(next))) return;
        this.failures = 0;
      });
    } finally {
      this.sending = false;
      if (this.mine.length > 0) this.soon(AGAIN_MS[Math.min(this.failures, AGAIN_MS.length - 1)] ?? 30_000);
    }
  }

  /** Keep what came of it until it is understood: once for a mission, however many acts came too late for the same reason. */
  private async tell(item: Item, answer: Answer): Promise<void> {
    const title = answer.title || word("net.refused");
    const detail = answer.detail ?? "";
    const same = (await readNotices()).find((each) => each.person === this.person && each.mission === item.mission && each.title === title);
    if (same && same.detail.length >= detail.length) return;
    if (same?.id !== undefined) await dropNotice(same.id);
    await keepNotice({ person: this.person, mission: item.mission, title, detail, at: Date.now() });
  }

  /** Who is in danger goes first; all else in the order in which it was pressed. */
  private next(): Item | undefined {
    return this.mine.find((item) => item.act === "distress") ?? this.mine[0];
  }

  /** Send one thing; true when the server has had the last word on it. */
  private async sent(item: Item): Promise<boolean> {
    const response = await post(item).catch(() => undefined);
    if (!response || LATER.has(response.status)) {
      this.failures += 1;
      this.listener.net("off");
      return false;
    }
    if (response.status === 401 || (response.status === 403 && !isProblem(response))) {
      this.failures = AGAIN_MS.length;
      this.listener.net("login");
      return false;
    }
    this.failures = 0;
    this.listener.net("on");
    const answer = (await response.json().catch(() => ({}))) as Answer;
    if (!response.ok && !(response.status === 409 && item.act === "sign")) await this.tell(item, answer);
    if (answer.day) await keepDay(answer.day);
    if (answer.day) await this.listener.told(answer.day); // before it is dropped: nothing shown goes back for a moment
    if (item.id !== undefined) await dropItem(item.id);
    await this.load();
    if (answer.said) this.listener.said(answer.said);
    return true;
  }
}

/** What refuses without saying why is the door, not the post: the session is over. */
function isProblem(response: Response): boolean {
  return response.headers.get("Content-Type")?.includes("json") ?? false;
}

const ADDRESSES = { act: "/crew/acts", picture: "/crew/pictures", problem: "/crew/problems" } as const;

function post(item: Item): Promise<Response> {
  if (item.kind === "act") return ask(ADDRESSES.act, JSON.stringify(told(item)));
  return ask(ADDRESSES[item.kind], form(item), UPLOAD_MS);
}

function told(item: Item): object {
  const { act, token, mission, pressed_at, data } = item;
  return { act, token, mission, pressed_at, data };
}

function form(item: Item): FormData {
  const fields = new FormData();
  for (const [name, value] of Object.entries({ ...item.data, token: item.token, mission: item.mission, pressed_at: item.pressed_at }))
    fields.append(name, String(value));
  if (item.picture) fields.append("picture", item.picture, "picture.jpg");
  return fields;
}

/** Ask the server; rejects when it does not answer in time. */
export function ask(address: string, body?: BodyInit, patience = PATIENCE_MS): Promise<Response> {
  const token = /(?:^|; )beffroi_csrf=([^;]+)/.exec(document.cookie)?.[1] ?? "";
  const headers = { Accept: "application/json", ...(body === undefined ? {} : { "X-CSRFToken": token }) };
  return fetch(address, {
    method: body === undefined ? "GET" : "POST",
    headers,
    signal: AbortSignal.timeout(patience),
    cache: "no-store",
    ...(body === undefined ? {} : { body }),
  });
}
