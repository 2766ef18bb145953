// The way of a crew that was opened: its line, and the hours that the page's table says too.

import type { GeoJSONSource, LayerSpecification, Map as LibreMap } from "maplibre-gl";
import type { Palette } from "./palette";

const SOURCE = "track";

function line(): GeoJSON.Feature[] {
  const told = document.querySelector<HTMLElement>("[data-track]")?.dataset.track;
  if (!told) return [];
  return [{ type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: JSON.parse(told) as number[][][] } }];
}

function hour(row: HTMLElement, place: number, rows: readonly HTMLElement[]): GeoJSON.Feature {
  const { lon, lat, trackHour } = row.dataset;
  const end = place === 0 || place === rows.length - 1;
  return { type: "Feature", properties: { hour: trackHour ?? "", end }, geometry: { type: "Point", coordinates: [Number(lon), Number(lat)] } };
}

export class Track {
  constructor(map: LibreMap) {
    map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    const rows = [...document.querySelectorAll<HTMLElement>("[data-track-hour]")];
    const features = [...line(), ...rows.map(hour)];
    void map.getSource<GeoJSONSource>(SOURCE)?.setData({ type: "FeatureCollection", features });
  }

  layers(p: Palette): LayerSpecification[] {
    const point = ["==", ["geometry-type"], "Point"] as ["==", ["geometry-type"], string];
    return [
      {
        id: "track-casing", type: "line", source: SOURCE, layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": p["map-halo"], "line-width": 7 },
      },
      {
        id: "track", type: "line", source: SOURCE, layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": p.strong, "line-width": 3 },
      },
      {
        id: "track-points", type: "circle", source: SOURCE, filter: point,
        paint: {
          "circle-radius": ["case", ["get", "end"], 6, 4], "circle-color": p["map-halo"],
          "circle-stroke-width": 2, "circle-stroke-color": p.strong,
        },
      },
      {
        id: "track-hours", type: "symbol", source: SOURCE, filter: point,
        layout: {
          "text-field": ["get", "hour"], "text-font": ["Inter SemiBold"], "text-size": 12,
          "text-variable-anchor": ["left", "right", "bottom", "top"], "text-radial-offset": 0.8, "symbol-sort-key": ["case", ["get", "end"], 0, 1],
        },
        paint: { "text-color": p["map-place"], "text-halo-color": p["map-halo"], "text-halo-width": 1.8 },
      },
    ];
  }
}
