// The part of the window that shows a page: as a frame, a picture, a player, text, or a word about a file; and its source.

import { $, create, show } from "./dom.js";
import { createFrame } from "./app_frame.js";
import { formatSize } from "./format.js";
import { hasScripts, kindOf, textOf } from "./kinds.js";
import t from "./strings.en.js";

const PLAYERS = { picture: "img", audio: "audio", video: "video" };

/**
 * @param {object} listeners
 * @param {(title: string) => void} listeners.onTitle
 * @returns {object} the stage; see the functions it is made of
 */
export function createStage({ onTitle }) {
  let shown = null; // {hash, bytes, kind, scripted, as_source}
  let undo = []; // what has to be given back before something else is shown

  function clear() {
    for (const fn of undo.splice(0)) fn();
    $("stage").replaceChildren();
  }

  /** A URL for the bytes, valid until the stage is cleared. */
  function blobUrl(type) {
    const url = URL.createObjectURL(new Blob([shown.bytes], { type }));
    undo.push(() => URL.revokeObjectURL(url));
    return url;
  }

  function draw() {
    clear();
    $("stage").dataset.kind = shown.as_source ? "text" : shown.kind.name;
    if (shown.as_source) $("stage").append(textElement("source-text"));
    else if (shown.kind.name === "html") drawFrame();
    else if (shown.kind.name === "text") $("stage").append(textElement("text"));
    else if (PLAYERS[shown.kind.name]) drawPlayer();
    else drawFile();
    drawControls();
  }

  function drawFrame() {
    const frame = createFrame({
      html: textOf(shown.bytes),
      scripted: shown.scripted,
      title: t.frameTitle(shown.hash),
      onTitle,
    });
    undo.push(frame.remove);
    $("stage").append(frame.element);
  }

  function textElement(id) {
    return create("pre", { id, dir: "auto", tabIndex: 0, textContent: textOf(shown.bytes) });
  }

  function drawPlayer() {
    const { name, type } = shown.kind;
    const player = create(PLAYERS[name], { id: name, src: blobUrl(type), onerror: drawFile });
    if (name === "picture") player.alt = t.picture(formatSize(shown.bytes.length, t));
    else player.controls = true;
    $("stage").append(player);
  }

  /** Also when a picture or a recording turns out to be broken. */
  function drawFile() {
    $("stage").dataset.kind = "file";
    const button = create("button", { type: "button", className: "main", textContent: t.download, onclick: download });
    $("stage").replaceChildren(
      create("h2", { textContent: t.fileTitle }),
      create("p", { textContent: t.file(formatSize(shown.bytes.length, t)) }),
      button,
    );
  }

  function drawControls() {
    const is_html = shown.kind.name === "html";
    const has_source = is_html || shown.kind.extension === "svg";
    show($("source"), has_source);
    $("source").setAttribute("aria-pressed", String(shown.as_source));
    show($("scripts"), is_html && !shown.as_source && hasScripts(textOf(shown.bytes)));
    $("scripts-words").textContent = shown.scripted ? t.scriptsOn : t.scriptsOff;
    $("scripts").dataset.running = String(shown.scripted);
    show($("run-scripts"), !shown.scripted);
    show($("stop-scripts"), shown.scripted);
  }

  function download() {
    const url = URL.createObjectURL(new Blob([shown.bytes], { type: "application/octet-stream" }));
    create("a", { href: url, download: `whilst-${shown.hash.slice(0, 8)}.${shown.kind.extension}` }).click();
    // The browser reads the bytes after the click, at a time it does not tell.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  return {
    /** Shows a page, unless it is the one already shown. */
    put(hash, bytes) {
      if (shown?.hash === hash) return;
      shown = { hash, bytes, kind: kindOf(bytes), scripted: false, as_source: false };
      draw();
    },
    /** Shows nothing. */
    empty() {
      if (!shown) return;
      shown = null;
      clear();
      for (const id of ["source", "scripts"]) show($(id), false);
    },
    /** @param {boolean} scripted whether the page's scripts run: either way it starts again in a new frame */
    setScripted(scripted) {
      shown.scripted = scripted;
      draw();
    },
    toggleSource() {
      shown.as_source = !shown.as_source;
      shown.scripted = false;
      draw();
    },
    download,
  };
}
