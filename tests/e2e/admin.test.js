// The operator's address: what it tells and does, by `whilst admin`; and who may not come in.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificate } from './certificate.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { onTerminal, run } from './cli.js';
import { handshake, request, Wire } from './http.js';
import { parseMetrics } from './metrics.js';
import { natsFor } from './nats.js';
import { accepts, runProgram, serverFor, spawnProgram } from './server.js';
import { UNHURRIED, until, within } from './wait.js';

const TOKEN = '0123456789abcdef-a-token';
const ACT = { 'Whilst-Admin': '1' };

function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-admin-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function fileFor(t, text) {
  const path = join(directoryFor(t), 'file');
  writeFileSync(path, text);
  return path;
}

// A server with an operator's address: {server, admin, target, ask}.
async function adminFor(t, { admin = '127.0.0.1:0', args = [], ...options } = {}) {
  const server = await serverFor(t, { args: ['--admin', admin, ...args], ...options });
  const said = () => /^admin on (\S+)$/m.exec(server.errors)?.[1];
  const address = await until(said, 'the operator\'s address');
  const target = address.startsWith('unix:')
    ? { socketPath: address.slice('unix:'.length) }
    : { host: '127.0.0.1', port: Number(new URL(address).port) };
  const ask = (path, options) => request(target, path, options);
  const metrics = async () => parseMetrics((await ask('/metrics')).body.toString());
  return { server, address, target, ask, metrics };
}

const admin = (t, { address }, args, options) => run(t, ['admin', '--admin', address, ...args], options);

// ---- seeing

test('status says what the server is and does', async (t) => {
  const it = await adminFor(t);
  await holdPage(it.server.url, 'hello');
  const { code, text, errors } = await admin(t, it, ['status']);
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  assert.match(text, /^whilst \S+, process \d+, serving for \d+:\d\d$/m);
  assert.match(text, /^visitors +1 of at most \d+$/m);
  assert.match(text, /^pages +1; holders 1, of which away 0; seekers 0$/m);
  const json = JSON.parse((await admin(t, it, ['status', '--json'])).text);
  assert.equal(json.visitors, 1);
  if (!process.env.WHILST_WRAPPER) assert.equal(json.pid, it.server.program.child.pid);
});

test('nodes are listed, this one first: on a pipe, as JSON, on a terminal', async (t) => {
  const alone = await adminFor(t);
  assert.equal((await admin(t, alone, ['nodes'])).text, '');
  const bus = await natsFor(t);
  const args = (name) => ['--bus', bus.url, '--node', name];
  const it = await adminFor(t, { args: args('west') });
  const other = await serverFor(t, { args: args('east') });
  await holdPage(it.server.url, 'both');
  await holdPage(other.url, 'both');
  await holdPage(other.url, 'both');
  const listed = async () => (await lined(admin(t, it, ['nodes']))).lines.map((line) => line.split('\t'));
  await until(async () => (await listed())[1]?.slice(0, 3).join() === 'east,1,2', 'the other node and its holders');
  const [[node, pages, holders, heard, , server, trip], [, , , , , none]] = await listed();
  assert.deepEqual([node, pages, holders, heard, server], ['west', '1', '1', '0.0', `127.0.0.1:${bus.port}`]);
  assert.ok(Number(trip) > 0 && Number(trip) < 5);
  assert.equal(none, '-');
  const json = (await lined(admin(t, it, ['nodes', '--json']))).lines.map((line) => JSON.parse(line));
  assert.deepEqual(json.map((row) => [row.node, row.here]), [['west', true], ['east', false]]);
  assert.ok(json[1].heard_s >= 0 && json[1].heard_s < 60 && json[1].age_s >= json[1].heard_s);
  const shown = onTerminal(t, ['admin', '--admin', it.address, 'nodes']);
  assert.equal(await shown.exit(), 0);
  assert.match(shown.text, /^node +pages +holders/m);
  assert.match(shown.text, /^west +1 +1 +here .* 127\.0\.0\.1:\d+ +\d+\.\d\d ms/m);
  assert.match(shown.text, /^east +1 +2 +\d+\.\d s ago /m);
});

test('pages and sessions are listed: on a pipe, as JSON, on a terminal', async (t) => {
  const it = await adminFor(t);
  const few = await holdPage(it.server.url, 'few');
  const many = await holdPage(it.server.url, 'many');
  await (await connectClient(it.server.url)).join(`have:${many.hash}`);
  assert.equal((await request(it.server.target, `/raw/${few.hash}`)).status, 200);

  const { lines } = await lined(admin(t, it, ['pages']));
  assert.deepEqual(lines.map((line) => line.split('\t').slice(0, 5)), [
    [many.hash, '2', '0', '0', '0'],
    [few.hash, '1', '0', '0', '3'],
  ]);
  const json = await lined(admin(t, it, ['pages', '--json', '--most', '1']));
  const { age_s, ...page } = JSON.parse(json.lines[0]);
  assert.deepEqual(page, { hash: many.hash, holders: 2, away: 0, seekers: 0, bytes: null });
  assert.equal(json.lines.length, 1);

  const sessions = await lined(admin(t, it, ['sessions', '--json']));
  const held = sessions.lines.map((line) => JSON.parse(line));
  assert.deepEqual(held.map(({ network, holding, seeking }) => ({ network, holding, seeking })), [
    { network: '127.0.0.1', holding: 1, seeking: 0 },
    { network: '127.0.0.1', holding: 1, seeking: 0 },
    { network: '127.0.0.1', holding: 1, seeking: 0 },
  ]);

  const shown = onTerminal(t, ['admin', '--admin', it.address, 'pages']);
  assert.equal(await shown.exit(), 0);
  assert.match(shown.text, /^page +holders +away +seekers +size +age\r?$/m);
  assert.ok(shown.text.includes(`${many.hash.slice(0, 24)}…`), shown.text);
});

async function lined(running) {
  const { code, text, errors } = await running;
  assert.deepEqual({ code, errors }, { code: 0, errors: '' });
  return { lines: text.split('\n').slice(0, -1) };
}

test('a long list comes in steps, and all of it', async (t) => {
  const it = await adminFor(t);
  const COUNT = 2000;
  const hashes = new Set([...Array(COUNT)].map((_, i) => sha256(`page ${i}`)));
  const topics = [...hashes].map((hash) => `have:${hash}`);
  for (let at = 0; at < COUNT; at += 100) {
    const client = await connectClient(it.server.url);
    for (const topic of topics.slice(at, at + 100)) await client.join(topic);
  }
  const first = JSON.parse((await it.ask('/api/pages')).body);
  assert.ok(first.pages.length < 600 && first.next !== 0, `${first.pages.length} in a step`);
  const { lines } = await lined(admin(t, it, ['pages']));
  assert.deepEqual(new Set(lines.map((line) => line.split('\t')[0])), hashes);
  assert.equal(lines.length, COUNT);
});

test('the pages with the most viewers are found whilst the dashboard looks', async (t) => {
  const it = await adminFor(t);
  for (let i = 0; i < 30; i++) await holdPage(it.server.url, `page ${i}`);
  const most = await holdPage(it.server.url, 'page 7');
  const top = await until(async () => {
    const { pages, whole } = JSON.parse((await it.ask('/api/top')).body);
    return whole && pages;
  }, 'a whole survey');
  assert.equal(top.length, 12);
  assert.equal(top[0].hash, most.hash);
  assert.equal(top[0].holders, 2);
});

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

test('the history grows by a sample at a time', async (t) => {
  const it = await adminFor(t);
  const { hash } = await holdPage(it.server.url, 'hello');
  assert.equal((await request(it.server.target, `/raw/${hash}`)).status, 200);
  const history = async (after) => JSON.parse((await it.ask(`/api/history?after=${after}`)).body);
  // A sample may have been taken before the page was there.
  const first = await until(async () => {
    const got = await history(0);
    return sum(got.columns.served_bytes) > 0 && got;
  }, 'the sample with the page in it');
  const at = first.columns.served_bytes.length - 1;
  assert.equal(first.step_s * 720, first.span_s);
  const { time, refusals, ...columns } = first.columns;
  for (const [name, column] of Object.entries(columns)) assert.equal(column.length, time.length, name);
  assert.equal(columns.pages[at], 1);
  assert.equal(columns.visitors[at], 1);
  assert.equal(sum(columns.served_bytes), 5);
  assert.ok(columns.content_p99_s[at] > 0);
  assert.ok(columns.memory_bytes[at] > 1 << 20 && columns.cpu[at] > 0);
  assert.deepEqual(refusals, {});
  const later = await history(first.next);
  assert.equal(later.columns.time.length, later.next - first.next, 'only what is new');
});

// ---- doing

test('a dropped page: all who are at it are told', async (t) => {
  const it = await adminFor(t);
  const { hash, client } = await holdPage(it.server.url, 'hello');
  const { code, text } = await admin(t, it, ['drop', `http://example.org/${hash}`]);
  assert.deepEqual({ code, text }, { code: 0, text: 'dropped; 1 told\n' });
  assert.deepEqual((await client.event('phx_error'))[4], { reason: 'dropped' });
  assert.equal((await it.metrics())['whilst_refusals_total{reason="dropped"}'], 1);
  assert.equal((await client.call(`have:${hash}`, 'phx_join')).status, 'ok');
});

test('a blocked page: without a file, and what it says to do', async (t) => {
  const it = await adminFor(t);
  const { hash, client } = await holdPage(it.server.url, 'hello');
  const { code, text } = await admin(t, it, ['block', hash]);
  assert.equal(code, 0);
  assert.match(text, /^blocked; 1 told\nuntil the server ends; .*--deny-file FILE:\n[0-9a-f]{64}\n$/);
  assert.deepEqual((await client.event('phx_error'))[4], { reason: 'blocked' });
  assert.equal((await request(it.server.target, `/raw/${hash}`)).status, 451);
  assert.equal((await it.metrics()).whilst_denied, 1);
});

test('a blocked page: written to the file, below what is there', async (t) => {
  const file = fileFor(t, `${sha256('other')} # no end of line`);
  const it = await adminFor(t, { args: ['--deny-file', file] });
  for (const [text, count] of [['hello', 2], ['again', 3]]) {
    const blocked = await admin(t, it, ['block', sha256(text)]);
    assert.match(blocked.text, /\nit stays so: it was written to /);
    await until(() => it.server.errors.includes(`deny_list_read pages=${count}`), 'it to be read again');
  }
  assert.equal(readFileSync(file, 'utf8'), `${sha256('other')} # no end of line\n${sha256('hello')}\n${sha256('again')}\n`);
});

test('a closed session, and one that there is not', async (t) => {
  const it = await adminFor(t);
  const client = await connectClient(it.server.url);
  const other = await connectClient(it.server.url);
  const { lines } = await lined(admin(t, it, ['sessions', '--json']));
  const ids = lines.map((line) => JSON.parse(line).session);
  assert.equal((await admin(t, it, ['close', ids.sort()[0]])).text, 'closed\n');
  assert.deepEqual(await within(client.closed, 'the close'), { code: 1008, reason: 'dropped' });
  await other.quiet();
  const { code, errors } = await admin(t, it, ['close', ids[0]]);
  assert.equal(code, 3);
  assert.match(errors, /there is no such session/);
});

test('the log level', async (t) => {
  const it = await adminFor(t);
  assert.equal((await admin(t, it, ['log-level', 'error'])).text, 'the log level is error\n');
  assert.equal(JSON.parse((await it.ask('/api/status')).body).log_level, 'error');
  assert.equal((await admin(t, it, ['log-level', 'loud'])).code, 6);
});

test('drain sends everybody away, and ends the server', async (t) => {
  const program = spawnProgram(['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  t.after(() => program.child.kill('SIGKILL'));
  const at = (what) => new RegExp(`^${what} on (\\S+)$`, 'm').exec(program.errors)?.[1];
  const address = await until(() => at('listening') && at('admin'), 'the operator\'s address');
  const client = await connectClient(at('listening'));
  const { code, text } = await admin(t, { address }, ['drain']);
  assert.deepEqual({ code, text }, { code: 0, text: 'draining; visitors sent away: 1\n' });
  assert.equal((await within(client.closed, 'the goodbye')).code, 1012);
  assert.equal((await within(program.exited, 'the end')).code, 0);
});

test('whilst it drains the server can be watched, until it ends', async (t) => {
  const path = join(directoryFor(t), 'admin.sock');
  const it = await adminFor(t, { admin: `unix:${path}`, args: ['--drain', '3600000', ...UNHURRIED] });
  const client = await connectClient(it.server.url);
  const content = 'held until the end';
  client.send(['1', '1', `have:${sha256(content)}`, 'phx_join', {}]);
  await until(async () => (await it.metrics()).whilst_holders === 1, 'the holder');
  const fetch = request(it.server.target, `/raw/${sha256(content)}`);
  await client.event('content_request'); // it is in flight, so its ends are spared
  it.server.program.child.kill('SIGTERM');
  await until(async () => !(await accepts(it.server.port)), 'the listener to be closed');
  assert.match((await admin(t, it, ['status'])).text, /, draining for /);
  assert.equal(JSON.parse((await admin(t, it, ['status', '--json'])).text).visitors, 2);
  assert.equal((await it.metrics()).whilst_holders, 1);
  assert.equal((await it.ask('/healthz')).status, 503);
  client.send(['1', '2', `have:${sha256(content)}`, 'content', { content, hash: sha256(content) }]);
  assert.equal((await fetch).body.toString(), content);
  it.server.program.child.kill('SIGTERM');
  await within(it.server.program.exited, 'the end');
  await assert.rejects(it.ask('/healthz'), /ENOENT/);
});

test('each request has its time: one that stops half-way is ended, also the second', async (t) => {
  const it = await adminFor(t, { args: ['--header-timeout', '5'] });
  const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n';
  await Promise.all([0, 1, 3].map(async (whole) => {
    const wire = new Wire(it.target);
    for (let i = 0; i < whole; i += 1) {
      wire.send(`${request}\r\n`);
      await wire.until(() => wire.text().split('ok\n').length === i + 2, `answer ${i}`);
    }
    wire.send(request);
    await wire.untilClosed(`what stops half-way, after ${whole}`);
    assert.equal(wire.text().split('ok\n').length, whole + 1);
  }));
});

test('with an operator\'s address the numbers are there alone, and the pages are not', async (t) => {
  const it = await adminFor(t);
  assert.equal((await request(it.server.target, '/metrics')).status, 404);
  assert.equal((await it.ask('/metrics')).status, 200);
  assert.equal((await it.ask('/healthz')).body.toString(), 'ok\n');
  for (const path of ['/-/admin', '/api/status'])
    assert.equal((await request(it.server.target, path)).status, 404, path);
  assert.equal((await it.ask(`/raw/${sha256('x')}`)).status, 404);
  assert.equal((await handshake(it.target, '/ws/websocket?vsn=2.0.0')).status, 0);
  assert.equal((await request(it.server.target, '/-/admin', { headers: { Host: 'admin' } })).status, 404);
});

// ---- who may not

async function refusedFor(it, before, reason) {
  const after = await it.metrics();
  const name = `whilst_admin_refusals_total{reason="${reason}"}`;
  assert.ok(after[name] > before[name], `${name} was not counted`);
}

test('a name that is not ours is refused: DNS rebinding', async (t) => {
  const it = await adminFor(t);
  const before = await it.metrics();
  for (const host of ['evil.example', 'evil.example:4001', '192.0.2.1', 'localhost.evil.example', '127.0.0.1.evil.example', '[2001:db8::1]']) {
    const { status } = await it.ask('/api/status', { headers: { Host: host } });
    assert.equal(status, 403, host);
  }
  await refusedFor(it, before, 'host');
  for (const host of ['localhost', 'LOCALHOST:9', '127.0.0.1', '127.8.9.10:80', '[::1]:4001'])
    assert.equal((await it.ask('/api/status', { headers: { Host: host } })).status, 200, host);
});

test('another site\'s document may do nothing: CSRF', async (t) => {
  const it = await adminFor(t);
  const before = await it.metrics();
  const { hash } = await holdPage(it.server.url, 'hello');
  const drop = `/api/pages/${hash}/drop`;
  const holders = async () => JSON.parse((await it.ask('/api/pages')).body).pages[0].holders;
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const tries = [
    { method: 'POST', headers: { ...ACT, Origin: 'http://evil.example' } },
    { method: 'POST', headers: { ...ACT, Origin: 'null' } },
    { method: 'POST', headers: { ...form, Origin: 'http://evil.example' } },
    { method: 'POST', headers: form },
    { method: 'POST' },
    { method: 'GET', headers: { Origin: 'http://evil.example' } },
  ];
  for (const options of tries) assert.equal((await it.ask(drop, options)).status, 403, JSON.stringify(options));
  assert.equal((await it.ask(drop, { method: 'OPTIONS', headers: { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' } })).status, 405);
  assert.equal((await it.ask(drop, { headers: ACT })).status, 405, 'a GET changes nothing');
  await refusedFor(it, before, 'origin');
  assert.equal(await holders(), 1);
  const own = { ...ACT, Host: 'localhost:1', Origin: 'http://localhost:1' };
  assert.equal((await it.ask(drop, { method: 'POST', headers: own })).status, 200);
});

test('a token: wrong ones, and the two ways to tell it', async (t) => {
  const file = fileFor(t, `${TOKEN}\n`);
  const it = await adminFor(t, { args: ['--admin-token-file', file] });
  const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
  const ask = (authorization) => it.ask('/api/status', { headers: authorization === null ? {} : { Authorization: authorization } });
  const wrong = [null, '', 'Bearer', 'Bearer ', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, TOKEN, basic(TOKEN), basic(`x:${TOKEN}x`), 'Basic', 'Basic ====', 'Basic !!!!', `Basic ${'A'.repeat(500)}`, `Bearer ${'x'.repeat(2000)}`];
  for (const authorization of wrong) {
    const { status, headers } = await ask(authorization);
    assert.equal(status, 401, String(authorization));
    assert.match(headers['www-authenticate'], /^Basic realm=/);
  }
  for (const right of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, basic(`x:${TOKEN}`), basic(`name:${TOKEN}`), basic(`:${TOKEN}`)])
    assert.equal((await ask(right)).status, 200, right);
  const named = { Host: 'whilst.example', Authorization: `Bearer ${TOKEN}` };
  assert.equal((await it.ask('/api/status', { headers: named })).status, 200, 'any name');
  assert.equal((await it.ask('/metrics')).status, 401);
  const { code, errors } = await admin(t, it, ['status']);
  assert.equal(code, 6);
  assert.match(errors, /the token is wanted/);
  assert.equal((await admin(t, it, ['status', '--admin-token-file', file])).code, 0);
  const environment = { WHILST_ADMIN: it.address, WHILST_ADMIN_TOKEN_FILE: file };
  assert.equal((await run(t, ['admin', 'status'], { env: environment })).code, 0);
});

test('requests that are too large, or no requests', async (t) => {
  const it = await adminFor(t);
  const before = await it.metrics();
  const body = await it.ask('/api/drain', { method: 'POST', headers: ACT, body: Buffer.alloc(1 << 20) }).catch(() => ({ status: 400 }));
  assert.equal(body.status, 400);
  const chunked = new Wire(it.target);
  chunked.send('POST /api/drain HTTP/1.1\r\nHost: localhost\r\nWhilst-Admin: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
  await chunked.untilClosed('a chunked body');
  assert.match(chunked.text(), /^HTTP\/1\.1 400 /);
  const garbage = ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 'CONNECT localhost:80 HTTP/1.1\r\n\r\n', `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 'GET /api/status HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n', 'POST /api/drain HTTP/1.1\r\n\r\n'];
  for (const bytes of garbage) {
    const wire = new Wire(it.target);
    wire.send(Buffer.from(bytes, 'latin1'));
    await wire.untilClosed(bytes.slice(0, 40));
    assert.doesNotMatch(wire.text(), /^HTTP\/1\.1 200/, bytes.slice(0, 40));
  }
  for (const path of ['/api/pages/abc/drop', `/api/pages/${'0'.repeat(64)}`, `/api/pages/${'0'.repeat(64)}/burn`, '/api/sessions/zz/close', '/api/sessions/1', '/api/log-level/', '/api/nothing', '/api/', '/x'])
    assert.ok([400, 404].includes((await it.ask(path, { method: 'POST', headers: ACT })).status), path);
  assert.equal((await it.ask('/api/pages?from=18446744073709551615')).status, 200);
  assert.equal((await it.ask('/api/sessions?from=99999999999999999999999')).status, 200);
  assert.equal((await it.ask('/api/history?after=99999999')).status, 200);
  await refusedFor(it, before, 'fault');
});

test('a crowd is kept out, and visitors are not', async (t) => {
  const it = await adminFor(t);
  const wires = [...Array(80)].map(() => new Wire(it.target));
  t.after(() => Promise.all(wires.map((wire) => wire.destroy())));
  await until(() => wires.filter((wire) => wire.done).length >= 16, 'some to be turned away');
  await connectClient(it.server.url);
  for (const wire of wires) wire.destroy();
  const refused = () => it.metrics().then((metrics) => metrics['whilst_admin_refusals_total{reason="crowd"}'], () => 0);
  assert.ok(await until(refused, 'the count') >= 16);
});

test('over a unix socket, which is its owner\'s alone', async (t) => {
  const path = join(directoryFor(t), 'admin.sock');
  const it = await adminFor(t, { admin: `unix:${path}` });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal((await admin(t, it, ['status'])).code, 0);
  assert.equal((await it.ask('/metrics')).status, 200);
});

test('over TLS, with the server\'s certificate: curl and whilst admin', async (t) => {
  const directory = directoryFor(t);
  const { path, key_path } = certificate(directory, 'IP:127.0.0.1,DNS:localhost');
  const token = fileFor(t, `${TOKEN}\n`);
  const tls = ['--tls-certificate', path, '--tls-key', key_path, '--hsts', '60'];
  const it = await adminFor(t, { admin: 'tls:0.0.0.0:0', listen: ['127.0.0.1:0'], args: [...tls, '--admin-token-file', token] });
  const { port } = new URL(it.address.replace('0.0.0.0', '127.0.0.1'));
  assert.match(it.address, /^https:/);
  const curl = (...args) => spawnSync('curl', ['-s', '-i', ...args], { encoding: 'utf8' });
  const ours = ['--cacert', path, '-H', `Authorization: Bearer ${TOKEN}`];
  const { stdout } = curl(...ours, `https://localhost:${port}/metrics`);
  assert.match(stdout, /^HTTP\/1\.1 200 [^]*\nwhilst_sessions 0\n/);
  assert.doesNotMatch(stdout, /Strict-Transport/i, 'it would hold for all ports of this name');
  assert.match(curl('--cacert', path, `https://127.0.0.1:${port}/metrics`).stdout, /^HTTP\/1\.1 401 /);
  assert.match(curl(`http://127.0.0.1:${port}/metrics`).stdout, /^HTTP\/1\.1 400 [^]*speaks TLS/);
  assert.equal(curl(`https://127.0.0.1:${port}/metrics`).status, 60, 'not trusted');
  const ask = (address, ...args) => run(t, ['admin', '--admin', `${address}:${port}`, ...args]);
  const known = ['--admin-token-file', token, '--ca-file', path];
  for (const host of ['localhost', '127.0.0.1'])
    assert.match((await ask(`https://${host}`, ...known, 'status')).text, /, serving for /);
  assert.match((await ask('https://127.0.0.1', ...known, 'log-level', 'debug')).text, /is debug/);
  const tries = [
    ['https://127.0.0.1', ['--admin-token-file', token], 5, /self-signed|unable to get/],
    ['https://127.0.0.2', known, 5, /IP address mismatch/],
    ['https://127.0.0.1', ['--ca-file', path], 6, /the token is wanted/],
    ['https://127.0.0.1', ['--ca-file', '/nowhere'], 1, /--ca-file: '\/nowhere' holds no certificate/],
    ['127.0.0.1', known, 6, /./],
  ];
  for (const [address, args, code, message] of tries) {
    const end = await ask(address, ...args, 'status');
    assert.equal(end.code, code, `${address} ${args}: ${end.errors}`);
    assert.match(end.errors, message);
  }
  const plain = await run(t, ['admin', '--admin', `https://127.0.0.1:${it.server.port}`, ...known, 'status']);
  assert.equal(plain.code, 5, plain.errors);
});

// ---- mistakes

test('an address that others can reach needs a token, and a token must be one', async (t) => {
  const serve = (...args) => runProgram(['serve', '--listen', '127.0.0.1:0', ...args]);
  for (const address of ['0.0.0.0:0', '[::]:0', '*:0']) {
    const { code, errors } = await serve('--admin', address);
    assert.equal(code, address === '*:0' ? 1 : 2, address); // a name is looked up when it is opened
    assert.match(errors, /others could act as the operator(;| there:) .*admin-token-file/);
  }
  const bad = [['', /16 to 256/], ['short', /16 to 256/], ['two words are not one token', /one line without spaces/], ['x'.repeat(300), /16 to 256/]];
  for (const [text, message] of bad) {
    const { code, errors } = await serve('--admin', '0.0.0.0:0', '--admin-token-file', fileFor(t, text));
    assert.equal(code, 2, text);
    assert.match(errors, message);
  }
  for (const wrong of ['nowhere', 'tls:unix:/a', 'tls:127.0.0.1:0']) assert.equal((await serve('--admin', wrong)).code, 2, wrong);
  for (const [path, message] of [['/nowhere', /: No such file or directory; check the path\n/], ['/tmp', /: Is a directory; check the path\n/]])
    assert.match((await serve('--admin', '127.0.0.1:0', '--admin-token-file', path)).errors, message);
});

test('what whilst admin says of mistakes, and where there is no server', async (t) => {
  const tries = [
    [[], 2, /admin needs a command/],
    [['explode'], 2, /unknown command 'explode'/],
    [['drop'], 2, /it is whilst admin drop HASH/],
    [['drop', 'abc'], 2, /abc/],
    [['status', 'now'], 2, /unexpected 'now'/],
    [['close', 'xyz'], 2, /no session/],
    [['--admin', '127.0.0.1:1', 'status'], 5, /Connection refused/],
    [['--admin', 'unix:/nowhere', 'status'], 5, /No such file/],
    [['--admin', 'nowhere', 'status'], 5, /not HOST:PORT/],
    [['--admin-token-file', '/nowhere', 'status'], 1, /No such file/],
  ];
  for (const [args, code, message] of tries) {
    const done = await run(t, ['admin', ...args]);
    assert.equal(done.code, code, args.join(' '));
    assert.match(done.errors, message);
    assert.equal(done.errors.split('\n').length, 2, done.errors);
  }
  const server = await serverFor(t);
  const elsewhere = await run(t, ['admin', '--admin', server.host, 'status']);
  assert.equal(elsewhere.code, 5);
  assert.match(elsewhere.errors, /: what answers there is no operator's address of whilst; see --admin/);
  assert.match((await run(t, ['admin', '--help'])).text, /^usage: whilst admin .*\|drain \[HASH\|SESSION\|LEVEL\]$/m);
});
