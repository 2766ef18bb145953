// How one thing is sent, and what its answer means: for the page, and for its worker, which sends when no page is open. No DOM.

import { dropItem, dropNotice, dropSmall, keepDay, keepNotice, readNotices, readQueue, readSmall } from "./store";
import type { Day, Item } from "./types";

/** Whoever sends holds this lock: one tab, or the worker, at a time, so that all goes in order. */
export const LOCK = "beffroi-crew-queue";
/** What the browser calls the worker by, when the network is back. */
export const SYNC = "beffroi-crew-queue";
const PATIENCE_MS = 20_000;
/** A picture on a poor network takes its time. */
const UPLOAD_MS = 90_000;
/** Statuses after which the same may succeed later: too many, a part that starts again, no answer. */
const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface Answer {
  readonly day?: Day;
  readonly said?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** What an answer means: the last word, ask again later, or the session is over. */
export function meaning(response: Response | undefined): "last" | "later" | "login" {
  if (!response || LATER.has(response.status)) return "later";
  return response.status === 401 || (response.status === 403 && !isProblem(response)) ? "login" : "last";
}

/** What refuses without saying why is the door, not the post: the session is over. */
function isProblem(response: Response): boolean {
  return response.headers.get("Content-Type")?.includes("json") ?? false;
}

/** What a person has not sent, in the order in which it goes: who is in danger first. */
export async function waiting(person: string): Promise<Item[]> {
  const mine = (await readQueue()).filter((item) => item.person === person);
  return mine.sort((a, b) => Number(b.act === "distress") - Number(a.act === "distress"));
}

/** Keep what the post has said of something, and drop it from what waits. */
export async function settle(item: Item, response: Response, before: (answer: Answer) => Promise<void> = async () => {}): Promise<Answer> {
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (!response.ok && !(response.status === 409 && item.act === "sign")) await tell(item, answer);
  if (answer.day) await keepDay(answer.day);
  await before(answer); // before it is dropped: nothing shown goes back for a moment
  if (item.id !== undefined) await dropItem(item.id);
  return answer;
}

/** Keep what came of it until it is understood: once for a mission, however many acts came too late for the same reason. */
async function tell(item: Item, answer: Answer): Promise<void> {
  const { person, mission, picture } = item;
  const told = { person, mission, title: answer.title ?? "", detail: answer.detail ?? "", at: Date.now() };
  if (picture) {
    await keepNotice({ ...told, picture });
    for (const small of await readSmall()) if (small.token === item.token && small.id !== undefined) await dropSmall(small.id);
    return;
  }
  const same = (await readNotices()).find((each) => each.person === person && each.mission === mission && each.title === told.title && !each.picture);
  if (same && same.detail.length >= told.detail.length) return;
  if (same?.id !== undefined) await dropNotice(same.id);
  await keepNotice(told);
}

const ADDRESSES = { act: "/crew/acts", picture: "/crew/pictures", problem: "/crew/problems" } as const;

/** Send one thing; `csrf` is the session's own token. */
export function post(item: Item, csrf: string): Promise<Response> {
  if (item.kind === "act") return ask(ADDRESSES.act, csrf, JSON.stringify(told(item)));
  return ask(ADDRESSES[item.kind], csrf, form(item), UPLOAD_MS);
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
export function ask(address: string, csrf: string, body?: BodyInit, patience = PATIENCE_MS): Promise<Response> {
  const headers = { Accept: "application/json", ...(body === undefined ? {} : { "X-CSRFToken": csrf }) };
  return fetch(address, {
    method: body === undefined ? "GET" : "POST",
    headers,
    signal: AbortSignal.timeout(patience),
    cache: "no-store",
    ...(body === undefined ? {} : { body }),
  });
}
