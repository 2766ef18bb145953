// The words of the page, from the server's catalogue.

const said = JSON.parse(document.getElementById("words")?.textContent ?? "{}") as Record<string, string>;

/** Return the words of a key, with its blanks filled. */
export function word(key: string, blanks: Readonly<Record<string, string | number>> = {}): string {
  let text = said[key] ?? key;
  for (const [name, value] of Object.entries(blanks)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
}

/** Return the plural of a key. */
export function plural(key: string, n: number): string {
  return word(n > 1 ? `${key}.other` : `${key}.one`, { n });
}

/** Write the hour of an instant in milliseconds. */
export function hour(millis: number): string {
  return new Date(millis).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
}
