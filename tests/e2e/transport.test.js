// Below the messages: handshakes, frames, fragments, and what is refused before anybody looks
// at a topic.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { connectClient, PATH } from './client.js';
import { CLOSE, frame, openRaw, TEXT } from './frames.js';
import { handshake, request, Wire } from './http.js';
import { refusals } from './metrics.js';
import { startServer } from './server.js';
import { PATIENCE_MS, until, within } from './wait.js';

const ALLOWED = 'https://whilst.example';

let server;
before(async () => (server = await startServer({ args: ['--origin', ALLOWED] })));
after(() => server?.stop());

const upgrade = (headers = {}, path = PATH) => handshake(server.target, path, headers);

async function assertAlive() {
  assert.equal((await request(server.target, '/healthz')).status, 200);
}

// The growth of one refusal, once it has happened.
async function refusedBy(reason, action) {
  const count = async () => refusals(await server.metrics())[reason] ?? 0;
  const earlier = await count();
  await action();
  return (await count()) - earlier;
}

describe('upgrades', () => {
  test('the handshake answers 101, with neither subprotocol nor extension', async () => {
    const { status, headers } = await upgrade({
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    });
    assert.equal(status, 101);
    assert.equal(headers['sec-websocket-extensions'], undefined);
    assert.equal(headers['sec-websocket-protocol'], undefined);
  });

  test('the accept key is the one of RFC 6455', async () => {
    const { headers } = await upgrade({ 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' });
    assert.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  for (const query of ['', '?vsn=1.0.0', '?vsn=2.0', '?vsn=2.0.00', '?vsn=', '?version=2.0.0']) {
    test(`vsn: "${query}" is refused with 403`, async () => {
      assert.equal((await upgrade({}, `/ws/websocket${query}`)).status, 403);
    });
  }

  test('further parameters in the query do no harm', async () => {
    assert.equal((await upgrade({}, '/ws/websocket?token=x&vsn=2.0.0')).status, 101);
  });

  const KEYS = [undefined, '', 'short==', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQ==x', 'dGhlIHNhbXBsZSBub25jZSBsb25nZXI='];
  for (const key of KEYS) {
    test(`400 for the key ${JSON.stringify(key)}`, async () => {
      const wire = new Wire(server.target);
      const line = key === undefined ? '' : `Sec-WebSocket-Key: ${key}\r\n`;
      wire.send(
        `GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\n${line}\r\n`,
      );
      await wire.untilClosed('an upgrade with a wrong key');
      assert.match(wire.text(), /^HTTP\/1\.1 400 /);
    });
  }

  for (const version of ['', '8', '12', '14', '013', '13, 8']) {
    test(`426 for Sec-WebSocket-Version "${version}", with the one there is`, async () => {
      const { status, headers } = await upgrade({ 'Sec-WebSocket-Version': version });
      assert.equal(status, 426);
      assert.equal(headers['sec-websocket-version'], '13');
    });
  }

  test('a plain GET of the address is answered 400', async () => {
    assert.equal((await request(server.target, PATH)).status, 400);
  });

  for (const path of ['/', '/ws', '/nope', '/-/frame/static', `/${'0'.repeat(64)}`]) {
    test(`no WebSocket at ${path}`, async () => {
      assert.notEqual((await upgrade({}, path)).status, 101);
    });
  }
});

describe('origins', () => {
  const sessions = async () => (await server.metrics()).whilst_sessions_total;

  // Told by what the server did: it answered 101 and made a session, or 403 and made none.
  async function assertOrigin(headers, status) {
    const earlier = await sessions();
    assert.equal((await upgrade(headers)).status, status, JSON.stringify(headers));
    const made = (await sessions()) - earlier;
    assert.equal(made, status === 101 ? 1 : 0, 'sessions made');
  }

  test('no Origin is accepted', () => assertOrigin({}, 101));

  const accepted = [
    ['its own', () => server.url],
    ['its own over https', () => `https://${server.host}`],
    ['a listed one', () => ALLOWED],
  ];
  for (const [what, origin] of accepted) {
    test(`accepted: ${what}`, () => assertOrigin({ Origin: origin() }, 101));
  }

  const refused = [
    ['null', () => 'null'],
    ['somebody else', () => 'http://evil.example'],
    ['its own name without the port', () => 'http://127.0.0.1'],
    ['another port', () => `http://127.0.0.1:${server.port === 1 ? 2 : server.port - 1}`],
    ['the port with a digit more', () => `${server.url}0`],
    ['another name of the same host', () => `http://localhost:${server.port}`],
    ['its own as a prefix', () => `${server.url}.evil.example`],
    ['its own as a suffix', () => `http://evil.${server.host}`],
    ['its own behind a user name', () => `http://evil@${server.host}`],
    ['its own with a path', () => `${server.url}/evil`],
    ['its own without a scheme', () => server.host],
    ['two of them', () => `${server.url} http://evil.example`],
    ['the listed one as a prefix', () => `${ALLOWED}.evil.example`],
    ['the listed one with a port', () => `${ALLOWED}:8443`],
    ['the listed one as a suffix', () => 'https://evil-whilst.example'],
    ['a file', () => 'file://'],
    ['nothing at all', () => ''],
  ];
  for (const [what, origin] of refused) {
    test(`refused: ${what}`, () => assertOrigin({ Origin: origin() }, 403));
  }
});

describe('requests that once broke the library below', () => {
  const get = (path, headers = []) =>
    [`GET ${path} HTTP/1.1`, `Host: ${server.host}`, ...headers, '', ''].join('\r\n');

  // The second of two requests on one connection asks for an unknown protocol.
  test('an unknown Upgrade after a keep-alive request closes the connection', async () => {
    for (let i = 0; i < 10; i += 1) {
      const wire = new Wire(server.target);
      wire.send(get('/nope', ['Connection: keep-alive']));
      await wire.until(() => /^HTTP\/1\.1 404 /.test(wire.text()), 'the first answer');
      const answered = wire.received.length;
      wire.send(get('/', ['Connection: Upgrade', 'Upgrade: foo']));
      await wire.untilClosed('an upgrade to foo');
      assert.doesNotMatch(wire.text().slice(answered), /^HTTP\/1\.1 101/m);
    }
    await assertAlive();
  });

  for (const protocol of ['foo', 'h2', 'h2c', 'HTTP/2.0', 'TLS/1.0', 'websocket, h2c', 'websocketx']) {
    test(`an upgrade to ${protocol} is never answered 101`, async () => {
      const wire = new Wire(server.target);
      const settings = 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA';
      wire.send(get('/', ['Connection: Upgrade, HTTP2-Settings', `Upgrade: ${protocol}`, settings]));
      await wire.untilClosed(`an upgrade to ${protocol}`);
      assert.doesNotMatch(wire.text(), /^HTTP\/1\.1 101/m);
      await assertAlive();
    });
  }

  test('the preface of HTTP/2 opens no HTTP/2', async () => {
    const wire = new Wire(server.target);
    wire.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await wire.untilClosed('the preface of HTTP/2');
    // A server that speaks HTTP/2 begins with a SETTINGS frame: type 4 on stream 0.
    assert.ok(!/^\0\0.\x04/s.test(wire.text()), 'a SETTINGS frame');
    await assertAlive();
  });

  test('noise instead of HTTP costs only its own connection', async () => {
    for (const noise of [randomBytes(2_000), Buffer.alloc(2_000), Buffer.from('\x16\x03\x01\x02')]) {
      const wire = new Wire(server.target);
      wire.send(noise);
      wire.socket.end();
      await wire.untilClosed('a connection with noise');
    }
    await assertAlive();
  });

  test('half a header is not waited for longer than 15 s', async () => {
    const wire = new Wire(server.target);
    const begin = Date.now();
    wire.send(`GET / HTTP/1.1\r\nHost: ${server.host}\r\nX-Slow: `);
    // What a loaded machine is late with, here or in the server, is not the server's waiting.
    let late_ms = 0;
    while (!wire.done && Date.now() - begin < PATIENCE_MS) {
      const asked = Date.now();
      await assertAlive();
      await new Promise((resolve) => setTimeout(resolve, 100));
      late_ms += Date.now() - asked - 100;
    }
    assert.ok(wire.done, 'closed');
    const waited_ms = Date.now() - begin - late_ms;
    assert.ok(waited_ms < 15_000, `closed only after ${waited_ms} ms`);
  });
});

describe('frames and fragments', () => {
  const HEARTBEAT = JSON.stringify([null, '1', 'phoenix', 'heartbeat', {}]);
  const ANSWER = [null, '1', 'phoenix', 'phx_reply', { status: 'ok', response: {} }];
  const HASH = '0'.repeat(64);
  const UNJOINED = [
    ...Buffer.from([0, 1, 1, 69, 7]),
    ...Buffer.from(`11have:${HASH}contentbytes`),
  ];

  async function endOf(client, what) {
    return within(client.closed, what);
  }

  function sendParts(client, parts, binary = false) {
    parts.forEach((part, i) =>
      client.socket.send(part, { binary, fin: i === parts.length - 1, compress: false }),
    );
  }

  test('text in fragments, with pings between, is one message', async () => {
    const client = await connectClient(server.url);
    const bytes = [...Buffer.from(HEARTBEAT)].map((byte) => Buffer.from([byte]));
    for (const [i, byte] of bytes.entries()) {
      client.socket.send(byte, { binary: false, fin: i === bytes.length - 1 });
      if (i % 10 === 5) client.socket.ping(`ping ${i}`);
    }
    assert.deepEqual(await client.json(), ANSWER);
    await client.close();
  });

  test('binary in fragments, with pings between, is one message', async () => {
    const client = await connectClient(server.url);
    const bytes = UNJOINED.map((byte) => Buffer.from([byte]));
    for (const [i, byte] of bytes.entries()) {
      client.socket.send(byte, { binary: true, fin: i === bytes.length - 1 });
      if (i % 10 === 5) client.socket.ping();
    }
    const refusal = { status: 'error', response: { reason: 'unmatched topic' } };
    assert.deepEqual(await client.json(), [null, '1', `have:${HASH}`, 'phx_reply', refusal]);
    await client.close();
  });

  test('empty fragments are fragments', async () => {
    const client = await connectClient(server.url);
    sendParts(client, ['', HEARTBEAT, '', '']);
    assert.deepEqual(await client.json(), ANSWER);
    await client.close();
  });

  test('1,024 fragments are a message, 1,025 are too many', async () => {
    const client = await connectClient(server.url);
    const parts = (count) => [HEARTBEAT, ...Array(count - 1).fill(' ')];
    sendParts(client, parts(1024));
    assert.deepEqual(await client.json(), ANSWER);
    const refused = await refusedBy('fragments', async () => {
      sendParts(client, parts(1025));
      assert.deepEqual(await endOf(client, 'too many fragments'), {
        code: 1008,
        reason: 'fragments',
      });
    });
    assert.equal(refused, 1);
  });

  test('a character of UTF-8 split over fragments is whole again', async () => {
    const client = await connectClient(server.url);
    const text = Buffer.from(JSON.stringify([null, '🙂', 'phoenix', 'heartbeat', {}]));
    const middle = text.indexOf(0xf0) + 2;
    sendParts(client, [text.subarray(0, middle), text.subarray(middle)]);
    assert.equal((await client.json())[1], '🙂');
    await client.close();
  });

  const NOT_UTF8 = [
    ['a continuation that does not come', [0xf0, 0x9f], [0x22]],
    ['a surrogate', [0xed], [0xa0, 0x80]],
    ['an overlong slash', [0xc0], [0xaf]],
    ['a code point past the last', [0xf4, 0x90], [0x80, 0x80]],
    ['a lone continuation', [0x20], [0x80]],
  ];
  for (const [what, first, second] of NOT_UTF8) {
    test(`1007 for text that is not UTF-8: ${what}, over two fragments`, async () => {
      const client = await connectClient(server.url);
      const refused = await refusedBy('bad_utf8', async () => {
        sendParts(client, [
          Buffer.concat([Buffer.from('[null,"'), Buffer.from(first)]),
          Buffer.concat([Buffer.from(second), Buffer.from('","phoenix","heartbeat",{}]')]),
        ]);
        assert.equal((await endOf(client, 'text that is not UTF-8')).code, 1007);
      });
      assert.equal(refused, 1);
    });
  }

  test('1009 for a text message that is too long, however it is cut', async () => {
    const long = `[null,"1","phoenix","heartbeat",{"x":"${'x'.repeat(70_000)}"}]`;
    for (const size of [70_100, 7_000, 100]) {
      const client = await connectClient(server.url);
      const parts = [];
      for (let at = 0; at < long.length; at += size) parts.push(long.slice(at, at + size));
      sendParts(client, parts);
      const end = await endOf(client, 'a message that is too long');
      assert.deepEqual(end, { code: 1009, reason: 'message_size' });
    }
  });

  // A frame whose header announces a terabyte: nothing may be set aside for it.
  test('1009 for a frame that never ends', async () => {
    const client = await connectClient(server.url);
    const header = Buffer.alloc(14);
    header.set([0x81, 0xff]);
    header.writeBigUInt64BE(1n << 40n, 2);
    const socket = client.socket._socket;
    socket.on('error', () => {});
    socket.write(header);
    socket.write('[null,"1","phoenix","heartbeat",{"x":"');
    for (let i = 0; i < 16; i += 1) socket.write(Buffer.alloc(8_192, 'x'));
    const end = await endOf(client, 'a frame without an end');
    assert.deepEqual(end, { code: 1009, reason: 'message_size' });
    await assertAlive();
  });

  test('a compressed frame, which was never agreed on, closes the connection', async () => {
    const client = await connectClient(server.url);
    client.socket._socket.write(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]));
    assert.equal((await endOf(client, 'a compressed frame')).code, 1002);
  });

  test('a ping is answered by a pong with the same bytes', async () => {
    const client = await connectClient(server.url);
    for (const payload of ['', 'hello', 'x'.repeat(125)]) {
      const pong = new Promise((resolve) => client.socket.once('pong', resolve));
      client.socket.ping(payload);
      assert.equal((await within(pong, 'a pong')).toString(), payload);
    }
    await client.close();
  });

  test('a close is answered by a close with the same code', async () => {
    const client = await connectClient(server.url);
    client.socket.close(4321, 'enough');
    assert.equal((await endOf(client, 'the answer to a close')).code, 4321);
  });

  test('behind the close frame of the library nothing is sent, and the session is over', async () => {
    const peer = await openRaw(server);
    const join = JSON.stringify(['1', '1', `have:${HASH}`, 'phx_join', {}]);
    peer.send(frame(TEXT, join));
    assert.deepEqual([(await peer.frame()).opcode, (await peer.frame()).opcode], [TEXT, TEXT]);
    peer.send(frame(TEXT, 'reserved bits', { rsv: 4 }));
    assert.equal((await peer.frame()).opcode, CLOSE);
    const other = await connectClient(server.url);
    await other.join(`have:${HASH}`);
    while ((await other.event('visitors_count'))[4].count !== 1);
    await other.close();
    await peer.destroy();
    assert.equal(await peer.frame(), null, 'a frame behind the close');
  });

  test('a connection that breaks off in the middle of a message leaves nothing behind', async () => {
    const client = await connectClient(server.url);
    await client.join(`have:${HASH}`);
    client.socket.send('[null,"1","phoenix","heart', { fin: false });
    await client.drop();
    await until(async () => (await server.metrics()).whilst_holders === 0, 'no holder');
    await assertAlive();
  });
});

test('at the end nobody is left, and nothing is in flight', async () => {
  await until(async () => (await server.metrics()).whilst_sessions === 0, 'no session');
  const { whilst_pages: pages, whilst_in_flight_bytes: bytes } = await server.metrics();
  assert.deepEqual({ pages, bytes }, { pages: 0, bytes: 0 });
});
