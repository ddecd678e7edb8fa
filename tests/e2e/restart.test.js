// The end of a process, and the beginning of the next one: nobody who asks is refused, every page stays within reach,
// and whoever was there comes back.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { start } from './cli.js';
import { connectClient, sha256 } from './client.js';
import { request } from './http.js';
import { managedFor } from './manager.js';
import { joined, socketFor } from './phoenix.js';
import { accepts, startServer } from './server.js';
import { bytesOf, hold, holdAlone, startTraffic } from './traffic.js';
import { SOAK, UNHURRIED, until, within } from './wait.js';

const PAGES = SOAK ? 10_000 : 200;
const UPGRADES = SOAK ? 100 : 3;
const KILLS = SOAK ? 100 : 2;
const ROOM = ['--max-callers', '4096', '--max-connections', '12000'];
const holdAll = SOAK ? holdAlone : hold;

async function assertAllReachable(server, hashes) {
  for (const [i, hash] of hashes.entries()) {
    const answer = await request(server.target, `/raw/${hash}`);
    assert.equal(answer.status, 200, `page ${i}`);
    assert.ok(answer.body.equals(bytesOf(i)), `page ${i}`);
  }
}

const holders = async (server) => (await server.metrics()).whilst_holders;

function timesOf(back_ms) {
  back_ms.sort((a, b) => a - b);
  return `all holders back after ${back_ms[back_ms.length >> 1]} ms (median), ${back_ms.at(-1)} ms (most)`;
}

async function upgrade(server) {
  const before = server.pid;
  process.kill(before, 'SIGUSR2');
  await until(() => server.pid !== before, () => `a successor: ${server.errors}`);
  return before;
}

test(`${UPGRADES} upgrades with ${PAGES} pages and live traffic: no request fails`, async (t) => {
  const server = await managedFor(t, { listen: [], args: ['--listen', '127.0.0.1:0', ...ROOM] });
  const hashes = await holdAll(t, server, PAGES);
  const traffic = startTraffic(server, hashes);
  t.after(() => (traffic.stopped = true));
  const back_ms = [];
  for (let round = 0; round < UPGRADES; round += 1) {
    const old = await upgrade(server);
    const handed = Date.now();
    // The two may both answer on their kept connections: only a new one is sure to meet the successor.
    await until(async () => server.hasEnded(old) && (await holders(server)) === PAGES, () => `all holders: ${server.errors}`);
    back_ms.push(Date.now() - handed);
  }
  await traffic.stop();
  assert.deepEqual(traffic.failed, []);
  assert.ok(traffic.asked > UPGRADES);
  await assertAllReachable(server, hashes);
  assert.deepEqual(server.all('ended').filter((text) => !text.endsWith(' 0')), [], 'each ended well');
  t.diagnostic(`${traffic.asked} requests, 0 failed, the longest took ${traffic.worst_ms} ms; ${timesOf(back_ms)}`);
});

test(`${KILLS} kills under a manager that keeps the socket: who comes afterwards waits, and is served`, async (t) => {
  const server = await managedFor(t, { args: ROOM });
  const hashes = await holdAll(t, server, PAGES);
  const back_ms = [];
  let asked = 0;
  for (let round = 1; round <= KILLS; round += 1) {
    process.kill(server.pid, 'SIGKILL');
    const killed = Date.now();
    await until(() => server.all('ended').length === round, 'the end');
    const traffic = startTraffic(server, hashes);
    await until(async () => (await holders(server)) === PAGES, 'all holders');
    back_ms.push(Date.now() - killed);
    await traffic.stop();
    assert.deepEqual(traffic.failed, []);
    asked += traffic.asked;
  }
  await assertAllReachable(server, hashes);
  t.diagnostic(`${asked} requests after a kill, 0 failed; ${timesOf(back_ms)}`);
});

test('a program that holds pages is back as soon after the last of many upgrades as after the first', async (t) => {
  const server = await managedFor(t, { listen: [], args: ['--listen', '127.0.0.1:0'] });
  const sharing = start(t, ['share', '-', '--server', server.url], { input: 'held by a program' });
  const [address] = await sharing.printed(1);
  for (let round = 0; round < 6; round += 1) {
    const old = await upgrade(server);
    await until(async () => server.hasEnded(old) && (await holders(server)) === 1, () => sharing.errors);
  }
  const pauses = [...sharing.errors.matchAll(/again in ([\d.]+) s/g)].map(([, seconds]) => Number(seconds));
  assert.equal(pauses.length, 6, sharing.errors);
  for (const pause of pauses) assert.ok(pause <= 0.5, `${pauses}`);
  assert.equal((await request(server.target, new URL(address).pathname.replace(/^\//, '/raw/'))).body.toString(), 'held by a program');
});

test('a successor that cannot start changes nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-restart-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'whilst.conf');
  writeFileSync(config, '');
  const server = await managedFor(t, { listen: [], args: ['--listen', '127.0.0.1:0', '--config', config] });
  const [hash] = await hold(t, server, 1);
  writeFileSync(config, 'nonsense = 1\n');
  const pid = server.pid;
  process.kill(pid, 'SIGUSR2');
  await until(() => / warn hand_over_failed /.test(server.errors), 'the complaint');
  assert.equal(server.pid, pid);
  assert.equal((await request(server.target, `/raw/${hash}`)).status, 200);
  writeFileSync(config, '');
  await upgrade(server);
  await until(() => server.hasEnded(pid), 'the end of the old one');
  assert.equal((await request(server.target, `/raw/${hash}`)).status, 200);
});

test('a unix socket keeps its file from one process to the next, and the last removes it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-restart-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const socketPath = join(directory, 'socket');
  const server = await managedFor(t, { listen: [], args: ['--listen', `unix:${socketPath}`] });
  const old = await upgrade(server);
  await until(() => server.hasEnded(old), 'the end of the old one');
  assert.equal((await request({ socketPath }, '/healthz')).status, 200);
  await server.stop();
  await assert.rejects(request({ socketPath }, '/healthz'), /ENOENT/);
});

test('where the system chose the ports, each socket is what it was', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-restart-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'whilst.conf');
  const write = (...lines) => writeFileSync(config, `admin = 127.0.0.1:0\n${lines.join('\n')}\n`);
  const whole = [`listen = unix:${join(directory, 'socket')}`, 'listen = 127.0.0.1:0', 'listen = localhost:0'];
  write(...whole);
  const server = await managedFor(t, { listen: [], args: ['--config', config] });
  const said = () => server.errors.match(/^(listening|admin) on .*$/gm);
  const first = await until(() => said()?.length >= 4 && said(), 'the addresses');
  const old = [await upgrade(server)];
  await until(() => server.hasEnded(old[0]) && said().length >= 8, 'the end of the old one');
  assert.deepEqual(said().slice(4), first);
  write(...whole.toReversed()); // another order
  old.push(await upgrade(server));
  await until(() => server.hasEnded(old[1]) && said().length >= 12, 'the end of the second one');
  assert.deepEqual(said().slice(8).toSorted(), first.toSorted());
  const admin = { host: '127.0.0.1', port: Number(new URL(first.find((line) => line.startsWith('admin')).split(' ')[2]).port) };
  assert.equal(JSON.parse((await request(admin, '/api/status')).body).state, 'serving');
});

test('the operator is told of a process that still drains, by the one that serves', async (t) => {
  const server = await managedFor(t, { listen: [], args: ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...UNHURRIED] });
  const { port } = new URL(await until(() => /^admin on (\S+)$/m.exec(server.errors)?.[1], 'the operator\'s address'));
  const status = async () => JSON.parse((await request({ host: '127.0.0.1', port: Number(port) }, '/api/status')).body);
  assert.equal((await status()).predecessor, 0);
  const content = 'asked for before the upgrade';
  const hash = sha256(content);
  const holder = await connectClient(server.url);
  holder.send(['1', '1', `have:${hash}`, 'phx_join', {}]);
  await holder.event('phx_reply');
  const answer = request(server.target, `/raw/${hash}`);
  await holder.event('content_request'); // as long as it is not answered, both are spared
  const old = await upgrade(server);
  const { pid, predecessor, state } = await status();
  assert.deepEqual({ pid, predecessor, state }, { pid: server.pid, predecessor: old, state: 'serving' });
  holder.send(['1', '2', `have:${hash}`, 'content', { content, hash }]);
  assert.equal((await answer).body.toString(), content);
  await until(async () => (await status()).predecessor === 0, 'the end of the old one');
});

test('what nobody brings back is missing when the grace time is over', async (t) => {
  const server = await managedFor(t, { args: ['--grace', '1500'] });
  const hash = sha256('never held');
  for (const method of ['GET', 'HEAD']) {
    const answer = await request(server.target, `/raw/${hash}`, { method });
    assert.equal(answer.status, 404, method);
  }
});

test('a seeker on a WebSocket is told of a search until the grace time is over, and then the truth', async (t) => {
  const server = await managedFor(t, { args: ['--grace', '15000'] });
  const old = await upgrade(server);
  await until(() => server.hasEnded(old), 'the end of the old one');
  const content = 'brought back by one who takes his time';
  const [missing, late] = ['never held', content].map(sha256);
  const seeker = await connectClient(server.url);
  for (const [i, hash] of [missing, late].entries())
    seeker.send([`${i}`, `${i}`, `want:${hash}`, 'phx_join', { status: true }]);
  const told = async () => {
    const [, , topic, , { state, reason }] = await seeker.event('status');
    return [topic.slice('want:'.length), state, reason];
  };
  assert.deepEqual([await told(), await told()], [[missing, 'searching', null], [late, 'searching', null]]);
  const holder = await connectClient(server.url);
  holder.send(['1', '1', `have:${late}`, 'phx_join', {}]);
  assert.deepEqual(await told(), [late, 'searching', null], 'its holder is asked');
  await holder.event('content_request');
  holder.send(['1', '2', `have:${late}`, 'content', { content, hash: late }]);
  assert.deepEqual((await seeker.event('content'))[4], { content });
  assert.deepEqual(await told(), [missing, 'nobody', 'no_holder']);
});

test('SIGTERM: fetches in flight are finished, a kept connection is answered once more, and all are told 1012', async (t) => {
  const server = await startServer({ args: ['--drain', '2000', ...UNHURRIED] });
  const content = 'held by one who takes his time';
  const hash = sha256(content);
  const socket = socketFor(t, server, { reconnectAfterMs: () => 60_000 });
  const closed = new Promise((resolve) => socket.onClose((event) => resolve(event.code)));
  const channel = await joined(socket, `have:${hash}`, { token: 'slow-holder' });
  const asked = new Promise((resolve) => channel.on('content_request', resolve));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path) => new Promise((resolve, reject) =>
    http.get({ ...server.target, path, agent }, (answer) => answer.resume().on('end', () => resolve(answer))).on('error', reject));
  await get('/healthz');
  const answer = request(server.target, `/raw/${hash}`);
  await within(asked, 'the question');
  // Never idle: who is may ask once more for half a second only.
  const last = (async () => {
    for (;;) {
      const answer = await get('/readyz');
      if (answer.statusCode !== 200) return answer;
    }
  })();
  server.program.child.kill('SIGTERM');
  const health = await within(last, 'the last answer');
  await until(async () => !(await accepts(server.port)), 'the listener to be closed');
  assert.equal(health.statusCode, 503);
  assert.equal(health.headers.connection, 'close');
  channel.push('content', { content, hash }, 1_000);
  assert.equal((await answer).body.toString(), content);
  assert.equal(await within(closed, 'the close'), 1012);
  assert.deepEqual(await within(server.program.exited, 'the end'), { code: 0, signal: null });
});

test('a second SIGTERM ends the drain at once', async () => {
  const server = await startServer({ args: ['--drain', '3600000', ...UNHURRIED] });
  const clients = await Promise.all(Array.from({ length: 3 }, () => connectClient(server.url)));
  const hash = sha256('never sent');
  clients[0].send(['1', '1', `have:${hash}`, 'phx_join', {}]);
  await until(async () => (await holders(server)) === 1, 'the holder');
  const answer = request(server.target, `/raw/${hash}`).catch(() => null); // it keeps the holder busy
  await until(async () => (await server.metrics()).whilst_fetches === 1, 'the fetch');
  server.program.child.kill('SIGTERM');
  await until(() => server.errors.includes(' stopping '), 'the drain');
  server.program.child.kill('SIGTERM');
  assert.deepEqual(await within(server.program.exited, 'the end'), { code: 0, signal: null });
  await answer;
});
