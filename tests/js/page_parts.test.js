// The parts of the app that need no document: what a file becomes, names for sharing, the line of holders, Markdown, sources.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { needsName, pagesOfFile, typeOfFile, typeOfText } from "../../static/file_types.js";
import { decodePage, encodePage } from "../../static/label.js";
import { curlLine, niName, qrPath } from "../../static/share.js";
import { noteCount, pathOf, recent } from "../../static/history.js";
import { renderMarkdown } from "../../static/markdown.js";
import { documentOf } from "../../static/app_markdown.js";
import { highlight, languageOf } from "../../static/highlight.js";
import { encode } from "../../static/qr.js";

const bytes = (text) => new TextEncoder().encode(text);
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0);
const UNKNOWN = "application/octet-stream";

test("a file's type is told by its bytes where they can, then by its name", () => {
  const cases = [
    ["text/markdown", "README.md", bytes("# x")],
    ["text/markdown", "NOTES.MARKDOWN", bytes("<p>")],
    ["text/html", "index.html", bytes("only text")],
    ["text/plain", "main.c", bytes("/* <br> */")],
    ["text/plain", "Makefile", bytes("all:")],
    ["text/html", "page", bytes("<p>")],
    ["image/png", "README.md", PNG],
    ["image/svg+xml", "x.svg", bytes("<svg/>")],
    ["application/pdf", "x", bytes("%PDF-1.7")],
    ["video/x-matroska", "film.mkv", Uint8Array.of(0, 1, 2)],
    [UNKNOWN, "program.exe", Uint8Array.of(0, 1, 2)],
    [UNKNOWN, "fake.html", Uint8Array.of(0, 1, 2)],
  ];
  for (const [type, name, content] of cases) assert.equal(typeOfFile(content, name), type, name);
});

test("a name travels when something is lost without it", () => {
  for (const [name, content] of [["a.pdf", bytes("%PDF-")], ["x.zip", Uint8Array.of(0)], ["main.c", bytes("int x;")]]) assert.ok(needsName(content, name), name);
  for (const [name, content] of [["a.png", PNG], ["x.md", bytes("# x")], ["a.txt", bytes("x")], ["i.html", bytes("<p>")], ["README", bytes("x")]]) {
    assert.ok(!needsName(content, name), name);
  }
});

test("typed text is guessed", () => {
  const markdown = ["# Title", "a **bold** word", "see [this](https://example.org)", "- one\n- two\n", "> said", "```\ncode\n```", "Title\n=====", "| a | b |\n|---|---|\n| 1 | 2 |"];
  for (const text of markdown) assert.equal(typeOfText(text), "text/markdown", text);
  for (const text of ["hello", "#hashtag", "2 * 3 * 4", "a - b", "", "- one thing"]) assert.equal(typeOfText(text), "text/plain", text);
  for (const text of ["<h1>x</h1>", "# not **markdown** <br> but HTML"]) assert.equal(typeOfText(text), "text/html", text);
});

test("a file is found again, however it was made into a page", () => {
  const content = bytes("# Notes\n");
  const pages = pagesOfFile(content, "notes.md").map((page) => Buffer.from(page).toString());
  assert.equal(pages[0], "# Notes\n");
  for (const [type, name] of [["text/markdown", null], ["text/markdown", "notes.md"], ["text/plain", "notes.md"], ["text/html", null], [UNKNOWN, "notes.md"]]) {
    assert.ok(pages.includes(Buffer.from(encodePage({ type, name, content })).toString()), `${type} ${name}`);
  }
  assert.equal(new Set(pages).size, pages.length);
  for (const page of pagesOfFile(PNG, "\u202e/")) assert.equal(decodePage(page).name, null);
});

test("the name without a server is that of RFC 6920", () => {
  // Section 8.1 of the RFC.
  const hash = createHash("sha256").update("Hello World!").digest("hex");
  assert.equal(niName(hash), "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk");
});

test("the command for a terminal takes the label off", () => {
  assert.equal(curlLine("https://a.example/x", false), "curl -s https://a.example/x");
  assert.equal(curlLine("https://a.example/x", true), "curl -s https://a.example/x | tail -n +2");
});

test("a QR code is drawn module by module", () => {
  assert.equal(qrPath([[true, true, false], [false, false, false], [true, false, true]]), "M0 0h2v1H0zM0 2h1v1H0zM2 2h1v1H2z");
  const { data, size } = encode(`https://whilst.example/${"a".repeat(64)}`, { ecc: "M", border: 4 });
  const dark = data.flat().filter(Boolean).length;
  const drawn = [...qrPath(data).matchAll(/h(\d+)v1/g)].reduce((sum, [, length]) => sum + Number(length), 0);
  assert.equal(drawn, dark);
  assert.equal(data.length, size);
  assert.ok(data.slice(0, 4).flat().every((module) => !module), "the quiet zone");
});

test("the line of holders has a step for each change", () => {
  let history = [];
  for (const [count, at_ms] of [[1, 0], [1, 10], [null, 20], [3, 50_000], [2, 75_000]]) history = noteCount(history, count, at_ms);
  assert.deepEqual(history, [{ at_ms: 0, count: 1 }, { at_ms: 50_000, count: 3 }, { at_ms: 75_000, count: 2 }]);
  assert.equal(pathOf(history, 100_000, { width: 100, height: 30 }), "M0 20H50V0H75V10H100");
  const { least, most } = recent(history, 100_000);
  assert.deepEqual([least, most], [1, 3]);
  // Ten minutes later only the last count is recent, and it has held all the while.
  assert.deepEqual(recent(history, 800_000), { from_ms: 200_000, least: 2, most: 2, changes: [{ at_ms: 200_000, count: 2 }] });
  assert.equal(recent([], 5), null);
  assert.equal(pathOf([], 5, { width: 1, height: 1 }), "");
  for (let i = 0; i < 1000; i++) history = noteCount(history, i, i);
  assert.ok(history.length <= 200);
});

test("Markdown becomes HTML, and HTML in it becomes text", () => {
  assert.equal(renderMarkdown("# a *b*"), "<h1>a <em>b</em></h1>");
  assert.match(renderMarkdown("|a|\n|-|\n|b|"), /<table>/);
  assert.match(renderMarkdown("- [x] done\n- [ ] not"), /☑ done[^]*☐ not/);
  for (const text of ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b onclick=x>b</b>", "<!-- x -->", "<svg/onload=x>"]) {
    assert.doesNotMatch(renderMarkdown(text), /<(?!\/?p>|\/?em>)/, text);
  }
  for (const text of ["[x](javascript:alert(1))", "[x](JAVASCRIPT:x)", "[x](data:text/html,x)", "[x](vbscript:x)", "![x](javascript:x)", "<javascript:alert(1)>", "[x]: javascript:x\n\n[x]"]) {
    assert.doesNotMatch(renderMarkdown(text), /(?:href|src)="(?:javascript|data|vbscript)/i, text);
  }
});

test("a link of Markdown's opens a window, one within the page does not", () => {
  assert.match(renderMarkdown("[a](https://example.org)"), /<a target="_blank" rel="noopener noreferrer" href="https:\/\/example\.org">/);
  assert.match(renderMarkdown("[a](#b)"), /<a href="#b">/);
  assert.match(renderMarkdown("[a](javascript:b)"), /<a>a<\/a>/);
  assert.match(renderMarkdown("[a](b/c?d)"), /<a>a<\/a>/);
  assert.match(renderMarkdown("a@b.example"), /<a target="_blank" rel="noopener noreferrer" href="mailto:a@b.example">/);
  assert.match(renderMarkdown('`<a href="x">`'), /&lt;a href=&quot;x&quot;&gt;/);
});

test("a Markdown document is called like its first heading", () => {
  assert.match(documentOf(renderMarkdown("x\n\n## A *fine* `<day>`\n\n# Another")), /<title>A fine &lt;day&gt;<\/title>/);
  assert.match(documentOf(renderMarkdown("no heading")), /<title><\/title>/);
});

test("a highlighted source says what the source says", () => {
  assert.deepEqual(["a.js", "B.CPP", "x.yml", "Makefile", "unknown.xyz", "constructor", "html"].map(languageOf), ["js", "c", "yaml", "make", null, null, "html"]);
  const sources = [
    ["js", "const a = `x ${1 + 1}`; // \u2028 <b>"],
    ["html", "<!doctype html><style>p { color: red }</style><script>1</script>"],
    ["md", "# a\n```js\nlet x\n```\n"],
    ["c", "int main(void) { return 0; }"],
    ["py", "'unfinished"],
  ];
  for (const [language, text] of sources) {
    const parts = highlight(text, language);
    assert.equal(parts.map(({ text }) => text).join(""), text);
    assert.ok(parts.some(({ part }) => part), language);
    assert.ok(parts.every(({ part }) => part === undefined || /^[a-z]+$/.test(part)));
  }
});
