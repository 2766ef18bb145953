// The page's live part: one stream, its state in words, and fragments put where they belong.

import { serverNow, setServerTime } from "./ages";
import { say } from "./announce";
import { takeConditions } from "./conditions";
import { emit, type Frame } from "./frame";
import { current, liveList, patch, unsettle } from "./patch";
import { refreshPage } from "./refresh";
import { type StreamState, Stream } from "./stream";
import { word } from "../words";

function writeState(state: StreamState): void {
  const root = document.documentElement;
  const before = root.dataset.stream;
  const seconds = "seconds" in state ? state.seconds : 0;
  const text = word(`stream.${state.name}`, { n: seconds });
  const label = document.getElementById("stream");
  if (label && label.textContent !== text) label.textContent = text;
  if (before === state.name) return;
  root.dataset.stream = state.name;
  if (state.name === "frozen") say(word("say.frozen"));
  else if (before === "frozen") say(word("say.thawed"));
}

/** Open the page's stream, if the page names one (`<body data-live="/live/console" data-since="…">`). */
export function startLive(): void {
  for (const list of document.querySelectorAll("[data-list]")) liveList(list.id);
  const path = document.body.dataset.live;
  if (!path) return;
  const stream = new Stream(path, document.body.dataset.since ?? "0", {
    frame(frame: Frame) {
      takeConditions(frame);
      document.body.dataset.since = String(frame.seq); // what the person sees from now on: acts on a group say so
      patch(current(frame));
      emit("beffroi:frame", frame);
    },
    heartbeat: (beat) => setServerTime(beat.at),
    opened: () => emit("beffroi:opened", null),
    resync: () => void resync(),
    state: writeState,
  });
  const resync = async (): Promise<void> => {
    const since = await refreshPage();
    if (since === undefined) return;
    document.body.dataset.since = since;
    unsettle();
    emit("beffroi:resync", null);
    stream.restart(since);
  };
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void resync();
  });
  (window as { beffroi?: object }).beffroi = { serverNow, resync };
}
