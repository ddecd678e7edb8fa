// Connections that end at any moment, from either side, and servers that start and stop: nothing
// is used after it is gone, nothing is left (the sanitizers watch), and pages still travel.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { test } from 'node:test';
import { directory } from './cli.js';
import { binaryPush, connectClient, holdPage, PATH, sha256 } from './client.js';
import { request, Wire } from './http.js';
import { serverFor, startServer } from './server.js';
import { SOAK, until } from './wait.js';

const EVENTS = SOAK ? 1_000_000 : process.env.WHILST_WRAPPER ? 800 : 4_000;
const STARTS = SOAK ? 1_000 : 4;
const AT_ONCE = 12;

// The same chances in every run (xorshift32).
let state = 0x2545f491;
function chance(below) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

const PAGES = Array.from({ length: 4 }, (_, i) => Buffer.alloc([40, 9_000, 70_000, 300_000][i], 65 + i));
const HASHES = PAGES.map(sha256);

const UPGRADE = `GET ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;

function frame(opcode, payload, final = true) {
  const bytes = Buffer.from(payload);
  const size = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, ...size, 0, 0, 0, 0]), bytes]);
}

const join = (topic, payload) => frame(1, JSON.stringify(['1', '1', topic, 'phx_join', payload]));

// What a connection may say; each is an event.
const SAYINGS = [
  () => join('all', {}),
  () => join(`have:${HASHES[chance(4)]}`, {}),
  () => join(`have:${HASHES[chance(4)]}`, { token: `token-${chance(9)}-of-some` }),
  () => join(`want:${HASHES[chance(4)]}`, { binary: chance(2) === 0, status: chance(2) === 0 }),
  () => frame(1, JSON.stringify(['1', '2', `want:${HASHES[chance(4)]}`, 'phx_leave', {}])),
  () => frame(1, '[null,"1","phoenix","heartbeat",{}]'),
  () => frame(1, '[null,"1","phoenix",', false),
  () => frame(0, '"heartbeat",{}]'),
  () => frame(9, 'ping'),
  () => frame(10, 'pong'),
  () => frame(8, [3, 232]),
  () => frame(2, binaryPush('1', '3', `have:${HASHES[0]}`, 'content', PAGES[0])),
  () => frame(2, binaryPush('1', '3', `have:${HASHES[1]}`, 'content', PAGES[1])),
  () => frame(2, binaryPush('1', '3', `have:${HASHES[2]}`, 'content', PAGES[2].subarray(0, 60_000)), false),
  () => Buffer.from([0xff, chance(256)]),
  () => Buffer.from([0x82, 0xfe, 0x40]),
];
const REQUESTS = [
  () => `GET /raw/${HASHES[chance(4)]} HTTP/1.1\r\nHost: a\r\n\r\n`,
  () => 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  () => 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n',
  () => 'GET / HT',
  () => `GET /raw/${HASHES[chance(4)]} HTTP/1.1\r\nHost: a\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n`,
];

// One connection from its beginning to its end, which comes at any moment; its events.
async function live(server) {
  const wire = new Wire(server.target);
  const speaks = chance(4) > 0;
  const sayings = speaks ? SAYINGS : REQUESTS;
  let events = 1 + chance(12);
  if (speaks) wire.send(UPGRADE);
  if (speaks && chance(8) > 0) await Promise.race([wire.ended, wire.until((w) => /^HTTP\/1\.1 101/.test(w.text()), '101').catch(() => {})]);
  if (chance(6) === 0) wire.socket.pause();
  for (let i = 0; i < events && !wire.done; i += 1) {
    wire.send(sayings[chance(sayings.length)]());
    if (chance(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const ends = [() => wire.socket.destroy(), () => wire.socket.end(), () => wire.socket.resetAndDestroy()];
  ends[chance(3)]();
  wire.socket.resume();
  setTimeout(() => wire.socket.destroy(), 100);
  await wire.ended;
  return events + 1;
}

test(`${EVENTS} events of connections that end at any moment`, async (t) => {
  const config = joinPath(directory(t), 'config');
  writeFileSync(config, 'grace = 300\nwrite-timeout = 300\nping = 200\nhang-up = 600\nfetch-timeout = 500\nanswer-timeout = 500\n');
  const server = await serverFor(t, { args: ['--config', config] });
  let events = 0;
  const lives = async () => {
    while (events < EVENTS) events += await live(server);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lives));
  await until(async () => {
    const metrics = await server.metrics();
    return metrics.whilst_sessions + metrics.whilst_pages + metrics.whilst_away + metrics.whilst_queued_bytes === 0;
  }, 'nothing to be left');
  // Those times were for peers that misbehave: who behaves has as much as ever.
  writeFileSync(config, '');
  server.program.child.kill('SIGHUP');
  await until(() => /config_read changed=6\n/.test(server.errors), 'the times to be as they are by default');
  const { hash } = await holdPage(server.url, PAGES[3]);
  assert.ok((await request(server.target, `/raw/${hash}`)).body.equals(PAGES[3]));
});

test(`${STARTS} starts and stops, each with somebody there`, async () => {
  for (let i = 0; i < STARTS; i += 1) {
    const server = await startServer();
    const client = await connectClient(server.url);
    await client.join('all');
    if (i % 2 === 0) new Wire(server.target).send('GET / HT');
    await server.stop(i % 3 === 0 ? 'SIGINT' : 'SIGTERM');
  }
});
