// Clients that do not read, that send without end, or hardly at all: each costs little, goes in
// bounded time, and the others are served.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory } from './cli.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { Wire } from './http.js';
import { refusals } from './metrics.js';
import { serverFor } from './server.js';
import { SOAK, until, within } from './wait.js';

const MiB = 1 << 20;
const CROWD = SOAK ? 1_000 : 300;
const JOINS = SOAK ? 1_000_000 : 10_000;

const proc = (server, file) => readFileSync(`/proc/${server.program.child.pid}/${file}`, 'utf8');
const memory = (server) => Number(/VmRSS:\s+(\d+) kB/.exec(proc(server, 'status'))[1]) / 1024;
// A sanitizer keeps what is freed for a while: what it shows is not the server's memory.
const isSanitized = (server) => /libasan/.test(proc(server, 'maps'));

function assertGrowth(t, server, before, limit) {
  const grown = memory(server) - before;
  t.diagnostic(`memory grew by ${grown.toFixed(1)} MiB`);
  if (!isSanitized(server)) assert.ok(grown < limit, `${grown} MiB`);
}

async function connectMany(server, count) {
  const clients = [];
  while (clients.length < count) {
    const some = Math.min(50, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: some }, () => connectClient(server.url)))));
  }
  return clients;
}

// Those who did not read, however it was noticed.
function refusedToRead(metrics) {
  const { slow_reader: slow = 0, silent = 0 } = refusals(metrics);
  return slow + silent;
}

const seek = (client, hash) => client.send(['1', '1', `want:${hash}`, 'phx_join', { binary: true }]);

async function receive(client, page) {
  const [, , , , bytes] = await client.event('content');
  assert.ok(bytes.equals(page), 'the right bytes');
}

test(`${CROWD} readers that do not read, one page of 1 MiB: one copy of it`, async (t) => {
  const server = await serverFor(t);
  const page = Buffer.alloc(MiB, 7);
  const { hash } = await holdPage(server.url, page);
  const sloths = await connectMany(server, CROWD);
  const before = memory(server);
  for (const sloth of sloths) {
    sloth.socket.pause();
    seek(sloth, hash);
  }
  const most = { queued: 0 };
  await until(async () => {
    const metrics = await server.metrics();
    most.queued = Math.max(most.queued, metrics.whilst_queued_bytes);
    return metrics.whilst_served_total === CROWD;
  }, 'all to be served');
  assertGrowth(t, server, before, 100);
  assert.ok(most.queued < 8 * MiB, `${most.queued} bytes waited, a shared page once`);
  const reader = await connectClient(server.url);
  seek(reader, hash);
  await receive(reader, page);
  for (const { socket } of sloths) socket.terminate();
});

for (const percent of [10, 50]) {
  test(`${percent} % of the readers have stopped: the others are served, and those go`, async (t) => {
    const server = await serverFor(t, { args: ['--write-timeout', '8000', '--ping', '1000', '--hang-up', '15000'] });
    const page = Buffer.alloc(MiB, 9);
    const holder = await holdPage(server.url, page);
    const clients = await connectMany(server, 40);
    const stopped = clients.slice(0, (40 * percent) / 100);
    const others = clients.slice(stopped.length);
    for (const { socket } of stopped) socket.pause();
    for (let round = 0; round < 3; round += 1) {
      for (const client of clients) client.send([`${round}`, `${round}`, `want:${holder.hash}`, 'phx_join', { binary: true }]);
      await Promise.all(others.map((client) => receive(client, page)));
    }
    await until(async () => (await server.metrics()).whilst_sessions === others.length + 1, 'the stopped to go');
    assert.equal(refusedToRead(await server.metrics()), stopped.length);
    for (const client of others) assert.equal(client.end, null);
    for (const { socket } of stopped) socket.terminate();
  });
}

test('one who stopped is counted once, whether as slow or as silent, and its socket ends', async (t) => {
  const times = ['--write-timeout', '1000', '--ping', '500', '--hang-up', '1000']; // both at the same look
  const room = ['--max-page', '8M', '--max-unread', '16M', '--max-outbox', '16M', '--max-outbox-soft', '16M'];
  const server = await serverFor(t, { args: [...times, ...room] });
  const descriptors = () => readdirSync(`/proc/${server.program.child.pid}/fd`).length;
  const before = descriptors();
  const page = Buffer.alloc(8 * MiB, 3);
  const holder = new Wire(server.target); // of which no sign of life is wanted
  holder.send(`PUT /${sha256(page)} HTTP/1.1\r\nHost: a\r\nContent-Length: ${page.length}\r\n\r\n`);
  holder.send(page);
  await until(async () => (await server.metrics()).whilst_holders === 1, 'the page to be held');
  const sloth = await connectClient(server.url);
  sloth.socket.pause();
  seek(sloth, sha256(page));
  await until(async () => refusedToRead(await server.metrics()) > 0, 'the refusal');
  await holder.destroy();
  await until(() => descriptors() <= before, 'the end of its socket');
  assert.equal(refusedToRead(await server.metrics()), 1);
  sloth.socket.terminate();
});

test('one who stopped among a crowd that is told of every change: gone, and it cost nothing', async (t) => {
  const config = join(directory(t), 'whilst.conf');
  writeFileSync(config, 'hang-up = 3600000\n');
  const server = await serverFor(t, { args: ['--config', config, '--count-interval', '1', '--counts-per-second', '1000000', '--ping', '1000'] });
  const holder = await holdPage(server.url, 'a page with comings and goings');
  const crowd = await connectMany(server, 100);
  for (const client of crowd) await client.join(holder.topic);
  const before = memory(server);
  crowd[0].socket.pause();
  const change = async () => {
    const visitor = await connectClient(server.url);
    await visitor.join(holder.topic);
    await visitor.drop();
  };
  for (let i = 0; i < 20; i += 1) await change();
  writeFileSync(config, 'hang-up = 10000\n');
  server.program.child.kill('SIGHUP');
  await until(async () => {
    await change();
    return (await server.metrics()).whilst_sessions <= crowd.length;
  }, 'it to be gone');
  assertGrowth(t, server, before, 20);
  await Promise.all(crowd.slice(1).map((client) => client.call('phoenix', 'heartbeat')));
  crowd[0].socket.terminate();
});

// Frames of a client without their WebSocket library, which would be too polite.
function frame(opcode, payload, final = true) {
  const bytes = Buffer.from(payload);
  const head = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, ...head, 0, 0, 0, 0]), bytes]);
}

test('a million fragments of one byte: closed, and memory is bounded', async (t) => {
  const server = await serverFor(t);
  const before = memory(server);
  const client = await connectClient(server.url);
  const socket = client.socket._socket;
  socket.on('error', () => {});
  socket.write(frame(1, '[', false));
  const fragments = Buffer.concat(Array(10_000).fill(frame(0, ' ', false)));
  for (let i = 0; i < 100 && socket.writable; i += 1) socket.write(fragments);
  const { code } = await within(client.closed, 'the end of a flood of fragments');
  assert.ok(code === 1008 || code === 1006, `${code}`); // its own bytes may run over our close frame
  assert.equal(refusals(await server.metrics()).fragments, 1);
  assertGrowth(t, server, before, 20);
});

test(`${JOINS} joins of as many topics by one client: all but 128 are refused`, async (t) => {
  const server = await serverFor(t);
  const client = await connectClient(server.url);
  const before = memory(server);
  const replies = { ok: 0, error: 0 };
  for (let i = 0; i < JOINS; i += 1) {
    client.send([`${i}`, `${i}`, `want:${i.toString(16).padStart(64, '0')}`, 'phx_join', {}]);
    if (i % 100 < 99) continue;
    for (let answers = 0; answers < 100; answers += 1) {
      const [, , , , { status, response }] = await client.event('phx_reply');
      if (status === 'error') assert.deepEqual(response, { reason: 'too_many_topics' });
      replies[status] += 1;
    }
  }
  assert.deepEqual(replies, { ok: 128, error: JOINS - 128 });
  assertGrowth(t, server, before, 20);
  assert.equal((await server.metrics()).whilst_pages, 128);
});

test('a flood of frames: the others are answered meanwhile', async (t) => {
  const server = await serverFor(t); // without rates, so that the flood goes on
  const flooder = await connectClient(server.url);
  const other = await connectClient(server.url);
  const socket = flooder.socket._socket;
  flooder.socket.pause();
  socket.on('error', () => {});
  const beats = Buffer.concat(Array(5_000).fill(frame(1, '[null,null,"phoenix","heartbeat",{}]')));
  let sent = 0;
  const pour = () => {
    while (sent < 1_000_000 && socket.writable && socket.write(beats)) sent += 5_000;
    sent += 5_000;
  };
  socket.on('drain', pour);
  pour();
  for (let i = 0; i < 100; i += 1) await other.call('phoenix', 'heartbeat');
  await until(async () => (await server.metrics()).whilst_messages_received_total > 50_000, 'the flood to arrive');
  for (let i = 0; i < 100; i += 1) await other.call('phoenix', 'heartbeat');
  socket.removeAllListeners('drain');
  flooder.socket.terminate();
});

test('a dead peer that trickles bytes is not alive', async (t) => {
  const server = await serverFor(t, { args: ['--ping', '500', '--hang-up', '1500'] });
  const client = await connectClient(server.url, { autoPong: false });
  const socket = client.socket._socket;
  client.socket.pong = () => {};
  socket.on('error', () => {});
  socket.write(Buffer.from([0x81, 0xfe, 0x10, 0, 0, 0, 0, 0, 0x5b]));
  const trickle = setInterval(() => socket.write(' '), 100);
  await within(client.closed, 'the end of a connection that trickles');
  clearInterval(trickle);
  assert.equal(refusals(await server.metrics()).silent, 1);
});

test('a request that trickles in is not waited for, nor is a body that does', async (t) => {
  const server = await serverFor(t, { args: ['--header-timeout', '1'] });
  const beginnings = ['GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n', 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nX-Slow: '];
  const wires = beginnings.map((bytes) => {
    const wire = new Wire(server.target);
    wire.send(bytes);
    const trickle = setInterval(() => wire.done || wire.send('x'), 100);
    wire.ended.then(() => clearInterval(trickle));
    return wire;
  });
  await Promise.all(wires.map((wire, i) => wire.untilClosed(JSON.stringify(beginnings[i]))));
});
