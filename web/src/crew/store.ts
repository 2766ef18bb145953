// What the phone keeps: the day as it was last told, what is not sent yet, what came of it, small pictures. In IndexedDB, so
// that a page that is closed, or a phone that restarts, loses nothing.

import type { Day, Item, Notice, Way } from "./types";

const NAME = "beffroi-crew";
const VERSION = 1;

let opening: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("kept");
      request.result.createObjectStore("queue", { keyPath: "id", autoIncrement: true });
      request.result.createObjectStore("notices", { keyPath: "id", autoIncrement: true });
      request.result.createObjectStore("pictures", { keyPath: "id", autoIncrement: true });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no store"));
  });
  return opening;
}

/** Do one thing in one store; resolves when it is on the phone's disk. */
async function run<T>(store: string, mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode, { durability: "strict" });
    const request = act(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error ?? request.error ?? new Error("not kept"));
  });
}

export const readDay = (): Promise<Day | undefined> => run("kept", "readonly", (store) => store.get("day"));
export const keepDay = (day: Day): Promise<unknown> => run("kept", "readwrite", (store) => store.put(day, "day"));

export const readWay = (mission: number): Promise<Way | undefined> =>
  run("kept", "readonly", (store) => store.get(`way-${mission}`));
export const keepWay = (mission: number, way: Way): Promise<unknown> =>
  run("kept", "readwrite", (store) => store.put(way, `way-${mission}`));

/** What is not sent yet, in the order in which it was pressed. */
export const readQueue = (): Promise<Item[]> => run<Item[]>("queue", "readonly", (store) => store.getAll());
export const keepItem = (item: Item): Promise<unknown> => run("queue", "readwrite", (store) => store.add(item));
export const dropItem = (id: number): Promise<unknown> => run("queue", "readwrite", (store) => store.delete(id));

export const readNotices = (): Promise<Notice[]> => run<Notice[]>("notices", "readonly", (store) => store.getAll());
export const keepNotice = (notice: Notice): Promise<unknown> => run("notices", "readwrite", (store) => store.add(notice));
export const dropNotice = (id: number): Promise<unknown> => run("notices", "readwrite", (store) => store.delete(id));

/** A small picture of one that was taken here, to show what is done already. */
export interface Small {
  readonly id?: number;
  /** The token of the picture it is of. */
  readonly token?: string;
  readonly mission: number;
  readonly kind: string;
  readonly picture: Blob;
}

export const readSmall = (): Promise<Small[]> => run<Small[]>("pictures", "readonly", (store) => store.getAll());
export const keepSmall = (small: Small): Promise<unknown> => run("pictures", "readwrite", (store) => store.add(small));
export const dropSmall = (id: number): Promise<unknown> => run("pictures", "readwrite", (store) => store.delete(id));

/** Forget what was told of missions to whoever used the phone before; what they have not sent stays, and pictures refused. */
export async function forget(): Promise<void> {
  for (const store of ["kept", "pictures"]) await run(store, "readwrite", (each) => each.clear());
  for (const { id, picture } of await readNotices()) if (id !== undefined && !picture) await dropNotice(id);
}
