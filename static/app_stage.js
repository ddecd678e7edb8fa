// The part of the window that shows a page, and the acts that go with it: source, scripts, download.

import { $, create, setText, show } from "./dom.js";
import { fillContent } from "./app_content.js";
import { decodePage } from "./label.js";
import { extensionOf, hasScripts, kindOf, textOf } from "./kinds.js";
import { t } from "./words.js";

/**
 * @param {object} listeners
 * @param {(title: string) => void} listeners.onTitle the file's name, or the title that a document gave itself
 * @returns {object} the stage; see the functions it is made of
 */
export function createStage({ onTitle }) {
  let shown = null; // {hash, page, kind, scripted, as_source}
  let clear = () => {};

  function draw() {
    const { hash, page, scripted, as_source } = shown;
    clear();
    clear = fillContent($("stage"), page, {
      frame_title: t.frameTitle({ hash: hash.slice(0, 4) }),
      scripted,
      as_source,
      onTitle: (title) => title && onTitle(title),
      onDownload: download,
    });
    drawControls();
  }

  function drawControls() {
    const { kind, page, as_source, scripted } = shown;
    show($("source"), kind === "html" || kind === "markdown" || page.type === "image/svg+xml");
    $("source").setAttribute("aria-pressed", String(as_source));
    show($("scripts"), kind === "html" && !as_source && hasScripts(textOf(page.content)));
    setText($("scripts-words"), scripted ? t.scriptsOn : t.scriptsOff);
    $("scripts").dataset.running = String(scripted);
    show($("run-scripts"), !scripted);
    show($("stop-scripts"), scripted);
  }

  function download() {
    const { hash, page } = shown;
    const url = URL.createObjectURL(new Blob([page.content], { type: "application/octet-stream" }));
    create("a", { href: url, download: page.name ?? `whilst-${hash.slice(0, 8)}.${extensionOf(page.type)}` }).click();
    // The browser reads the bytes after the click, at a time it does not tell.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  return {
    /** Shows a page, unless it is the one already shown. */
    put(hash, bytes) {
      if (shown?.hash === hash) return;
      const page = decodePage(bytes);
      shown = { hash, page, kind: kindOf(page.type, page.content), scripted: false, as_source: false };
      draw();
      if (page.name !== null) onTitle(page.name);
    },
    /** Shows nothing. */
    empty() {
      if (!shown) return;
      shown = null;
      clear();
      for (const id of ["source", "scripts"]) show($(id), false);
    },
    /** Shows the same anew, as after a change of the language. */
    redraw() {
      if (shown) draw();
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
