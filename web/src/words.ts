// The words that scripts show. They come from the page (`#words`, made by gettext), so that one catalogue serves all.

export type Words = Readonly<Record<string, string>>;

let catalogue: Words | undefined;

function load(): Words {
  const source = document.getElementById("words")?.textContent;
  return source ? (JSON.parse(source) as Words) : {};
}

/** The page's language, for plurals and dates. */
export const language = document.documentElement.lang || "fr";

/** The words for `key`, with `{name}` replaced; the key itself when the page has none, so that the lack shows. */
export function word(key: string, values: Readonly<Record<string, string | number>> = {}): string {
  catalogue ??= load();
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

const plural = new Intl.PluralRules(language);

/** The words for `count` things: `key.one` or `key.other`, after the language's own rule. */
export function counted(key: string, count: number, values: Readonly<Record<string, string | number>> = {}): string {
  const rule = plural.select(count) === "one" ? "one" : "other";
  return word(`${key}.${rule}`, { n: count, ...values });
}
