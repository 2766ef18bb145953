// What the server tells a crew's phone (console/crew_day.py), and what the phone sends. Instants are microseconds from the
// server, milliseconds on the phone.

export interface CheckItem {
  readonly text: string;
  readonly checked_at: number | null;
}

export interface Mission {
  readonly number: number;
  readonly reference: string;
  readonly state: "proposed" | "accepted" | "refused" | "en_route" | "on_site" | "done" | "cancelled";
  readonly said: string;
  readonly live: boolean;
  readonly priority: number;
  readonly title: string;
  readonly where: string;
  readonly lon: number;
  readonly lat: number;
  readonly instructions: string;
  readonly hazards: string;
  readonly checklist: readonly CheckItem[];
  readonly proposed_at: number;
  readonly proposed_name: string;
  readonly ended_at: number | null;
  readonly reason: string;
  readonly outcome: string;
  readonly last_by: string;
  readonly travel_s: number | null;
  readonly sign_due: number | null;
  readonly pictures: Readonly<Record<"before" | "after" | "other", number>>;
  /** Steps of procedures that want a picture; a day that an older post told has none. */
  readonly steps?: readonly { readonly name: string; readonly title: string; readonly taken: number }[];
  readonly version: number;
}

export interface Unit {
  readonly slug: string;
  readonly name: string;
  readonly callsign: string;
  readonly status: string;
  readonly said: string;
  /** Why it is unavailable, in words; else nothing. */
  readonly reason: string;
  readonly duty: "off" | "on" | "break" | "unavailable";
  readonly shares: boolean;
  readonly headcount: number;
  readonly alone: boolean;
}

export interface Day {
  readonly at: number;
  readonly person: { readonly username: string; readonly name: string };
  readonly unit: Unit | null;
  readonly missions: readonly Mission[];
  readonly distress: { readonly id: number; readonly raised_at: number; readonly answered_name: string } | null;
  readonly categories: readonly { readonly code: string; readonly title: string }[];
  readonly phone: string;
}

export interface Way {
  readonly metres: number;
  readonly seconds: number;
  readonly streets: readonly string[];
  readonly closed: readonly string[];
}

export type ActName =
  | "accept" | "refuse" | "depart" | "arrive" | "safe" | "finish" | "sign" | "check" | "note"
  | "begin" | "pause" | "unavailable" | "resume" | "sharing" | "end" | "distress"; // prettier-ignore

/** Something to send, as the phone keeps it until the server has answered. `token` makes it one, however often it is sent. */
export interface Item {
  /** Its place in the queue; made by the store. */
  readonly id?: number;
  readonly token: string;
  readonly person: string;
  readonly kind: "act" | "picture" | "problem";
  readonly act: ActName | "";
  readonly mission: number;
  /** When the person pressed, in milliseconds. */
  readonly pressed_at: number;
  readonly data: Readonly<Record<string, string | number | boolean>>;
  readonly picture?: Blob;
}

/** What came of something that was sent too late, or refused: told until the person has understood. */
export interface Notice {
  readonly id?: number;
  readonly person: string;
  readonly mission: number;
  /** Empty: the post refused without saying why. */
  readonly title: string;
  readonly detail: string;
  readonly at: number;
  /** The picture that the post did not keep. */
  readonly picture?: Blob;
}
