// Closed streets are the rows of the page's own lists: what no list holds, the map does not show. A row carries its lines.

import type { GeoJSONSource, LayerSpecification, Map as LibreMap } from "maplibre-gl";
import type { Palette } from "./palette";

const SOURCE = "closures";

type Drawn = GeoJSON.Feature<GeoJSON.MultiLineString | GeoJSON.Point>;

/** The lines of a row, and for what is closed a sign in the middle of them. */
function features(row: HTMLElement): Drawn[] {
  let coordinates: unknown;
  try {
    coordinates = JSON.parse(row.dataset.lines ?? "");
  } catch {
    return [];
  }
  if (!Array.isArray(coordinates) || coordinates.length === 0) return [];
  const kind = "chosen" in row.dataset ? "chosen" : "planned" in row.dataset ? "planned" : "closed";
  const lines = coordinates as number[][][];
  const drawn: Drawn[] = [{ type: "Feature", properties: { kind }, geometry: { type: "MultiLineString", coordinates: lines } }];
  const place = kind === "closed" ? middle(lines[Math.floor(lines.length / 2)] ?? []) : undefined;
  if (place) drawn.push({ type: "Feature", properties: { kind: "sign" }, geometry: { type: "Point", coordinates: place } });
  return drawn;
}

function middle(line: number[][]): number[] | undefined {
  const [one, other] = [line[Math.ceil(line.length / 2) - 1], line[Math.floor(line.length / 2)]];
  return one && other && [((one[0] ?? 0) + (other[0] ?? 0)) / 2, ((one[1] ?? 0) + (other[1] ?? 0)) / 2];
}

export class Closures {
  private drawn = "";

  constructor(private readonly map: LibreMap) {
    map.addSource(SOURCE, { type: "geojson", data: this.collection() });
  }

  /** Layers, each with the one it goes under: lines under the names of streets, the sign under incidents. */
  layers(p: Palette): [LayerSpecification, string | undefined][] {
    const names = this.map.getLayer("names-minor") ? "names-minor" : "incident-selected";
    const wide = (far: number, near: number): ["interpolate", ["linear"], ["zoom"], number, number, number, number] => [
      "interpolate", ["linear"], ["zoom"], 11, far, 17, near,
    ];
    const shut = ["==", ["get", "kind"], "closed"] as ["==", ["get", string], string];
    return [
      [{
        id: "closure-chosen", type: "line", source: SOURCE, filter: ["==", ["get", "kind"], "chosen"],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": p.focus, "line-width": wide(4, 16), "line-opacity": 0.75 },
      }, names],
      [{
        id: "closure-casing", type: "line", source: SOURCE, filter: shut,
        layout: { "line-cap": "butt", "line-join": "round" },
        paint: { "line-color": p["map-halo"], "line-width": wide(4, 15) },
      }, names],
      [{
        id: "closure-planned", type: "line", source: SOURCE, filter: ["==", ["get", "kind"], "planned"],
        paint: { "line-color": p["map-equipment-strong"], "line-width": wide(1.5, 3), "line-dasharray": [1.5, 2] },
      }, names],
      [{
        id: "closure-bars", type: "line", source: SOURCE, filter: shut,
        layout: { "line-cap": "butt", "line-join": "round" },
        paint: { "line-color": p["map-equipment-strong"], "line-width": wide(2.6, 10), "line-dasharray": [0.5, 0.5] },
      }, names],
      [{
        id: "closure-sign", type: "symbol", source: SOURCE, filter: ["==", ["get", "kind"], "sign"], minzoom: 12,
        layout: {
          "icon-image": "closed", "icon-size": wide(0.65, 1.1), "icon-allow-overlap": true, "icon-ignore-placement": true,
        },
      }, "incident-selected"],
    ];
  }

  /** The lists changed: draw again, and only what would look different. */
  changed(): void {
    const collection = this.collection();
    const drawn = JSON.stringify(collection.features);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    void this.map.getSource<GeoJSONSource>(SOURCE)?.setData(collection);
  }

  private collection(): GeoJSON.FeatureCollection<GeoJSON.MultiLineString | GeoJSON.Point> {
    const rows = [...document.querySelectorAll<HTMLElement>("[data-lines]")];
    return { type: "FeatureCollection", features: rows.flatMap(features) };
  }
}
