// Which sound is heard, and when (rule 15): one for each priority, never two at once, the most urgent first. Priority 1 is
// repeated until it is acknowledged. Whoever asks for silence has it for half an hour, and it ends by itself.

export const REPEAT_MS = 10_000;
export const SILENCE_MS = 30 * 60_000;
const REST_MS = 400;

/** One note of a sound: when it begins within the sound, how long it lasts, how high it is. */
export interface Note {
  readonly at_ms: number;
  readonly for_ms: number;
  readonly hz: number;
}

function notes(hz: readonly number[], for_ms: number, every_ms: number): readonly Note[] {
  return hz.map((each, place) => ({ at_ms: place * every_ms, for_ms, hz: each }));
}

/** Told apart by their number of notes, not by their height alone: few ears know a height by itself. */
export const SOUNDS: Readonly<Record<number, readonly Note[]>> = {
  1: notes([880, 660, 880, 660, 880, 660], 130, 160),
  2: notes([660, 660, 660], 120, 200),
  3: notes([520, 520], 140, 240),
  4: notes([392], 260, 260),
};

export function lasts_ms(sound: readonly Note[]): number {
  return Math.max(...sound.map((note) => note.at_ms + note.for_ms));
}

export interface Memory {
  /** 1 to 3. */
  level: number;
  /** Epoch milliseconds; 0: no silence. */
  silentUntil: number;
}

export class Arbiter {
  private next = 0;
  private busyUntil = 0;
  private repeatAt = 0;
  private urgent = false;

  constructor(
    private readonly play: (priority: number) => void,
    private readonly now: () => number,
    private readonly memory: () => Memory,
  ) {}

  get silent(): boolean {
    return this.memory().silentUntil > this.now();
  }

  /** A new incident of that priority came. What comes while one sounds waits; the less urgent of two is not heard. */
  arrive(priority: number): void {
    if (!this.silent && (this.next === 0 || priority < this.next)) this.next = priority;
    this.turn();
  }

  /** Whether a priority 1 stands that nobody acknowledged. */
  stands(urgent: boolean): void {
    if (urgent && !this.urgent) this.repeatAt = this.now() + REPEAT_MS;
    this.urgent = urgent;
  }

  /** Let time pass; called several times a second. */
  turn(): void {
    const now = this.now();
    if (this.silent) {
      this.next = 0;
      return;
    }
    if (now < this.busyUntil) return;
    const priority = this.next || (this.urgent && now >= this.repeatAt ? 1 : 0);
    const sound = SOUNDS[priority];
    if (!sound) return;
    this.next = 0;
    this.busyUntil = now + lasts_ms(sound) + REST_MS;
    if (priority === 1) this.repeatAt = now + REPEAT_MS;
    this.play(priority);
  }
}
