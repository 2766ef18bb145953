// Vehicles and buses: one source, at most one update a second when far, a short glide when near.

import type { GeoJSONSource, LayerSpecification, Map as LibreMap } from "maplibre-gl";
import type { Mover } from "../live/frame";
import { features, type Snapshot } from "./snapshot";

const GLIDE_MS = 1000;
const GLIDE_STEP_MS = 200;
const GLIDE_ZOOM = 14.5;
const BATCH_MS = 1000;

interface Place {
  lon: number;
  lat: number;
  fromLon: number;
  fromLat: number;
  since: number;
  heading: number;
}

export class Movers {
  private readonly places = new Map<number, Place>();
  private readonly dirty = new Set<number>();
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private timer = 0;

  constructor(private readonly map: LibreMap) {
    map.addSource("movers", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  }

  show(snapshot: Snapshot): void {
    const moving = features(snapshot, snapshot.classes, (name) => snapshot.movers.includes(name));
    this.places.clear();
    for (const item of moving) {
      const [lon = 0, lat = 0] = item.geometry.coordinates;
      this.places.set(item.id as number, { lon, lat, fromLon: lon, fromLat: lat, since: 0, heading: 0 });
      item.properties = { ...item.properties, heading: 0 };
    }
    this.source()?.setData({ type: "FeatureCollection", features: moving });
  }

  layers(snapshot: Snapshot): LayerSpecification[] {
    return snapshot.movers.flatMap((name): LayerSpecification[] => [
      {
        id: `class:${name}`,
        type: "symbol",
        source: "movers",
        minzoom: 12,
        filter: ["==", ["get", "class"], name],
        layout: {
          "icon-image": `class:${name}`,
          "icon-size": ["interpolate", ["linear"], ["zoom"], 12, 0.6, 14, 0.8, 16, 1],
          "icon-rotate": ["get", "heading"],
          "icon-rotation-alignment": "map",
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "text-field": ["step", ["zoom"], "", 15, ["get", "code"]],
          "text-font": ["Inter Medium"],
          "text-size": 11,
          "text-offset": [1, 0],
          "text-anchor": "left",
          "text-optional": true,
        },
        paint: { "text-color": "#000" },
      },
    ]);
  }

  /** Take new positions: they are drawn together, once a second; near enough, they glide there in a second. */
  move(moves: readonly Mover[]): void {
    const now = performance.now();
    for (const [id, lon, lat, heading] of moves) {
      const place = this.places.get(id);
      if (!place) continue;
      const at = this.at(place, now);
      place.fromLon = at[0];
      place.fromLat = at[1];
      place.lon = lon;
      place.lat = lat;
      place.since = now;
      place.heading = heading ?? place.heading;
      this.dirty.add(id);
    }
    if (this.dirty.size > 0 && !this.timer) this.schedule();
  }

  private get glides(): boolean {
    return this.map.getZoom() >= GLIDE_ZOOM && !this.calm.matches;
  }

  private schedule(): void {
    this.timer = window.setTimeout(() => this.draw(), this.glides ? GLIDE_STEP_MS : BATCH_MS);
  }

  private at(place: Place, now: number): [number, number] {
    const t = this.glides ? Math.min(1, (now - place.since) / GLIDE_MS) : 1;
    return [place.fromLon + (place.lon - place.fromLon) * t, place.fromLat + (place.lat - place.fromLat) * t];
  }

  private draw(): void {
    this.timer = 0;
    const now = performance.now();
    const view = this.map.getBounds();
    const update = [];
    for (const id of this.dirty) {
      const place = this.places.get(id);
      if (!place) continue;
      const arrived = !this.glides || now - place.since >= GLIDE_MS;
      const coordinates = this.at(place, now);
      if (arrived || view.contains(coordinates))
        update.push({
          id,
          newGeometry: { type: "Point" as const, coordinates },
          addOrUpdateProperties: [{ key: "heading", value: place.heading }],
        });
      if (arrived) this.dirty.delete(id);
    }
    if (update.length > 0) void this.source()?.updateData({ update });
    if (this.dirty.size > 0) this.schedule();
  }

  private source(): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>("movers");
  }
}
