// What every page of the console loads: its style, its live part, its keyboard; the islands only where a page has one.

import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/handover.css";
import "./styles/life.css";
import "./styles/links.css";
import "./styles/load.css";
import "./styles/definitions.css";
import "./styles/aside.css";
import "./styles/commands.css";
import "./styles/evidence.css";
import "./styles/procedures.css";
import "./styles/map.css";
import "./styles/crews.css";
import "./styles/streets.css";
import { startActions } from "./actions";
import { answer } from "./live/announce";
import { startKeys } from "./keys";
import { startClock } from "./live/ages";
import { on } from "./live/frame";
import { startGroups } from "./live/groups";
import { startLazy } from "./live/lazy";
import { startLive } from "./live/live";
import { refreshSoon } from "./live/refresh";
import { word } from "./words";
import { startPanel } from "./panel";
import { startSelection } from "./selection";
import { startSound } from "./sound/sound";
import { startTelling } from "./telling";

const SOON_MS = 2000;
/** What stands on pages that the server alone draws, and says that they are to be asked for again. */
const MARKS = ["definitions", "library"];

startClock();
startGroups();
startActions();
startLazy();
startSelection();
startPanel();
startKeys();
startSound();
startTelling();
startLive();

// The situation fills the screen: what the page before it did is answered there as its own acts are, and leaves no row behind.
for (const notice of document.querySelectorAll("body.situation > main > .notice")) {
  answer(notice.textContent.trim());
  notice.remove();
}

// A sheet's figures are drawn by the server alone: when the stream tells of new values, the sheet is asked for again.
on("beffroi:frame", (frame) => {
  const sheet = document.getElementById("sheet") !== null;
  if (document.body.classList.contains("follows") && frame.fragments?.length) refreshSoon(); // drawn by the server alone too
  if (frame.fragments?.some(({ target }) => MARKS.includes(target) && document.getElementById(target))) refreshSoon();
  if (frame.values?.length || (sheet && (frame.lines || frame.whole || frame.conditions?.length))) refreshSoon();
});

// What is under way (a command, a group of thousands) changes without a line for each step: its page is asked for again soon.
window.setInterval(() => {
  if (!document.hidden && document.querySelector("#main > [data-refresh-soon], #sheet-commands [data-refresh-soon]")) refreshSoon();
}, SOON_MS);

// A page of figures is drawn by the server alone too: asked for again when something happened, and as time goes by.
if (document.querySelector("[data-refresh]")) {
  on("beffroi:frame", (frame) => {
    if (frame.fragments?.length) refreshSoon();
  });
  window.setInterval(refreshSoon, 30_000);
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-card]");
    const card = link && document.getElementById(link.hash.slice(1));
    if (!(card instanceof HTMLDetailsElement)) return;
    event.preventDefault();
    card.open = !card.open;
  });
}

/** An island whose script cannot be had says so in its place; the lists beside it say the same things. */
function missing(island: string, text: string): (error: unknown) => void {
  return (error) => {
    console.error(error);
    for (const element of document.querySelectorAll(island)) element.textContent = word(text);
  };
}

if (document.querySelector("city-map")) import("./map/city-map").catch(missing("city-map", "map.none"));
if (document.querySelector("history-plot")) import("./plot/history-plot").catch(missing("history-plot", "plot.failed"));
