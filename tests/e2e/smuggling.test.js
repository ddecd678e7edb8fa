// Requests within requests: whatever two servers could read differently, sent directly and
// through nginx. What is inside must never be answered, nor counted as a request.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Wire } from './http.js';
import { startNginx } from './proxies.js';
import { startServer } from './server.js';

const INNER = 'GET /robbed HTTP/1.1\r\nHost: a\r\nX-Inner: 1\r\n\r\n';
const length = INNER.length;
const chunk = `${length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`;
const head = (method, ...lines) => [`${method} /outer HTTP/1.1`, 'Host: a', ...lines, '', ''].join('\r\n');

const ATTEMPTS = {
  'a body on GET': head('GET', `Content-Length: ${length}`) + INNER,
  'a body on HEAD': head('HEAD', `Content-Length: ${length}`) + INNER,
  'a body on POST': head('POST', `Content-Length: ${length}`) + INNER,
  'chunks on GET': head('GET', 'Transfer-Encoding: chunked') + chunk,
  'CL.TE': head('GET', `Content-Length: ${chunk.length}`, 'Transfer-Encoding: chunked') + `0\r\n\r\n${INNER}`,
  'TE.CL': head('POST', 'Content-Length: 4', 'Transfer-Encoding: chunked') + chunk,
  'TE.TE, one of them odd': head('GET', 'Transfer-Encoding: chunked', 'Transfer-encoding: cow') + `0\r\n\r\n${INNER}`,
  'a transfer coding after a tab': head('GET', 'Transfer-Encoding:\tchunked') + `0\r\n\r\n${INNER}`,
  'a transfer coding after a vertical tab': head('GET', 'Transfer-Encoding: \x0bchunked') + `0\r\n\r\n${INNER}`,
  'space before the colon': head('GET', `Content-Length : ${length}`) + INNER,
  'two lengths': head('GET', 'Content-Length: 0', `Content-Length: ${length}`) + INNER,
  'two lengths in one': head('GET', `Content-Length: 0, ${length}`) + INNER,
  'a signed length': head('GET', `Content-Length: +${length}`) + INNER,
  'a negative length': head('POST', 'Content-Length: -1') + INNER,
  'a length that overflows': head('POST', 'Content-Length: 18446744073709551616') + INNER,
  'a hexadecimal length': head('POST', `Content-Length: 0x${length.toString(16)}`) + INNER,
  'a folded header': head('GET', 'X-Folded: a', ` Content-Length: ${length}`) + INNER,
  'a bare CR in a header': `GET /outer HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: ${length}\r\n\r\n${INNER}`,
  'a NUL in a header': head('GET', `X: \0\r\nContent-Length: ${length}`) + INNER,
  'two Hosts': `GET /outer HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: ${length}\r\n\r\n${INNER}`,
  'an upgrade with a body': head('GET', 'Connection: Upgrade', 'Upgrade: websocket', `Content-Length: ${length}`) + INNER,
  'an upgrade to h2c': head('GET', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', `Content-Length: ${length}`) + INNER,
};

let server;
let nginx;
before(async () => {
  server = await startServer({ args: ['--trusted-proxy', '127.0.0.1'] });
  nginx = await startNginx(server);
});
after(async () => {
  await nginx?.stop();
  await server?.stop();
});

// Sends all at once, to whom closes by itself. What came until the end.
async function answerTo(target, bytes) {
  const wire = new Wire(target);
  wire.send(bytes);
  await wire.untilClosed('the end of the connection');
  return wire.text();
}

// Sends all at once; whoever still waits for more is told that there is none. What came until
// the end.
async function answersTo(target, bytes) {
  const wire = new Wire(target);
  wire.send(Buffer.from(bytes, 'latin1'));
  const enough = new Promise((resolve) => setTimeout(resolve, 500));
  await Promise.race([wire.ended, enough]);
  wire.socket.end();
  await wire.untilClosed('the end of the connection');
  return wire.text();
}

const answered = (text) => (text.match(/^HTTP\/1\.1 \d/gm) ?? []).length;

// What the library reads as another header or none: two requests, answered one after the other.
// It takes a proxy to be robbed by that, one that forwards such a header; nginx does not.
const READ_AS_TWO = ['a bare CR in a header', 'a NUL in a header'];

for (const [what, bytes] of Object.entries(ATTEMPTS)) {
  if (!READ_AS_TWO.includes(what)) test(`directly: ${what}`, async () => {
    const before = (await server.metrics()).whilst_http_requests_total;
    const text = await answersTo(server.target, bytes);
    assert.ok(answered(text) <= 1, text);
    assert.doesNotMatch(text, /^HTTP\/1\.1 (101|200)/m);
    const after = (await server.metrics()).whilst_http_requests_total;
    // The look at the counters is a request too.
    assert.ok(after - before <= 2, `${after - before - 1} requests were answered`);
  });

  test(`through nginx: ${what}`, async () => {
    const requests = nginx.requests.split('\n').length;
    const text = await answersTo(nginx.target, bytes);
    assert.doesNotMatch(text, /^HTTP\/1\.1 101/m);
    // What nginx itself reads as two requests are two: but it and we agree on how many.
    const read = nginx.requests.split('\n').slice(requests - 1).join('\n');
    assert.ok(answered(text) <= (read.match(/"[A-Z]+ \/(outer|robbed)/g) ?? []).length + 1, `${text}\n${read}`);
  });
}

test('afterwards the next visitor of the same proxy gets its own answer', async () => {
  for (const bytes of Object.values(ATTEMPTS)) {
    await answersTo(nginx.target, bytes);
    const text = await answerTo(nginx.target, 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 200 [^]*\r\n\r\nok\n$/);
  }
});
