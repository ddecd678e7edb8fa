// The life of the tab: hidden and shown, frozen, left and restored, reloaded, closed.

import { is_embedded } from "./app_embed.js";
import { createKeep } from "./keep.js";

const TOUCH_MS = 10 * 60_000;

/**
 * @param {object} hooks
 * @param {import("./whilst.js").Client} hooks.client
 * @param {() => string} hooks.pageHere the hash in the address, or ""
 * @param {() => boolean} hooks.isInDanger whether closing the tab now would lose something
 * @param {(is_same_tab: boolean) => void} hooks.onReturn the document is back from the browser's cache, the client still
 *   suspended; is_same_tab: it is the tab that it was, as far as there is continuity
 * @returns {{keep: import("./keep.js").Keep, entered: Promise<void>, was_here: boolean, guard: () => void}} entered: who this
 *   tab is has been settled; was_here: it may have held the page of this address before; guard: call it when isInDanger may
 *   have changed
 */
export function watchTab({ client, pageHere, isInDanger, onReturn }) {
  const keep = createKeep(environment(pageHere()));
  let is_guarded = false;
  const life = { keep, entered: keep.enter(pageHere()), was_here: keep.mayHave(pageHere()), guard };

  // Only while it matters: some browsers do not cache a document that listens to this.
  function guard() {
    if (isInDanger() === is_guarded) return;
    is_guarded = !is_guarded;
    if (is_guarded) addEventListener("beforeunload", ask);
    else removeEventListener("beforeunload", ask);
  }

  addEventListener("online", () => client.wake());
  document.addEventListener("resume", () => client.wake());
  document.addEventListener("visibilitychange", () => {
    client.setHidden(document.hidden);
    keep.touch();
  });
  // Not a leave: after a reload or from the browser's cache the tab is back within the server's grace time.
  addEventListener("pagehide", () => {
    client.suspend();
    keep.leave();
  });
  addEventListener("pageshow", async ({ persisted }) => {
    if (!persisted) return;
    const before = keep.token;
    life.entered = keep.enter(pageHere());
    await life.entered;
    onReturn(before !== null && keep.token === before);
  });
  setInterval(() => keep.touch(), TOUCH_MS);
  client.setHidden(document.hidden);
  return life;
}

/** @param {BeforeUnloadEvent} event */
function ask(event) {
  event.preventDefault();
  event.returnValue = ""; // what browsers before 2023 listen to
}

/** @param {string} hash of the page in the address */
function environment(hash) {
  const clock = { setTimeout: setTimeout.bind(window), clearTimeout: clearTimeout.bind(window), now: Date.now };
  /** @type {import("./keep.js").Environment} */
  const found = { crypto, clock, locks: navigator.locks };
  try {
    // The mere asking throws where the browser forbids storage.
    found.storage = sessionStorage;
    found.indexedDB = indexedDB;
    if (is_embedded) found.entry_name = `whilst-frame:${hash}`; // there may be more of us in this tab
  } catch {
    // without continuity, then
  }
  return found;
}
