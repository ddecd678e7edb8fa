// The codec: Phoenix Channels 2.0.0 frames, text and binary, in both directions. Pure: no socket, no clock.
// docs/protocol.md section 2 is the source; the same vectors (tests/vectors/wire) test this file and the server's codec.
// A direction is needed because a binary push has a ref on its way to the server and none on its way back.

/**
 * @typedef {"client"|"server"} Side who sends the frame
 * @typedef {null|string|number} Ref null, at most 64 characters without escapes, or an integer
 * @typedef {object} Frame
 * @property {"push"|"reply"|"broadcast"} kind
 * @property {Ref} join_ref the ref of the join this frame belongs to
 * @property {Ref} ref the number of the message; in a reply, of the message it answers
 * @property {string} topic 1 to 255 bytes of UTF-8
 * @property {string} [event] 1 to 255 bytes of UTF-8; not in a binary reply
 * @property {string} [status] replies only: "ok" or "error"
 * @property {Object<string, any>|Uint8Array} payload an object in a text frame, bytes in a binary one
 */

/** A frame that breaks the protocol. `reason` is the word of docs/protocol.md section 4. */
export class WireError extends Error {
  /** @param {"bad_json"|"bad_binary"} reason */
  constructor(reason) {
    super(reason);
    this.name = "WireError";
    this.reason = reason;
  }
}

const NAME_BYTES_MAX = 255;
const DEPTH_MAX = 32;
const SPACE = "[ \\t\\n\\r]*";
const TEXT_REF = 'null|-?(?:0|[1-9][0-9]*)|"[^"\\\\]{0,64}"';
// A ref comes back exactly as it was sent, so its spelling matters and JSON.parse alone cannot judge it.
const ENVELOPE = new RegExp(`^${SPACE}\\[(?:${SPACE}(?:${TEXT_REF})${SPACE},){2}`);
// What may stand between quotes in a text frame unescaped: a binary ref is answered by a text reply.
const BINARY_REF = /^[^"\\\u0000-\u001f]{1,64}$/;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * @typedef {"join_ref"|"ref"|"topic"|"event"|"status"} Field a string in a binary frame
 * @type {Record<Side, Record<string, {kind: Frame["kind"], fields: Field[]}>>}
 * Binary kinds by sender and first byte; `fields` in the order of their length bytes. */
const LAYOUTS = {
  client: { 0: { kind: "push", fields: ["join_ref", "ref", "topic", "event"] } },
  server: {
    0: { kind: "push", fields: ["join_ref", "topic", "event"] },
    1: { kind: "reply", fields: ["join_ref", "ref", "topic", "status"] },
    2: { kind: "broadcast", fields: ["topic", "event"] },
  },
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads one text message.
 * @param {string} text
 * @param {Side} from
 * @returns {Frame}
 * @throws {WireError} bad_json
 */
export function decodeText(text, from) {
  const parts = parseEnvelope(text);
  const [join_ref, ref, topic, event, payload] = parts;
  const isSound = isName(topic) && isName(event) && isObject(payload) && isSane(payload, 0);
  if (!isSound) throw new WireError("bad_json");
  if (from === "client") return { kind: "push", join_ref, ref, topic, event, payload };
  if (event === "phx_reply") return replyFrom(parts);
  /** @type {Frame["kind"]} */
  const kind = join_ref === null && ref === null ? "broadcast" : "push";
  return { kind, join_ref, ref, topic, event, payload };
}

/**
 * Writes one text message, without white space, as JSON.stringify prints it.
 * @param {Frame} frame with an object as payload
 * @returns {string}
 */
export function encodeText(frame) {
  const { join_ref, ref, topic, event, status, payload } = frame;
  if (frame.kind !== "reply") return JSON.stringify([join_ref, ref, topic, event, payload]);
  return JSON.stringify([join_ref, ref, topic, "phx_reply", { status, response: payload }]);
}

/**
 * Reads one binary message. The payload is a view into `bytes`, not a copy.
 * @param {Uint8Array} bytes
 * @param {Side} from
 * @returns {Frame}
 * @throws {WireError} bad_binary
 */
export function decodeBinary(bytes, from) {
  const layout = LAYOUTS[from][bytes[0]];
  if (!layout) throw new WireError("bad_binary");
  /** @type {any} */
  const frame = { kind: layout.kind, join_ref: null, ref: null };
  let at = 1 + layout.fields.length;
  layout.fields.forEach((field, i) => {
    const end = at + bytes[1 + i]; // NaN past the end, which the next line refuses
    if (!(end <= bytes.length)) throw new WireError("bad_binary");
    frame[field] = readField(field, bytes.subarray(at, end));
    at = end;
  });
  return { ...frame, payload: bytes.subarray(at) };
}

/**
 * Writes one binary message.
 * @param {Frame} frame with bytes as payload
 * @param {Side} from
 * @returns {Uint8Array}
 * @throws {RangeError} a kind this side does not send, or a string longer than 255 bytes
 */
export function encodeBinary(frame, from) {
  const entry = Object.entries(LAYOUTS[from]).find(([, layout]) => layout.kind === frame.kind);
  if (!entry) throw new RangeError(`a ${from} sends no ${frame.kind}`);
  const strings = entry[1].fields.map((field) => encoder.encode(String(frame[field] ?? "")));
  if (strings.some((string) => string.length > NAME_BYTES_MAX)) throw new RangeError("string too long");
  const payload = /** @type {Uint8Array} */ (frame.payload);
  return concatenate([Uint8Array.of(Number(entry[0]), ...strings.map((string) => string.length)), ...strings, payload]);
}

/** @param {string} text */
function parseEnvelope(text) {
  if (!ENVELOPE.test(text)) throw new WireError("bad_json");
  try {
    return JSON.parse(text);
  } catch {
    throw new WireError("bad_json");
  }
}

/**
 * @param {any[]} parts
 * @returns {Frame}
 */
function replyFrom([join_ref, ref, topic, event, { status, response }]) {
  if (typeof status !== "string" || !isObject(response)) throw new WireError("bad_json");
  return { kind: "reply", join_ref, ref, topic, event, status, payload: response };
}

/**
 * @param {Field} field
 * @param {Uint8Array} bytes
 */
function readField(field, bytes) {
  const isRef = field === "join_ref" || field === "ref";
  if (isRef && bytes.length === 0) return null;
  const string = readString(bytes);
  if (isRef ? !BINARY_REF.test(string) : string === "") throw new WireError("bad_binary");
  return string;
}

/** @param {Uint8Array} bytes */
function readString(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new WireError("bad_binary");
  }
}

/** @param {unknown} value */
function isName(value) {
  if (typeof value !== "string" || LONE_SURROGATE.test(value)) return false;
  const size_bytes = encoder.encode(value).length;
  return size_bytes >= 1 && size_bytes <= NAME_BYTES_MAX;
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * No half surrogate pairs, no deeper than DEPTH_MAX: both would pass JSON.parse.
 * @param {unknown} value
 * @param {number} depth
 * @returns {boolean}
 */
function isSane(value, depth) {
  if (typeof value === "string") return !LONE_SURROGATE.test(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === DEPTH_MAX) return false;
  return Object.entries(value).every(([key, item]) => isSane(key, depth) && isSane(item, depth + 1));
}

/** @param {Uint8Array[]} parts */
function concatenate(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
