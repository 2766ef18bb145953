// The sound of this workstation: the header's button says and changes whether it is silent, the preferences its level.
// Both are remembered by the browser that stands on the desk, like the layers of its map, whoever sits there.

import { answer } from "../live/announce";
import { on } from "../live/frame";
import { followTold } from "../live/raised";
import { word } from "../words";
import { Arbiter, type Memory, SILENCE_MS, SOUNDS } from "./arbiter";

const MEMORY = "beffroi.sound";
const GAIN: Readonly<Record<number, number>> = { 1: 0.06, 2: 0.18, 3: 0.5 };
const TURN_MS = 200;
const LOUDEST = 3;
const USUAL = 2;

function recall(): Memory {
  try {
    const kept = JSON.parse(localStorage.getItem(MEMORY) ?? "{}") as Partial<Memory>;
    const level = Number(kept.level);
    const until = Number(kept.silentUntil);
    return {
      level: level >= 1 && level <= LOUDEST ? level : USUAL,
      silentUntil: until > 0 ? Math.min(until, Date.now() + SILENCE_MS) : 0, // a clock set back prolongs no silence
    };
  } catch {
    return { level: USUAL, silentUntil: 0 };
  }
}

function keep(change: Partial<Memory>): void {
  localStorage.setItem(MEMORY, JSON.stringify({ ...recall(), ...change }));
}

let context: AudioContext | undefined;

/** Play the sound of a priority. Browsers let a page sound only after a first gesture on it: before, this does nothing. */
function play(priority: number): void {
  if (context?.state !== "running") return;
  const began = context.currentTime;
  for (const note of SOUNDS[priority] ?? []) {
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    const from = began + note.at_ms / 1000;
    const to = from + note.for_ms / 1000;
    tone.frequency.value = note.hz;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(GAIN[recall().level] ?? 0.1, from + 0.01);
    gain.gain.setValueAtTime(GAIN[recall().level] ?? 0.1, to - 0.03);
    gain.gain.linearRampToValueAtTime(0, to);
    tone.connect(gain).connect(context.destination);
    tone.start(from);
    tone.stop(to);
  }
}

/** Wake the sound at each gesture until the browser lets it; most pages have theirs from the click that opened them. */
function wake(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume().catch(() => undefined);
}

/** How many new incidents nobody acknowledged, by priority, as the header's figures carry them. */
function unseen(): readonly number[] {
  const told = document.getElementById("counters")?.dataset.unseen ?? "";
  return told.split(" ").map(Number);
}

function show(button: HTMLButtonElement, silent: boolean): void {
  const blocked = context?.state !== "running";
  const left = Math.ceil((recall().silentUntil - Date.now()) / 60_000);
  const text = word(`sound.${silent ? "silent" : blocked ? "blocked" : "on"}`, { n: left });
  const label = button.querySelector("span");
  if (label && label.textContent !== text) label.textContent = text;
  button.setAttribute("aria-pressed", String(silent));
  button.classList.toggle("flagged", silent || blocked);
}

/** Of several pages of one browser, one sounds: the one that holds this lock. Where there are no locks, each does. */
function alone(sounds: () => void): void {
  if (!("locks" in navigator)) sounds();
  else
    void navigator.locks.request(MEMORY, () => {
      sounds();
      return new Promise<void>(() => undefined); // held as long as the page lives
    });
}

export function startSound(): void {
  startLevel();
  const button = document.getElementById("sound");
  if (!(button instanceof HTMLButtonElement) || !document.body.dataset.live) return;
  button.hidden = false;
  let sounding = false;
  alone(() => (sounding = true));
  const arbiter = new Arbiter((priority) => sounding && play(priority), Date.now, recall);
  let before = unseen();
  const follow = (): void => {
    const after = unseen();
    for (const [place, count] of after.entries()) if (count > (before[place] ?? 0)) arbiter.arrive(place + 1);
    before = after;
    arbiter.stands((after[0] ?? 0) > 0);
  };
  follow();
  on("beffroi:frame", follow);
  on("beffroi:rows", follow);
  followTold((priority) => arbiter.arrive(priority));
  for (const gesture of ["pointerdown", "keydown"] as const) document.addEventListener(gesture, wake, { passive: true });
  if (navigator.userActivation?.hasBeenActive) wake();
  button.addEventListener("click", () => {
    const silent = !arbiter.silent;
    keep({ silentUntil: silent ? Date.now() + SILENCE_MS : 0 });
    answer(word(silent ? "sound.silenced" : "sound.back"));
    show(button, silent);
  });
  show(button, arbiter.silent);
  window.setInterval(() => {
    arbiter.turn();
    show(button, arbiter.silent);
  }, TURN_MS);
}

/** The preferences' part: the level, and each sound to be heard. */
function startLevel(): void {
  const level = document.getElementById("sound-level");
  if (!(level instanceof HTMLSelectElement)) return;
  level.value = String(recall().level);
  level.addEventListener("change", () => keep({ level: Number(level.value) }));
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-sound]"))
    button.addEventListener("click", () => {
      context ??= new AudioContext();
      void context.resume().then(() => play(Number(button.dataset.sound)));
    });
}
