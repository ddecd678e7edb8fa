// Making a page: text that is typed, or one file that is picked, dropped or pasted. What it is is guessed, and can be changed.
// What is typed outlives a reload of this tab, and nothing else.

import { $, announce, setText, show } from "./dom.js";
import { createPreview } from "./app_preview.js";
import { cleanTitle, formatSize } from "./format.js";
import { needsName, typeOfFile, typeOfText } from "./file_types.js";
import { kindOf, textOf, UNKNOWN } from "./kinds.js";
import { encodePage, toName } from "./label.js";
import { t } from "./words.js";

const DRAFT = "whilst-draft"; // in sessionStorage: {text, chosen_type}
const TEXT_TYPES = ["text/plain", "text/markdown", "text/html"];
const encoder = new TextEncoder();

/**
 * Wires the form.
 * @param {object} hooks
 * @param {(bytes: Uint8Array) => Promise<void>} hooks.putUp called with what was made; what it throws keeps the form as it is
 * @param {() => number|null} hooks.limit the largest page in bytes; null: not known
 * @returns {{refresh: () => void, clear: () => void}}
 */
export function createMaker({ putUp, limit }) {
  const preview = createPreview();
  let file = null; // {name, content}
  let chosen_type = null; // null: as guessed

  // What is being made

  /** @returns {import("./label.js").Page} */
  function page() {
    if (file) return { type: chosen_type ?? typeOfFile(file.content, file.name), name: keptName(), content: file.content };
    const text = $("content").value;
    return { type: chosen_type ?? typeOfText(text), name: null, content: encoder.encode(text) };
  }

  const keptName = () => ($("keep-name").checked ? toName(file.name) : null);

  function refresh() {
    const made = page();
    const limit_bytes = limit();
    const size_bytes = encodePage(made).length;
    const is_empty = size_bytes === 0 || (!file && made.content.length === 0);
    const is_too_large = limit_bytes !== null && size_bytes > limit_bytes;
    setText($("meter"), meterWords(size_bytes, limit_bytes));
    $("make").dataset.empty = String(is_empty);
    $("form").dataset.tooLarge = String(is_too_large);
    $("meter-bar").value = limit_bytes ? Math.min(1, size_bytes / limit_bytes) : 0;
    drawKinds(made);
    preview.show(is_empty ? null : made);
    return { made, is_empty, is_too_large };
  }

  function drawKinds({ type, content }) {
    const told = file && typeOfFile(file.content, file.name);
    const is_text = !file || textOf(content) !== null;
    const kind = file ? kindOf(told, content) : "file";
    for (const radio of $("kinds").elements) {
      const is_other = radio.id === "kind-other";
      if (is_other) radio.value = file && !TEXT_TYPES.includes(told) ? told : UNKNOWN;
      radio.checked = radio.value === type;
      show(radio.parentElement, is_other ? file !== null : is_text);
    }
    setText($("kind-other-name"), { picture: t.kindPicture, audio: t.kindAudio, video: t.kindVideo }[kind] ?? t.kindFile);
  }

  async function submit(event) {
    event.preventDefault();
    const { made, is_empty, is_too_large } = refresh();
    if (is_empty) return complain(t.nothingYet);
    if (is_too_large) return complain($("meter").textContent);
    await putUp(encodePage(made));
  }

  function complain(words) {
    setText($("meter"), words);
    announce(words);
    (file ? $("remove-file") : $("content")).focus();
  }

  // Files

  function setFile(next) {
    file = next;
    chosen_type = null;
    if (file) {
      setText($("file-name"), cleanTitle(file.name));
      $("keep-name").checked = needsName(file.content, file.name);
    }
    show($("file"), file !== null);
    show($("content"), file === null);
    refresh();
  }

  /** @param {FileList} picked */
  async function take(picked) {
    const [first] = picked;
    if (!first) return;
    const limit_bytes = limit();
    // Nobody reads a film into memory to learn that it is too large.
    if (limit_bytes !== null && first.size > limit_bytes) return refuse(first.size, limit_bytes);
    try {
      setFile({ name: first.name, content: new Uint8Array(await first.arrayBuffer()) });
      $("put-up").focus();
      if (picked.length > 1) announce(t.oneFile);
    } catch {
      complain(t.fileUnreadable);
    }
  }

  function refuse(size_bytes, limit_bytes) {
    $("form").dataset.tooLarge = "true";
    complain(meterWords(size_bytes, limit_bytes));
  }

  function writeInstead() {
    $("pick").value = "";
    setFile(null);
    $("content").focus();
  }

  /** Text that is pasted while nothing that takes text has the focus. */
  function insert(text) {
    if (file) writeInstead();
    $("content").focus();
    $("content").setRangeText(text, $("content").selectionStart, $("content").selectionEnd, "end");
    edited();
  }

  // The draft

  function edited() {
    refresh();
    save();
  }

  function save() {
    const text = $("content").value;
    try {
      if (text === "") sessionStorage.removeItem(DRAFT);
      else sessionStorage.setItem(DRAFT, JSON.stringify({ text, chosen_type }));
    } catch {
      // No storage, or no room in it: then there is no draft.
    }
  }

  function restore() {
    try {
      const draft = JSON.parse(sessionStorage.getItem(DRAFT));
      if (typeof draft?.text !== "string") return;
      $("content").value = draft.text;
      if (TEXT_TYPES.includes(draft.chosen_type)) chosen_type = draft.chosen_type;
    } catch {
      // Likewise.
    }
  }

  $("form").addEventListener("submit", submit);
  $("content").addEventListener("input", edited);
  $("make").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  });
  $("kinds").addEventListener("change", (event) => {
    chosen_type = event.target.value;
    edited();
  });
  $("keep-name").addEventListener("change", refresh);
  $("pick-file").addEventListener("click", () => $("pick").click());
  $("pick").addEventListener("change", () => take($("pick").files));
  $("remove-file").addEventListener("click", writeInstead);
  acceptDrops(take);
  acceptPastes({ take, insert });
  restore();
  refresh();
  $("put-up").disabled = false; // before, the browser would have sent the form itself, and what is written would be lost
  return {
    refresh,
    clear() {
      $("form").reset();
      setFile(null);
      save();
    },
  };
}

function meterWords(size_bytes, limit_bytes) {
  const size = formatSize(size_bytes, t);
  if (limit_bytes === null) return size;
  const limit = formatSize(limit_bytes, t);
  if (size_bytes <= limit_bytes) return t.meter({ size, limit });
  // A size just above the limit is told exactly: both would read the same.
  const exact = t.bytes({ count: size_bytes });
  return t.tooLarge({ size: size === limit ? exact : size, limit });
}

const isMaking = () => $("state").dataset.state === "making";

/** The whole window takes files, so that one dropped beside the form does not replace the app. */
function acceptDrops(take) {
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
    if (isMaking()) take(event.dataTransfer.files);
  });
}

/** Wherever the focus is. Text wins over the picture of it that word processors add. */
function acceptPastes({ take, insert }) {
  addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData ?? { files: [], types: [] };
    const has_text = types.includes("text/plain");
    if (!isMaking() || (has_text && event.target.matches?.("textarea, input"))) return;
    if (has_text) insert(event.clipboardData.getData("text/plain"));
    else if (files.length > 0) take(files);
    else return;
    event.preventDefault();
  });
}
