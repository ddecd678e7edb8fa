// The dashboard's numbers: as people read them, and columns of samples that grow at one end. Pure.

const KIB = 1024;
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** 12.3 below a hundred, 1,234 above. */
export function plain(value) {
  const digits = value !== 0 && Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits: Number.isInteger(value) ? 0 : digits });
}

export function bytes(value) {
  let unit = 0;
  for (; value >= KIB && unit < UNITS.length - 1; unit++) value /= KIB;
  return `${plain(unit === 0 ? Math.round(value) : value)} ${UNITS[unit]}`;
}

/** A short time, given in seconds: "0.5 ms", "2.5 s". */
export function seconds(value) {
  return value < 1 ? `${plain(value * 1000)} ms` : `${plain(value)} s`;
}

export const percent = (value) => `${plain(value * 100)} %`;
export const perSecond = (value) => `${plain(value)}/s`;
export const bytesPerSecond = (value) => `${bytes(value)}/s`;

/** A long time, given in seconds: "12 s", "4 min", "3 h 5 min", "2 days". */
export function duration(value) {
  if (value < 60) return `${Math.floor(value)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min`;
  if (value < 86_400) return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
  return `${Math.floor(value / 86_400)} days`;
}

/** The hour and minute, and with `exact` the second, of a time in seconds since 1970. */
export function clock(time_s, exact = false) {
  return new Date(time_s * 1000).toLocaleTimeString("en-GB", { timeStyle: exact ? "medium" : "short" });
}

/** What is kept of the server's history: columns of equal length, by name. */
export class Samples {
  constructor() {
    this.next = 0;
    this.step_s = 5;
    this.columns = { time: [], refusals: {} };
  }

  get length() {
    return this.columns.time.length;
  }

  /** Takes an answer of /api/history?after=`next`. A server that began anew has lower numbers: then nothing else is kept. */
  add({ next, step_s, span_s, columns: { refusals, ...more } }) {
    const anew = next < this.next;
    const { refusals: old, ...columns } = anew ? { time: [], refusals: {} } : this.columns;
    const kept = columns.time.length;
    const most = span_s / step_s;
    const join = (left, right) => [...left, ...right].slice(-most);
    const zeros = (count) => new Array(count).fill(0);
    this.columns = { refusals: {} };
    for (const name of Object.keys(more)) this.columns[name] = join(columns[name] ?? zeros(kept), more[name]);
    for (const reason of new Set([...Object.keys(old), ...Object.keys(refusals)])) {
      const column = join(old[reason] ?? zeros(kept), refusals[reason] ?? zeros(more.time.length));
      if (column.some((count) => count > 0)) this.columns.refusals[reason] = column;
    }
    this.next = next;
    this.step_s = step_s;
  }

  /** A counter's column as a rate. */
  rate(name) {
    return (this.columns[name] ?? []).map((count) => count / this.step_s);
  }

  /** Refusals per second by reason, those with the most first, at most `most`; the rest is added up as "others". */
  refusals(most) {
    const sum = (column) => column.reduce((a, b) => a + b, 0);
    const rows = Object.entries(this.columns.refusals).sort((a, b) => sum(b[1]) - sum(a[1]) || (a[0] < b[0] ? -1 : 1));
    const rest = rows.splice(rows.length > most ? most - 1 : most);
    if (rest.length > 0) rows.push(["others", this.columns.time.map((_, i) => rest.reduce((all, [, column]) => all + column[i], 0))]);
    return rows.map(([reason, column]) => [reason, column.map((count) => count / this.step_s)]);
  }
}
