// Which layers are shown: a list opened with L, presets on 1 to 9, remembered on this post.

import type { Map as LibreMap } from "maplibre-gl";
import { word } from "../words";
import { draw, type Shape } from "./shapes";

const MEMORY = "beffroi.map.layers";

/** Presets by key. `null`: everything. */
const PRESETS: readonly (readonly [string, readonly string[] | null])[] = [
  ["all", null],
  ["incidents", []],
  ["lighting", ["light_point", "lighting_cabinet", "crews"]],
  ["traffic", ["intersection", "bollard", "bus", "closures", "crews"]],
  ["buildings", ["building", "boiler_room", "sensor", "crews"]],
  ["video", ["camera"]],
  ["fleet", ["vehicle", "bus", "closures"]],
  ["crews", ["crews", "closures"]],
];

/** What is on the map and is no equipment: the layers it is drawn by, and the shape that stands for it in the list. */
const OTHERS: Readonly<Record<string, { readonly layers: readonly string[]; readonly shape: string }>> = {
  crews: { layers: ["crews-coarse", "crews", "crews-names"], shape: "crew:available" },
  closures: { layers: ["closure-casing", "closure-planned", "closure-bars", "closure-sign"], shape: "closed" },
};

export class LayerList {
  private readonly hidden: Set<string>;
  private readonly panel = document.createElement("div");
  private readonly names: readonly string[];

  constructor(
    private readonly map: LibreMap,
    classes: readonly string[],
    private readonly shapes: Readonly<Record<string, Shape>>,
    host: HTMLElement,
  ) {
    this.names = [...classes, ...Object.keys(OTHERS)];
    this.hidden = new Set(recall());
    this.build();
    const tools = document.createElement("div");
    tools.className = "tools";
    const toggle = document.createElement("button");
    toggle.type = "button";
    toggle.dataset.key = "l";
    toggle.setAttribute("aria-expanded", "false");
    toggle.append(word("map.layers"), kbd("L"));
    toggle.addEventListener("click", () => {
      this.panel.hidden = !this.panel.hidden;
      toggle.setAttribute("aria-expanded", String(!this.panel.hidden));
      if (!this.panel.hidden) this.panel.querySelector("input")?.focus();
    });
    this.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.panel.hidden = true;
      toggle.setAttribute("aria-expanded", "false");
      toggle.focus();
    });
    tools.append(toggle);
    host.append(tools, this.panel);
    this.apply();
  }

  private build(): void {
    this.panel.className = "layers";
    this.panel.hidden = true;
    this.panel.setAttribute("role", "group");
    this.panel.setAttribute("aria-label", word("map.layers"));
    for (const name of this.names) this.panel.append(this.box(name));
    const presets = document.createElement("ol");
    PRESETS.forEach(([name, kept], place) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.append(word(`preset.${name}`), kbd(String(place + 1)));
      button.addEventListener("click", () => this.call(kept));
      item.append(button);
      presets.append(item);
    });
    this.panel.append(presets);
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** The presets answer their figure even while the list is folded. */
  private pressed(event: KeyboardEvent): void {
    const target = event.target;
    if (event.defaultPrevented) return; // a question of a procedure takes figures first
    if (event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.shortcuts === "off") return;
    if (target instanceof Element && target.matches("input:not([type=checkbox]), select, textarea")) return;
    if (document.querySelector("dialog[open]")) return;
    const preset = PRESETS[Number(event.key) - 1];
    if (!/^[1-9]$/.test(event.key) || !preset) return;
    event.preventDefault();
    this.call(preset[1]);
  }

  private box(name: string): HTMLLabelElement {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "checkbox";
    input.checked = !this.hidden.has(name);
    input.dataset.class = name;
    input.addEventListener("change", () => {
      if (input.checked) this.hidden.delete(name);
      else this.hidden.add(name);
      this.apply();
    });
    label.append(input);
    const shape = this.shapes[OTHERS[name]?.shape ?? `class:${name}`];
    if (shape) label.append(legend(shape));
    label.append(word(`class.${name}`));
    return label;
  }

  private call(kept: readonly string[] | null): void {
    this.hidden.clear();
    if (kept) for (const name of this.names) if (!kept.includes(name)) this.hidden.add(name);
    this.apply();
  }

  private apply(): void {
    for (const input of this.panel.querySelectorAll<HTMLInputElement>("input[data-class]"))
      input.checked = !this.hidden.has(input.dataset.class ?? "");
    for (const name of this.names)
      for (const id of OTHERS[name]?.layers ?? [`class:${name}`, `stale:${name}`, `explained:${name}`, `abnormal:${name}`])
        if (this.map.getLayer(id)) this.map.setLayoutProperty(id, "visibility", this.hidden.has(name) ? "none" : "visible");
    localStorage.setItem(MEMORY, JSON.stringify([...this.hidden]));
  }
}

function recall(): string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(MEMORY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

function kbd(text: string): HTMLElement {
  const key = document.createElement("kbd");
  key.textContent = text;
  key.setAttribute("aria-hidden", "true");
  return key;
}

function legend(shape: Shape): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 40;
  canvas.setAttribute("aria-hidden", "true");
  canvas.getContext("2d")?.putImageData(draw(shape, 40), 0, 0);
  return canvas;
}
