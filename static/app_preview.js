// What others will see, shown to the maker by the very parts that show it to them. A new version stands behind the old one
// until it is ready, so that nothing flickers while somebody types.

import { $, create } from "./dom.js";
import { fillContent } from "./app_content.js";
import { kindOf } from "./kinds.js";
import { t } from "./words.js";

const PAUSE_MS = 300; // in the typing
const IN_FRAMES = new Set(["html", "markdown"]);

/** @returns {{show: (page: import("./label.js").Page|null) => void}} null: there is nothing to see */
export function createPreview() {
  let timer;
  let shown = () => {}; // removes what is seen
  let coming = () => {}; // removes what is not ready yet

  function draw(page) {
    coming();
    const element = create("div", { className: "stage coming" });
    const undo = fillContent(element, page, {
      prefix: "preview-",
      frame_title: t.preview,
      scripted: false,
      as_source: false,
      onTitle: ready,
      onDownload: () => {},
    });
    const remove = () => {
      undo();
      element.remove();
    };
    function ready() {
      if (shown === remove) return; // it was shown as text, and is a document now
      coming = () => {};
      shown();
      shown = remove;
      element.classList.remove("coming");
    }
    coming = remove;
    $("preview-stage").append(element);
    if (!IN_FRAMES.has(kindOf(page.type, page.content))) ready();
  }

  function clear() {
    coming();
    shown();
    coming = shown = () => {};
  }

  function refresh(page) {
    clearTimeout(timer);
    $("preview").hidden = page === null;
    if (page === null) return clear();
    timer = setTimeout(() => $("preview").open && draw(page), PAUSE_MS);
  }

  let last = null;
  $("preview").addEventListener("toggle", () => refresh(last));
  return {
    show(page) {
      last = page;
      refresh(page);
    },
  };
}
