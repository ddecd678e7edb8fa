// The content of a page on the screen: a frame, a picture, a player, text, or a word about a file. The same for those who view a
// page and for those who preview theirs.

import { create } from "./dom.js";
import { createFrame } from "./app_frame.js";
import { markdownDocument } from "./app_markdown.js";
import { textElement } from "./app_text.js";
import { formatSize } from "./format.js";
import { kindOf, textOf } from "./kinds.js";
import { t } from "./words.js";

const LATE_MS = 500;
const PLAYERS = { picture: "img", audio: "audio", video: "video" };
const SOURCE_NAMES = { "text/html": "html", "text/markdown": "md", "image/svg+xml": "svg" };

/**
 * @param {HTMLElement} container emptied first; gets data-kind
 * @param {import("./label.js").Page} page
 * @param {object} options
 * @param {string} [options.prefix] of the element's id
 * @param {string} options.frame_title for a screen reader
 * @param {boolean} options.scripted whether its scripts may run
 * @param {boolean} options.as_source
 * @param {(title: string) => void} options.onTitle a document's title, or "", once it is shown
 * @param {() => void} options.onDownload the person wants the file
 * @returns {() => void} gives back what it took; the container may then be filled anew
 */
export function fillContent(container, page, options) {
  const { type, name, content } = page;
  const { prefix = "" } = options;
  const undo = [];
  let is_over = false;

  function put(kind, ...elements) {
    container.dataset.kind = kind;
    container.replaceChildren(...elements);
  }

  function putFrame(kind, html) {
    const { scripted, frame_title: title, onTitle } = options;
    const frame = createFrame({ id: `${prefix}frame`, html, scripted, title, onTitle });
    undo.push(frame.remove);
    put(kind, frame.element);
  }

  /** Markdown is readable as it is, and that is its point: so it is shown until it has been read, if that takes long. */
  async function putMarkdown() {
    const reading = new AbortController();
    const late = setTimeout(putSource, LATE_MS);
    undo.push(() => {
      clearTimeout(late);
      reading.abort();
    });
    const html = await markdownDocument(textOf(content), reading.signal).catch(() => null);
    clearTimeout(late);
    if (is_over) return;
    if (html !== null) putFrame("markdown", html);
    else if (container.dataset.kind !== "text") putSource();
  }

  function putSource() {
    put("text", textElement(`${prefix}text`, textOf(content), null));
    options.onTitle("");
  }

  function putPlayer(kind) {
    const url = URL.createObjectURL(new Blob([content], { type }));
    undo.push(() => URL.revokeObjectURL(url));
    const player = create(PLAYERS[kind], { id: prefix + kind, src: url, onerror: () => is_over || putFile() });
    const words = t.picture({ size: formatSize(content.length, t) });
    if (kind === "picture") player.alt = name === null ? words : `${name}: ${words}`;
    else player.controls = true;
    put(kind, player);
  }

  /** Also when a picture or a recording turns out to be broken. */
  function putFile() {
    const is_pdf = type === "application/pdf";
    const size = formatSize(content.length, t);
    put(
      "file",
      create("h2", { dir: "auto", textContent: name ?? (is_pdf ? t.pdfTitle : t.fileTitle) }),
      create("p", { textContent: is_pdf ? t.pdf({ size }) : t.file({ size }) }),
      create("button", { type: "button", className: "main", textContent: t.download, onclick: options.onDownload }),
    );
  }

  const kind = kindOf(type, content);
  if (options.as_source) put("text", textElement("source-text", textOf(content), SOURCE_NAMES[type] ?? name));
  else if (kind === "html") putFrame(kind, textOf(content));
  else if (kind === "markdown") putMarkdown();
  else if (kind === "text") put(kind, textElement(`${prefix}text`, textOf(content), name));
  else if (PLAYERS[kind]) putPlayer(kind);
  else putFile();

  return () => {
    is_over = true;
    for (const fn of undo.splice(0)) fn();
    container.replaceChildren();
  };
}
