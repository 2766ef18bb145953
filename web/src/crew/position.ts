// Where the crew is: asked of the phone on duty only, never in a break, never with the switch off. Sent every 15 s, moving or
// not, and not kept here: a position that could not be sent is dropped.

import { ask } from "./queue";
import type { Unit } from "./types";
import { hour, word } from "./words";

const EVERY_MS = 15_000;
const LOOK_MS = 5_000;

/** Whether the duty of a crew lets its position be taken. */
function followed(unit: Unit | null): boolean {
  return unit !== null && unit.duty !== "off" && unit.duty !== "break" && unit.shares;
}

export class Position {
  /** The last one, while it is taken. */
  last: GeolocationPosition | undefined;
  private timer: number | undefined;
  private sentAt = 0;
  private state: "wait" | "denied" | "sent" | "unsent" = "wait";

  constructor(private readonly changed: () => void) {}

  /** Take the position or stop: only while the person (`shown`) and the post (`known`) both have the crew on duty. */
  follow(shown: Unit | null, known: Unit | null): void {
    const wanted = followed(shown) && followed(known) && "geolocation" in navigator;
    if (wanted === (this.timer !== undefined)) return;
    window.clearInterval(this.timer);
    this.timer = wanted ? window.setInterval(() => this.look(), LOOK_MS) : undefined;
    this.last = undefined;
    this.sentAt = 0;
    this.state = "wait";
    if (wanted) this.look();
  }

  /** Say in one sentence what becomes of the position. */
  said(unit: Unit | null): string {
    if (!unit || unit.duty === "off") return word("position.off");
    if (unit.duty === "break") return word("position.break");
    if (!unit.shares) return word("position.hidden");
    return this.state === "sent" ? word("position.sent", { t: hour(this.sentAt) }) : word(`position.${this.state}`);
  }

  /** Ask for one position, for what is signalled here. */
  once(): Promise<GeolocationPosition> {
    return new Promise((resolve, reject) =>
      navigator.geolocation.getCurrentPosition(resolve, reject, { enableHighAccuracy: true, maximumAge: 10_000, timeout: 20_000 }),
    );
  }

  private look(): void {
    if (Date.now() - this.sentAt < EVERY_MS) return;
    this.once().then(
      (found) => void this.take(found),
      (error: GeolocationPositionError) => {
        this.state = error.code === error.PERMISSION_DENIED ? "denied" : "wait";
        this.changed();
      },
    );
  }

  private async take(found: GeolocationPosition): Promise<void> {
    if (this.timer === undefined) return;
    this.last = found;
    const { longitude, latitude, accuracy } = found.coords;
    const body = { pressed_at: Math.round(found.timestamp), data: { lon: longitude, lat: latitude, accuracy_m: accuracy } };
    const response = await ask("/crew/position", JSON.stringify(body), LOOK_MS).catch(() => undefined);
    this.state = response?.ok ? "sent" : "unsent";
    if (response?.ok) this.sentAt = Date.now();
    this.changed();
  }
}
