// WebSocket by hand (RFC 6455, section 5): frames as a client writes them, right or wrong, and
// frames from the server, read so strictly that a wrong one is an error.

import assert from 'node:assert/strict';
import { PATH } from './client.js';
import { Wire } from './http.js';
import { within } from './wait.js';

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

// The length in 7 bits, 16 or 64, by default the fewest that do.
function lengthBytes(length, bits = length < 126 ? 7 : length < 65_536 ? 16 : 64) {
  if (bits === 7) return [length, Buffer.alloc(0)];
  const bytes = Buffer.alloc(bits / 8);
  if (bits === 16) bytes.writeUInt16BE(length);
  else bytes.writeBigUInt64BE(BigInt(length));
  return [bits === 16 ? 126 : 127, bytes];
}

// A frame from the client. `rsv`: the three reserved bits as a number; `bits`: of the length;
// `length`: what the frame says it has, when that is not so.
export function frame(opcode, payload = '', options = {}) {
  const { fin = true, rsv = 0, mask = true, bits, length } = options;
  const bytes = Buffer.from(payload);
  const [seven, extended] = lengthBytes(length ?? bytes.length, bits);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const head = Buffer.from([first, (mask ? 0x80 : 0) | seven]);
  if (!mask) return Buffer.concat([head, extended, bytes]);
  const masked = Buffer.from(bytes.map((byte, i) => byte ^ MASK[i & 3]));
  return Buffer.concat([head, extended, MASK, masked]);
}

// A message as frames of these payloads.
export function fragments(opcode, parts) {
  return parts.map((part, i) =>
    frame(i === 0 ? opcode : CONTINUATION, part, { fin: i === parts.length - 1 }),
  );
}

// The payload of a close frame.
export function closing(code, reason = '') {
  const bytes = Buffer.from([code >> 8, code & 0xff]);
  return Buffer.concat([bytes, Buffer.from(reason)]);
}

// The next frame in `bytes`: {opcode, fin, payload, size}, or null if it is not complete.
function parseFrame(bytes) {
  if (bytes.length < 2) return null;
  const opcode = bytes[0] & 0x0f;
  const fin = (bytes[0] & 0x80) !== 0;
  assert.equal(bytes[0] & 0x70, 0, 'reserved bits from the server');
  assert.ok([0, 1, 2, 8, 9, 10].includes(opcode), `opcode ${opcode} from the server`);
  assert.equal(bytes[1] & 0x80, 0, 'a masked frame from the server');
  assert.ok(opcode < 8 || (fin && bytes[1] < 126), 'a control frame that is none');
  const extended = { 126: 2, 127: 8 }[bytes[1]] ?? 0;
  if (bytes.length < 2 + extended) return null;
  let length = bytes[1];
  if (extended === 2) length = bytes.readUInt16BE(2);
  if (extended === 8) length = Number(bytes.readBigUInt64BE(2));
  assert.ok(extended !== 2 || length > 125, 'a length in more bits than it needs');
  assert.ok(extended !== 8 || length > 65_535, 'a length in more bits than it needs');
  const size = 2 + extended + length;
  if (bytes.length < size) return null;
  return { opcode, fin, payload: bytes.subarray(2 + extended, size), size };
}

export class RawPeer {
  constructor(wire, rest) {
    this.wire = wire;
    this.read = rest; // bytes of `wire.received` that were looked at
    this.open = null; // the opcode of the message whose fragments come
  }

  send(...frames) {
    this.wire.send(Buffer.concat(frames));
  }

  // The next frame, or null when the connection has ended without one.
  async frame() {
    for (;;) {
      const parsed = parseFrame(this.wire.received.subarray(this.read));
      if (parsed) {
        this.read += parsed.size;
        this.#check(parsed);
        return parsed;
      }
      if (this.wire.done) return null;
      const had = this.wire.received.length;
      await this.wire.until(
        (wire) => wire.received.length > had || wire.done,
        'a frame or the end',
      );
    }
  }

  #check({ opcode, fin }) {
    if (opcode >= CLOSE) return;
    assert.equal(opcode === CONTINUATION, this.open !== null, 'the order of fragments');
    if (opcode !== CONTINUATION) this.open = opcode;
    if (fin) this.open = null;
  }

  // The next message: {opcode, payload} with its fragments put together; control frames that
  // come before it are given to `control`.
  async message(control = () => {}) {
    const parts = [];
    let kind;
    for (;;) {
      const next = await this.frame();
      assert.ok(next, 'a message, but the connection ended');
      if (next.opcode >= CLOSE) {
        assert.notEqual(next.opcode, CLOSE, `a message, but ${describeClose(next.payload)}`);
        control(next);
        continue;
      }
      kind ??= next.opcode;
      parts.push(next.payload);
      if (next.fin) return { opcode: kind, payload: Buffer.concat(parts) };
    }
  }

  // Reads to the end: the code and the reason of the close frame (null without one), and the
  // messages and pongs that came before it.
  async end() {
    const before = [];
    for (;;) {
      const next = await this.frame();
      if (next === null) return { code: null, reason: null, before };
      if (next.opcode !== CLOSE) {
        before.push(next);
        continue;
      }
      this.wire.socket.end(); // as a client does that has its answer
      await within(this.wire.ended, 'the end after a close frame');
      const { payload } = next;
      if (payload.length === 0) return { code: 1005, reason: '', before };
      return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2), before };
    }
  }

  destroy() {
    return this.wire.destroy();
  }
}

const describeClose = (payload) =>
  payload.length < 2 ? 'a close' : `${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`;

// Connects and upgrades. `after`: bytes that are sent right behind the handshake.
export async function openRaw(server, after = Buffer.alloc(0)) {
  const wire = new Wire(server.target);
  const lines = [
    `GET ${PATH} HTTP/1.1`,
    `Host: ${server.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    '',
    '',
  ];
  wire.send(Buffer.concat([Buffer.from(lines.join('\r\n')), after]));
  await wire.until(() => wire.text().includes('\r\n\r\n'), 'the answer to the handshake');
  assert.match(wire.text(), /^HTTP\/1\.1 101 /);
  return new RawPeer(wire, wire.text().indexOf('\r\n\r\n') + 4);
}
