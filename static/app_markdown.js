// Markdown as a document for the frame (app_frame.js). The look is the app's own, for reading.

const STYLE = `
:root{color-scheme:light dark;font:1.0625rem/1.65 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;color:#17211e;background:#fdfdfa}
body{max-inline-size:40rem;margin:0 auto;padding:2rem 1.25rem 4rem;overflow-wrap:break-word}
h1,h2,h3,h4{margin:2em 0 .6em;font-family:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua","Noto Serif",Georgia,serif;font-weight:400;line-height:1.2;letter-spacing:-.01em}
h1{font-size:2.125rem}h2{font-size:1.5rem}h3{font-size:1.1875rem}h4{font-size:1rem}main>:first-child{margin-block-start:0}
p,ul,ol,blockquote,pre,table{margin:0 0 1em}a{color:#0b6a56}
blockquote{margin-inline:0;padding-inline-start:1em;border-inline-start:3px solid #c9cbc0;color:#55615c}
code,pre{font:.9em/1.55 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{padding:.1em .3em;border-radius:.25em;background:#ededE6}pre{padding:1em;border-radius:.5em;background:#ededE6;overflow:auto}pre code{padding:0;background:none}
table{display:block;overflow:auto;border-collapse:collapse}th,td{padding:.35em .75em;border-block-end:1px solid #dadbd2;text-align:start}
img{max-inline-size:100%}hr{border:0;border-block-start:1px solid #dadbd2;margin:2em 0}.contains-task-list{padding-inline-start:0;list-style:none}
.sr-only{position:absolute;clip-path:inset(50%)}
@media (prefers-color-scheme:dark){:root{color:#e7ede9;background:#171f1c}a{color:#63d6b3}blockquote{border-color:#3a4641;color:#a0aea8}code,pre{background:#222c28}th,td,hr{border-color:#29332f}}
`.replace(/\n/g, "");

// The time that a block takes to read grows with the square of its signs: a stranger's page could stop this tab with them.
const CHARACTERS_MAX = 100_000;
const SIGNS_IN_BLOCK_MAX = 500;
const SIGNS = /[*_~[\]()>!]/g;

/** Whether it can be read in a time that a person waits. */
const isReadable = (text) =>
  text.length <= CHARACTERS_MAX && text.split(/\n[ \t\r]*\n/).every((block) => (block.match(SIGNS)?.length ?? 0) <= SIGNS_IN_BLOCK_MAX);

/**
 * @param {string} text Markdown
 * @returns {Promise<string>} an HTML document; rejects when it would take too long, and when the part that reads Markdown could
 *   not be loaded
 */
export async function markdownDocument(text) {
  if (!isReadable(text)) throw new RangeError("too much Markdown");
  const { renderMarkdown } = await import("./markdown.js");
  const body = renderMarkdown(text);
  const [, heading = ""] = /<h[1-6]>([^]*?)<\/h[1-6]>/.exec(body) ?? [];
  const title = heading.replace(/<[^>]*>/g, "");
  return `<!doctype html><html dir="auto"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style><body><main>${body}</main>`;
}
