// The codec against the vectors that the server's codec is tested on too.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { decodeBinary, decodeText, encodeBinary, encodeText, WireError } from "../../static/wire.js";

const DIRECTORY = new URL("../vectors/wire/", import.meta.url);
const files = readdirSync(DIRECTORY).filter((name) => name.endsWith(".json")).sort();

const fromHex = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const toHex = (bytes) => Buffer.from(bytes).toString("hex");

function decode({ text, hex, from }) {
  return text === undefined ? decodeBinary(fromHex(hex), from) : decodeText(text, from);
}

/** The frame as a vector writes it: bytes as hex. */
function asVector({ payload, ...frame }) {
  return payload instanceof Uint8Array ? { ...frame, payload_hex: toHex(payload) } : { ...frame, payload };
}

function encode({ hex, from, frame }) {
  if (hex === undefined) return encodeText(frame);
  const { payload_hex, ...rest } = frame;
  return toHex(encodeBinary({ ...rest, payload: fromHex(payload_hex) }, from));
}

assert.ok(files.length > 40, "the vectors are there");

for (const name of files) {
  const vector = JSON.parse(readFileSync(new URL(name, DIRECTORY), "utf8"));
  test(`${name}: ${vector.about}`, () => {
    if (vector.refusal) {
      assert.throws(() => decode(vector), (error) => error instanceof WireError && error.reason === vector.refusal);
      return;
    }
    assert.deepEqual(asVector(decode(vector)), vector.frame);
    if (vector.canonical) assert.equal(encode(vector), vector.text ?? vector.hex);
  });
}

test("a string that does not fit its length byte is not encoded", () => {
  const frame = { kind: "push", join_ref: "1", ref: "2", event: "content", payload: new Uint8Array(1) };
  assert.throws(() => encodeBinary({ ...frame, topic: "t".repeat(256) }, "client"), RangeError);
});

test("a client encodes no broadcast", () => {
  const frame = { kind: "broadcast", topic: "all", event: "content", payload: new Uint8Array(1) };
  assert.throws(() => encodeBinary(frame, "client"), RangeError);
});

test("a large page is decoded quickly", () => {
  const content = "\u6c49<b>\"\\\n".repeat(150_000);
  const text = encodeText({ kind: "push", join_ref: "3", ref: "7", topic: "have:x", event: "content", payload: { content } });
  const started = performance.now();
  assert.equal(decodeText(text, "client").payload.content, content);
  assert.ok(performance.now() - started < 1000);
});
