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

// A stranger's text can be made so that reading it takes for ever: a worker reads it, and is given up.
const PATIENCE_MS = 20_000;

const WORKER = new URL("./markdown_worker.js", import.meta.url).href;
const scripts = globalThis.trustedTypes?.createPolicy("whilst", { createScriptURL: () => WORKER });

/** Ready for the next text, as that which is being written and previewed. */
let idle = null;

/**
 * @param {string} text Markdown
 * @param {AbortSignal} signal nobody waits for it any more
 * @returns {Promise<string>} the inside of a document's body
 */
function read(text, signal) {
  return new Promise((resolve, reject) => {
    const worker = idle ?? new Worker(scripts?.createScriptURL("") ?? WORKER, { type: "module" });
    idle = null;
    const timer = setTimeout(giveUp, PATIENCE_MS);
    signal.addEventListener("abort", giveUp);
    worker.onerror = giveUp;
    worker.onmessage = ({ data }) => {
      over();
      idle?.terminate();
      idle = worker;
      resolve(data);
    };
    worker.postMessage(text);

    function over() {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
    function giveUp() {
      over();
      worker.terminate();
      reject(new Error("this Markdown was not read"));
    }
  });
}

/**
 * @param {string} body the inside of its body
 * @returns {string} an HTML document that is called like its first heading
 */
export function documentOf(body) {
  const [, heading = ""] = /<h[1-6]>([^]*?)<\/h[1-6]>/.exec(body) ?? [];
  const title = heading.replace(/<[^>]*>/g, "");
  return `<!doctype html><html dir="auto"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style><body><main>${body}</main>`;
}

/**
 * @param {string} text Markdown
 * @param {AbortSignal} signal
 * @returns {Promise<string>} an HTML document; rejects when reading it takes too long, is aborted, or its worker could not be loaded
 */
export async function markdownDocument(text, signal) {
  return documentOf(await read(text, signal));
}
