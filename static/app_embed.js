// The app inside another site's page, in the frame that <whilst-page> makes: it says how the page stands to the window
// around it. Who may frame us at all is the header's affair (--embed-origin).

import { $ } from "./dom.js";

export const is_embedded = window.parent !== window;

let told = "";

/**
 * What the element in the other document knows; the same words as PageState in element.js.
 * @param {import("./view_state.js").PageModel|null} page
 * @param {import("./view_state.js").StateName} state
 */
export function tellParent(page, state) {
  if (!is_embedded || !page) return;
  const whilst = { hash: page.hash, state, count: page.count, title: page.title };
  if (told === (told = JSON.stringify(whilst))) return;
  window.parent.postMessage({ whilst }, "*");
}

/** A small frame has room for the page and how it stands; the rest is one click away. */
export function settleIn() {
  if (!is_embedded) return;
  document.documentElement.dataset.embedded = "";
  Object.assign($("home"), { href: location.href, target: "_blank", rel: "noopener" });
}
