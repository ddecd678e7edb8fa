// Numbers as people read them. Pure.

/**
 * @param {number} size_bytes
 * @param {{bytes: string}} strings the catalogue's word for bytes
 * @returns {string} such as "812 bytes", "12.3 KiB", "1 MiB"
 */
export function formatSize(size_bytes, strings) {
  if (size_bytes < 1024) return `${size_bytes} ${strings.bytes}`;
  const [value, unit] = size_bytes < 1024 * 1024 ? [size_bytes / 1024, "KiB"] : [size_bytes / 1024 / 1024, "MiB"];
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${unit}`;
}

/**
 * @param {number} duration_ms
 * @returns {string} such as "8 s", "4 min", "2 h", "3 d"
 */
export function formatDuration(duration_ms) {
  const seconds = Math.max(0, Math.round(duration_ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/**
 * A title that a page gave itself, or the name of a file, made harmless: no control or direction characters, at most 200 characters.
 * @param {string} title
 * @returns {string}
 */
export function cleanTitle(title) {
  const plain = title.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, " ");
  return Array.from(plain.trim()).slice(0, 200).join("");
}
