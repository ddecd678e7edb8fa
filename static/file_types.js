// From a file, or from typed text, to what it will be as a page. Pure.

import { encodePage, toName } from "./label.js";
import { kindOf, plainType, textOf, UNKNOWN } from "./kinds.js";

/** Types that bytes do not tell, by a file's extension. */
const TYPES = {
  md: "text/markdown",
  markdown: "text/markdown",
  html: "text/html",
  htm: "text/html",
  svg: "image/svg+xml",
  bmp: "image/bmp",
  ico: "image/x-icon",
  aac: "audio/aac",
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  oga: "audio/ogg",
  mkv: "video/x-matroska",
  ogv: "video/ogg",
};
// Of these the bytes are right, whatever the name says.
const SELF_TOLD = /^(?:image|audio|video)\/|^application\/pdf$/;
const MARKDOWN_SIGNS =
  /^#{1,6} \S|^```|^\s*[-*+] \[[ x]\] |\*\*[^*\n]+\*\*|\[[^\]\n]+\]\([^)\s]+\)|^\|.*\|\s*$\n^\|[-: |]+\|\s*$|^(?:[-*+] \S.*\n){2}|^> \S|^\S.*\n(?:={3,}|-{3,})\s*$/m;

const extensionIn = (name) => /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? "";

/**
 * @param {Uint8Array} content
 * @param {string} name as somebody's computer has it
 * @returns {string} media type
 */
export function typeOfFile(content, name) {
  const told = plainType(content);
  if (SELF_TOLD.test(told)) return told;
  const extension = extensionIn(name);
  if (textOf(content) === null) return /^(?:image|audio|video)\//.test(TYPES[extension]) ? TYPES[extension] : told;
  if (TYPES[extension]?.startsWith("text/")) return TYPES[extension];
  return extension === "" ? told : "text/plain"; // source code is full of what looks like tags
}

/**
 * @param {string} text as somebody types it
 * @returns {"text/plain"|"text/markdown"|"text/html"}
 */
export function typeOfText(text) {
  if (plainType(new TextEncoder().encode(text)) === "text/html") return "text/html";
  return MARKDOWN_SIGNS.test(text) ? "text/markdown" : "text/plain";
}

/**
 * Whether a file's name says something that is lost without it: how to save a file, what language a source is in.
 * @param {Uint8Array} content
 * @param {string} name
 * @returns {boolean}
 */
export function needsName(content, name) {
  const type = typeOfFile(content, name);
  const kind = kindOf(type, content);
  return kind === "file" || (kind === "text" && !["", "txt", "text"].includes(extensionIn(name)));
}

/**
 * The pages that a file may have been made into, or saved from: to find the one with a certain hash.
 * @param {Uint8Array} content
 * @param {string} raw_name
 * @returns {Uint8Array[]} the likeliest first, no two the same
 */
export function pagesOfFile(content, raw_name) {
  const types = new Set([typeOfFile(content, raw_name), plainType(content), UNKNOWN]);
  if (textOf(content) !== null) for (const type of ["text/plain", "text/markdown", "text/html"]) types.add(type);
  const pages = [content];
  const name = toName(raw_name);
  for (const type of types) {
    for (const each of name === null ? [null] : [name, null]) {
      const page = encodePage({ type, name: each, content });
      if (page !== content) pages.push(page);
    }
  }
  return pages;
}
