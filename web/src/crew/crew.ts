// The crew's page on a phone: drawn from what the phone keeps, so that it opens and is read without network. What is pressed is
// kept first, shown at once as not sent yet, and sent in order (queue.ts).

import "../styles/fonts.css";
import "../styles/tokens.css";
import "../styles/base.css";
import "./crew.css";
import { Idiomorph } from "idiomorph";
import { Distress } from "./distress";
import { h } from "./draw";
import { missionsShown, unitShown } from "./overlay";
import { smaller } from "./photo";
import { Position } from "./position";
import { openProblem } from "./problem";
import { ask, Queue, type Net } from "./queue";
import { choice, field, lacks, sheet, textOf } from "./sheet";
import { dropNotice, dropSmall, forget, keepDay, keepNotice, keepSmall, keepWay, readDay, readNotices, readSmall, readWay } from "./store";
import type { ActName, Day, Item, Notice, Way } from "./types";
import { drawBottom, drawMain, drawTop, type Scene } from "./view";
import { word } from "./words";

const POLL_MS = 5_000;
const POLL_OFF_MS = 30_000;

const person = document.body.dataset.person ?? "";
const ways = new Map<number, Way>();
/** Missions whose way is asked for, and has not come yet. */
const asking = new Set<number>();
const pictures = new Map<string, string[]>();
let day: Day | undefined;
let net: Net = navigator.onLine ? "on" : "off";
let notices: readonly Notice[] = [];
/** Pictures that the post did not keep, by their notice: addresses that only this page knows. */
const refused = new Map<number, string>();
let known = new Set<number>();

const queue = new Queue(person, {
  changed: () => draw(),
  told,
  refused: async () => {
    await loadNotices();
    await loadPictures();
  },
  said: (text) => say(text),
  net: (state) => {
    net = state;
    draw();
  },
});
const position = new Position(() => draw());
const distress = new Distress(
  () => queue.add("act", "distress", 0, here()),
  (token) => queue.drop(token),
  (token) => queue.mine.some((item) => item.token === token),
);

function here(): Item["data"] {
  const coords = position.last?.coords;
  return coords ? { lon: coords.longitude, lat: coords.latitude } : {};
}

function say(text: string, urgent = false): void {
  const region = document.getElementById(urgent ? "say-assertive" : "say-polite");
  if (region) region.textContent = text;
}

/** Take a day that the server told; one that is older than what is shown changes nothing. */
async function told(fresh: Day): Promise<void> {
  if (day && fresh.at < day.at && fresh.person.username === day.person.username) return;
  day = fresh;
  await loadNotices();
  announce(fresh);
  draw();
}

/** What this person has not understood yet, with the pictures that were refused. */
async function loadNotices(): Promise<void> {
  notices = (await readNotices()).filter((notice) => notice.person === person);
  const kept = new Set(notices.map((notice) => notice.id));
  for (const [id, url] of refused) if (!kept.has(id) && refused.delete(id)) URL.revokeObjectURL(url);
  for (const { id, picture } of notices) if (id !== undefined && picture && !refused.has(id)) refused.set(id, URL.createObjectURL(picture));
}

/** A mission that was not there before is felt, and read aloud. */
function announce(fresh: Day): void {
  const proposed = fresh.missions.filter((mission) => mission.state === "proposed");
  const arrived = proposed.find((mission) => !known.has(mission.number));
  known = new Set(proposed.map((mission) => mission.number));
  if (!arrived) return;
  navigator.vibrate?.([300, 150, 300]);
  say(`${word("mission.next")} : ${arrived.title}, ${arrived.where}`, true);
}

function scene(): Scene | undefined {
  if (!day) return undefined;
  const mine = queue.mine;
  const unit = unitShown(day, mine);
  position.follow(unit, day.unit);
  return {
    day,
    unit,
    missions: missionsShown(day, mine),
    notices,
    refused,
    unsent: mine.length,
    others: queue.others,
    net,
    position: position.said(unit),
    ways,
    asking,
    pictures,
  };
}

function put(id: string, nodes: readonly Node[]): void {
  const region = document.getElementById(id);
  if (!region) return;
  const fresh = h("div", {}, ...nodes);
  Idiomorph.morph(region, [...fresh.childNodes], {
    morphStyle: "innerHTML",
    restoreFocus: true,
    callbacks: { beforeAttributeUpdated: (name: string, element: Element) => !(name === "open" && element.localName === "details") && !element.classList.contains("held") },
  });
}

function draw(): void {
  const found = scene();
  if (!found) return;
  put("top", drawTop(found));
  put("main", drawMain(found));
  put("bottom", drawBottom(found));
  distress.show(found.day, net !== "on");
}

/** Ask for the day; what the phone keeps stands when there is no answer. */
async function refresh(): Promise<void> {
  const response = await ask("/crew/day.json", undefined, 8_000).catch(() => undefined);
  if (response?.status === 401) net = "login";
  else net = response?.ok ? "on" : "off";
  if (response?.ok) {
    const fresh = (await response.json()) as Day;
    if (fresh.person.username !== person) {
      await forget(); // somebody else signed in, and the shell is still that of the person before
      location.reload();
      return;
    }
    await keepDay(fresh);
    await told(fresh);
    if (queue.mine.length > 0) queue.soon(0);
  } else draw();
}

async function poll(): Promise<void> {
  if (!document.hidden) await refresh();
  const on = day?.unit && day.unit.duty !== "off";
  window.setTimeout(() => void poll(), on ? POLL_MS : POLL_OFF_MS);
}

async function send(act: ActName, mission = 0, data: Item["data"] = {}): Promise<void> {
  await queue.add("act", act, mission, data).catch(() => say(word("net.stored"), true));
}

function openDuty(): void {
  sheet(word("duty.begin"), [h("p", {}, word("duty.begin.why")), choice("1", word("duty.alone"), true), choice("2", word("duty.crew"))], (_form, chosen) => {
    void send("begin", 0, { headcount: Number(chosen) || 1, shares: true });
    return true;
  });
}

function openEnd(): void {
  sheet(word("duty.end"), [h("p", {}, word("duty.end.why")), choice("end", word("duty.end"), true)], () => {
    void send("end");
    return true;
  });
}

const REASONS = ["refuelling", "breakdown", "escort", "paperwork", "other"] as const;

function openUnavailable(): void {
  const reasons = REASONS.map((reason) => choice(reason, word(`unavailable.${reason}`)));
  sheet(word("unavailable.begin"), [h("p", {}, word("unavailable.why")), h("div", { class: "stack" }, ...reasons)], (_form, reason) => {
    void send("unavailable", 0, { reason });
    return true;
  });
}

function openRefuse(mission: number): void {
  sheet(word("act.refuse"), [field("reason", word("refuse.why")), choice("refuse", word("act.refuse"), true)], (form) => {
    const reason = textOf(form, "reason");
    if (!reason) return lacks(form, "reason", word("refuse.why"));
    void send("refuse", mission, { reason });
    return true;
  });
}

function openNote(mission: number): void {
  sheet(word("mission.note"), [field("text", word("mission.note"), 4), choice("note", word("mission.note.send"), true)], (form) => {
    const text = textOf(form, "text");
    if (!text) return lacks(form, "text", word("mission.note"));
    void send("note", mission, { text });
    return true;
  });
}

function openFinish(mission: number): void {
  const ends = ["repaired", "made_safe", "nothing_found", "not_done"].map((end) => choice(end, word(`finish.${end}`)));
  sheet(word("finish.how"), [field("comment", word("finish.comment")), ...ends], (form, outcome) => {
    const comment = textOf(form, "comment");
    if (outcome === "not_done" && !comment) return lacks(form, "comment", word("finish.comment.needed"));
    void send("finish", mission, { outcome, comment });
    return true;
  });
}

function openOut(): void {
  const waits = queue.mine.length > 0 ? [h("p", {}, word("page.out.unsent"))] : [];
  sheet(word("page.out"), [...waits, choice("out", word("page.out"), true)], () => {
    void forget().then(() => (document.getElementById("out") as HTMLFormElement | null)?.submit());
    return true;
  });
}

const DOES: Readonly<Record<string, (mission: number, element: HTMLElement) => void>> = {
  begin: openDuty,
  end: openEnd,
  pause: () => void send("pause"),
  unavailable: openUnavailable,
  resume: () => void send("resume"),
  depart: (mission) => void send("depart", mission),
  arrive: (mission) => void send("arrive", mission),
  finish: openFinish,
  refuse: openRefuse,
  note: openNote,
  safe: (mission) => void send("safe", mission),
  share: (_mission, element) => void send("sharing", 0, { shares: element.getAttribute("aria-checked") !== "true" }),
  sign: (mission) => void send("sign", mission),
  distress: () => distress.touch(),
  "distress-drop": () => void distress.give(),
  "distress-close": () => distress.close(),
  problem: () => {
    if (day) openProblem(day, position, async (data, picture) => {
      await queue.add("problem", "", 0, data, picture).catch(() => say(word("net.stored"), true));
      say(word("problem.kept"));
    });
  },
  understood: (_mission, element) =>
    void dropNotice(Number(element.dataset.id)).then(async () => {
      await loadNotices();
      draw();
    }),
  out: openOut,
};

document.addEventListener("click", (event) => {
  const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null;
  const act = element?.dataset.do;
  if (element && act) DOES[act]?.(Number(element.dataset.mission ?? 0), element);
});

document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement)) return;
  const mission = Number(input.dataset.mission ?? 0);
  if (input.dataset.check) void send("check", mission, { line: Number(input.dataset.check), checked: input.checked });
  const [kind, file, step] = [input.dataset.picture, input.files?.[0], input.dataset.step ?? ""];
  if (kind && file) taking = taking.then(() => take(input, mission, kind, file, step)); // one takes longer to make smaller: in their order
});

document.addEventListener(
  "toggle",
  (event) => {
    const details = event.target;
    if (details instanceof HTMLDetailsElement && details.open && details.dataset.way) void findWay(Number(details.dataset.way));
  },
  { capture: true },
);

let taking: Promise<void> = Promise.resolve();

/** `step`: the step of a procedure that the photo is for; empty for none. */
async function take(input: HTMLInputElement, mission: number, kind: string, file: Blob, step: string): Promise<void> {
  const drawn = await smaller(file).catch(() => undefined);
  const token = crypto.randomUUID();
  try {
    if (!drawn) throw new Error("not read");
    await keepSmall({ token, mission, kind: step || kind, picture: drawn.small }); // first: a refusal finds it
    await queue.add("picture", "", mission, step ? { kind, step } : { kind }, drawn.picture, token);
    await loadPictures();
  } catch {
    const why = word(drawn ? "net.stored" : "picture.failed");
    say(why, true);
    await keepNotice({ person, mission, title: word("picture.unread"), detail: why, at: Date.now() }).catch(() => undefined);
    await loadNotices();
  }
  input.value = "";
  draw();
}

/** Small pictures of the missions that the day still tells; the others are forgotten. */
async function loadPictures(): Promise<void> {
  for (const urls of pictures.values()) for (const url of urls) URL.revokeObjectURL(url);
  pictures.clear();
  const told = new Set(day?.missions.map((mission) => mission.number));
  for (const small of await readSmall()) {
    if (day && !told.has(small.mission) && small.id !== undefined) {
      await dropSmall(small.id);
      continue;
    }
    const key = `${small.mission}-${small.kind}`;
    pictures.set(key, [...(pictures.get(key) ?? []), URL.createObjectURL(small.picture)]);
  }
}

async function findWay(mission: number): Promise<void> {
  const coords = position.last?.coords;
  const from = coords ? `?lon=${coords.longitude}&lat=${coords.latitude}` : "";
  if (net === "on") asking.add(mission);
  draw();
  const response = await ask(`/crew/missions/${mission}/way.json${from}`, undefined, 8_000).catch(() => undefined);
  asking.delete(mission);
  const way = response?.ok ? ((await response.json()) as Way) : await readWay(mission);
  if (way) {
    ways.set(mission, way);
    await keepWay(mission, way);
  }
  draw();
}

async function start(): Promise<void> {
  if ("serviceWorker" in navigator) void navigator.serviceWorker.register("/crew/worker.js", { scope: "/crew/" });
  void navigator.storage?.persist?.();
  const kept = await readDay();
  if (kept && kept.person.username !== person) await forget();
  else if (kept) day = kept;
  await queue.load();
  await loadPictures();
  if (day) await told(day);
  await poll();
  if (!day) document.querySelector(".waiting-first")?.replaceChildren(word("page.first"));
  queue.soon(0);
}

window.addEventListener("online", () => void refresh());
// The worker sent something while this page slept.
navigator.serviceWorker?.addEventListener("message", () => void queue.load().then(loadPictures).then(refresh));
window.addEventListener("offline", () => {
  net = "off";
  draw();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh();
});
void start();
