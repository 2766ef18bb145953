// The map draws with the console's own tokens, so that a palette changes both.

const NAMES = [
  "map-bg", "map-land", "map-urban", "map-block", "map-core", "map-park", "map-forest", "map-water", "map-building",
  "map-building-line", "map-road-5", "map-road-4", "map-road-3", "map-road-2", "map-road-1", "map-rail", "map-tram",
  "map-border", "map-text", "map-text-2", "map-place", "map-water-text", "map-park-text", "map-halo", "map-equipment",
  "map-equipment-strong", "p1", "p1-line", "p2", "p3", "p4", "on-p", "panel", "focus", "strong",
] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

/** The colours in force, read from the page. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette;
}
