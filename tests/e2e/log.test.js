// The log: one event a line, whatever strangers write into the fields that could reach it; its forms;
// floods, and a standard error that nobody reads.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectClient } from './client.js';
import { request, Wire } from './http.js';
import { commandLine, serverFor } from './server.js';
import { until, within } from './wait.js';
import { parseMetrics } from './metrics.js';

const LINE = /^(listening on \S+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) [a-z_]+( [a-z_]+=("[^"]*"|\S+))*)$/;
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

function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

// A server that logs to `stderr`, a descriptor or 'pipe', and serves on a unix socket.
async function loggingTo(t, stderr, args = [], env = {}) {
  const socketPath = join(directoryFor(t), 'socket');
  const [command, ...rest] = commandLine(['serve', '--listen', `unix:${socketPath}`, ...args]);
  const child = spawn(command, rest, { stdio: ['ignore', 'inherit', stderr], env: { ...process.env, ...env } });
  const server = { child, socketPath, errors: '' };
  child.stderr?.setEncoding('utf8').on('data', (text) => (server.errors += text));
  const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  server.stop = async () => {
    child.kill('SIGTERM');
    assert.equal(await within(ended, 'the end'), 0);
  };
  t.after(() => child.kill('SIGKILL'));
  const isServing = () => request({ socketPath }, '/healthz').then(({ status }) => status === 200, () => false);
  await until(isServing, 'the server');
  server.metrics = async () => parseMetrics((await request({ socketPath }, '/metrics')).body.toString());
  return server;
}

test('JSON: every line is an object', async (t) => {
  const server = await loggingTo(t, 'pipe', ['--log-format', 'json', '--log-level', 'debug']);
  const client = await connectClient(`ws+unix://${server.socketPath}:/ws/websocket?vsn=2.0.0`);
  await client.close();
  await server.stop();
  const events = server.errors.trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(events.every(({ time, level, event }) => !Number.isNaN(Date.parse(time)) && level && event));
  assert.equal(events[0].event, 'listening');
  assert.equal(events[0].address, `unix:${server.socketPath}`);
  const opened = events.find(({ event }) => event === 'session_opened');
  assert.equal(typeof opened.session, 'number');
  assert.ok(!('address' in opened));
  assert.ok(events.some(({ event, why }) => event === 'stopping' && why === 'SIGTERM'));
});

test("clients' addresses are logged when that is asked for", async (t) => {
  for (const [args, wanted] of [[[], false], [['--log-addresses'], true]]) {
    const server = await serverFor(t, { args: ['--log-level', 'debug', ...args] });
    await (await connectClient(server.url)).close();
    await until(() => server.errors.includes('session_gone'), 'the end of the session');
    assert.equal(server.errors.includes('address=127.0.0.1'), wanted, server.errors);
  }
});

test('in the journal, lines have priorities', async (t) => {
  const path = join(directoryFor(t), 'journal');
  const file = openSync(path, 'w');
  const stream = execFileSync('stat', ['-c', '%d:%i', path], { encoding: 'utf8' }).trim();
  const server = await loggingTo(t, file, [], { JOURNAL_STREAM: stream });
  await server.stop();
  closeSync(file);
  const lines = execFileSync('cat', [path], { encoding: 'utf8' }).trim().split('\n');
  assert.match(lines.at(-1), /^<6>info stopping why=SIGTERM sessions=\d+$/);
});

test('a flood of one event becomes one line with a count', async (t) => {
  const path = join(directoryFor(t), 'denied');
  writeFileSync(path, '');
  const server = await serverFor(t, { args: ['--deny-file', path] });
  // Signals that come before the last one was heard are one.
  const limited = await until(() => {
    server.program.child.kill('SIGHUP');
    return / warn log_limited event=deny_list_read lines=([1-9]\d*)\n/.exec(server.errors);
  }, 'the count');
  const lines = server.errors.slice(0, limited.index).match(/ info deny_list_read /g);
  assert.ok(lines.length >= 10, `after ${lines.length} lines`);
  assertLines(server.errors);
});

test('a standard error that nobody reads stops nothing; what is lost is counted', async (t) => {
  const path = join(directoryFor(t), 'fifo');
  execFileSync('mkfifo', [path]);
  const own = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const theirs = openSync(path, constants.O_WRONLY);
  t.after(() => closeSync(own));
  const server = await loggingTo(t, theirs, ['--log-level', 'debug']);
  closeSync(theirs);
  const block = Buffer.alloc(4096, '.');
  const fill = () => assert.throws(() => { for (;;) writeSync(own, block); }, { code: 'EAGAIN' });
  fill();
  const url = `ws+unix://${server.socketPath}:/ws/websocket?vsn=2.0.0`;
  for (let i = 0; i < 5; i += 1) await (await connectClient(url)).close();
  await until(async () => (await server.metrics()).whilst_log_lines_dropped_total >= 5, 'lines that are lost');
  let read = '';
  const drain = () => {
    try {
      for (;;) read += block.toString('latin1', 0, readSync(own, block));
    } catch (error) {
      assert.equal(error.code, 'EAGAIN');
    }
    return read;
  };
  await until(() => /warn log_dropped lines=\d+\n/.test(drain()), 'the count of them');
  await server.stop();
});
