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
  // A link may not take the frame elsewhere, so it opens a window. The text around tags is escaped: only tags match.
  return html.replace(/<a href="(?!#)/g, '<a target="_blank" rel="noopener noreferrer" href="');
}
