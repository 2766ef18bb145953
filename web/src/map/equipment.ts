// Equipment on the map: one source for what is few, one for what comes by cell. A change of condition is a
// feature-state of one field, and the map redraws alone.

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as LibreMap } from "maplibre-gl";
import { conditionOf } from "../live/conditions";
import type { Frame } from "../live/frame";
import { Cells } from "./cells";
import { features, type Snapshot } from "./snapshot";

/** From which zoom a class is drawn: below 12 only incidents and lines, single lights from 14.5. */
const FROM_ZOOM: Readonly<Record<string, number>> = {
  intersection: 12, building: 12, boiler_room: 14, camera: 12.5, lighting_cabinet: 13, bollard: 13, sensor: 15, light_point: 14.5,
};
const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const SOURCES = ["equipment", "fine"] as const;

const SIZE: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 12, 0.42, 14, 0.7, 16, 1];

function drawnCondition(): ExpressionSpecification {
  return ["coalesce", ["feature-state", "condition"], ["get", "condition"]];
}

function shown(when: ExpressionSpecification): ExpressionSpecification {
  return ["case", when, 1, 0];
}

export class Equipment {
  private snapshot: Snapshot | undefined;
  private readonly known = new Map<number, { readonly source: (typeof SOURCES)[number]; drawn: number }>();
  private readonly cells: Cells;

  constructor(private readonly map: LibreMap) {
    for (const source of SOURCES) map.addSource(source, { type: "geojson", data: EMPTY });
    this.cells = new Cells(map, {
      added: (columns) => {
        const items = features(columns, this.snapshot?.classes ?? []);
        for (const item of items) this.place("fine", item);
        return items;
      },
      removed: (ids) => ids.forEach((id) => this.known.delete(id)),
    });
  }

  /** Draw a snapshot; the classes that move are left to the movers. */
  show(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    const still = features(snapshot, snapshot.classes, (name) => !snapshot.movers.includes(name));
    for (const [id, { source }] of this.known) if (source === "equipment") this.known.delete(id);
    for (const item of still) this.place("equipment", item);
    this.source("equipment")?.setData({ type: "FeatureCollection", features: still });
    this.cells.open(snapshot.fine);
  }

  /** A place comes with the condition it had when it was asked for: what the stream told since counts. */
  private place(source: (typeof SOURCES)[number], item: GeoJSON.Feature): void {
    const id = item.id as number;
    const drawn = conditionOf(id, Number(item.properties?.condition));
    this.known.set(id, { source, drawn });
    item.properties = { ...item.properties, condition: drawn };
    this.map.removeFeatureState({ source, id });
  }

  /** The layers of every class, then those of the conditions. Called once the snapshot has named them. */
  layers(snapshot: Snapshot): LayerSpecification[] {
    const isAged: ExpressionSpecification = ["in", drawnCondition(), ["literal", [1, 2]]];
    const isAbnormal: ExpressionSpecification = ["in", drawnCondition(), ["literal", [11, 12, 13, 14]]];
    const isExplained: ExpressionSpecification = ["==", drawnCondition(), 20];
    return SOURCES.flatMap((source): LayerSpecification[] => {
      const mine = snapshot.classes.filter(
        (name) => !snapshot.movers.includes(name) && snapshot.fine.classes.includes(name) === (source === "fine"),
      );
      return mine.flatMap((name): LayerSpecification[] => [
        symbol(`class:${name}`, source, name, `class:${name}`, undefined),
        symbol(`stale:${name}`, source, name, "condition:stale", shown(isAged)),
        symbol(`explained:${name}`, source, name, "condition:explained", shown(isExplained)),
        symbol(`abnormal:${name}`, source, name, "condition:abnormal", shown(isAbnormal)),
      ]);
    });
  }

  /** Show what a frame changed; equipment that is not drawn costs nothing. */
  follow(frame: Frame): void {
    const touched = frame.whole ? this.known.keys() : (frame.conditions ?? []).map(([id]) => id);
    for (const id of touched) {
      const known = this.known.get(id);
      const condition = conditionOf(id, known?.drawn ?? 0);
      if (!known || known.drawn === condition) continue;
      known.drawn = condition;
      this.map.setFeatureState({ source: known.source, id }, { condition });
    }
  }

  /** The condition of everything that is drawn and not normal. */
  get abnormal(): Record<number, number> {
    return Object.fromEntries([...this.known].filter(([, { drawn }]) => drawn > 0).map(([id, { drawn }]) => [id, drawn]));
  }

  private source(name: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(name);
  }
}

function symbol(
  id: string,
  source: string,
  name: string,
  image: string,
  opacity: ExpressionSpecification | undefined,
): LayerSpecification {
  return {
    id,
    type: "symbol",
    source,
    minzoom: FROM_ZOOM[name] ?? 13,
    filter: ["==", ["get", "class"], name],
    layout: { "icon-image": image, "icon-size": SIZE, "icon-allow-overlap": true, "icon-ignore-placement": true },
    paint: opacity ? { "icon-opacity": opacity } : {},
  };
}
