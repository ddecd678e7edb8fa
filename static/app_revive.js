// Somebody looks at the address of a page that nobody holds, and has its file: dropped or picked, it is checked against the
// address, and the page lives again.

import { $, announce, setText, show } from "./dom.js";
import { pagesOfFile } from "./file_types.js";
import { hashOf } from "./whilst.js";
import { t } from "./words.js";

/**
 * @param {object} hooks
 * @param {() => object|null} hooks.wanted the page on the screen, if its bytes are not here
 * @param {(page: object, bytes: Uint8Array) => void} hooks.revive called with the very bytes of the page
 */
export function createReviver({ wanted, revive }) {
  const say = (words) => {
    setText($("revive-words"), words);
    show($("revive-words"), words !== "");
    announce(words);
  };

  async function take(file) {
    const page = wanted();
    if (!file || !page) return;
    try {
      const bytes = await find(page.hash, file);
      if (wanted() !== page) return; // it came in the meantime, or another page is looked at
      say(bytes ? "" : t.otherFile);
      if (bytes) revive(page, bytes);
    } catch {
      say(t.fileUnreadable);
    }
  }

  $("have-file").addEventListener("click", () => $("revive-pick").click());
  $("revive-pick").addEventListener("change", () => {
    take($("revive-pick").files[0]);
    $("revive-pick").value = "";
  });
  addEventListener("drop", (event) => {
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files[0]);
  });
}

async function find(hash, file) {
  for (const bytes of pagesOfFile(new Uint8Array(await file.arrayBuffer()), file.name)) {
    if ((await hashOf(bytes)) === hash) return bytes;
  }
  return null;
}
