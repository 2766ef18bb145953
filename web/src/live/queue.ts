// A live list under a hand. Rows change in place at once; what would make rows move (a new row, one that leaves, a new
// order, rows that fold into a group) waits while the hand is on the list (rule 6), and rows enter at five a second at
// most (rule 5).

import { counted } from "../words";
import { emit } from "./frame";
import { folds, placeOf } from "./groups";

const CALM_MS = 2000;
const ROWS_PER_S = 5;
const TICK_MS = 100;

export class LiveList {
  private inside = false;
  private touchedAt = -CALM_MS;
  private unsorted = false;
  private refold = false;
  private shownAt = 0;
  private readonly counter: HTMLButtonElement | null;

  constructor(readonly element: HTMLElement) {
    this.counter = document.querySelector<HTMLButtonElement>(`button[data-waiting="${element.id}"]`);
    const scope = element.closest<HTMLElement>("[data-hand]") ?? element;
    scope.addEventListener("pointerenter", () => (this.inside = true));
    scope.addEventListener("pointerleave", () => (this.inside = false));
    for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "focusin"] as const)
      scope.addEventListener(kind, () => this.touch(), { passive: true });
    this.counter?.addEventListener("click", () => this.showAll());
    window.setInterval(() => this.settle(), TICK_MS);
  }

  /** Someone is using this list now: keep it still for two seconds. */
  touch(): void {
    this.touchedAt = performance.now();
  }

  get busy(): boolean {
    return this.inside || performance.now() - this.touchedAt < CALM_MS;
  }

  /** Put a new row at its place, not yet seen. */
  insert(row: HTMLElement): void {
    row.hidden = true;
    row.dataset.waiting = "1";
    const order = placeOf(row);
    const next = this.rows().find((other) => placeOf(other) > order);
    this.element.insertBefore(row, next ?? null);
    this.refold = true;
    if (folds(row)) fold(row); // it is in a group that is shown: it takes no place of its own
    this.settle();
  }

  /** A row's order changed: it takes its place when the list is at rest. */
  reorder(): void {
    this.unsorted = true;
  }

  /** Groups changed: rows fold into them, or come out one after the other, when the list is at rest. */
  regroup(): void {
    this.refold = true;
  }

  /** The person asked for groups, for rows, or to open a group: at once, it is their own hand. */
  regroupNow(): void {
    for (const row of this.rows()) {
      if (folds(row)) fold(row);
      else if (row.dataset.folded) reveal(row);
    }
    this.refold = false;
    this.unsorted = true;
    this.tidy();
    this.count();
    emit("beffroi:rows", null);
  }

  /** A row's subject is over: it leaves when the list is at rest. */
  retire(row: HTMLElement): void {
    if (row.hidden || !this.busy) row.remove();
    else row.dataset.gone = "1";
    this.count();
    emit("beffroi:rows", null);
  }

  /** The person asks: everything takes its place now. */
  showAll(): void {
    for (const row of this.rows()) if (!folds(row)) reveal(row);
    this.tidy();
    this.count();
  }

  private rows(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>(":scope > [data-order]")];
  }

  private settle(): void {
    if (!this.busy) {
      this.tidy();
      const first = this.element.querySelector<HTMLElement>(":scope > [data-waiting]");
      const now = performance.now();
      if (first && now - this.shownAt >= 1000 / ROWS_PER_S) {
        this.shownAt = now;
        reveal(first);
      }
    }
    this.count();
  }

  private tidy(): void {
    for (const row of this.element.querySelectorAll(":scope > [data-gone]")) row.remove();
    if (this.refold) this.foldRows();
    if (!this.unsorted) return;
    this.unsorted = false;
    const focused = document.activeElement;
    const rows = this.rows();
    const sorted = [...rows].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    if (sorted.some((row, place) => row !== rows[place])) this.element.append(...sorted);
    if (focused instanceof HTMLElement && this.element.contains(focused)) focused.focus({ preventScroll: true });
  }

  /** Fold what a group now shows; what no group shows any more waits its turn like a new row. */
  private foldRows(): void {
    this.refold = false;
    for (const row of this.rows()) {
      if (folds(row)) fold(row);
      else if (row.dataset.folded) {
        delete row.dataset.folded;
        row.hidden = true;
        row.dataset.waiting = "1";
      }
    }
  }

  private count(): void {
    const waiting = this.element.querySelectorAll(":scope > [data-waiting]").length;
    const empty = document.querySelector<HTMLElement>(`[data-empty="${this.element.id}"]`);
    if (empty) empty.hidden = this.element.childElementCount > 0;
    if (!this.counter) return;
    this.counter.hidden = waiting === 0;
    const label = this.counter.querySelector("span");
    if (waiting > 0 && label) label.textContent = counted("queue.waiting", waiting);
  }
}

function reveal(row: HTMLElement): void {
  row.hidden = false;
  delete row.dataset.waiting;
  delete row.dataset.folded;
}

function fold(row: HTMLElement): void {
  row.hidden = true;
  delete row.dataset.waiting;
  row.dataset.folded = "1";
}
