// The equipment that is too numerous for one snapshot comes by cell of a fixed zoom, when the map is near enough.

import type { GeoJSONSource, Map as LibreMap } from "maplibre-gl";
import { type Columns, fetchJson, type Snapshot } from "./snapshot";

const NEAR_ZOOM = 14.4;
const MOST_CELLS = 32;
const MOST_ASKED = 12;

interface Held {
  readonly ids: readonly number[];
  readonly generation: number;
}

interface CellListener {
  added(columns: Columns): GeoJSON.Feature[];
  removed(ids: readonly number[]): void;
}

function column(lon: number, zoom: number): number {
  return Math.floor(((lon + 180) / 360) * 2 ** zoom);
}

function line(lat: number, zoom: number): number {
  const phi = (lat * Math.PI) / 180;
  return Math.floor(((1 - Math.log(Math.tan(phi) + 1 / Math.cos(phi)) / Math.PI) / 2) * 2 ** zoom);
}

export class Cells {
  private fine: Snapshot["fine"] | undefined;
  private readonly held = new Map<string, Held>();
  private readonly asked = new Set<string>();
  private generation = 0;

  constructor(
    private readonly map: LibreMap,
    private readonly listener: CellListener,
  ) {
    map.on("moveend", () => this.look());
  }

  /** Begin again, with what the snapshot says of cells: those that are shown stay until they are had anew. */
  open(fine: Snapshot["fine"]): void {
    this.fine = fine;
    this.generation += 1;
    this.asked.clear();
    this.look();
  }

  private source(): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>("fine");
  }

  private look(): void {
    if (!this.fine || this.map.getZoom() < NEAR_ZOOM) return;
    const bounds = this.map.getBounds();
    const { zoom } = this.fine;
    for (let x = column(bounds.getWest(), zoom); x <= column(bounds.getEast(), zoom); x += 1)
      for (let y = line(bounds.getNorth(), zoom); y <= line(bounds.getSouth(), zoom); y += 1) this.want(`${x}/${y}`);
  }

  private want(cell: string): void {
    const held = this.held.get(cell);
    if (held?.generation === this.generation) {
      this.held.delete(cell);
      this.held.set(cell, held);
    } else if (!this.asked.has(cell) && this.asked.size < MOST_ASKED) void this.ask(cell);
  }

  private async ask(cell: string): Promise<void> {
    const [x = "", y = ""] = cell.split("/");
    const url = this.fine?.url.replace("{x}", x).replace("{y}", y);
    if (!url) return;
    const generation = this.generation;
    this.asked.add(cell);
    try {
      const columns = await fetchJson<Columns>(url);
      if (generation !== this.generation) return;
      const remove = [...(this.held.get(cell)?.ids ?? []), ...this.oldest()];
      this.listener.removed(remove);
      this.held.delete(cell);
      this.held.set(cell, { ids: columns.id, generation });
      void this.source()?.updateData({ add: this.listener.added(columns), remove });
    } catch {
      // The cell is asked again at the next move; the map says meanwhile nothing false: it shows less.
    } finally {
      if (generation === this.generation) this.asked.delete(cell);
    }
  }

  private oldest(): number[] {
    if (this.held.size < MOST_CELLS) return [];
    const [cell, oldest] = this.held.entries().next().value ?? [""];
    this.held.delete(cell);
    return [...(oldest?.ids ?? [])];
  }
}
