// What the live stream says, as the server writes it (src/beffroi/console/frames.py).

/** A piece of page: `html` null removes the target; `list` and `order` say where a new one goes. */
export interface Fragment {
  readonly target: string;
  readonly html: string | null;
  readonly list?: string;
  readonly order?: string;
}

/** [asset, longitude, latitude, heading in degrees or null, …] */
export type Mover = readonly [asset: number, lon: number, lat: number, heading: number | null, ...unknown[]];

/** [asset, condition]: 0 normal, 1 stale, 2 silent, 11 to 14 an open alarm of that priority, 20 one that is explained */
export type Condition = readonly [asset: number, condition: number];

/** [quantity, value, observed at, …] of the piece of equipment that the page names; instants in microseconds. */
export type Value = readonly [quantity: string, value: number, observedAt: number, ...unknown[]];

export interface Frame {
  readonly seq: number;
  readonly fragments?: readonly Fragment[];
  readonly movers?: readonly Mover[];
  readonly conditions?: readonly Condition[];
  /** `conditions` names everything that is not normal: what it does not name is. */
  readonly whole?: boolean;
  /** A line of the journal is about the piece of equipment that the page names. */
  readonly lines?: boolean;
  readonly values?: readonly Value[];
}

export interface Heartbeat {
  /** The server's clock, microseconds. */
  readonly at: number;
  /** How far the readings path is behind, seconds; null when it is not known. */
  readonly lag_s?: number | null;
}

/** What the page's parts hear about each other. All are dispatched on `document`. */
export interface PageEvents {
  "beffroi:frame": Frame;
  /** The stream was opened: what only it tells (positions, conditions) is told from now on. */
  "beffroi:opened": null;
  "beffroi:resync": null;
  "beffroi:select": Selection;
  "beffroi:rows": null;
  /** Fragments were put into the page, or the page was brought to a fresh one. */
  "beffroi:patched": null;
}

export interface Selection {
  readonly kind: "incident" | "asset";
  readonly id: number;
  readonly origin: "queue" | "map" | "page";
}

export function emit<K extends keyof PageEvents>(name: K, detail: PageEvents[K]): void {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

/** Listen to a page event until `signal` aborts. */
export function on<K extends keyof PageEvents>(
  name: K,
  heard: (detail: PageEvents[K]) => void,
  signal?: AbortSignal,
): void {
  document.addEventListener(
    name,
    (event) => heard((event as CustomEvent<PageEvents[K]>).detail),
    signal ? { signal } : undefined,
  );
}
