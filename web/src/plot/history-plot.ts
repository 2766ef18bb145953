// <history-plot src="…">: one quantity of one piece of equipment over time. The table beside it says the same in figures.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { on } from "../live/frame";
import { fetchJson } from "../map/snapshot";
import { language, word } from "../words";

interface Series {
  readonly quantity: string;
  readonly label: string;
  readonly unit: string;
  /** The words of a quantity that is a state; its values are their places. */
  readonly states: readonly string[] | null;
  /** Seconds since the epoch. */
  readonly t: readonly number[];
  readonly v: readonly (number | null)[];
  readonly from: number;
  readonly to: number;
}

const HEIGHT = 260;
const MOST_POINTS = 20_000;

class HistoryPlot extends HTMLElement {
  private readonly life = new AbortController();
  private plot: uPlot | undefined;
  private t: number[] = [];
  private v: (number | null)[] = [];
  private series: Series | undefined;

  connectedCallback(): void {
    void this.load();
    new ResizeObserver(() => this.plot?.setSize({ width: this.clientWidth, height: HEIGHT })).observe(this);
    on("beffroi:frame", (frame) => {
      for (const [quantity, value, at_us] of frame.values ?? []) if (quantity === this.series?.quantity) this.add(at_us / 1e6, value);
    }, this.life.signal);
    on("beffroi:resync", () => void this.load(), this.life.signal);
  }

  disconnectedCallback(): void {
    this.life.abort();
    this.plot?.destroy();
  }

  private async load(): Promise<void> {
    try {
      const series = await fetchJson<Series>(this.getAttribute("src") ?? "", this.life.signal);
      this.draw(series);
    } catch (error) {
      if (this.life.signal.aborted) return;
      console.error(error);
      this.replaceChildren(paragraph(word("plot.failed")));
    }
  }

  private draw(series: Series): void {
    this.plot?.destroy();
    this.plot = undefined;
    this.replaceChildren();
    this.t = [...series.t];
    this.v = [...series.v];
    this.series = series;
    if (this.t.length === 0) this.replaceChildren(paragraph(word("plot.empty")));
    else this.plot = new uPlot(options(series, this.clientWidth || 600), [this.t, this.v], this);
  }

  /** A value that arrives late takes its place in time; the oldest leave when there are too many. */
  private add(t: number, value: number): void {
    let place = this.t.length;
    while (place > 0 && (this.t[place - 1] ?? 0) > t) place -= 1;
    if (this.t[place - 1] === t) return;
    this.t.splice(place, 0, t);
    this.v.splice(place, 0, value);
    if (this.t.length > MOST_POINTS) {
      this.t.shift();
      this.v.shift();
    }
    if (this.plot) this.plot.setData([this.t, this.v]);
    else if (this.series) this.draw({ ...this.series, t: this.t, v: this.v });
  }
}

function paragraph(text: string): HTMLParagraphElement {
  const element = document.createElement("p");
  element.className = "empty";
  element.textContent = text;
  return element;
}

function options(series: Series, width: number): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const colour = (name: string): string => css.getPropertyValue(name).trim();
  const font = `12px ${css.getPropertyValue("--font")}`;
  const axis = { stroke: colour("--text-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font };
  const show = (value: number | null): string => told(series, value);
  const step = uPlot.paths.stepped?.({ align: 1 });
  const timeZone = document.getElementById("clock")?.dataset.zone ?? "UTC";
  const times = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium", timeZone });
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone });
  const day = new Intl.DateTimeFormat(language, { day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", timeZone });
  const long = series.to - series.from > 36 * 3600;
  return {
    width,
    height: HEIGHT,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), timeZone),
    scales: {
      x: { time: true, range: (_, least, most) => (Number.isFinite(least) && most > least ? [Math.min(least, series.from), Math.max(most, series.to)] : [series.from, series.to]) },
      ...(series.states ? { y: { range: [-0.5, series.states.length - 0.5] as [number, number] } } : {}),
    },
    axes: [
      { ...axis, values: (_, splits) => splits.map((split) => (long ? day : clock).format(split * 1000)) },
      {
        ...axis,
        size: series.states ? 90 : 64,
        values: (_, splits) => splits.map((split) => show(split)),
        ...(series.states ? { splits: () => series.states?.map((_, place) => place) ?? [] } : {}),
      },
    ],
    series: [
      { label: word("plot.at"), value: (_, at) => (at ? times.format(at * 1000) : "–") },
      {
        label: series.label,
        stroke: colour("--strong"),
        width: 1.5,
        points: { show: series.t.length < 200, size: 4, fill: colour("--strong") },
        value: (_, value) => show(value),
        ...(series.states && step ? { paths: step } : {}),
      },
    ],
  };
}

function told(series: Series, value: number | null): string {
  if (value === null) return "–";
  if (series.states) return series.states[value] ?? "";
  const figure = value.toLocaleString(language, { maximumFractionDigits: 3 });
  return series.unit ? `${figure}\u202f${series.unit}` : figure;
}

customElements.define("history-plot", HistoryPlot);
