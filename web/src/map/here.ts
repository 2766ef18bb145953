// Telling an incident from the map: at the point that was clicked, else at the centre, which arrows move when the map has
// the focus. It is a link, so that it opens like one; its key is the full stop.

import type { LngLat, Map as LibreMap } from "maplibre-gl";
import { word } from "../words";

/** Digits after the point: a tenth of a metre. */
const DIGITS = 6;

export class Here {
  private readonly link = document.createElement("a");
  private readonly label = document.createElement("span");
  private point: LngLat | undefined;

  constructor(
    private readonly map: LibreMap,
    private readonly path: string,
    host: HTMLElement,
  ) {
    const key = document.createElement("kbd");
    key.textContent = ".";
    key.setAttribute("aria-hidden", "true");
    this.link.className = "button here";
    this.link.dataset.key = ".";
    this.link.append(this.label, " ", key);
    const aim = document.createElement("div");
    aim.className = "aim";
    aim.setAttribute("aria-hidden", "true");
    host.append(this.link, aim);
    map.on("move", () => this.write());
    this.write();
  }

  /** Tell at this point; undefined: at the centre again. */
  choose(point: LngLat | undefined): void {
    this.point = point;
    this.write();
  }

  private write(): void {
    const at = this.point ?? this.map.getCenter();
    this.link.href = `${this.path}?at=${at.lng.toFixed(DIGITS)},${at.lat.toFixed(DIGITS)}`;
    this.link.toggleAttribute("data-centre", !this.point);
    const text = word(this.point ? "map.here" : "map.centre");
    if (this.label.textContent !== text) this.label.textContent = text;
  }
}
