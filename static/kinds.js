// What a page's content is, as a media type, and what people call that: a kind. Pure. docs/protocol.md, section 6, has the rules.
//
// Without a label (label.js) the bytes themselves tell. Text is HTML when it starts like HTML, or contains a closing tag or
// one of the few tags that need none (br, hr, img, p): a person who types "a <b>bold</b> word" means HTML, one who pastes
// "#include <stdio.h>" does not.

/**
 * @typedef {"html"|"markdown"|"text"|"picture"|"audio"|"video"|"file"} Kind
 */

const ascii = (text) => Array.from(text, (character) => character.charCodeAt(0));

/** [media type, first bytes, …more bytes at 8]; the first match counts. */
const SIGNATURES = [
  ["image/png", 0, [0x89, ...ascii("PNG\r\n\x1a\n")]],
  ["image/jpeg", 0, [0xff, 0xd8, 0xff]],
  ["image/gif", 0, ascii("GIF87a")],
  ["image/gif", 0, ascii("GIF89a")],
  ["image/webp", 0, ascii("RIFF"), ascii("WEBP")],
  ["image/avif", 4, ascii("ftypavif")],
  ["image/avif", 4, ascii("ftypavis")],
  ["audio/wav", 0, ascii("RIFF"), ascii("WAVE")],
  ["audio/flac", 0, ascii("fLaC")],
  ["audio/ogg", 0, ascii("OggS")],
  ["audio/mpeg", 0, ascii("ID3")],
  ["audio/mpeg", 0, [0xff, 0xfb]],
  ["audio/mp4", 4, ascii("ftypM4A ")],
  ["video/mp4", 4, ascii("ftyp")],
  ["video/webm", 0, [0x1a, 0x45, 0xdf, 0xa3]],
  ["application/pdf", 0, ascii("%PDF-")],
];

const SVG_START = /^(?:[\t\n\f\r ]|<\?[^]*?\?>|<!--[^]*?-->|<!doctype svg[^>]*>)*<svg[\t\n\f\r />]/i;
const HTML_START = /^[\t\n\f\r ]*<[a-z!?]/i;
const HTML_INSIDE = /<\/[a-z][a-z0-9-]*[\t\n\f\r ]*>|<(?:br|hr|img|p)(?:>|[\t\n\f\r /][^<>]*>)/i;
const SCRIPT_INSIDE = /<script|[\s"'/]on[a-z]+\s*=|javascript:/i;

const EXTENSIONS = {
  "text/html": "html",
  "text/markdown": "md",
  "text/plain": "txt",
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/avif": "avif",
  "image/svg+xml": "svg",
  "audio/wav": "wav",
  "audio/flac": "flac",
  "audio/ogg": "ogg",
  "audio/mpeg": "mp3",
  "audio/mp4": "m4a",
  "video/mp4": "mp4",
  "video/webm": "webm",
  "application/pdf": "pdf",
};

export const UNKNOWN = "application/octet-stream";

/**
 * The media type of bytes that have no label.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function plainType(bytes) {
  const text = textOf(bytes);
  if (text === null) return SIGNATURES.find((signature) => matches(bytes, signature))?.[0] ?? UNKNOWN;
  if (text.startsWith("%PDF-")) return "application/pdf";
  if (SVG_START.test(text)) return "image/svg+xml";
  return HTML_START.test(text) || HTML_INSIDE.test(text) ? "text/html" : "text/plain";
}

function matches(bytes, [, offset, first, at_8 = []]) {
  return first.every((byte, i) => bytes[offset + i] === byte) && at_8.every((byte, i) => bytes[8 + i] === byte);
}

/**
 * How content of a type is shown.
 * @param {string} type media type
 * @param {Uint8Array} content
 * @returns {Kind}
 */
export function kindOf(type, content) {
  const [family] = type.split("/");
  if (family === "image") return "picture";
  if (family === "audio" || family === "video") return family;
  if (family !== "text" || textOf(content) === null) return "file";
  return { "text/html": "html", "text/markdown": "markdown" }[type] ?? "text";
}

/**
 * @param {Uint8Array} bytes
 * @returns {string|null} without a byte order mark; null when the bytes are not UTF-8 or contain a NUL
 */
export function textOf(bytes) {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * @param {string} type media type
 * @returns {string} for the name of a file that has none
 */
export const extensionOf = (type) => EXTENSIONS[type] ?? "bin";

/**
 * Whether offering to run scripts makes sense. Only a convenience: what may run is decided by the frame's headers.
 * @param {string} html
 * @returns {boolean}
 */
export function hasScripts(html) {
  return SCRIPT_INSIDE.test(html);
}
