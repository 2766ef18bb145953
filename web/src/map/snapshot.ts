// The equipment as the server sends it: columns, not objects, so that forty thousand places stay small and quick to read.

export interface Columns {
  readonly id: readonly number[];
  readonly class: readonly number[];
  readonly lon: readonly number[];
  readonly lat: readonly number[];
  readonly condition: readonly number[];
  readonly code: readonly string[];
}

export interface Snapshot extends Columns {
  readonly classes: readonly string[];
  /** Classes too many to send at once: they come by cell when the map is near. */
  readonly fine: { readonly classes: readonly string[]; readonly zoom: number; readonly url: string };
  /** How many there are in all, when the snapshot had to stop before. */
  readonly total: number;
  readonly movers: readonly string[];
}

/** Ask for JSON; raises an Error that says the status. */
export async function fetchJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(url, { headers: { Accept: "application/json" }, ...(signal ? { signal } : {}) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as T;
}

/** Turn columns into features with numeric ids, for the classes that `keep` accepts. */
export function features(
  columns: Columns,
  classes: readonly string[],
  keep: (name: string) => boolean = () => true,
): GeoJSON.Feature<GeoJSON.Point>[] {
  const out: GeoJSON.Feature<GeoJSON.Point>[] = [];
  for (let i = 0; i < columns.id.length; i += 1) {
    const name = classes[columns.class[i] ?? -1];
    const [id, lon, lat] = [columns.id[i], columns.lon[i], columns.lat[i]];
    if (name === undefined || id === undefined || lon === undefined || lat === undefined || !keep(name)) continue;
    out.push({
      type: "Feature",
      id,
      properties: { class: name, condition: columns.condition[i] ?? 0, code: columns.code[i] ?? "" },
      geometry: { type: "Point", coordinates: [lon, lat] },
    });
  }
  return out;
}
