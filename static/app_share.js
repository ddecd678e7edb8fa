// Sharing a page: its link and other names, each with a way to copy it, a picture of the link, and the system's own dialog.

import { $, announce, create, setText, show } from "./dom.js";
import { hasLabel } from "./label.js";
import { curlLine, niName, qrPath } from "./share.js";
import { t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const COPIED_MS = 2000;
let drawn_link = ""; // what the picture shows

/** Wires the buttons of the strip and of the panel. */
export function createShare() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", () => copy(button, $(button.dataset.copies)));
  }
  $("link").addEventListener("click", () => $("link").select());
  $("share").addEventListener("click", () => openShare($("share-panel").hidden));
  $("share-close").addEventListener("click", () => {
    openShare(false);
    $("share").focus();
  });
  $("share-panel").addEventListener("keydown", (event) => event.key === "Escape" && $("share-close").click());
  show($("share-system"), typeof navigator.share === "function");
  // Refused only by the person, who knows.
  $("share-system").addEventListener("click", () => navigator.share({ url: $("link").value }).catch(() => {}));
}

/** @param {boolean} open */
function openShare(open) {
  show($("share-panel"), open);
  $("share").setAttribute("aria-expanded", String(open));
  if (open) drawPicture($("link").value);
}

/**
 * The names of the page on the screen.
 * @param {string} hash
 * @param {Uint8Array|null} bytes null: there is nothing to share
 */
export function drawShare(hash, bytes) {
  if (bytes === null) return openShare(false);
  const link = new URL(hash, document.baseURI).href;
  if ($("link").value === link) return;
  openShare(false);
  $("link").value = link;
  setText($("share-link"), link);
  setText($("share-curl"), curlLine(link, hasLabel(bytes)));
  setText($("share-ni"), niName(hash));
}

async function drawPicture(link) {
  if (drawn_link === link) return;
  drawn_link = link;
  try {
    const { encode } = await import("./qr.js");
    const { data, size } = encode(link, { ecc: "M", border: 4 });
    const picture = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    picture.setAttribute("viewBox", `0 0 ${size} ${size}`);
    path.setAttribute("d", qrPath(data));
    picture.append(path);
    if (drawn_link === link) $("qr").replaceChildren(picture);
  } catch {
    drawn_link = ""; // the server is away: the next opening tries again
    $("qr").replaceChildren(create("span", { textContent: t.qrFailed }));
  }
}

async function copy(button, source) {
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
  } catch {
    select(source); // no clipboard outside https
    if (!document.execCommand("copy")) return announce(t.copyFailed);
    button.focus();
  }
  setText(button, t.copied);
  announce(t.copiedAnnounced);
  setTimeout(() => setText(button, t.copy), COPIED_MS);
}

function select(source) {
  if (source.select) source.select();
  else getSelection().selectAllChildren(source);
}
