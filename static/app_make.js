// Making a page: text that is typed, or one file that is chosen or dropped.

import { $, announce, setText, show } from "./dom.js";
import { cleanTitle, formatSize } from "./format.js";
import { t } from "./words.js";

const encoder = new TextEncoder();

/**
 * Wires the form.
 * @param {object} hooks
 * @param {(bytes: Uint8Array) => Promise<void>} hooks.putUp called with what was made; what it throws keeps the form as it is
 * @param {() => number|null} hooks.limit the largest page in bytes; null: not known
 * @returns {{refresh: () => void, clear: () => void}}
 */
export function createMaker({ putUp, limit }) {
  let file = null; // {name, bytes}

  const bytes = () => file?.bytes ?? encoder.encode($("content").value);

  function refresh() {
    const limit_bytes = limit();
    const size_bytes = bytes().length;
    const is_too_large = limit_bytes !== null && size_bytes > limit_bytes;
    const [size, most] = [formatSize(size_bytes, t), limit_bytes === null ? "" : formatSize(limit_bytes, t)];
    setText($("meter"), is_too_large ? t.tooLarge({ size, limit: most }) : most ? t.meter({ size, limit: most }) : size);
    $("make").dataset.empty = String(size_bytes === 0);
    $("form").dataset.tooLarge = String(is_too_large);
    $("meter-bar").value = limit_bytes ? Math.min(1, size_bytes / limit_bytes) : 0;
    return { size_bytes, is_too_large };
  }

  function complain(words) {
    setText($("meter"), words);
    announce(words);
    (file ? $("remove-file") : $("content")).focus();
  }

  async function submit(event) {
    event.preventDefault();
    const { size_bytes, is_too_large } = refresh();
    if (size_bytes === 0) return complain(t.nothingYet);
    if (is_too_large) return complain($("meter").textContent);
    await putUp(bytes());
  }

  function setFile(next) {
    file = next;
    if (file) setText($("file-name"), cleanTitle(file.name));
    show($("file"), file !== null);
    show($("content"), file === null);
    refresh();
  }

  async function take(picked) {
    if (!picked) return;
    try {
      setFile({ name: picked.name, bytes: new Uint8Array(await picked.arrayBuffer()) });
      $("put-up").focus();
    } catch {
      complain(t.fileUnreadable);
    }
  }

  $("form").addEventListener("submit", submit);
  $("content").addEventListener("input", refresh);
  $("content").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  });
  $("pick-file").addEventListener("click", () => $("pick").click());
  $("pick").addEventListener("change", () => take($("pick").files[0]));
  $("remove-file").addEventListener("click", () => {
    $("pick").value = "";
    setFile(null);
    $("content").focus();
  });
  acceptDrops(take);
  refresh();
  return {
    refresh,
    clear() {
      $("form").reset();
      setFile(null);
    },
  };
}

/** The whole window takes files, so that one dropped beside the form does not replace the app. */
function acceptDrops(take) {
  const isMaking = () => $("state").dataset.state === "making";
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    $("form").classList.toggle("dropping", isMaking());
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) $("form").classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    $("form").classList.remove("dropping");
    if (!hasFile(event)) return;
    event.preventDefault();
    if (isMaking()) take(event.dataTransfer.files[0]);
  });
}
