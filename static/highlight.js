// The parts of a source text, told apart for their colours: a file of its own, loaded with the first source that is shown.

import { tokenizeWith } from "@speed-highlight/core/tokenize";
import {
  asm, bash, c, css, csv, diff, docker, go, html, http, ini, java, js, jsdoc, json, lua, make, md, pl, py, regex,
  rs, sql, todo, toml, ts, uri, xml, yaml,
} from "@speed-highlight/core/languages";

/** By its name, which is its usual extension too. */
const languages = {
  asm, bash, c, css, csv, diff, docker, go, html, http, ini, java, js, jsdoc, json, lua, make, md, pl, py, regex,
  rs, sql, todo, toml, ts, uri, xml, yaml,
};

/** Extensions that are not a language's own name. */
const ALIASES = {
  ...{ h: "c", cc: "c", cpp: "c", cxx: "c", hpp: "c", cs: "java", kt: "java", scala: "java", swift: "java" },
  ...{ mjs: "js", cjs: "js", jsx: "js", tsx: "ts", mts: "ts", map: "json", webmanifest: "json", jsonl: "json" },
  ...{ sh: "bash", zsh: "bash", bashrc: "bash", profile: "bash", htm: "html", xhtml: "html", vue: "html" },
  ...{ svg: "xml", rss: "xml", xsl: "xml", plist: "xml", markdown: "md", yml: "yaml", cfg: "ini", conf: "ini", service: "ini" },
  ...{ pyw: "py", pm: "pl", patch: "diff", mk: "make", makefile: "make", dockerfile: "docker", s: "asm", scss: "css", tsv: "csv" },
};

/**
 * @param {string} name of a file, or an extension
 * @returns {string|null} the language that its source is in; null: not one that is known
 */
export function languageOf(name) {
  const extension = name.split(".").pop().toLowerCase();
  const language = ALIASES[extension] ?? extension;
  return Object.hasOwn(languages, language) ? language : null;
}

/**
 * @param {string} text
 * @param {string} language as languageOf() says
 * @returns {{text: string, part: string|undefined}[]} which together are the text
 */
export function highlight(text, language) {
  const parts = [];
  tokenizeWith(text, language, (text, part) => text && parts.push({ text, part }), { languages });
  return parts;
}
