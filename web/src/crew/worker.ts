// The service worker of the crews' pages: it keeps the shell and what it loads, so that the page opens without network. It
// keeps no answer that holds anybody's data: the page's own store does (store.ts). Where the browser wakes it when there is
// network again (Background Sync), it sends what waits with no page open. Built in one piece (vite.worker.config.ts).

/// <reference lib="webworker" />
import { ask, LOCK, meaning, post, settle, SYNC, waiting } from "./sending";
import type { Day } from "./types";

interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}

declare const self: ServiceWorkerGlobalScope & { readonly KEPT: readonly string[]; readonly NAME: string };

const SHELL = "/crew/";
const NETWORK_MS = 4000;
const store = `beffroi-crew-${self.NAME}`;

/** What the shell loads is kept at once; the shell itself asks for a session, and may not be had yet. */
async function install(): Promise<void> {
  const cache = await caches.open(store);
  await cache.addAll(self.KEPT);
  await cache.add(SHELL).catch(() => undefined);
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("beffroi-crew-") && name !== store).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** The shell from the network where it answers in time, and it is kept; else the one that is kept. */
async function shell(request: Request): Promise<Response> {
  const cache = await caches.open(store);
  try {
    const fresh = await fetch(request, { signal: AbortSignal.timeout(NETWORK_MS) });
    if (fresh.ok && !fresh.redirected) await cache.put(SHELL, fresh.clone());
    if (fresh.status < 500) return fresh;
  } catch {
    // no network, or too slow: the one that is kept
  }
  return (await cache.match(SHELL)) ?? Response.error();
}

async function built(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

/** Send what the person who is signed in has not sent. Rejects while there is no network: the browser calls again. */
async function sendAll(): Promise<void> {
  const pages = await self.clients.matchAll({ type: "window" });
  if (pages.some((page) => page.visibilityState === "visible")) return; // it sends by itself, and shows it
  const told = await ask("/crew/day.json", "", undefined, 8_000).catch(() => undefined);
  if (meaning(told) === "later" || !told) throw new Error("no network yet");
  if (!told.ok) return; // the session is over: what waits goes under its own name, later
  const { person } = (await told.json()) as Day;
  const csrf = await csrfToken();
  await navigator.locks.request(LOCK, async () => {
    for (let [next] = await waiting(person.username); next; [next] = await waiting(person.username)) {
      const response = await post(next, csrf).catch(() => undefined);
      const means = meaning(response);
      if (means === "login") return;
      if (means === "later" || !response) throw new Error("no network any more");
      await settle(next, response);
    }
  });
  for (const page of await self.clients.matchAll({ type: "window" })) page.postMessage("sent");
}

/** The session's token against forged requests; browsers that wake a worker let it read its cookies. */
async function csrfToken(): Promise<string> {
  const cookies = (self as unknown as { cookieStore?: { get(name: string): Promise<{ value: string } | null> } }).cookieStore;
  return (await cookies?.get("beffroi_csrf"))?.value ?? "";
}

self.addEventListener("sync" as "message", (event) => {
  const { tag } = event as unknown as SyncEvent;
  if (tag === SYNC) event.waitUntil(sendAll());
});
self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === SHELL) event.respondWith(shell(event.request));
  else if (url.pathname.startsWith("/static/build/")) event.respondWith(built(event.request));
});
