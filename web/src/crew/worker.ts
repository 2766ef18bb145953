// The service worker of the crews' pages: it keeps the shell and what it loads, so that the page opens without network. It
// keeps no answer that holds anybody's data: the page's own store does (store.ts). It stands alone: no import.

/// <reference lib="webworker" />
export type {};
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

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === SHELL) event.respondWith(shell(event.request));
  else if (url.pathname.startsWith("/static/build/")) event.respondWith(built(event.request));
});
