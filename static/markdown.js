// Markdown to HTML: a file of its own, loaded with the first page that needs it. Raw HTML in the Markdown comes out as text, and
// links keep to protocols that are harmless; the frame that shows the result (app_frame.js) would let nothing else happen.

import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

/**
 * @param {string} text
 * @returns {string} the inside of a document's body
 */
export function renderMarkdown(text) {
  const html = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  // The text around tags is escaped, so these find only tags. A link may not take the frame elsewhere: it opens a window; one that
  // leads to no other site and to no part of the page leads nowhere. A task's box is a sign to read, no field to fill in.
  return html
    .replace(/<a href="(?!#|[a-z][a-z0-9+.-]*:)[^"]*"/gi, "<a")
    .replace(/<a href="(?!#)/g, '<a target="_blank" rel="noopener noreferrer" href="')
    .replace(/<input type="checkbox" disabled=""( checked="")? ?\/>/g, (_, is_done) => (is_done ? "☑" : "☐"));
}
