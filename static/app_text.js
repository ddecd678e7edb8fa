// Text on the screen: as it is, and with the colours of its language once those are there. Always by textContent.

import { create } from "./dom.js";

const HIGHLIGHTED_AT_MOST = 200_000; // characters; more take a slow phone seconds

/**
 * @param {string} id
 * @param {string} text
 * @param {string|null} name of its file, whose extension tells the language
 * @returns {HTMLElement}
 */
export function textElement(id, text, name) {
  const element = create("pre", { id, dir: "auto", tabIndex: 0, textContent: text });
  if (name !== null && text.length <= HIGHLIGHTED_AT_MOST) colour(element, text, name);
  return element;
}

async function colour(element, text, name) {
  const { highlight, languageOf } = await import("./highlight.js").catch(() => ({})); // plain text will do
  const language = languageOf?.(name);
  if (!language) return;
  element.dir = "ltr";
  element.replaceChildren(
    ...highlight(text, language).map(({ text, part }) => (part ? create("span", { className: `in-${part}`, textContent: text }) : text)),
  );
}
