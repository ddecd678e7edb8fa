// The frame that a page's HTML is shown in. No byte of it enters our own document: the frame is another document, from the
// network, with an opaque origin and headers of its own, and it is told what to show by one message.
//
// The frame's origin is the string "null", which anybody can have; who speaks is told by event.source alone. After it is
// ready it may say its title, once; everything else it says is ignored.

import { create } from "./dom.js";
import { cleanTitle } from "./format.js";

// The same words as in the frame's own header. Never among them: allow-same-origin, allow-top-navigation, allow-modals,
// allow-downloads.
const SANDBOX = "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox";

/**
 * @param {object} page
 * @param {string} page.id of the element
 * @param {string} page.html
 * @param {boolean} page.scripted whether its scripts may run
 * @param {string} page.title of the frame, for a screen reader
 * @param {(title: string) => void} page.onTitle the title the page gave itself
 * @returns {{element: HTMLIFrameElement, remove: () => void}}
 */
export function createFrame({ id, html, scripted, title, onTitle }) {
  const element = create("iframe", { id, title, referrerPolicy: "no-referrer" });
  element.setAttribute("sandbox", SANDBOX);
  element.setAttribute("allow", "");
  element.setAttribute("credentialless", "");
  element.src = scripted ? "-/frame/scripted" : "-/frame/static";

  let said = 0;
  function listen({ source, data }) {
    if (source === null || source !== element.contentWindow) return;
    if (said === 0 && data === "ready") {
      said = 1;
      element.contentWindow.postMessage({ html }, "*");
    } else if (said === 1 && typeof data?.title === "string") {
      said = 2;
      onTitle(cleanTitle(data.title));
    }
  }
  addEventListener("message", listen);
  return {
    element,
    remove() {
      removeEventListener("message", listen);
      element.remove();
    },
  };
}
