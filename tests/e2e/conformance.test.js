// RFC 6455, case by case, against the transport under a hub that echoes (tests/echo). What
// the library below does otherwise than the RFC says is at the end, so that a library that
// does better is noticed; docs/protocol.md has the same list.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closing,
  fragments,
  frame,
  openRaw,
  PING,
  PONG,
  TEXT,
} from './frames.js';
import { startServer } from './server.js';

const MESSAGE_MAX = 262_144;

let server;
before(async () => {
  const path = process.env.WHILST_ECHO_BINARY;
  assert.ok(path, 'WHILST_ECHO_BINARY is not set: build/dev/tests/echo/whilst_echo');
  server = await startServer({ path, args: ['--max-message', `${MESSAGE_MAX}`] });
});
after(() => server?.stop());

const bytesOf = (text) => Buffer.from(text);
const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const eachByte = (bytes) => Array.from(bytes, (byte) => Buffer.from([byte]));

function pieces(bytes, size) {
  const cut = [];
  for (let at = 0; at < bytes.length; at += size) cut.push(bytes.subarray(at, at + size));
  return cut;
}

const opcodes = (frames) => frames.map(({ opcode }) => opcode);

async function assertEcho(peer, opcode, payload) {
  const message = await peer.message();
  assert.equal(message.opcode, opcode);
  assert.ok(message.payload.equals(Buffer.from(payload)), `${payload.length} bytes came back`);
}

// Says goodbye, and expects the same and nothing else.
async function leave(peer) {
  peer.send(frame(CLOSE, closing(1000)));
  assert.deepEqual(await peer.end(), { code: 1000, reason: '', before: [] });
}

// What is sent on one connection comes back, and the connection goes on.
async function echoes(opcode, payload, frames = [frame(opcode, payload)]) {
  const peer = await openRaw(server);
  peer.send(...frames);
  await assertEcho(peer, opcode, payload);
  await leave(peer);
}

// The connection ends with this code (null: without a close frame), and nothing but `before`
// is heard.
async function fails(code, frames, before = []) {
  const peer = await openRaw(server);
  peer.send(...frames);
  const end = await peer.end();
  assert.deepEqual([end.code, opcodes(end.before)], [code, before]);
  peer.destroy();
}

describe('frames (5.2)', () => {
  for (const size of [0, 1, 125, 126, 127, 128, 1_023, 1_024, 1_025, 65_535, 65_536, MESSAGE_MAX]) {
    for (const opcode of [TEXT, BINARY]) {
      test(`${opcode === TEXT ? 'text' : 'binary'} of ${size} bytes comes back`, () =>
        echoes(opcode, Buffer.alloc(size, 'x')));
    }
  }

  test('1009 for one byte more than may be', async () => {
    for (const opcode of [TEXT, BINARY]) {
      await fails(1009, [frame(opcode, Buffer.alloc(MESSAGE_MAX + 1, 'x'))]);
    }
  });

  test('all bytes of all values come back as binary', () =>
    echoes(BINARY, Buffer.from(Array.from({ length: 256 * 16 }, (_, i) => (i * 7) & 0xff))));

  test('frames that arrive byte by byte are the same', async () => {
    const peer = await openRaw(server);
    const text = bytesOf('κόσμε '.repeat(20));
    for (const byte of eachByte(frame(TEXT, text))) peer.send(byte);
    await assertEcho(peer, TEXT, text);
    await leave(peer);
  });

  for (const step of [7, 997, 1_023, 1_024, 1_025, 1_300, 2_048]) {
    test(`a large frame that arrives in pieces of ${step} bytes is the same`, async () => {
      const peer = await openRaw(server);
      const payload = Buffer.alloc(step < 100 ? 4_096 : 65_536, 'abcdefghij');
      for (const piece of pieces(frame(BINARY, payload), step)) peer.send(piece);
      await assertEcho(peer, BINARY, payload);
      await leave(peer);
    });
  }

  test('many messages in one segment come back in order', async () => {
    const peer = await openRaw(server);
    const texts = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    peer.send(...texts.map((text) => frame(TEXT, text)));
    for (const text of texts) await assertEcho(peer, TEXT, text);
    await leave(peer);
  });

  test('a message right behind the handshake is heard', async () => {
    const peer = await openRaw(server, frame(TEXT, 'early'));
    await assertEcho(peer, TEXT, 'early');
    await leave(peer);
  });

  for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
    test(`1002 for reserved bits ${rsv}, on any frame`, async () => {
      for (const opcode of [TEXT, BINARY, PING, PONG]) {
        await fails(1002, [frame(opcode, 'hello', { rsv })]);
      }
      await fails(1002, [frame(CLOSE, closing(1000), { rsv })]);
      await fails(1002, [frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b', { rsv })]);
    });
  }

  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    test(`1002 for opcode ${opcode}, with and without payload`, async () => {
      for (const payload of ['', 'hello']) await fails(1002, [frame(opcode, payload)]);
    });
  }

  test('what came before a wrong frame comes back, what comes behind does not', async () => {
    const good = frame(TEXT, 'good');
    await fails(1002, [good, frame(3, ''), good], [TEXT]);
  });

  test('a length with its highest bit set ends the connection', async () => {
    const wrong = frame(BINARY, 'hello', { bits: 64 });
    wrong[2] |= 0x80;
    await fails(null, [wrong]);
  });
});

describe('pings and pongs (5.5.2, 5.5.3)', () => {
  test('a pong carries what its ping did, of 0 to 125 bytes', async () => {
    const peer = await openRaw(server);
    for (let size = 0; size <= 125; size += 1) {
      const payload = Buffer.from(Array.from({ length: size }, (_, i) => (size * 31 + i) & 0xff));
      peer.send(frame(PING, payload));
      const pong = await peer.frame();
      assert.equal(pong.opcode, PONG);
      assert.ok(pong.payload.equals(payload), `the payload of a ping of ${size} bytes`);
    }
    await leave(peer);
  });

  test('a control frame of 126 bytes ends the connection', async () => {
    const long = Buffer.alloc(126, 'x');
    for (const opcode of [PING, PONG]) await fails(null, [frame(opcode, long)]);
    await fails(null, [frame(CLOSE, closing(1000, 'x'.repeat(124)))]);
  });

  test('1002 for a control frame in fragments', async () => {
    for (const opcode of [PING, PONG]) await fails(1002, [frame(opcode, 'x', { fin: false })]);
    await fails(1002, [frame(CLOSE, closing(1000), { fin: false })]);
  });

  test('pongs that nobody asked for are no matter', async () => {
    const peer = await openRaw(server);
    peer.send(frame(PONG, ''), frame(PONG, 'unasked'), frame(PING, 'asked'));
    const pong = await peer.frame();
    assert.deepEqual([pong.opcode, pong.payload.toString()], [PONG, 'asked']);
    peer.send(frame(PONG, 'unasked'), frame(TEXT, 'x'));
    await assertEcho(peer, TEXT, 'x');
    await leave(peer);
  });

  test('ten pings, each after the pong before it, bring ten pongs', async () => {
    const peer = await openRaw(server);
    for (let i = 0; i < 10; i += 1) {
      peer.send(frame(PING, `ping ${i}`));
      assert.equal((await peer.frame()).payload.toString(), `ping ${i}`);
    }
    await leave(peer);
  });

  test('a ping that arrives byte by byte has its pong', async () => {
    const peer = await openRaw(server);
    for (const byte of eachByte(frame(PING, 'slowly'))) peer.send(byte);
    assert.equal((await peer.frame()).payload.toString(), 'slowly');
    await leave(peer);
  });
});

describe('fragments (5.4)', () => {
  const kinds = [
    ['text', TEXT],
    ['binary', BINARY],
  ];
  for (const [name, opcode] of kinds) {
    test(`${name} in two, in many and in empty fragments comes back whole`, async () => {
      await echoes(opcode, 'hello', fragments(opcode, ['hel', 'lo']));
      await echoes(opcode, 'hello', fragments(opcode, ['', 'hel', '', 'lo', '']));
      await echoes(opcode, '', fragments(opcode, ['', '', '']));
      await echoes(opcode, 'x'.repeat(2_000), fragments(opcode, Array(2_000).fill('x')));
    });
  }

  test('pings between fragments have their pongs, before the message', async () => {
    const peer = await openRaw(server);
    const heard = [];
    const parts = fragments(TEXT, ['one ', 'two ', 'three']);
    for (const [i, part] of parts.entries()) {
      peer.send(part);
      if (i === parts.length - 1) break;
      peer.send(frame(PING, `ping ${i}`));
      const pong = await peer.frame();
      heard.push(pong.payload.toString());
    }
    assert.deepEqual(heard, ['ping 0', 'ping 1']);
    await assertEcho(peer, TEXT, 'one two three');
    await leave(peer);
  });

  test('a ping between fragments in one segment is answered, and the message is whole', async () => {
    const peer = await openRaw(server);
    const [first, second] = fragments(TEXT, ['one ', 'two']);
    peer.send(first, frame(PING, 'between'), frame(PONG, 'unasked'), second);
    const kinds = [(await peer.frame()).opcode, (await peer.frame()).opcode];
    assert.deepEqual(kinds.sort(), [TEXT, PONG]);
    await leave(peer);
  });

  const open = (text = 'open') => frame(TEXT, text, { fin: false });
  const wrong = [
    ['a continuation of nothing', [frame(CONTINUATION, 'x')]],
    ['a continuation of nothing that is not the last', [frame(CONTINUATION, 'x', { fin: false })]],
    ['text in the middle of a message', [open(), frame(TEXT, 'x')]],
    ['binary in the middle of a message', [open(), frame(BINARY, 'x')]],
    ['fragments in the middle of a message', [open(), open()]],
  ];
  for (const [what, frames] of wrong) {
    test(`1002 for ${what}`, () => fails(1002, frames));
  }

  test('1002 for a continuation behind the end, which is told after the echo', () =>
    fails(1002, [...fragments(TEXT, ['a', 'b']), frame(CONTINUATION, 'c')], [TEXT]));

  test('a close in the middle of a message is answered', async () => {
    const peer = await openRaw(server);
    peer.send(open());
    await leave(peer);
  });
});

describe('UTF-8 (8.1)', () => {
  // From all planes, at both ends of each length of character.
  const valid = [
    ['greek', 'κόσμε'],
    ['the first and last of each length', '\u0000\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}'],
    ['around the surrogates', '\ud7ff\ue000'],
    ['no characters', '\ufffe\uffff\u{1fffe}\u{1ffff}\u{10fffe}'],
    ['a byte order mark', '\ufeffmark'],
    ['emoji', '👨‍👩‍👧🙂'],
  ];
  for (const [what, text] of valid) {
    test(`valid: ${what}, whole, split at every byte, and byte by byte`, async () => {
      const bytes = bytesOf(text);
      await echoes(TEXT, bytes);
      for (let at = 1; at < bytes.length; at += 1) {
        await echoes(TEXT, bytes, fragments(TEXT, [bytes.subarray(0, at), bytes.subarray(at)]));
      }
      await echoes(TEXT, bytes, fragments(TEXT, eachByte(bytes)));
    });
  }

  const invalid = [
    ['a lone continuation', '80'],
    ['the last continuation', 'bf'],
    ['continuations', '80 bf 80 bf'],
    ['a start of two alone', 'c3'],
    ['a start of three alone', 'e2 82'],
    ['a start of four alone', 'f0 9f 99'],
    ['a start and then a letter', 'c3 41'],
    ['bytes that never are', 'fe ff'],
    ['five bytes', 'f8 88 80 80 80'],
    ['six bytes', 'fc 84 80 80 80 80'],
    ['an overlong slash of two', 'c0 af'],
    ['an overlong slash of three', 'e0 80 af'],
    ['an overlong slash of four', 'f0 80 80 af'],
    ['the largest overlong of two', 'c1 bf'],
    ['the largest overlong of three', 'e0 9f bf'],
    ['the largest overlong of four', 'f0 8f bf bf'],
    ['an overlong NUL', 'c0 80'],
    ['the first high surrogate', 'ed a0 80'],
    ['the last low surrogate', 'ed bf bf'],
    ['a pair of surrogates', 'ed a0 80 ed b0 80'],
    ['just past the last code point', 'f4 90 80 80'],
    ['far past the last code point', 'f7 bf bf bf'],
  ];
  for (const [what, bytes] of invalid) {
    test(`1007 for ${what}, whole, split anywhere, and byte by byte`, async () => {
      const text = Buffer.concat([bytesOf('κό'), hex(bytes), bytesOf('xyz')]);
      await fails(1007, [frame(TEXT, text)]);
      for (let at = 4; at < text.length - 2; at += 1) {
        await fails(1007, fragments(TEXT, [text.subarray(0, at), text.subarray(at)]));
      }
      await fails(1007, fragments(TEXT, eachByte(text)));
      await echoes(BINARY, text);
    });
  }

  test('1007 for a character that the message ends within', async () => {
    const text = bytesOf('κόσμε🙂');
    for (let cut = 1; cut <= 3; cut += 1) {
      await fails(1007, [frame(TEXT, text.subarray(0, text.length - cut))]);
      await fails(1007, fragments(TEXT, [text.subarray(0, text.length - cut), '']));
    }
  });

  test('1007 comes at the wrong byte, before the frame or the message is complete', async () => {
    await fails(1007, [frame(TEXT, hex('61 ff'), { fin: false })]);
    const frameBegun = frame(TEXT, Buffer.concat([hex('ff'), Buffer.alloc(10_000, 'x')]));
    await fails(1007, [frameBegun.subarray(0, 5_000)]);
  });
});

describe('closing (5.5.1, 7)', () => {
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
    test(`${code} is answered by ${code}, with its reason`, async () => {
      for (const reason of ['', 'enough', 'x'.repeat(123)]) {
        const peer = await openRaw(server);
        peer.send(frame(CLOSE, closing(code, reason)));
        assert.deepEqual(await peer.end(), { code, reason, before: [] });
      }
    });
  }

  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
    test(`${code}, which may not be sent, is answered by 1002`, () =>
      fails(1002, [frame(CLOSE, closing(code))]));
  }

  test('a close without a payload is answered by one', async () => {
    const peer = await openRaw(server);
    peer.send(frame(CLOSE));
    assert.deepEqual(await peer.end(), { code: 1005, reason: '', before: [] });
  });

  test('1002 for half a code', () => fails(1002, [frame(CLOSE, 'x')]));

  test('1007 for a reason that is not UTF-8', async () => {
    for (const bytes of ['ff', 'ce ba e1 bd', 'ed a0 80']) {
      await fails(1007, [frame(CLOSE, Buffer.concat([closing(1000), hex(bytes)]))]);
    }
  });

  test('what was said before the close comes back before the answer', async () => {
    const peer = await openRaw(server);
    peer.send(frame(TEXT, 'one'), frame(BINARY, 'two'), frame(CLOSE, closing(1000)));
    const end = await peer.end();
    assert.deepEqual([end.code, opcodes(end.before)], [1000, [TEXT, BINARY]]);
  });

  test('what is said after the close is not heard', async () => {
    for (const late of [frame(TEXT, 'x'), frame(PING, 'x'), frame(CLOSE, closing(1001))]) {
      await fails(1000, [frame(CLOSE, closing(1000)), late]);
    }
  });

  test('the server ends the connection after its answer', async () => {
    const peer = await openRaw(server);
    peer.send(frame(CLOSE, closing(1000)));
    assert.equal((await peer.frame()).opcode, CLOSE);
    assert.equal(await peer.frame(), null);
  });

  test('a client that goes without a close leaves nothing behind', async () => {
    const peer = await openRaw(server);
    peer.send(frame(TEXT, 'half', { fin: false }));
    await peer.destroy();
  });
});

describe('large messages in small fragments (5.4)', () => {
  for (const size of [64, 256, 1_024, 4_096, 16_384]) {
    test(`a quarter of a mebibyte in fragments of ${size} bytes, text and binary`, async () => {
      const payload = Buffer.alloc(MESSAGE_MAX, 'The quick brown fox. ');
      for (const opcode of [TEXT, BINARY]) {
        await echoes(opcode, payload, fragments(opcode, pieces(payload, size)));
      }
    });
  }

  test('a client that pings and reads a large message at the same time gets both', async () => {
    const peer = await openRaw(server);
    const payload = Buffer.alloc(MESSAGE_MAX, 'x');
    peer.send(frame(BINARY, payload), frame(PING, 'meanwhile'));
    let pongs = 0;
    const message = await peer.message(({ opcode }) => (pongs += opcode === PONG ? 1 : 0));
    assert.equal(message.payload.length, MESSAGE_MAX);
    if (pongs === 0) assert.equal((await peer.frame()).opcode, PONG);
    await leave(peer);
  });
});

// libwebsockets 4.1.6 gives no way to do otherwise: it answers pings and reads the heads of
// frames by itself, and tells nobody.
describe('where the library does otherwise', () => {
  test('of ten pings in one segment the first is answered, and perhaps more, in order', async () => {
    const peer = await openRaw(server);
    const pings = Array.from({ length: 10 }, (_, i) => `ping ${i}`);
    peer.send(...pings.map((text) => frame(PING, text)), frame(TEXT, 'and a text'));
    const pongs = [];
    const note = ({ opcode, payload }) => opcode === PONG && pongs.push(payload.toString());
    await peer.message(note);
    peer.send(frame(CLOSE, closing(1000)));
    const { code, before } = await peer.end();
    before.forEach(note);
    assert.equal(code, 1000);
    assert.equal(pongs[0], 'ping 0');
    assert.deepEqual(pongs, pings.filter((text) => pongs.includes(text)));
  });

  test('a frame without a mask is taken (5.1 has it refused)', async () => {
    const peer = await openRaw(server);
    peer.send(frame(TEXT, 'bare', { mask: false }));
    await assertEcho(peer, TEXT, 'bare');
    await leave(peer);
  });

  test('a length in more bits than it needs is taken (5.2 has it in the fewest)', async () => {
    for (const bits of [16, 64]) await echoes(TEXT, 'x', [frame(TEXT, 'x', { bits })]);
  });

  test('the codes 1012 to 1014, registered later, are answered by 1002', async () => {
    for (const code of [1012, 1013, 1014]) await fails(1002, [frame(CLOSE, closing(code))]);
  });
});
