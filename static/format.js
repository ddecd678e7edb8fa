// Numbers as people read them, in the language of the catalogue `t`. Pure.

const KIB = 1024;
const MIB = 1024 * 1024;
const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/**
 * @param {number} size_bytes
 * @param {object} t the catalogue
 * @returns {string} such as "812 bytes", "12.3 KiB", "1 MiB"
 */
export function formatSize(size_bytes, t) {
  if (size_bytes < KIB) return t.bytes({ count: size_bytes });
  const [value, unit] = size_bytes < MIB ? [size_bytes / KIB, "KiB"] : [size_bytes / MIB, "MiB"];
  const number = new Intl.NumberFormat(t.languageCode, { maximumFractionDigits: value < 10 ? 1 : 0 });
  return `${number.format(value)} ${unit}`;
}

/**
 * @param {number} duration_ms
 * @param {object} t the catalogue
 * @returns {string} such as "8 sec", "4 min", "2 hr", "3 days"
 */
export function formatDuration(duration_ms, t) {
  const seconds = Math.max(0, Math.round(duration_ms / 1000));
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ["second", 1];
  const number = new Intl.NumberFormat(t.languageCode, { style: "unit", unit, unitDisplay: "short" });
  return number.format(Math.floor(seconds / length));
}

/**
 * A title that a page gave itself, or the name of a file, made harmless: no control or direction characters, at most 200 characters.
 * @param {string} title
 * @returns {string}
 */
export function cleanTitle(title) {
  const plain = title.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, " ");
  return Array.from(plain.trim()).slice(0, 200).join("");
}
