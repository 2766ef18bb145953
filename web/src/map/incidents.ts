// Incidents on the map are the rows of the page's own list: what the list does not hold, the map does not show.

import type { GeoJSONSource, LayerSpecification, Map as LibreMap } from "maplibre-gl";
import type { Palette } from "./palette";

const SOURCE = "incidents";

function feature(row: HTMLElement): GeoJSON.Feature<GeoJSON.Point> | undefined {
  const { id, lon, lat, priority } = row.dataset;
  const coordinates = [Number(lon), Number(lat)];
  if (!id || !lon || !lat || coordinates.some(Number.isNaN) || row.dataset.gone) return undefined;
  return {
    type: "Feature",
    id: Number(id),
    properties: { priority: Number(priority), title: row.querySelector(".title")?.textContent?.trim() ?? "" },
    geometry: { type: "Point", coordinates },
  };
}

export class Incidents {
  private timer = 0;
  private selected = 0;
  private drawn = "";

  constructor(
    private readonly map: LibreMap,
    private readonly rows: () => Iterable<HTMLElement>,
  ) {
    map.addSource(SOURCE, { type: "geojson", data: this.collection() });
  }

  layers(p: Palette): LayerSpecification[] {
    return [
      {
        id: "incident-selected", type: "circle", source: SOURCE, filter: ["==", ["id"], -1],
        paint: { "circle-radius": 19, "circle-opacity": 0, "circle-stroke-width": 2.5, "circle-stroke-color": p.strong },
      },
      {
        id: "incidents", type: "symbol", source: SOURCE,
        layout: {
          "icon-image": ["concat", "p", ["get", "priority"]],
          "icon-size": ["match", ["get", "priority"], 1, 1.45, 2, 1.15, 3, 0.9, 0.85],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "symbol-sort-key": ["-", 0, ["get", "priority"]],
          "text-field": ["step", ["zoom"], "", 14.5, ["get", "title"]],
          "text-font": ["Inter SemiBold"],
          "text-size": 12,
          "text-offset": [0, 1.5],
          "text-anchor": "top",
          "text-optional": true,
          "text-max-width": 14,
        },
        paint: { "text-color": p["map-place"], "text-halo-color": p["map-halo"], "text-halo-width": 1.6 },
      },
    ];
  }

  /** The rows changed: draw them again, five times a second at most, and only what would look different. */
  changed(): void {
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      const collection = this.collection();
      const drawn = JSON.stringify(collection.features);
      if (drawn === this.drawn) return;
      this.drawn = drawn;
      void this.map.getSource<GeoJSONSource>(SOURCE)?.setData(collection);
    }, 200);
  }

  select(id: number): void {
    this.selected = id;
    this.map.setFilter("incident-selected", ["==", ["id"], id]);
  }

  /** Where the selected incident, or incident `id`, is. */
  place(id = this.selected): [number, number] | undefined {
    for (const row of this.rows())
      if (Number(row.dataset.id) === id) return [Number(row.dataset.lon), Number(row.dataset.lat)];
    return undefined;
  }

  private collection(): GeoJSON.FeatureCollection<GeoJSON.Point> {
    const items = [...this.rows()].map(feature).filter((item) => item !== undefined);
    return { type: "FeatureCollection", features: items };
  }
}
