// Requests that two servers could read differently, that never end, or whose answers nobody
// reads: each is refused or cut off, and the server goes on.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectClient, holdPage, sha256 } from './client.js';
import { Wire, request } from './http.js';
import { refusals } from './metrics.js';
import { serverFor, startServer } from './server.js';
import { UNHURRIED, until } from './wait.js';

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

const AMBIGUOUS = {
  'no Host': 'GET / HTTP/1.1\r\n\r\n',
  'two Hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a body on GET': 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'a chunked body on GET': 'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'Content-Length and Transfer-Encoding':
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'an upgrade with two Hosts':
    'GET /ws/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
};

for (const [what, bytes] of Object.entries(AMBIGUOUS)) {
  test(`400, and the connection is closed: ${what}`, async () => {
    const wire = new Wire(server.target);
    wire.send(bytes);
    await wire.untilClosed(what);
    assert.match(wire.text(), /^HTTP\/1\.1 400 /);
    assert.equal(wire.text().match(/HTTP\/1\.1/g).length, 1, 'one answer');
  });
}

test('other methods: 405, and what follows their body is not read as a request', async () => {
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const wire = new Wire(server.target);
    wire.send(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`);
    await wire.untilClosed(method);
    assert.match(wire.text(), /^HTTP\/1\.1 405 /);
    assert.equal(wire.text().match(/HTTP\/1\.1/g).length, 1, 'one answer');
  }
});

test("the library's own answer to what is no request has the security headers too", async () => {
  for (const bytes of ['FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET nope HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const wire = new Wire(server.target);
    wire.send(bytes);
    await wire.untilClosed(bytes);
    assert.match(wire.text(), /^HTTP\/1\.[01] 403 /);
    for (const header of [
      'X-Content-Type-Options: nosniff',
      'Referrer-Policy: no-referrer',
      'X-Robots-Tag: noindex, nofollow',
      'Cache-Control: no-store',
      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    ]) {
      assert.ok(wire.text().includes(`\r\n${header}\r\n`), `${header} in ${wire.text()}`);
    }
  }
});

test('CONNECT, and bytes that are no HTTP, are hung up on', async () => {
  for (const bytes of ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', '\x16\x03\x01\x02\x00', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']) {
    const wire = new Wire(server.target);
    wire.send(Buffer.from(bytes, 'latin1'));
    wire.socket.end();
    await wire.untilClosed(JSON.stringify(bytes));
    assert.doesNotMatch(wire.text(), /^HTTP\/1\.1 [123]/);
  }
  assert.equal((await request(server.target, '/healthz')).status, 200);
});

test('headers that never end are hung up on', async (t) => {
  const hasty = await serverFor(t, { args: ['--header-timeout', '1'] });
  const wires = ['', 'GET / HT', 'GET / HTTP/1.1\r\nHost: a\r\nX: '].map((bytes) => {
    const wire = new Wire(hasty.target);
    if (bytes) wire.send(bytes);
    return wire;
  });
  await Promise.all(wires.map((wire, i) => wire.untilClosed(`half a request (${i})`)));
});

test('a page over HTTP that nobody reads is cut off', async (t) => {
  const hasty = await serverFor(t, { args: ['--write-timeout', '500', '--max-page', '8M', ...UNHURRIED] });
  const { hash } = await holdPage(hasty.url, Buffer.alloc(8 << 20, 7));
  const wire = new Wire(hasty.target);
  wire.socket.pause();
  wire.send(`GET /raw/${hash} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const cut = async () => refusals(await hasty.metrics()).slow_reader === 1;
  await until(cut, 'the reader to be cut off');
  wire.socket.resume();
  await wire.untilClosed('a reader that was cut off');
  assert.ok(wire.received.length < 8 << 20);
  await until(async () => (await hasty.metrics()).whilst_sessions === 1, 'its session to end');
});

test('a visitor who does not read costs one page and goes; the page lives', async (t) => {
  const hasty = await serverFor(t, { args: ['--write-timeout', '1000', ...UNHURRIED] });
  const { hash } = await holdPage(hasty.url, Buffer.alloc(1 << 20, 7));
  const sloths = [];
  for (let i = 0; i < 50; i += 1) {
    const sloth = await connectClient(hasty.url);
    sloth.socket.pause();
    sloth.send(['1', '1', `want:${hash}`, 'phx_join', { binary: true }]);
    sloths.push(sloth);
  }
  const most = { queued: 0 };
  await until(async () => {
    const now = await hasty.metrics();
    most.queued = Math.max(most.queued, now.whilst_queued_bytes);
    return now.whilst_served_total === 50 && now.whilst_queued_bytes === 0;
  }, 'the outboxes to be empty');
  assert.ok(most.queued < 3 << 20, `${most.queued} bytes waited; the page counts once for each fetch`);
  for (const sloth of sloths) sloth.socket.terminate();
  const reader = await connectClient(hasty.url);
  await reader.join(`want:${hash}`, { binary: true });
  assert.ok((await reader.next('the page')).binary);
});

test('counts for a visitor who does not read are replaced, not piled up', async (t) => {
  const patient = await serverFor(t, { args: ['--count-interval', '1', '--counts-per-second', '1000000', '--max-page', '8M', '--max-outbox', '64M', '--max-outbox-soft', '64M',
    '--write-timeout', '600000', ...UNHURRIED] });
  const { hash: large } = await holdPage(patient.url, Buffer.alloc(8 << 20, 7));
  const hash = sha256('a page with comings and goings');
  const sloth = await connectClient(patient.url);
  await sloth.join(`have:${hash}`);
  sloth.socket.pause();
  sloth.send(['l', 'l', `want:${large}`, 'phx_join', { binary: true }]);
  await until(async () => (await patient.metrics()).whilst_queued_bytes > 0, 'an outbox that is not empty');
  const others = [];
  for (let i = 0; i < 100; i += 1) {
    const other = await connectClient(patient.url);
    await other.join(`have:${hash}`);
    others.push(other);
  }
  const told = (await patient.metrics()).whilst_counts_total;
  assert.ok(told > 300, `${told} counts were told to all together`);
  sloth.socket.resume();
  const counts = [];
  while (counts.at(-1) !== 101) counts.push((await sloth.event('visitors_count'))[4].count);
  assert.ok(counts.length <= 3, `one count at the join, one or two since: ${counts}`);
});
