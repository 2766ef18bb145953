// Symbols, drawn on a canvas: the map and its legend use the same code. Sizes in a square of 32.

import type { Palette } from "./palette";

export interface Shape {
  readonly path: (c: CanvasRenderingContext2D) => void;
  readonly fill?: string;
  readonly line?: string;
  readonly width?: number;
  readonly dash?: readonly number[];
}

const triangle = (c: CanvasRenderingContext2D): void => {
  c.moveTo(16, 3);
  c.lineTo(30, 28);
  c.lineTo(2, 28);
  c.closePath();
};
const diamond = (c: CanvasRenderingContext2D): void => {
  c.moveTo(16, 2);
  c.lineTo(30, 16);
  c.lineTo(16, 30);
  c.lineTo(2, 16);
  c.closePath();
};
const disc = (radius: number) => (c: CanvasRenderingContext2D): void => c.arc(16, 16, radius, 0, 7);
const square = (half: number) => (c: CanvasRenderingContext2D): void => c.rect(16 - half, 16 - half, 2 * half, 2 * half);

function cabinet(c: CanvasRenderingContext2D): void {
  c.rect(8, 5, 16, 22);
  c.moveTo(17, 9);
  c.lineTo(13, 17);
  c.lineTo(19, 16);
  c.lineTo(15, 23);
}

function crossing(c: CanvasRenderingContext2D): void {
  c.arc(16, 16, 9, 0, 7);
  c.moveTo(16, 7);
  c.lineTo(16, 25);
  c.moveTo(7, 16);
  c.lineTo(25, 16);
}

function bollard(c: CanvasRenderingContext2D): void {
  c.roundRect(11, 6, 10, 20, 4);
  c.moveTo(11, 13);
  c.lineTo(21, 13);
}

function house(c: CanvasRenderingContext2D): void {
  c.moveTo(16, 5);
  c.lineTo(27, 14);
  c.lineTo(27, 26);
  c.lineTo(5, 26);
  c.lineTo(5, 14);
  c.closePath();
}

function camera(c: CanvasRenderingContext2D): void {
  c.rect(5, 10, 15, 12);
  c.moveTo(20, 14);
  c.lineTo(27, 10);
  c.lineTo(27, 22);
  c.lineTo(20, 18);
}

function arrow(c: CanvasRenderingContext2D): void {
  c.moveTo(16, 4);
  c.lineTo(25, 27);
  c.lineTo(16, 22);
  c.lineTo(7, 27);
  c.closePath();
}

function coach(c: CanvasRenderingContext2D): void {
  c.moveTo(16, 3);
  c.lineTo(23, 9);
  c.lineTo(23, 29);
  c.lineTo(9, 29);
  c.lineTo(9, 9);
  c.closePath();
}

function bars(c: CanvasRenderingContext2D): void {
  c.arc(16, 16, 6, 0, 7);
  c.moveTo(16, 4);
  c.lineTo(16, 10);
}

function strike(c: CanvasRenderingContext2D): void {
  c.moveTo(5, 27);
  c.lineTo(27, 5);
}

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
    "class:camera": { path: camera, ...grey },
    "class:sensor": { path: bars, ...grey },
    "class:vehicle": { path: arrow, ...mobile },
    "class:bus": { path: coach, ...mobile },
    "condition:abnormal": { path: disc(14), line: p["map-equipment-strong"], width: 3 },
    "condition:stale": { path: disc(14), line: p["map-equipment-strong"], width: 2.5, dash: [4, 3.4] },
    "condition:explained": { path: strike, line: p["map-equipment-strong"], width: 2.5 },
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
