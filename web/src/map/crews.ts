// Crews are the rows of the page's own list: on duty only, where they are known. State is told by shape and letter.

import type { GeoJSONSource, LayerSpecification, Map as LibreMap } from "maplibre-gl";
import type { Palette } from "./palette";

const SOURCE = "crews";

function feature(row: HTMLElement): GeoJSON.Feature<GeoJSON.Point> | undefined {
  const { crew, status, letter, lon, lat } = row.dataset;
  const coordinates = [Number(lon), Number(lat)];
  if (!crew || !lon || !lat || coordinates.some(Number.isNaN)) return undefined;
  const properties = { crew, status: status ?? "", letter: letter ?? "", coarse: "coarse" in row.dataset };
  return { type: "Feature", properties, geometry: { type: "Point", coordinates } };
}

export class Crews {
  private drawn = "";

  constructor(private readonly map: LibreMap) {
    map.addSource(SOURCE, { type: "geojson", data: this.collection() });
  }

  layers(p: Palette): LayerSpecification[] {
    return [
      {
        id: "crews-coarse", type: "symbol", source: SOURCE, filter: ["get", "coarse"],
        layout: { "icon-image": "condition:stale", "icon-size": 1.9, "icon-allow-overlap": true, "icon-ignore-placement": true },
      },
      {
        id: "crews", type: "symbol", source: SOURCE,
        layout: {
          "icon-image": ["concat", "crew:", ["get", "status"]],
          "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.8, 14, 1.1],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
          "text-field": ["get", "letter"],
          "text-font": ["Inter SemiBold"],
          "text-size": 12,
          "text-allow-overlap": true,
          "text-ignore-placement": true,
        },
        paint: { "text-color": ["match", ["get", "status"], ["on_site", "distress"], p["map-halo"], p["map-place"]] },
      },
      {
        id: "crews-names", type: "symbol", source: SOURCE, minzoom: 12.5,
        layout: {
          "text-field": ["get", "crew"], "text-font": ["Inter Medium"], "text-size": 11,
          "text-offset": [1.4, 0], "text-anchor": "left", "text-optional": true,
        },
        paint: { "text-color": p["map-text"], "text-halo-color": p["map-halo"], "text-halo-width": 1.4 },
      },
    ];
  }

  /** The list changed: draw again, and only what would look different. */
  changed(): void {
    const collection = this.collection();
    const drawn = JSON.stringify(collection.features);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    void this.map.getSource<GeoJSONSource>(SOURCE)?.setData(collection);
  }

  private collection(): GeoJSON.FeatureCollection<GeoJSON.Point> {
    const rows = [...document.querySelectorAll<HTMLElement>("[data-crew]")];
    return { type: "FeatureCollection", features: rows.map(feature).filter((item) => item !== undefined) };
  }
}
