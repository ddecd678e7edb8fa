// How many held a page, over the time that this tab has looked at it: a line to see, and the same in words. Pure.

const POINTS_MAX = 200;
const WINDOW_MS = 10 * 60_000;

/**
 * @typedef {{at_ms: number, count: number}[]} History changes of the count, the oldest first
 */

/**
 * @param {History} history
 * @param {number|null} count null: nobody knows for the moment, which is no change
 * @param {number} now_ms
 * @returns {History} the same one when nothing has changed
 */
export function noteCount(history, count, now_ms) {
  if (count === null || history.at(-1)?.count === count) return history;
  return [...history, { at_ms: now_ms, count }].slice(-POINTS_MAX);
}

/**
 * @param {History} history
 * @param {number} now_ms
 * @returns {{from_ms: number, least: number, most: number, changes: History}|null} of the last ten minutes; null: nothing is known
 */
export function recent(history, now_ms) {
  if (history.length === 0) return null;
  const from_ms = Math.max(history[0].at_ms, now_ms - WINDOW_MS);
  const inside = history.findIndex(({ at_ms }) => at_ms > from_ms);
  const before = inside < 0 ? history.length - 1 : Math.max(0, inside - 1);
  const changes = [{ at_ms: from_ms, count: history[before].count }, ...history.slice(before + 1)];
  const counts = changes.map(({ count }) => count);
  return { from_ms, least: Math.min(...counts), most: Math.max(...counts), changes };
}

/**
 * A line of steps, for the `d` of an SVG path.
 * @param {History} history
 * @param {number} now_ms
 * @param {{width: number, height: number}} box the highest count is at its top, none at its bottom
 * @returns {string} "" when nothing is known
 */
export function pathOf(history, now_ms, { width, height }) {
  const window = recent(history, now_ms);
  if (!window) return "";
  const { from_ms, most, changes } = window;
  const scale = width / Math.max(1000, now_ms - from_ms);
  const x = (at_ms) => Number(((at_ms - from_ms) * scale).toFixed(1));
  const y = (count) => Number((height - (count / Math.max(1, most)) * height).toFixed(1));
  const steps = changes.slice(1).map(({ at_ms, count }) => `H${x(at_ms)}V${y(count)}`);
  return `M0 ${y(changes[0].count)}${steps.join("")}H${width}`;
}
