// Labels and types on the shared vectors, and what they mean for people.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { decodePage, encodePage, toName } from "../../static/label.js";
import { hasScripts, kindOf, plainType, textOf } from "../../static/kinds.js";

const VECTORS = new URL("../vectors/label/", import.meta.url);
const bytes = (text) => new TextEncoder().encode(text);
const hex = (content) => Buffer.from(content).toString("hex");

for (const file of readdirSync(VECTORS)) {
  const vector = JSON.parse(readFileSync(new URL(file, VECTORS), "utf8"));
  test(`${file}: ${vector.about}`, () => {
    const { type, name, content_hex } = vector.page;
    const page = Uint8Array.from(Buffer.from(vector.hex, "hex"));
    assert.equal(createHash("sha256").update(page).digest("hex"), vector.sha256);
    const decoded = decodePage(page);
    assert.deepEqual({ ...decoded, content: hex(decoded.content) }, { type, name, content: content_hex });
    assert.equal(hex(encodePage(decoded)) === vector.hex, vector.canonical);
    assert.deepEqual(decodePage(encodePage(decoded)), decoded, "whatever it is, it can be put up");
  });
}

test("a page is taken apart without copying", () => {
  const page = bytes("%whilst 1 text/markdown\n# x");
  assert.equal(decodePage(page).content.buffer, page.buffer);
  const content = bytes("plain");
  assert.equal(encodePage({ type: "text/plain", name: null, content }), content);
});

test("what a label cannot carry is refused", () => {
  const page = (properties) => () => encodePage({ type: "text/plain", name: null, content: bytes("x"), ...properties });
  for (const type of ["", "text", "Text/plain", "text/plain; charset=utf-8", "text/plain\n"]) assert.throws(page({ type }), RangeError);
  for (const name of ["", " x", "x ", "a/b", "a\nb", "..", "\ud800", "\u202ex", "x".repeat(256)]) assert.throws(page({ name }), RangeError, name);
});

test("any file's name becomes one that a label can carry", () => {
  const names = [
    ["notes.md", "notes.md"],
    [" a\tb/c\\d\u202e.txt ", "a b c d .txt"],
    ["e\u0301.txt", "é.txt"],
    ["é".repeat(200), "é".repeat(127)],
    ["🕯".repeat(64), "🕯".repeat(63)],
    ["x\ud800y", "x y"],
    ["\u202e\u2066", null],
    ["..", null],
    ["", null],
  ];
  for (const [raw, name] of names) {
    assert.equal(toName(raw), name);
    if (name) assert.equal(decodePage(encodePage({ type: "text/plain", name, content: bytes("") })).name, name);
  }
});

test("each type is shown in its way", () => {
  const kinds = [
    ["html", "text/html", "<p>"],
    ["markdown", "text/markdown", "# x"],
    ["text", "text/plain", "x"],
    ["text", "text/csv", "x"],
    ["file", "text/markdown", "\0"],
    ["picture", "image/svg+xml", "<svg>"],
    ["audio", "audio/opus", "x"],
    ["video", "video/x-matroska", "x"],
    ["file", "application/pdf", "%PDF-"],
    ["file", "application/octet-stream", "x"],
    ["file", "textual/html", "x"],
  ];
  for (const [kind, type, content] of kinds) assert.equal(kindOf(type, bytes(content)), kind, type);
});

test("telling the type of a large page takes no time to speak of", () => {
  // Each of these makes a pattern that looks back too often look back a million times.
  for (const unit of ["<", "<p ", "</a ", "<!--", "<?", " ", "<svg", "<!doctype svg"]) {
    assert.ok(plainType(bytes(unit.repeat((1 << 20) / unit.length))).startsWith("text/"));
  }
});

test("text is UTF-8 or no text", () => {
  assert.equal(textOf(bytes("\ufeffhé")), "hé");
  assert.equal(textOf(Uint8Array.of(0xc3, 0x28)), null);
  assert.equal(textOf(bytes("\0")), null);
});

test("running scripts is offered when there may be some", () => {
  for (const html of ["<script>1</script>", "<img src=x onerror=alert(1)>", "<svg/onload=x>", '<a href="javascript:x">']) {
    assert.ok(hasScripts(html), html);
  }
  assert.ok(!hasScripts("<p>no such thing as this one</p>"));
});
