// One stream of server-sent events for the page, and an honest word about its state.

import type { Frame, Heartbeat } from "./frame";

/** Two heartbeats and a half. A loss is shown within five seconds whenever it is looked for. */
const FROZEN_AFTER_S = 4.5;
const WATCH_MS = 250;
const REOPEN_AFTER_S = 12;
const LATE_AFTER_S = 10;
const BACKOFF_S = [1, 2, 4, 8, 15] as const;

export type StreamState =
  | { readonly name: "connecting" }
  | { readonly name: "live" }
  | { readonly name: "late"; readonly seconds: number }
  | { readonly name: "frozen"; readonly seconds: number };

export interface StreamListener {
  frame(frame: Frame): void;
  resync(): void;
  heartbeat(beat: Heartbeat): void;
  opened(): void;
  state(state: StreamState): void;
}

/**
 * Keeps one EventSource open. The first connection gives the sequence at which the page was rendered; a broken one is
 * resumed by the browser with Last-Event-ID, and by us with the last sequence when the browser gives up or the
 * connection hangs without closing.
 */
export class Stream {
  private source: EventSource | undefined;
  private seq: string;
  private heardAt = performance.now();
  private openedAt = performance.now();
  private failures = 0;
  private reopenTimer = 0;
  private lag_s = 0;
  private everHeard = false;

  constructor(
    private readonly path: string,
    since: string,
    private readonly listener: StreamListener,
  ) {
    this.seq = since;
    this.open();
    window.setInterval(() => this.watch(), WATCH_MS);
  }

  /** The page was rendered again: continue from there. */
  restart(since: string): void {
    this.seq = since;
    this.failures = 0;
    this.open();
  }

  private open(): void {
    window.clearTimeout(this.reopenTimer);
    this.source?.close();
    this.openedAt = performance.now();
    const url = new URL(this.path, location.href);
    url.searchParams.set("since", this.seq);
    const source = new EventSource(url);
    this.source = source;
    source.addEventListener("open", () => this.listener.opened());
    source.addEventListener("frame", (event) => {
      this.heard(event);
      this.listener.frame(JSON.parse(event.data as string) as Frame);
    });
    source.addEventListener("heartbeat", (event) => {
      this.heard(event);
      const beat = JSON.parse(event.data as string) as Heartbeat;
      this.lag_s = beat.lag_s ?? 0;
      this.listener.heartbeat(beat);
      this.tell();
    });
    source.addEventListener("resync", (event) => {
      this.heard(event);
      this.listener.resync();
    });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) this.reopenLater();
    });
  }

  private heard(event: MessageEvent): void {
    if (event.lastEventId) this.seq = event.lastEventId;
    this.heardAt = performance.now();
    this.failures = 0;
    this.everHeard = true;
  }

  private reopenLater(): void {
    const wait = BACKOFF_S[Math.min(this.failures, BACKOFF_S.length - 1)] ?? 15;
    this.failures += 1;
    window.clearTimeout(this.reopenTimer);
    this.reopenTimer = window.setTimeout(() => this.open(), wait * 1000 * (0.8 + 0.4 * Math.random()));
  }

  private watch(): void {
    const now = performance.now();
    const silent_s = (now - this.heardAt) / 1000;
    const hanging = this.source?.readyState !== EventSource.CLOSED && (now - this.openedAt) / 1000 > REOPEN_AFTER_S;
    if (silent_s > REOPEN_AFTER_S && hanging) this.open();
    this.tell();
  }

  private tell(): void {
    const silent_s = (performance.now() - this.heardAt) / 1000;
    if (silent_s > FROZEN_AFTER_S) this.listener.state({ name: "frozen", seconds: Math.floor(silent_s) });
    else if (!this.everHeard) this.listener.state({ name: "connecting" });
    else if (this.lag_s > LATE_AFTER_S) this.listener.state({ name: "late", seconds: Math.round(this.lag_s) });
    else this.listener.state({ name: "live" });
  }
}
