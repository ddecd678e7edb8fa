// Labels: how a page says what it is when its bytes alone would say something else. Pure; docs/protocol.md, section 6.
//
// A label is the first line of a page, "%whilst 1 text/markdown notes.md"; the content is what follows it. Each page has one
// form only: it carries a label exactly when it needs one.

import { plainType, UNKNOWN } from "./kinds.js";

/**
 * @typedef {object} Page what the bytes of a page mean
 * @property {string} type media type, in lower case, without parameters
 * @property {string|null} name of the file; null: none is given
 * @property {Uint8Array} content what follows the label; shares its memory with the page's bytes
 */

const TYPE_BYTES_MAX = 127;
const NAME_BYTES_MAX = 255;
const LABEL = /^%whilst 1 ([^ ]+)(?: ([^]+))?$/;
const LABEL_BYTES_MAX = "%whilst 1 ".length + TYPE_BYTES_MAX + " ".length + NAME_BYTES_MAX;
const LINE_FEED = 0x0a;

const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;
// Controls, line ends, what separates folders, what turns the direction of the text around it, and halves of characters.
const NOT_IN_NAMES =
  /[\u0000-\u001f\u007f-\u009f/\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u;

const encoder = new TextEncoder();
const MAGIC = encoder.encode("%whilst ");

const isLabelled = (bytes) => MAGIC.every((byte, i) => bytes[i] === byte);
const isType = (type) => type.length <= TYPE_BYTES_MAX && TYPE.test(type);
const isName = (name) => !/^ | $|^\.{0,2}$/.test(name) && !NOT_IN_NAMES.test(name) && fits(name);
const fits = (name) => encoder.encode(name).length <= NAME_BYTES_MAX;

/** Whether the content alone would not say all that the page is. */
function needsLabel({ type, name, content }) {
  return name !== null || isLabelled(content) || plainType(content) !== type;
}

/**
 * @param {Uint8Array} bytes of a page
 * @returns {boolean} whether its content begins in the second line
 */
export const hasLabel = (bytes) => isLabelled(bytes) && decodeLabelled(bytes) !== null;

/**
 * The bytes of a page.
 * @param {Page} page
 * @returns {Uint8Array} the content itself when it needs no label
 * @throws {RangeError} a type or a name that a label cannot carry
 */
export function encodePage(page) {
  const { type, name, content } = page;
  if (!isType(type)) throw new RangeError("not a media type");
  if (name !== null && !isName(name)) throw new RangeError("not a file's name");
  if (!needsLabel(page)) return content;
  const label = encoder.encode(name === null ? `%whilst 1 ${type}\n` : `%whilst 1 ${type} ${name}\n`);
  const bytes = new Uint8Array(label.length + content.length);
  bytes.set(label);
  bytes.set(content, label.length);
  return bytes;
}

/**
 * What a page is. Never fails: what begins like a label and is none makes the whole page a file of unknown type.
 * @param {Uint8Array} bytes
 * @returns {Page}
 */
export function decodePage(bytes) {
  if (!isLabelled(bytes)) return { type: plainType(bytes), name: null, content: bytes };
  return decodeLabelled(bytes) ?? { type: UNKNOWN, name: null, content: bytes };
}

function decodeLabelled(bytes) {
  const end = bytes.subarray(0, LABEL_BYTES_MAX + 1).indexOf(LINE_FEED);
  const [, type, name = null] = LABEL.exec(end < 0 ? "" : utf8(bytes.subarray(0, end))) ?? [];
  if (type === undefined || !isType(type) || (name !== null && !isName(name))) return null;
  const page = { type, name, content: bytes.subarray(end + 1) };
  return needsLabel(page) ? page : null;
}

/** "" when it is not UTF-8. */
function utf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}

/**
 * The nearest name that a label can carry.
 * @param {string} name as somebody's computer has it
 * @returns {string|null} null: nothing is left of it
 */
export function toName(name) {
  const characters = Array.from(name.normalize("NFC").replace(new RegExp(NOT_IN_NAMES, "gu"), " ").trim());
  while (!fits(characters.join(""))) characters.pop();
  const nearest = characters.join("").trim();
  return isName(nearest) ? nearest : null;
}
