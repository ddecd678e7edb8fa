// Charts of the dashboard: uPlot draws them; what they say is also text, and the keyboard reads them.

import uPlot from "uplot";
import { bytes, bytesPerSecond, clock } from "./admin_numbers.js";
import { create } from "./dom.js";

const COLOURS = ["one", "two", "three", "four", "five", "six"];

const MINUTES = [1, 2, 5, 10, 15, 30].map((count) => count * 60);
const WHOLE = [1, 2, 5].flatMap((digit) => [...Array(16)].map((_, i) => digit * 10 ** (i - 4))).sort((a, b) => a - b);
const BINARY = [...Array(44)].map((_, i) => 2 ** i);

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** All charts, which show the same time and the same moment of it. */
export class Board {
  /** @param {HTMLElement} parent */
  constructor(parent) {
    this.parent = parent;
    this.charts = [];
    this.range_s = 900;
    this.moment = null; // index of the sample that is read, null: the last
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.charts.forEach((chart) => chart.plot?.redraw()));
    new ResizeObserver(() => this.charts.forEach((chart) => chart.fit())).observe(parent);
  }

  /**
   * @param {string} title
   * @param {(value: number) => string} format
   * @param {(samples: import("./admin_numbers.js").Samples) => [string, number[]][]} rows name and values of each line
   */
  add(title, format, rows) {
    this.charts.push(new Chart(this, title, format, rows));
    return this;
  }

  /** @param {import("./admin_numbers.js").Samples} samples */
  show(samples, range_s = this.range_s) {
    const shifted = this.samples ? samples.columns.time.indexOf(this.samples.columns.time[this.moment]) : -1;
    this.moment = this.moment === null || shifted < 0 ? null : shifted;
    this.samples = { ...samples, columns: samples.columns };
    this.range_s = range_s;
    for (const chart of this.charts) chart.show(samples);
  }

  get last() {
    return this.samples.columns.time.length - 1;
  }

  get first() {
    const { time } = this.samples.columns;
    return Math.max(0, time.findIndex((at) => at >= time.at(-1) - this.range_s));
  }

  /** Reads all charts at one sample; null: at the last. */
  read(moment) {
    if (!this.samples || this.last < 0) return;
    this.moment = moment === null ? null : Math.min(this.last, Math.max(this.first, moment));
    for (const chart of this.charts) chart.read();
  }
}

class Chart {
  constructor(board, title, format, rows) {
    Object.assign(this, { board, title, format, rows, names: null, plot: null });
    this.legend = create("ul");
    this.area = create("div", { className: "chart", tabIndex: 0 });
    this.area.setAttribute("role", "slider");
    this.area.setAttribute("aria-label", title);
    const heading = create("div", { className: "heading" }, create("h2", { textContent: title }), this.legend);
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("pointerleave", () => board.read(null));
    this.area.addEventListener("blur", () => board.read(null));
    board.parent.append(create("section", {}, heading, this.area));
  }

  #key(event) {
    const { board } = this;
    const at = board.moment ?? board.last;
    const steps = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - 12, PageUp: at + 12, Home: 0, End: board.last, Escape: null };
    if (!(event.key in steps)) return;
    event.preventDefault();
    board.read(steps[event.key]);
  }

  show(samples) {
    const rows = this.rows(samples);
    const names = rows.map(([name]) => name).join();
    this.values = rows.map(([, values]) => values);
    if (names !== this.names) this.#make(rows.map(([name]) => name));
    this.names = names;
    this.plot.setData([samples.columns.time, ...this.values]);
    this.read();
  }

  #make(names) {
    this.plot?.destroy();
    this.legend.replaceChildren(...names.map((name, i) => {
      const key = create("span", { className: `key key-${COLOURS[i]}` });
      return create("li", {}, key, create("span", { textContent: name }), " ", create("b"));
    }));
    const axis = { stroke: () => style("soft"), grid: { stroke: () => style("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    this.plot = new uPlot({
      ...this.#size(),
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { range: (_, __, last) => [last - this.board.range_s, last] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
      },
      axes: [
        { ...axis, size: 24, gap: 2, incrs: MINUTES, values: (_, times) => times.map((at) => clock(at)) },
        { ...axis, size: 62, gap: 4, incrs: this.format === bytes || this.format === bytesPerSecond ? BINARY : WHOLE, values: (_, values) => values.map((value) => this.format(value)) },
      ],
      series: [
        {},
        ...names.map((_, i) => ({
          stroke: () => style(COLOURS[i]),
          fill: i === 0 && names.length < 4 ? () => style("glow") : undefined,
          width: 1.75,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [(plot) => this.#pointed(plot)] },
    }, [[], ...names.map(() => [])], this.area);
  }

  // The pointer is over this chart; the library also calls when we move the cursor ourselves.
  #pointed(plot) {
    if (this.moving || !this.area.matches(":hover") || plot.cursor.idx === null) return;
    this.board.read(plot.cursor.idx);
  }

  #size() {
    return { width: Math.max(120, this.area.clientWidth), height: Math.max(80, this.area.clientHeight) };
  }

  fit() {
    this.plot?.setSize(this.#size());
  }

  read() {
    const { board, plot } = this;
    const at = board.moment ?? board.last;
    const { time } = board.samples.columns;
    const words = this.values.map((values, i) => {
      const text = at < 0 ? "–" : this.format(values[at]);
      this.legend.children[i].lastElementChild.textContent = text;
      return `${this.legend.children[i].children[1].textContent} ${text}`;
    });
    this.area.setAttribute("aria-valuemin", "0");
    this.area.setAttribute("aria-valuemax", String(Math.max(0, board.last)));
    this.area.setAttribute("aria-valuenow", String(Math.max(0, at)));
    this.area.setAttribute("aria-valuetext", at < 0 ? "no samples yet" : [clock(time[at], true), ...words].join(", ") || "none");
    this.moving = true;
    plot.setCursor(board.moment === null ? { left: -10, top: -10 } : { left: plot.valToPos(time[at], "x"), top: 10 });
    this.moving = false;
  }
}
