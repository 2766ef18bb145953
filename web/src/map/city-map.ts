// <city-map>: the city, its equipment, what moves and what needs someone. Everything on it is also in a list.
//
// Attributes: `tiles` (PMTiles archive read by range), `assets` (snapshot URL), `rows` (id of the list of incidents),
// `lon`/`lat`/`zoom` or `bounds` (first view; nearer where the whole `extent` of a small city can be seen), `marks` (a single place to mark, for the sheet's small map), `attribution`, `tells` (where an
// incident is told, for who may), `picks` (address to open with the place of a click behind it). Closed streets are drawn from the page's own lists.

import * as libre from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { PMTiles, Protocol } from "pmtiles";
import { on, type Selection } from "../live/frame";
import { selectAsset, selectIncident } from "../selection";
import { word } from "../words";
import { Closures } from "./closures";
import { Crews } from "./crews";
import { Equipment } from "./equipment";
import { Here } from "./here";
import { Incidents } from "./incidents";
import { LayerList } from "./layers";
import { Movers } from "./movers";
import { type Palette, readPalette } from "./palette";
import { draw, shapes } from "./shapes";
import { fetchJson, type Snapshot } from "./snapshot";
import { loadFaces, style } from "./style";
import { Track } from "./track";

libre.setWorkerUrl(workerUrl);

const ICON = 64;
const REACH_PX = 7;
const RETRY_MS = 15_000;

/** What is left free around a first view; the world's width at zoom 0. */
const MARGIN_PX = 56;
const WORLD_PX = 512;

class CityMap extends HTMLElement {
  private readonly life = new AbortController();
  private map: libre.Map | undefined;
  private incidents: Incidents | undefined;
  private closures: Closures | undefined;
  private crews: Crews | undefined;
  private equipment: Equipment | undefined;
  private movers: Movers | undefined;
  private here: Here | undefined;
  private layered = false;
  private turn = 0;
  private retry = 0;
  private readonly messages = document.createElement("div");

  connectedCallback(): void {
    this.messages.className = "said";
    this.messages.setAttribute("role", "status");
    this.append(this.messages);
    void this.start().catch((error: unknown) => {
      console.error(error);
      this.tell("none", word("map.none"));
    });
  }

  disconnectedCallback(): void {
    this.life.abort();
    this.map?.remove();
  }

  private number(name: string): number | undefined {
    const value = Number.parseFloat((this.getAttribute(name) ?? "").replace(",", "."));
    return Number.isFinite(value) ? value : undefined;
  }

  private async start(): Promise<void> {
    const palette = readPalette();
    const [archive] = await Promise.all([this.archive(), loadFaces()]);
    const holder = document.createElement("div");
    holder.className = "canvas";
    this.prepend(holder);
    const map = new libre.Map({
      container: holder,
      style: style(palette, archive?.source.getKey()),
      fadeDuration: 0,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxPitch: 0,
      minZoom: 8,
      maxZoom: 18.5,
      locale: { "Map.Title": word("map.title"), "NavigationControl.ZoomIn": word("map.in"), "NavigationControl.ZoomOut": word("map.out") },
      ...(await this.view(archive)),
    });
    this.map = map;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new libre.NavigationControl({ showCompass: false }), "bottom-left");
    this.attribute();
    await map.once("load");
    this.furnish(map, palette);
    if (this.hasAttribute("assets")) this.followStream(palette);
    this.dataset.ready = "1";
  }

  /** The archive of tiles, or undefined when it cannot be read: the rest is drawn without it, and a word says so. */
  private async archive(): Promise<PMTiles | undefined> {
    const path = this.getAttribute("tiles");
    if (!path) return undefined;
    const archive = new PMTiles(new URL(path, location.href).href);
    try {
      await archive.getHeader();
    } catch (error) {
      console.error(error);
      this.tell("tiles", word("map.noTiles"));
      return undefined;
    }
    const protocol = new Protocol();
    protocol.add(archive);
    libre.addProtocol("pmtiles", protocol.tile);
    return archive;
  }

  private async view(archive: PMTiles | undefined): Promise<Partial<libre.MapOptions>> {
    const [west, south, east, north] = (this.getAttribute("bounds") ?? "").split(",").map(Number);
    if (west !== undefined && south !== undefined && east !== undefined && north !== undefined)
      return { bounds: [west, south, east, north], fitBoundsOptions: { padding: MARGIN_PX, maxZoom: 16.5 } };
    const [lon, lat] = [this.number("lon"), this.number("lat")];
    const zoom = Math.max(this.number("zoom") ?? 12.4, this.wholeCity());
    if (lon !== undefined && lat !== undefined) return { center: [lon, lat], zoom };
    const header = await archive?.getHeader();
    return header ? { center: [header.centerLon, header.centerLat], zoom } : { center: [0, 0], zoom: 2 };
  }

  /** The zoom at which the city's extent, if it is told, fills this map; 0 where it is not. */
  private wholeCity(): number {
    const [west, south, east, north] = (this.getAttribute("extent") ?? "").split(",").map(Number);
    if (west === undefined || south === undefined || east === undefined || north === undefined) return 0;
    const from = libre.MercatorCoordinate.fromLngLat([west, north]);
    const to = libre.MercatorCoordinate.fromLngLat([east, south]);
    const [width, height] = [this.clientWidth - 2 * MARGIN_PX, this.clientHeight - 2 * MARGIN_PX].map((px) => Math.max(px, 1) / WORLD_PX);
    return Math.log2(Math.min((width ?? 0) / (to.x - from.x), (height ?? 0) / (to.y - from.y)));
  }

  private furnish(map: libre.Map, palette: Palette): void {
    for (const [name, shape] of Object.entries(shapes(palette)))
      map.addImage(name, draw(shape, ICON), { pixelRatio: ICON / 32 * 1.35 });
    this.equipment = new Equipment(map);
    this.movers = new Movers(map);
    this.incidents = new Incidents(map, () => this.rows());
    for (const layer of this.incidents.layers(palette)) map.addLayer(layer);
    this.closures = new Closures(map);
    for (const [layer, before] of this.closures.layers(palette)) map.addLayer(layer, before);
    this.crews = new Crews(map);
    for (const layer of this.crews.layers(palette)) map.addLayer(layer, "incident-selected");
    if (document.querySelector("[data-track-hour]"))
      for (const layer of new Track(map).layers(palette)) map.addLayer(layer, "incident-selected");
    on("beffroi:patched", () => {
      this.closures?.changed();
      this.crews?.changed();
    }, this.life.signal);
    on("beffroi:rows", () => this.incidents?.changed(), this.life.signal);
    on("beffroi:select", (selection) => this.follow(selection), this.life.signal);
    on("beffroi:frame", (frame) => {
      if (frame.movers?.length) this.movers?.move(frame.movers);
      this.equipment?.follow(frame);
    }, this.life.signal);
    map.on("movestart", () => delete this.dataset.still);
    map.on("idle", () => (this.dataset.still = "1"));
    map.on("click", (event) => this.clicked(event));
    map.on("mousemove", (event) => {
      map.getCanvas().style.cursor = this.hasAttribute("picks") || this.under(event.point) ? "pointer" : "";
    });
    const current = document.querySelector<HTMLElement>("#queue [aria-current='true']")?.closest<HTMLElement>("[data-id]");
    if (current) this.incidents.select(Number(current.dataset.id));
    this.mark(map);
    const tells = this.getAttribute("tells");
    if (tells) this.here = new Here(map, tells, this);
  }

  private rows(): HTMLElement[] {
    const list = document.getElementById(this.getAttribute("rows") ?? "");
    return list ? [...list.querySelectorAll<HTMLElement>(":scope > [data-lon]")] : [];
  }

  /** The condition of everything that the map draws and that is not normal, by number. */
  get conditions(): Record<number, number> {
    return this.equipment?.abnormal ?? {};
  }

  /** Positions are told when they change only: after each gap of the stream the places are asked for again. */
  private followStream(palette: Palette): void {
    const load = (): void => void this.loadAssets(palette);
    on("beffroi:opened", load, this.life.signal);
    on("beffroi:resync", load, this.life.signal);
    load();
  }

  private async loadAssets(palette: Palette): Promise<void> {
    const url = this.getAttribute("assets");
    const map = this.map;
    if (!url || !map) return;
    const turn = (this.turn += 1);
    window.clearTimeout(this.retry);
    try {
      const snapshot = await fetchJson<Snapshot>(url, this.life.signal);
      if (turn !== this.turn) return; // asked again meanwhile: that answer is the newer
      this.equipment?.show(snapshot);
      this.movers?.show(snapshot);
      this.layer(map, snapshot, palette);
      this.tell("assets", snapshot.total > snapshot.id.length ? word("map.partial", { n: snapshot.id.length, total: snapshot.total }) : "");
    } catch (error) {
      if (this.life.signal.aborted || turn !== this.turn) return;
      console.error(error);
      this.tell("assets", word("map.noAssets"));
      this.retry = window.setTimeout(() => void this.loadAssets(palette), RETRY_MS);
    }
  }

  private layer(map: libre.Map, snapshot: Snapshot, palette: Palette): void {
    if (this.layered) return;
    this.layered = true;
    const names = map.getLayer("names-places") ? "names-places" : "incident-selected";
    for (const layer of this.equipment?.layers(snapshot) ?? []) map.addLayer(layer, names);
    for (const layer of this.movers?.layers(snapshot) ?? []) {
      map.addLayer(layer, names);
      map.setPaintProperty(layer.id, "text-color", palette["map-text"]);
      map.setPaintProperty(layer.id, "text-halo-color", palette["map-halo"]);
      map.setPaintProperty(layer.id, "text-halo-width", 1.4);
    }
    if (!this.hasAttribute("plain")) new LayerList(map, snapshot.classes, shapes(palette), this);
  }

  /** What is drawn under a point: incidents before equipment, the nearest layer first. */
  private under(point: libre.Point): libre.MapGeoJSONFeature | undefined {
    const map = this.map;
    if (!map) return undefined;
    const layers = map.getLayersOrder().filter((id) => id === "incidents" || id.startsWith("class:"));
    const box: [libre.PointLike, libre.PointLike] = [
      [point.x - REACH_PX, point.y - REACH_PX],
      [point.x + REACH_PX, point.y + REACH_PX],
    ];
    const found = map.queryRenderedFeatures(box, { layers });
    return found.find((feature) => feature.layer.id === "incidents") ?? found[0];
  }

  private clicked(event: libre.MapMouseEvent): void {
    const picks = this.getAttribute("picks");
    if (picks) {
      location.assign(`${picks}${event.lngLat.lng.toFixed(6)},${event.lngLat.lat.toFixed(6)}`);
      return;
    }
    const feature = this.under(event.point);
    if (!feature || typeof feature.id !== "number") {
      this.pick(event.lngLat);
      return;
    }
    this.unpick();
    if (feature.layer.id === "incidents") {
      selectIncident(feature.id, "map");
      return;
    }
    selectAsset(feature.id, "map");
    if (feature.geometry.type === "Point") this.markAt(feature.geometry.coordinates as [number, number]);
  }

  /** Nothing is there: the point itself is chosen, to tell an incident at. */
  private pick(point: libre.LngLat): void {
    if (!this.here) return;
    this.here.choose(point);
    this.markAt([point.lng, point.lat]);
    this.tell("here", word("map.chosen"));
  }

  private unpick(): void {
    this.here?.choose(undefined);
    this.tell("here", "");
  }

  private follow(selection: Selection): void {
    this.unpick();
    if (selection.kind !== "incident") {
      this.incidents?.select(-1);
      return;
    }
    this.incidents?.select(selection.id);
    this.markAt(undefined);
    const place = this.incidents?.place();
    if (!place || !this.map || selection.origin === "map") return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map.easeTo({ center: place, zoom: Math.max(this.map.getZoom(), 14), duration: still ? 0 : 200 });
  }

  /** One square around a place: the one a sheet's small map speaks of, or the equipment chosen here. */
  private mark(map: libre.Map): void {
    map.addSource("mark", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({ id: "mark", type: "symbol", source: "mark", layout: { "icon-image": "selected", "icon-allow-overlap": true } });
    const [lon, lat] = [this.number("lon"), this.number("lat")];
    if (this.hasAttribute("marks") && lon !== undefined && lat !== undefined) this.markAt([lon, lat]);
  }

  private markAt(place: [number, number] | undefined): void {
    const data: GeoJSON.GeoJSON = place ? { type: "Point", coordinates: place } : { type: "FeatureCollection", features: [] };
    void this.map?.getSource<libre.GeoJSONSource>("mark")?.setData(data);
  }

  private tell(topic: string, text: string): void {
    let line = this.messages.querySelector<HTMLElement>(`[data-topic="${topic}"]`);
    if (!text) {
      line?.remove();
      return;
    }
    if (!line) {
      line = document.createElement("p");
      line.dataset.topic = topic;
      this.messages.append(line);
    }
    line.textContent = text;
  }

  private attribute(): void {
    const text = this.getAttribute("attribution");
    if (!text) return;
    const line = document.createElement("div");
    line.className = "attribution";
    line.textContent = text;
    this.append(line);
  }
}

customElements.define("city-map", CityMap);
