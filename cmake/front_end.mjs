// Builds the front end: node cmake/front_end.mjs --out DIR
//
// static/ is bundled, its HTML gets its words and the hashed names of its files, everything is compressed once, and the
// result is written as DIR/assets.c (the table of src/net/assets.h), as DIR/site/ (the same files, to look at), and as
// DIR/assets.d (what the build depends on). The same input gives the same bytes.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { licencesOf } from "./licences.mjs";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const STATIC = join(ROOT, "static");
const TARGET = ["chrome100", "firefox100", "safari15.4"];
const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
};
const COLUMNS = 24;
// Headers and a decoder cost something too.
const LEAST_GAIN = 0.9;

/**
 * @typedef {object} Asset
 * @property {string} path as in the URL
 * @property {string} file its name below DIR/site/
 * @property {"ASSET_APP"|"ASSET_FRAME_STATIC"|"ASSET_FRAME_SCRIPTED"|"ASSET_CLIENT"|"ASSET_ADMIN"|"ASSET_FILE"} policy
 * @property {boolean} immutable the path changes with the bytes
 * @property {string} type
 * @property {Buffer} identity
 * @property {Buffer|null} gzip null when it does not pay
 * @property {Buffer|null} br likewise
 */

const inputs = new Set([fileURLToPath(import.meta.url), join(ROOT, "cmake/licences.mjs")]);

function readStatic(name) {
  const path = join(STATIC, name);
  inputs.add(path);
  return readFileSync(path, "utf8");
}

// Bundles

/** Loaded when they are needed, by import() or as a worker: each is one file that shares nothing with the app. */
const PARTS = [
  ...["highlight.js", "markdown_worker.js", "qr.js", "sha256.js"],
  ...["strings.ar.js", "strings.de.js", "strings.es.js", "strings.fr.js", "strings.zh-Hans.js"],
];

/** Makes import("./part.js") and new URL("./part.js", import.meta.url) name the built file. */
const partsElsewhere = (names) => ({
  name: "parts-elsewhere",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\/static\/[^/]+\.js$/ }, ({ path }) => {
      const named = (_, part) => `new URL("./${basename(nameFor(part, names))}", import.meta.url)`;
      return { contents: readFileSync(path, "utf8").replace(/new URL\("\.\/([\w.]+)", import\.meta\.url\)/g, named), loader: "js" };
    });
    onResolve({ filter: /^\.\// }, ({ kind, path }) => {
      return kind === "dynamic-import" ? { path: `./${basename(nameFor(path.slice(2), names))}`, external: true } : undefined;
    });
  },
});

/** Makes a module a script that runs before the document is seen, with its names for itself. */
const BLOCKING = { banner: { js: "(()=>{" }, footer: { js: "})()" } };

/**
 * @param {string[]} entries in static/
 * @param {string} entryNames as esbuild wants it
 * @param {Map<string, string>} names of the parts
 * @param {import("esbuild").BuildOptions} [options] more
 * @returns {Promise<{path: string, bytes: Buffer, entry: string}[]>} one file for each entry
 */
async function bundle(entries, entryNames, names = new Map(), options = {}) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries.map((name) => join("static", name)),
    entryNames,
    outdir: "out",
    bundle: true,
    format: "esm",
    minify: true,
    conditions: ["worker"], // variants of packages that leave the document alone
    plugins: [partsElsewhere(names)],
    target: TARGET,
    charset: "utf8",
    legalComments: "inline",
    metafile: true,
    write: false,
    logLevel: "warning",
    ...options,
  });
  for (const input of Object.keys(metafile.inputs)) inputs.add(join(ROOT, input));
  return outputFiles.map(({ path, contents }) => ({
    path: relative(join(ROOT, "out"), path),
    bytes: Buffer.from(contents),
    entry: metafile.outputs[relative(ROOT, path)].entryPoint.replace(/^static\//, ""),
  }));
}

const namesOf = (files) => new Map(files.map(({ entry, path }) => [entry, path]));

// HTML

/** The body, the English words and the names of the other files; data-t stays, for the other languages. */
function composeHtml(name, names, words) {
  return readStatic(name)
    .replace("<!-- include body.html -->", () => readStatic("body.html"))
    .replace(/<!--[^]*?-->\n?/g, "")
    .replace(/ data-t-(label|placeholder)="(\w+)"/g, (mark, kind, key) => {
      return `${mark} ${kind === "label" ? "aria-label" : kind}="${wordFor(key, words)}"`;
    })
    .replace(/<[a-z][^>]*? data-t="(\w+)"[^>]*>/g, (tag, key) => tag + wordFor(key, words))
    .replace(/(href|src)="([a-z.]+\.(?:css|js))"/g, (_, attribute, file) => `${attribute}="-/${nameFor(file, names)}"`)
    .replace(/\n\s*/g, "\n")
    .trimEnd();
}

function wordFor(key, words) {
  if (typeof words[key] !== "string") throw new Error(`strings.en.js has no plain string "${key}"`);
  return words[key].replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}

function nameFor(file, names) {
  if (!names.has(file)) throw new Error(`nothing was built from ${file}`);
  return names.get(file);
}

/** The frame's document, and the CSP source of its one script. */
function composeFrame() {
  const html = readStatic("frame.html").replace(/<!--[^]*?-->\s*/g, "").trimEnd();
  const [, script] = /<script>([^]*?)<\/script>/.exec(html);
  return { html, source: `'sha256-${createHash("sha256").update(script).digest("base64")}'` };
}

// Assets

function compress(bytes) {
  const pays = (smaller) => (smaller.length < bytes.length * LEAST_GAIN ? smaller : null);
  const gzip = gzipSync(bytes, { level: 9 });
  gzip[9] = 255; // "unknown operating system": the same bytes wherever this runs
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { gzip: pays(gzip), br: pays(brotliCompressSync(bytes, { params })) };
}

/** @returns {Asset} */
function asset(path, file, text, { policy = "ASSET_FILE", immutable = false } = {}) {
  const identity = Buffer.from(text);
  return { path, file, policy, immutable, type: TYPES[file.split(".").pop()], identity, ...compress(identity) };
}

/** @returns {Asset[]} */
function filesOf(built, properties) {
  return built.map(({ path, bytes }) => asset(`/-/${path}`, `-/${path}`, bytes, properties));
}

/** @returns {Promise<{assets: Asset[], bootstrap: string}>} */
async function buildAssets() {
  const { t: words } = await import("../static/words.js");
  const parts = await bundle(PARTS, "[name]-[hash]");
  const app = await bundle(["app.js", "style.css"], "[name]-[hash]", namesOf(parts));
  const first = await bundle(["first.js"], "[name]-[hash]", namesOf(parts), BLOCKING);
  const spare = await bundle(["sha256.js"], "client/[name]-[hash]");
  const client = await bundle(["whilst.js", "element.js"], "client/[name]", namesOf(spare));
  const admin = await bundle(["admin.js", "admin.css"], "admin/[name]-[hash]");
  const names = namesOf([...first, ...app, ...admin]);
  const frame = composeFrame();
  const icon = readStatic("icon.svg");
  const assets = [
    asset("/", "index.html", composeHtml("index.html", names, words), { policy: "ASSET_APP" }),
    asset("/-/page", "-/page.html", composeHtml("page.html", names, words), { policy: "ASSET_APP" }),
    asset("/-/frame/static", "-/frame/static.html", frame.html, { policy: "ASSET_FRAME_STATIC" }),
    asset("/-/frame/scripted", "-/frame/scripted.html", frame.html, { policy: "ASSET_FRAME_SCRIPTED" }),
    asset("/-/icon.svg", "-/icon.svg", icon),
    asset("/favicon.ico", "favicon.svg", icon),
    asset("/-/admin", "-/admin.html", composeHtml("admin.html", names, words), { policy: "ASSET_ADMIN" }),
    asset("/-/admin/icon.svg", "-/admin/icon.svg", icon, { policy: "ASSET_ADMIN" }),
    asset("/-/licences.txt", "-/licences.txt", licencesOf(inputs, ROOT)),
    ...filesOf([...parts, ...first, ...app], { immutable: true }),
    ...filesOf(admin, { policy: "ASSET_ADMIN", immutable: true }),
    ...filesOf(spare, { policy: "ASSET_CLIENT", immutable: true }),
    ...filesOf(client, { policy: "ASSET_CLIENT" }),
  ];
  return { assets: assets.sort((a, b) => (a.path < b.path ? -1 : 1)), bootstrap: frame.source };
}

// Output

function cBytes(name, bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += COLUMNS) lines.push(`    ${[...bytes.subarray(at, at + COLUMNS)].join(",")},`);
  return `static const uint8_t ${name}[] = {\n${lines.join("\n")}\n};\n`;
}

function cBodies(entry, i) {
  const bodies = ["identity", "gzip", "br"].filter((encoding) => entry[encoding]);
  return bodies.map((encoding) => cBytes(`${encoding}_${i}`, entry[encoding])).join("");
}

function cBody(entry, encoding, i) {
  return entry[encoding] ? `{${encoding}_${i}, sizeof ${encoding}_${i}}` : "{NULL, 0}";
}

function cRow(entry, i) {
  const etag = createHash("sha256").update(entry.identity).digest("hex").slice(0, 32);
  const bodies = ["identity", "gzip", "br"].map((encoding) => cBody(entry, encoding, i));
  return (
    `    {"${entry.path}", "${entry.type}", "\\"sha256-${etag}\\"",\n` +
    `     ${entry.policy}, ${Number(entry.immutable)},\n     ${bodies.join(", ")}},\n`
  );
}

function cSource({ assets, bootstrap }) {
  return (
    "/* Written by cmake/front_end.mjs from static/. */\n" +
    '#include "net/assets.h"\n\n' +
    assets.map(cBodies).join("") +
    `\nconst struct asset assets[] = {\n${assets.map(cRow).join("")}};\n\n` +
    "const size_t assets_count = sizeof assets / sizeof assets[0];\n\n" +
    `const char assets_bootstrap_source[] = "${bootstrap}";\n`
  );
}

function depfile(target) {
  const escape = (path) => path.replace(/([ #])/g, "\\$1").replace(/\$/g, "$$$$");
  return `${escape(target)}: ${[...inputs].sort().map(escape).join(" \\\n  ")}\n`;
}

function writeSite(directory, assets) {
  rmSync(directory, { recursive: true, force: true });
  for (const { file, identity, gzip, br } of assets) {
    const path = join(directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, identity);
    if (gzip) writeFileSync(`${path}.gz`, gzip);
    if (br) writeFileSync(`${path}.br`, br);
  }
}

/** What a browser fetches to show /<hash>, compressed. */
function firstLoadBytes(assets) {
  const first = assets.filter(({ path }) => path === "/-/page" || /^\/-\/(app|first|style)-/.test(path));
  return first.reduce((sum, { br, identity }) => sum + (br ?? identity).length, 0);
}

function outDirectory(args) {
  if (args.length === 2 && args[0] === "--out") return resolve(args[1]);
  console.error("usage: node cmake/front_end.mjs --out DIR");
  process.exit(2);
}

const out = outDirectory(process.argv.slice(2));
const built = await buildAssets();
writeSite(join(out, "site"), built.assets);
writeFileSync(join(out, "assets.c"), cSource(built));
writeFileSync(join(out, "assets.d"), depfile(join(out, "assets.c")));
console.log(`front end: ${built.assets.length} assets, first load ${(firstLoadBytes(built.assets) / 1024).toFixed(1)} KiB compressed`);
