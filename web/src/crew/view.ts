// What the page shows, drawn whole from what is known: the bar at the top, the mission, the bar at the bottom.

import { button, h, priority, type Child } from "./draw";
import type { Net } from "./queue";
import type { Shown } from "./overlay";
import type { Day, Notice, Unit, Way } from "./types";
import { hour, plural, word } from "./words";

/** All that the page is drawn from. */
export interface Scene {
  readonly day: Day;
  readonly unit: Unit | null;
  readonly missions: readonly Shown[];
  readonly notices: readonly Notice[];
  /** Pictures of notices, by the notice's number. */
  readonly refused: ReadonlyMap<number, string>;
  readonly unsent: number;
  readonly others: ReadonlyMap<string, number>;
  readonly net: Net;
  readonly position: string;
  readonly ways: ReadonlyMap<number, Way>;
  readonly asking: ReadonlySet<number>;
  readonly pictures: ReadonlyMap<string, readonly string[]>;
}

export function drawTop(scene: Scene): Node[] {
  const { unit } = scene;
  if (!unit) return [h("p", { class: "who" }, scene.day.person.name)];
  const on = unit.duty !== "off";
  const duty = button(on ? "end" : "begin", word(on ? "duty.on" : "duty.off"), {
    id: "duty",
    class: on ? "duty on" : "duty",
    role: "switch",
    "aria-checked": String(on),
  });
  const rests = unit.duty === "break" || unit.duty === "unavailable";
  const pause = rests ? button("resume", word("pause.end"), { id: "pause" }) : button("pause", word("pause.begin"), { id: "pause" });
  return [
    h("div", { class: "bar" }, h("p", { class: "who" }, h("strong", {}, unit.callsign), h("span", {}, unit.said)), on && pause, duty),
    h("div", { class: "state" }, h("p", { id: "position" }, scene.position), unsent(scene)),
  ];
}

/** What is not sent yet: a disc while something waits, plain words when all is gone. */
function unsent(scene: Scene): HTMLElement {
  const waits = scene.unsent > 0;
  return h("p", { id: "unsent", class: waits ? "unsent waits" : "unsent" }, waits ? plural("net.unsent", scene.unsent) : word("net.sent"));
}

export function drawMain(scene: Scene): Node[] {
  const { day, missions } = scene;
  const live = missions.filter((mission) => mission.live);
  const past = missions.filter((mission) => !mission.live);
  const drawn: Child[] = [
    scene.net === "login" && h("section", { class: "told strong" }, h("p", {}, word("net.login")), h("a", { class: "button big main", href: "/login?next=/crew/" }, word("net.login.do"))),
    scene.net === "off" && h("p", { class: "told" }, word("net.off", { t: hour(day.at / 1000) })),
    ...[...scene.others].map(([who, n]) => h("p", { class: "told" }, word("net.other", { n, who }))),
    ...scene.notices.map((notice) => drawNotice(notice, scene.refused.get(notice.id ?? 0))),
    scene.unit?.duty === "unavailable" && h("section", { class: "told", id: "unavailable" }, h("p", {}, word("unavailable.now", { why: scene.unit.reason })), button("resume", word("unavailable.end"), { class: "big main" })),
    ...live.map((mission) => drawMission(mission, scene)),
    live.length === 0 && h("section", { class: "card none" }, h("p", {}, nothing(scene))),
    past.length > 0 && h("section", { class: "past" }, h("h2", {}, word("mission.past")), h("ul", {}, ...past.map((mission) => drawPast(mission, scene)))),
    live.length === 0 && scene.unit?.duty === "on" && button("unavailable", word("unavailable.begin"), { id: "become-unavailable", class: "big" }),
    scene.unit !== null && scene.unit.duty !== "off" && button("share", word("position.share"), { id: "share", class: scene.unit.shares ? "duty on" : "duty", role: "switch", "aria-checked": String(scene.unit.shares) }),
    h("nav", { class: "account" }, h("a", { class: "button", href: "/preferences" }, word("page.account")), button("out", word("page.out"))),
  ];
  return drawn.filter((child): child is Node => child instanceof Node);
}

function nothing(scene: Scene): string {
  if (!scene.unit) return word("duty.none");
  return word(scene.unit.duty === "on" ? "mission.none" : `mission.none.${scene.unit.duty}`);
}

function drawNotice(notice: Notice, picture: string | undefined): HTMLElement {
  const done = word(picture ? "act.seen" : "act.understood");
  return h(
    "section",
    { class: "told strong", id: `notice-${notice.id}` },
    h("h2", {}, notice.title || word("net.refused")),
    notice.detail !== "" && notice.detail !== notice.title && h("p", {}, notice.detail),
    picture !== undefined && h("p", { class: "refused" }, h("img", { src: picture, alt: "", width: 96, height: 96 }), word("picture.refused")),
    picture !== undefined && h("a", { class: "button big", href: picture, download: `photo-${new Date(notice.at).toISOString().slice(0, 16)}.jpg` }, word("picture.save")),
    button("understood", done, { class: "big", "data-id": notice.id }),
  );
}

function drawPast(mission: Shown, scene: Scene): HTMLElement {
  const when = mission.ended_at ? hour(mission.ended_at / 1000) : "";
  return h(
    "li",
    { id: `past-${mission.number}` },
    h("p", {}, h("strong", {}, mission.title), ` · ${mission.where}`),
    h("p", { class: "muted" }, [mission.said, mission.outcome, when, mission.reference].filter(Boolean).join(" · ")),
    waits(mission),
    drawPictures(mission, scene, false),
  );
}

function waits(mission: Shown): Child {
  return mission.unsent > 0 && h("p", { class: "unsent waits" }, plural("net.unsent", mission.unsent));
}

function drawMission(mission: Shown, scene: Scene): HTMLElement {
  const id = { "data-mission": mission.number };
  const here = mission.state === "on_site";
  return h(
    "article",
    { class: "card mission", id: `mission-${mission.number}`, "aria-label": word("mission.next") },
    h("header", {}, priority(mission.priority), h("div", {}, h("h1", {}, mission.title), h("p", { class: "where" }, mission.where), h("p", { class: "muted" }, `${mission.reference} · ${word("mission.by", { who: mission.proposed_name, t: hour(mission.proposed_at / 1000) })}`))),
    waits(mission),
    mission.hazards !== "" && h("p", { class: "hazards" }, h("strong", {}, `${word("mission.hazards")} : `), mission.hazards),
    mission.instructions !== "" && h("p", { class: "orders" }, mission.instructions),
    drawWay(mission, scene.ways.get(mission.number), scene.asking.has(mission.number)),
    drawSteps(mission),
    here && scene.unit?.alone === true && button("sign", word("act.sign"), { class: "big", ...id }, mission.sign_due ? h("span", { class: "muted" }, word("act.sign.due", { t: hour(mission.sign_due / 1000) })) : undefined),
    drawChecklist(mission),
    h("h2", {}, word("mission.pictures")),
    drawPictures(mission, scene, true),
    h("div", { class: "row" }, button("note", word("mission.note"), { class: "big", ...id }), here && button("safe", word("act.safe"), { class: "big", ...id }), mission.state === "proposed" && button("refuse", word("act.refuse"), { class: "big", ...id })),
  );
}

const STEPS = [
  ["depart", ["proposed", "accepted"], ["en_route", "on_site"]],
  ["arrive", ["en_route", "accepted"], ["on_site"]],
  ["finish", ["on_site", "en_route"], []],
] as const;

/** The three steps, always in the same place: done, next, or not yet. */
function drawSteps(mission: Shown): HTMLElement {
  const state: string = mission.state;
  const next = state === "on_site" ? "finish" : state === "en_route" ? "arrive" : "depart";
  const drawn = STEPS.map(([act, from, done]) => {
    const past = (done as readonly string[]).includes(state);
    const open = (from as readonly string[]).includes(state);
    return button(act, `${past ? "✓ " : ""}${word(`act.${act}`)}`, {
      id: `${act}-${mission.number}`,
      class: act === next ? "big main" : "big",
      "data-mission": mission.number,
      disabled: !open,
      "aria-pressed": String(past),
    });
  });
  return h("div", { class: "steps" }, ...drawn);
}

function drawWay(mission: Shown, way: Way | undefined, asked: boolean): HTMLElement {
  const place = `${mission.lat.toFixed(6)},${mission.lon.toFixed(6)}`;
  const led = way !== undefined && way.streets.length > 0;
  const far = led && word("mission.eta", { m: (way.metres / 1000).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }), t: Math.max(1, Math.round(way.seconds / 60)) });
  return h(
    "details",
    { class: "way", id: `way-${mission.number}`, "data-way": mission.number },
    h("summary", { class: "button big" }, word("mission.way"), far ? h("span", { class: "muted" }, far) : ""),
    way && way.closed.length > 0 ? h("p", { class: "hazards" }, word("mission.way.closed", { streets: way.closed.join(", ") })) : undefined,
    led ? h("ol", {}, ...way.streets.map((street) => h("li", {}, street))) : h("p", { class: "muted" }, word(way ? "mission.way.nowhere" : asked ? "mission.way.asked" : "mission.way.none")),
    h("a", { class: "button big", href: `geo:${place}?q=${place}` }, word("mission.way.open")),
  );
}

function drawChecklist(mission: Shown): Child {
  if (mission.checklist.length === 0) return undefined;
  const open = mission.state === "on_site";
  const lines = mission.checklist.map((item, line) =>
    h(
      "li",
      {},
      h(
        "label",
        { class: "check" },
        h("input", { type: "checkbox", id: `check-${mission.number}-${line}`, "data-check": line, "data-mission": mission.number, checked: item.checked_at !== null, disabled: !open }),
        h("span", {}, item.text),
        item.checked_at !== null && h("span", { class: "muted" }, hour(item.checked_at / 1000)),
      ),
    ),
  );
  return h("div", { class: "checklist" }, h("h2", {}, word("mission.checklist")), !open && h("p", { class: "muted" }, word("mission.checklist.wait")), h("ul", {}, ...lines));
}

/** Photos before and after, then those that steps of procedures want: how many the post has or will have, small ones of those taken here, and the camera. */
function drawPictures(mission: Shown, scene: Scene, takes: boolean): Child {
  const wanted = [
    ...(["before", "after"] as const).map((kind) => ({ kind, step: "", label: word(`picture.${kind}`), known: mission.pictures[kind] })),
    ...(mission.steps ?? []).map(({ name, title, taken }) => ({ kind: "other", step: name, label: title, known: taken })),
  ];
  const kinds = wanted.map(({ kind, step, label, known }) => {
    const mine = scene.pictures.get(`${mission.number}-${step || kind}`) ?? [];
    const count = Math.max(known, mine.length);
    const shown = mine.slice(-3).map((url) => h("img", { src: url, alt: "", width: 56, height: 56 }));
    if (!takes) return count > 0 ? h("p", {}, `${label} : ${count}`, ...shown) : undefined;
    return h(
      "label",
      { class: "button big take" },
      h("input", { class: "sr", type: "file", accept: "image/*", capture: "environment", "data-picture": kind, "data-step": step, "data-mission": mission.number, id: `take-${mission.number}-${step || kind}` }),
      h("span", {}, label, count > 0 ? ` ✓ ${count}` : ""),
      ...shown,
    );
  });
  if (!takes && kinds.every((kind) => kind === undefined)) return undefined;
  return h("div", { class: takes ? "row pictures" : "pictures" }, ...kinds);
}

export function drawBottom(scene: Scene): Node[] {
  return [
    button("distress", word("distress.button"), { id: "distress-button", class: scene.day.distress ? "distress raised" : "distress" }, h("span", {}, word("distress.hold"))),
    button("problem", word("problem.new"), { id: "problem-button", class: "big" }),
  ];
}
