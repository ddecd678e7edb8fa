// The log: one event a line, whatever strangers write into the fields that could reach it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectClient } from './client.js';
import { request, Wire } from './http.js';
import { serverFor } from './server.js';
import { until } from './wait.js';

const LINE = /^(listening on \S+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) [a-z_]+( [a-z]+=("[^"]*"|\S+))*)$/;
const FORGED = '2030-01-01T00:00:00.000Z info forged by=stranger';
const NASTY = [`\r\n${FORGED}`, `\n${FORGED}`, `\r${FORGED}`, `\x1b[2J\x1b]0;${FORGED}\x07`, `"${FORGED}`, `\\n${FORGED}`, `\x00${FORGED}`, `%0a${FORGED}`, `%s%n%x ${FORGED}`, `\u0085\u2028${FORGED}`];

const fields = {
  'the path': (nasty) => `GET /${nasty} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'the query': (nasty) => `GET /ws/websocket?vsn=${nasty} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'the method': (nasty) => `${nasty} / HTTP/1.1\r\nHost: a\r\n\r\n`,
  'the version': (nasty) => `GET / ${nasty}\r\nHost: a\r\n\r\n`,
  ...Object.fromEntries(
    ['Host', 'Origin', 'X-Forwarded-For', 'Forwarded', 'User-Agent', 'Accept', 'Upgrade', 'Connection', 'Content-Length', 'Sec-WebSocket-Key', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Cookie', 'X-Unknown'].map((name) => [
      name,
      (nasty) => `GET /ws/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${name}: ${nasty}\r\n\r\n`,
    ]),
  ),
  'what is no HTTP': (nasty) => nasty,
};

function assertLines(errors) {
  const lines = errors.split('\n').filter(Boolean);
  for (const line of lines) {
    assert.match(line, LINE, JSON.stringify(line));
    assert.doesNotMatch(line, /[\x00-\x1f\x7f-\uffff]/, JSON.stringify(line));
  }
  return lines;
}

test('CR, LF, ESC, NUL and quotes in every field of a request', async (t) => {
  const server = await serverFor(t, { args: ['--log-level', 'debug', '--trusted-proxy', '127.0.0.1'] });
  for (const make of Object.values(fields)) {
    for (const nasty of NASTY) {
      const wire = new Wire(server.target);
      wire.send(Buffer.from(make(nasty)));
      wire.socket.end();
      await wire.ended;
    }
  }
  const client = await connectClient(server.url);
  for (const nasty of NASTY) client.send(['1', '1', `have:${nasty}`, nasty, { [nasty]: nasty }]);
  client.socket.close(4000, NASTY[3].slice(0, 100));
  await client.closed;
  assert.equal((await request(server.target, '/healthz')).status, 200);
  const lines = assertLines(server.errors);
  assert.ok(lines.every((line) => !line.startsWith(FORGED)), 'a line was forged');
});

test('what the deny file says is not said again', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'denied');
  writeFileSync(path, '');
  const server = await serverFor(t, { args: ['--deny-file', path] });
  for (const [i, nasty] of NASTY.entries()) {
    writeFileSync(path, `${'#\n'.repeat(i)}${nasty}`);
    server.program.child.kill('SIGHUP');
    await until(() => server.errors.split('deny_list_refused').length > i + 1, 'the complaint');
  }
  assertLines(server.errors);
  assert.ok(!server.errors.includes('forged'));
});
