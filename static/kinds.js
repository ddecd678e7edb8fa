// What a page is, told from its bytes alone: they are all that travels. Pure.
//
// Pictures, audio and video have their own first bytes. Other valid UTF-8 is HTML when it starts like HTML, or when it
// contains a closing tag or one of the few tags that need none (br, hr, img, p): a person who types "a <b>bold</b> word"
// means HTML, one who pastes "#include <stdio.h>" does not. The rest is a file.

/**
 * @typedef {object} Kind
 * @property {"picture"|"audio"|"video"|"html"|"text"|"file"} name
 * @property {string} type MIME type for a blob of these bytes
 * @property {string} extension for a file name
 */

const ascii = (text) => Array.from(text, (character) => character.charCodeAt(0));

/** [first bytes, offset, kind, type, extension]; the first match counts. */
const SIGNATURES = [
  [[0x89, ...ascii("PNG\r\n\x1a\n")], 0, "picture", "image/png", "png"],
  [[0xff, 0xd8, 0xff], 0, "picture", "image/jpeg", "jpg"],
  [ascii("GIF8"), 0, "picture", "image/gif", "gif"],
  [ascii("WEBP"), 8, "picture", "image/webp", "webp"],
  [ascii("ftypavif"), 4, "picture", "image/avif", "avif"],
  [ascii("ftypavis"), 4, "picture", "image/avif", "avif"],
  [ascii("WAVE"), 8, "audio", "audio/wav", "wav"],
  [ascii("fLaC"), 0, "audio", "audio/flac", "flac"],
  [ascii("OggS"), 0, "audio", "audio/ogg", "ogg"],
  [ascii("ID3"), 0, "audio", "audio/mpeg", "mp3"],
  [[0xff, 0xfb], 0, "audio", "audio/mpeg", "mp3"],
  [ascii("ftypM4A"), 4, "audio", "audio/mp4", "m4a"],
  [ascii("ftyp"), 4, "video", "video/mp4", "mp4"],
  [[0x1a, 0x45, 0xdf, 0xa3], 0, "video", "video/webm", "webm"],
];

const SVG_START = /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)?(?:<!doctype svg[^>]*>\s*)?<svg[\s>]/i;
const HTML_START = /^\s*<[a-z!?]/i;
const HTML_INSIDE = /<\/[a-z][a-z0-9-]*\s*>|<(?:br|hr|img|p)\b[^<>]*>/i;
const SCRIPT_INSIDE = /<script|[\s"'/]on[a-z]+\s*=|javascript:/i;

/**
 * @param {Uint8Array} bytes
 * @returns {Kind}
 */
export function kindOf(bytes) {
  const signature = SIGNATURES.find(([first, offset]) => first.every((byte, i) => bytes[offset + i] === byte));
  if (signature) return { name: signature[2], type: signature[3], extension: signature[4] };
  const text = textOf(bytes);
  if (text === null || text.includes("\0")) return { name: "file", type: "application/octet-stream", extension: "bin" };
  if (SVG_START.test(text)) return { name: "picture", type: "image/svg+xml", extension: "svg" };
  const isHtml = HTML_START.test(text) || HTML_INSIDE.test(text);
  return isHtml
    ? { name: "html", type: "text/html", extension: "html" }
    : { name: "text", type: "text/plain", extension: "txt" };
}

/**
 * @param {Uint8Array} bytes
 * @returns {string|null} without a byte order mark; null when the bytes are not UTF-8
 */
export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Whether offering to run scripts makes sense. Only a convenience: what may run is decided by the frame's headers.
 * @param {string} html
 * @returns {boolean}
 */
export function hasScripts(html) {
  return SCRIPT_INSIDE.test(html);
}
