// Symbols, drawn on a canvas: the map and its legend use the same code. Sizes in a square of 32.

import type { Palette } from "./palette";

export interface Shape {
  readonly path: (c: CanvasRenderingContext2D) => void;
  readonly fill?: string;
  readonly line?: string;
  readonly width?: number;
  readonly dash?: readonly number[];
}

type Path = Shape["path"];
type Point = readonly [x: number, y: number];

/** A line through points; closed, it is an outline that can be filled. */
const line = (points: readonly Point[], closed = false): Path => (c) => {
  points.forEach(([x, y], place) => (place === 0 ? c.moveTo(x, y) : c.lineTo(x, y)));
  if (closed) c.closePath();
};
const outline = (...points: readonly Point[]): Path => line(points, true);
const disc = (radius: number): Path => (c) => c.arc(16, 16, radius, 0, 7);
const square = (half: number): Path => (c) => c.rect(16 - half, 16 - half, 2 * half, 2 * half);
const box = (x: number, y: number, width: number, height: number): Path => (c) => c.rect(x, y, width, height);
const pill: Path = (c) => c.roundRect(11, 6, 10, 20, 4);
/** Several paths drawn as one, each from where it begins. */
const together = (...paths: readonly Path[]): Path => (c) => paths.forEach((path) => path(c));

const triangle = outline([16, 3], [30, 28], [2, 28]);
const diamond = outline([16, 2], [30, 16], [16, 30], [2, 16]);
const cabinet = together(box(8, 5, 16, 22), line([[17, 9], [13, 17], [19, 16], [15, 23]]));
const crossing = together(disc(9), line([[16, 7], [16, 25]]), line([[7, 16], [25, 16]]));
const bollard = together(pill, line([[11, 13], [21, 13]]));
const house = outline([16, 5], [27, 14], [27, 26], [5, 26], [5, 14]);
const boiler = together(square(8), line([[16, 20], [12, 15], [16, 11], [20, 15], [16, 20]]));
const camera = together(box(5, 10, 15, 12), line([[20, 14], [27, 10], [27, 22], [20, 18]]));
const arrow = outline([16, 4], [25, 27], [16, 22], [7, 27]);
const coach = outline([16, 3], [23, 9], [23, 29], [9, 29], [9, 9]);
const bars = together(disc(6), line([[16, 4], [16, 10]]));
const barred = together(disc(11), line([[9, 16], [23, 16]]));
const strike = line([[5, 27], [27, 5]]);

/** Every symbol of the map, by name. Priorities are `p1` to `p4`, equipment `class:…`, conditions `condition:…`. */
export function shapes(p: Palette): Readonly<Record<string, Shape>> {
  const grey = { fill: p["map-halo"], line: p["map-equipment"], width: 2.4 };
  const mobile = { fill: p["map-equipment-strong"], line: p["map-halo"], width: 2.5 };
  return {
    p1: { path: triangle, fill: p.p1, line: p["p1-line"], width: 3 },
    p2: { path: diamond, fill: p.p2, line: p["map-halo"], width: 2.5 },
    p3: { path: disc(12), fill: p.p3, line: p["map-halo"], width: 2.5 },
    p4: { path: square(10), fill: p["map-halo"], line: p.p4, width: 4 },
    "class:light_point": { path: disc(5), fill: p["map-equipment"] },
    "class:lighting_cabinet": { path: cabinet, ...grey },
    "class:intersection": { path: crossing, ...grey },
    "class:bollard": { path: bollard, ...grey },
    "class:building": { path: house, ...grey },
    "class:boiler_room": { path: boiler, ...grey },
    "class:camera": { path: camera, ...grey },
    "class:sensor": { path: bars, ...grey },
    "class:vehicle": { path: arrow, ...mobile },
    "class:bus": { path: coach, ...mobile },
    "condition:abnormal": { path: disc(14), line: p["map-equipment-strong"], width: 3 },
    "condition:stale": { path: disc(14), line: p["map-equipment-strong"], width: 2.5, dash: [4, 3.4] },
    "condition:explained": { path: strike, line: p["map-equipment-strong"], width: 2.5 },
    "crew:available": { path: disc(11), fill: p["map-halo"], line: p["map-equipment-strong"], width: 2.5 },
    "crew:alerted": { path: disc(11), fill: p["map-halo"], line: p["map-equipment-strong"], width: 2.5, dash: [3, 2.6] },
    "crew:en_route": { path: house, fill: p["map-halo"], line: p["map-equipment-strong"], width: 2.5 },
    "crew:on_site": { path: square(10), fill: p["map-equipment-strong"], line: p["map-halo"], width: 2 },
    "crew:break": { path: square(10), fill: p["map-halo"], line: p["map-equipment"], width: 2, dash: [3, 2.6] },
    "crew:unavailable": { path: square(10), fill: p["map-halo"], line: p["map-equipment"], width: 2 },
    "crew:distress": { path: triangle, fill: p.strong, line: p["map-halo"], width: 3 },
    closed: { path: barred, fill: p["map-halo"], line: p["map-equipment-strong"], width: 4 },
    selected: { path: square(14), line: p.strong, width: 2.5 },
  };
}

/** Draw a shape in a square of `size` device pixels. */
export function draw(shape: Shape, size: number): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d");
  if (!c) throw new Error("no 2D canvas");
  c.scale(size / 32, size / 32);
  c.lineJoin = "round";
  c.lineCap = "round";
  c.beginPath();
  shape.path(c);
  if (shape.fill) {
    c.fillStyle = shape.fill;
    c.fill();
  }
  if (shape.line) {
    c.strokeStyle = shape.line;
    c.lineWidth = shape.width ?? 2;
    c.setLineDash([...(shape.dash ?? [])]);
    c.stroke();
  }
  return c.getImageData(0, 0, size, size);
}
