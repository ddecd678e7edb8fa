// The built front end: what http.c is handed, how large it is, and whether it keeps to the headers it is served with.
import { after, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { t } from "../../static/words.js";

const BUILD = fileURLToPath(new URL("../../cmake/front_end.mjs", import.meta.url));
const FIRST_LOAD_BYTES_MAX = 30 * 1024;
const root = mkdtempSync(join(tmpdir(), "whilst-front-end-"));
after(() => rmSync(root, { recursive: true, force: true }));

function build(name) {
  const out = join(root, name);
  execFileSync(process.execPath, [BUILD, "--out", out], { stdio: "pipe" });
  return { out, site: join(out, "site"), c: readFileSync(join(out, "assets.c"), "utf8") };
}

const { out, site, c } = build("one");
const read = (name) => readFileSync(join(site, name), "utf8");
const parts = readdirSync(join(site, "-"), { recursive: true });
const documents = ["index.html", "-/page.html"];

function compressedSize(name) {
  const path = join(site, name);
  return readFileSync(existsSync(`${path}.br`) ? `${path}.br` : path).length;
}

test("the first load of a page fits its budget", () => {
  for (const name of documents) {
    const linked = [...read(name).matchAll(/(?:src|href)="(-\/[^"]+\.(?:js|css))"/g)].map(([, path]) => path);
    assert.equal(linked.length, 3);
    const size_bytes = [name, ...linked].reduce((sum, path) => sum + compressedSize(path), 0);
    assert.ok(size_bytes <= FIRST_LOAD_BYTES_MAX, `${name}: ${size_bytes} bytes`);
    for (const path of linked.filter((path) => path.endsWith(".js"))) {
      assert.doesNotMatch(read(path), /\bimport\s*["{*]/, "the app is one file");
    }
  }
});

test("what is loaded when it is needed stays small", () => {
  const most_kib = { markdown: 32, highlight: 8, qr: 4, sha256: 3, strings: 4 };
  for (const [part, kib] of Object.entries(most_kib)) {
    const files = parts.filter((name) => name.startsWith(part) && name.endsWith(".js"));
    assert.ok(files.length > 0, part);
    for (const name of files) assert.ok(compressedSize(`-/${name}`) <= kib * 1024, `${name}: ${compressedSize(`-/${name}`)} bytes`);
  }
});

test("our documents have no script or style of their own, and ask nobody else for anything", () => {
  for (const name of [...documents, "-/admin.html"]) {
    const html = read(name);
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/);
    assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:|<base/i);
    assert.doesNotMatch(html, /(?:src|href)="(?:[a-z]+:|\/)/, "every URL is relative");
    assert.match(html, /<meta name="viewport"/);
    assert.match(html, /<noscript>/);
    for (const [, key, words] of html.matchAll(/ data-t="(\w+)"[^>]*>([^<]*)</g)) {
      assert.equal(words.replace(/&quot;/g, '"').replace(/&amp;/g, "&"), t[key], "every word is in its place");
    }
  }
});

test("the app writes no markup and evaluates no text", () => {
  const app = parts.filter((name) => name.endsWith(".js")).map((name) => read(`-/${name}`)).join("\n");
  assert.doesNotMatch(app, /innerHTML|outerHTML|insertAdjacentHTML|srcdoc|document\.write|\beval\(|new Function/);
});

test("the frame's only script is the one whose hash the server sends", () => {
  const frame = read("-/frame/static.html");
  assert.equal(frame, read("-/frame/scripted.html"));
  const scripts = [...frame.matchAll(/<script>([^]*?)<\/script>/g)];
  assert.equal(scripts.length, 1);
  const source = `'sha256-${createHash("sha256").update(scripts[0][1]).digest("base64")}'`;
  assert.ok(c.includes(`assets_bootstrap_source[] = "${source}"`));
  assert.ok(frame.length <= 400, `${frame.length} bytes`);
});

test("the table has every path, with its policy", () => {
  const rows = new Map([...c.matchAll(/^ {4}\{"([^"]+)", "([^"]+)", "(\\"[^"]+\\")",\n {5}(\w+), (\d),/gm)].map((row) => [row[1], row.slice(2)]));
  const expected = {
    "/": ["text/html; charset=utf-8", "ASSET_APP", "0"],
    "/-/page": ["text/html; charset=utf-8", "ASSET_APP", "0"],
    "/-/frame/static": ["text/html; charset=utf-8", "ASSET_FRAME_STATIC", "0"],
    "/-/frame/scripted": ["text/html; charset=utf-8", "ASSET_FRAME_SCRIPTED", "0"],
    "/-/admin": ["text/html; charset=utf-8", "ASSET_ADMIN", "0"],
    "/-/admin/icon.svg": ["image/svg+xml", "ASSET_ADMIN", "0"],
    "/-/client/whilst.js": ["text/javascript; charset=utf-8", "ASSET_CLIENT", "0"],
    "/-/client/element.js": ["text/javascript; charset=utf-8", "ASSET_CLIENT", "0"],
    "/-/icon.svg": ["image/svg+xml", "ASSET_FILE", "0"],
    "/favicon.ico": ["image/svg+xml", "ASSET_FILE", "0"],
    "/-/licences.txt": ["text/plain; charset=utf-8", "ASSET_FILE", "0"],
  };
  for (const [path, [type, policy, immutable]] of Object.entries(expected)) {
    const [found_type, , ...rest] = rows.get(path);
    assert.deepEqual([found_type, ...rest], [type, policy, immutable], path);
  }
  for (const [path, [, etag, policy, immutable]] of rows) {
    assert.match(etag, /^\\"sha256-[0-9a-f]{32}\\"$/);
    if (path in expected) continue;
    const [, directory] = /^\/-\/(client|admin)\//.exec(path) ?? [];
    const own_policy = { client: "ASSET_CLIENT", admin: "ASSET_ADMIN" }[directory] ?? "ASSET_FILE";
    assert.deepEqual([/-[A-Z0-9]{8}\.(?:js|css)$/.test(path), policy, immutable], [true, own_policy, "1"]);
  }
});

test("compressed bodies say the same", () => {
  for (const name of [...documents, ...parts.filter((name) => /\.(?:js|css)$/.test(name)).map((name) => `-/${name}`)]) {
    const path = join(site, name);
    const identity = readFileSync(path);
    assert.deepEqual(gunzipSync(readFileSync(`${path}.gz`)), identity);
    assert.deepEqual(brotliDecompressSync(readFileSync(`${path}.br`)), identity);
  }
});

test("the library stands alone: it is one module, with the spare hash beside it", async () => {
  const library = read("-/client/whilst.js");
  const imports = [...library.matchAll(/import\("\.\/([^"]+)"\)/g)].map(([, name]) => name);
  assert.equal(imports.length, 1);
  assert.ok(parts.includes(`client/${imports[0]}`));
  assert.doesNotMatch(library, /\bdocument\b|\bwindow\b/);
  writeFileSync(join(root, "package.json"), '{"type": "module"}');
  const { connect, hashOf } = await import(join(site, "-/client/whilst.js"));
  assert.equal(typeof connect, "function");
  assert.equal(await hashOf(new Uint8Array(0), {}), createHash("sha256").digest("hex"));
});

test("every package that is built in has its licence with it", () => {
  const licences = read("-/licences.txt");
  const dependencies = readFileSync(join(out, "assets.d"), "utf8");
  const names = new Set([...dependencies.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map(([, name]) => name));
  assert.ok(names.size > 1);
  for (const name of names) assert.ok(new RegExp(`(?:^|, )${name}(?:,|$)`, "m").test(licences), name);
  assert.match(licences, /Permission is hereby granted[^]*Paul Miller|Paul Miller[^]*Permission is hereby granted/);
});

test("the same input gives the same bytes", () => {
  assert.equal(build("two").c, c);
});

test("the depfile names what the build reads", () => {
  const dependencies = readFileSync(join(out, "assets.d"), "utf8");
  assert.ok(dependencies.startsWith(`${join(out, "assets.c")}:`));
  for (const name of ["static/index.html", "static/body.html", "static/style.css", "static/wire.js", "static/strings.en.js", "cmake/front_end.mjs"]) {
    assert.ok(dependencies.includes(`/${name}`), name);
  }
});
