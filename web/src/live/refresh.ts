// Asks the server for the page again and brings this one to it: what a gap in the stream leaves as the only sure way.

import { answer } from "./announce";
import { emit } from "./frame";
import { fillOpen } from "./lazy";
import { liveList, morph, patchList } from "./patch";
import { writeAges, setServerTime } from "./ages";
import { word } from "../words";

let running: Promise<string | undefined> | undefined;

/** Return the sequence of the fresh page, or undefined when it could not be had. One at a time. */
export function refreshPage(): Promise<string | undefined> {
  running ??= fetchPage().finally(() => (running = undefined));
  return running;
}

/** Ask for the page again soon, once for many reasons. */
export function refreshSoon(): void {
  timer ||= window.setTimeout(() => {
    timer = 0;
    void refreshPage();
  }, 1000);
}

let timer = 0;

async function fetchPage(): Promise<string | undefined> {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" }).catch(() => undefined);
  if (!response?.ok) return undefined;
  if (response.redirected && new URL(response.url).pathname !== location.pathname) {
    answer(word("session.over"));
    return undefined;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const region of fresh.querySelectorAll("[data-fed][id]")) {
    const mine = document.getElementById(region.id);
    if (!mine) continue;
    if (region.hasAttribute("data-list") && liveList(region.id)) patchList(region);
    else morph(mine, region);
    fillOpen(mine);
  }
  if (fresh.body.dataset.at) setServerTime(Number(fresh.body.dataset.at));
  writeAges();
  emit("beffroi:patched", null);
  emit("beffroi:rows", null);
  return fresh.body.dataset.since;
}
