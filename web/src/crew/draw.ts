// Elements, made from text alone: nothing that the server or a person wrote is ever read as HTML.

export type Child = Node | string | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Make an element; an attribute that is false or undefined is left out, one that is true has no value. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

const SHAPES: Readonly<Record<number, string>> = {
  1: "M16 3 30 28 2 28Z",
  2: "M16 2 30 16 16 30 2 16Z",
  3: "M16 3a13 13 0 1 1 0 26a13 13 0 1 1 0-26Z",
  4: "M6 6H26V26H6Z",
};

/** Draw a priority: its shape and its figure, as the console does. */
export function priority(level: number): HTMLElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[level] ?? "");
  svg.append(path);
  return h("span", { class: `prio prio-${level}` }, svg, h("span", {}, String(level)));
}

/** A big button that does something; `data-do` says what (crew.ts). */
export function button(act: string, text: string, more: Attributes = {}, ...children: readonly Child[]): HTMLButtonElement {
  return h("button", { type: "button", "data-do": act, ...more }, text, ...children);
}
