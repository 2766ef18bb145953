// The basemap's style: our own small schema, thirty layers, no glyph and no sprite files.

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { Palette } from "./palette";

const BASE = "base";

function width(z10: number, z13: number, z15: number, z17: number): ExpressionSpecification {
  return ["interpolate", ["exponential", 1.5], ["zoom"], 10, z10, 13, z13, 15, z15, 17, z17];
}

function ground(p: Palette): LayerSpecification[] {
  const kinds = [
    ["farmland", p["map-land"]], ["forest", p["map-forest"]], ["vineyard", p["map-forest"]], ["urban", p["map-urban"]],
    ["industrial", p["map-urban"]], ["core", p["map-core"]], ["park", p["map-park"]], ["square", p["map-core"]],
  ] as const;
  const fills: LayerSpecification[] = kinds.map(([kind, colour]) => ({
    id: `land-${kind}`,
    type: "fill",
    source: BASE,
    "source-layer": "landuse",
    filter: ["==", ["get", "kind"], kind],
    paint: { "fill-color": colour },
  }));
  return [
    ...fills,
    {
      id: "blocks", type: "fill", source: BASE, "source-layer": "blocks", minzoom: 12, maxzoom: 14.2,
      paint: { "fill-color": p["map-block"], "fill-opacity": ["interpolate", ["linear"], ["zoom"], 12, 0, 12.8, 0.8] },
    },
    {
      id: "parks-over-blocks", type: "fill", source: BASE, "source-layer": "landuse",
      filter: ["==", ["get", "kind"], "park"], paint: { "fill-color": p["map-park"] },
    },
    { id: "water", type: "fill", source: BASE, "source-layer": "water", paint: { "fill-color": p["map-water"] } },
    {
      id: "buildings", type: "fill", source: BASE, "source-layer": "buildings", minzoom: 13.5,
      paint: {
        "fill-color": p["map-building"],
        "fill-outline-color": p["map-building-line"],
        "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13.5, 0, 14.3, 1],
      },
    },
  ];
}

function lines(p: Palette): LayerSpecification[] {
  const round = { "line-cap": "round", "line-join": "round" } as const;
  const ranks = [
    [2, p["map-road-2"], width(0.4, 1.6, 6, 15)], [3, p["map-road-3"], width(0.8, 2.4, 8, 19)],
    [4, p["map-road-4"], width(1, 2.8, 9, 21)], [5, p["map-road-5"], width(1.4, 3.4, 10, 24)],
  ] as const;
  const roads: LayerSpecification[] = ranks.map(([rank, colour, wide]) => ({
    id: `road-${rank}`, type: "line", source: BASE, "source-layer": "roads_major",
    filter: ["==", ["get", "rank"], rank], layout: round, paint: { "line-color": colour, "line-width": wide },
  }));
  return [
    {
      id: "rail", type: "line", source: BASE, "source-layer": "rail",
      paint: { "line-color": p["map-rail"], "line-width": width(1, 1.6, 3, 6) },
    },
    {
      id: "rail-ties", type: "line", source: BASE, "source-layer": "rail", minzoom: 12,
      paint: { "line-color": p["map-rail"], "line-width": width(2, 4, 8, 14), "line-dasharray": [0.15, 1.2] },
    },
    {
      id: "road-1", type: "line", source: BASE, "source-layer": "roads_minor", layout: round,
      paint: { "line-color": p["map-road-1"], "line-width": width(0.2, 0.9, 4, 11) },
    },
    ...roads,
    {
      id: "tram", type: "line", source: BASE, "source-layer": "tram",
      paint: { "line-color": p["map-tram"], "line-width": width(1, 1.8, 2.6, 4) },
    },
    {
      id: "communes", type: "line", source: BASE, "source-layer": "communes",
      paint: { "line-color": p["map-border"], "line-width": 1, "line-dasharray": [4, 2, 1, 2], "line-opacity": 0.8 },
    },
  ];
}

function labels(p: Palette): LayerSpecification[] {
  const halo = { "text-halo-color": p["map-halo"], "text-halo-width": 1.3 } as const;
  return [
    {
      id: "names-minor", type: "symbol", source: BASE, "source-layer": "roads_minor", minzoom: 15,
      layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": ["Inter Regular"], "text-size": 11, "symbol-spacing": 320 },
      paint: { "text-color": p["map-text-2"], ...halo },
    },
    {
      id: "names-major", type: "symbol", source: BASE, "source-layer": "roads_major", minzoom: 13,
      layout: {
        "symbol-placement": "line", "text-field": ["get", "name"], "text-font": ["Inter Medium"],
        "text-size": ["interpolate", ["linear"], ["zoom"], 13, 10, 16, 13], "symbol-spacing": 420,
      },
      paint: { "text-color": p["map-text"], ...halo },
    },
    {
      id: "names-water", type: "symbol", source: BASE, "source-layer": "waterlines", minzoom: 11,
      layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": ["Inter Italic"], "text-size": 11, "symbol-spacing": 500 },
      paint: { "text-color": p["map-water-text"], ...halo },
    },
    {
      id: "names-parks", type: "symbol", source: BASE, "source-layer": "landuse", minzoom: 12.5,
      filter: ["==", ["get", "kind"], "park"],
      layout: { "text-field": ["get", "name"], "text-font": ["Inter Italic"], "text-size": 11, "text-max-width": 8 },
      paint: { "text-color": p["map-park-text"], ...halo },
    },
    {
      id: "names-places", type: "symbol", source: BASE, "source-layer": "places", maxzoom: 15,
      layout: {
        "text-field": ["get", "name"], "text-font": ["Inter SemiBold"], "text-max-width": 9,
        "text-size": ["interpolate", ["linear"], ["get", "pop"], 200, 11, 15000, 14, 160000, 20],
        "symbol-sort-key": ["-", 0, ["get", "pop"]],
      },
      paint: { "text-color": p["map-place"], "text-halo-color": p["map-halo"], "text-halo-width": 1.6 },
    },
  ];
}

/** The whole style; without `tiles` (the archive cannot be read) only the ground, on which the rest is still drawn. */
export function style(palette: Palette, tiles: string | undefined): StyleSpecification {
  const background: LayerSpecification = { id: "ground", type: "background", paint: { "background-color": palette["map-bg"] } };
  if (!tiles) return { version: 8, sources: {}, layers: [background] };
  return {
    version: 8,
    sources: { [BASE]: { type: "vector", url: `pmtiles://${tiles}` } },
    layers: [background, ...ground(palette), ...lines(palette), ...labels(palette)],
  };
}

/** Load the faces that the labels name: MapLibre draws them from CSS fonts, and asks before they are there. */
export async function loadFaces(): Promise<void> {
  const faces = ["Inter Regular", "Inter Medium", "Inter SemiBold", "Inter Italic"];
  await Promise.allSettled(faces.map((face) => document.fonts.load(`16px "${face}"`)));
}
