// Connections that are no sessions: how many there may be, of one address and in all, and that
// idle ones make room.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory } from './cli.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { request, Wire } from './http.js';
import { parseMetrics, refusals } from './metrics.js';
import { serverFor } from './server.js';
import { until, UNHURRIED } from './wait.js';

const ASK = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
const done = (wires) => wires.filter((wire) => wire.done).length;

async function callFrom(server, count) {
  const wires = Array.from({ length: count }, () => new Wire(server.target));
  for (const wire of wires) wire.send(ASK);
  await until(() => wires.every((wire) => wire.done || / 200 OK/.test(wire.text())), 'answers');
  return wires;
}

test('one address: as many as it may have sessions; sessions do not count', async (t) => {
  const server = await serverFor(t, { limits: true, args: ['--max-per-address', '5', ...UNHURRIED] });
  const client = await connectClient(server.url);
  const first = await callFrom(server, 5);
  assert.equal(done(first), 0);
  const more = await callFrom(server, 3);
  assert.equal(done(more), 3, 'closed without an answer');
  for (const wire of more) assert.equal(wire.received.length, 0);
  for (const wire of first) wire.socket.destroy();
  const counted = async () => refusals(await server.metrics().catch(() => ({}))).address_connections;
  await until(async () => (await counted()) >= 3, 'the refusals to be counted');
  assert.equal((await client.call('phoenix', 'heartbeat')).status, 'ok');
});

test('a proxy that is trusted is not one address', async (t) => {
  const args = ['--max-per-address', '5', '--trusted-proxy', '127.0.0.1', ...UNHURRIED];
  const server = await serverFor(t, { limits: true, args });
  assert.equal(done(await callFrom(server, 20)), 0);
});

test('in all: those make room that have asked for nothing for longest', async (t) => {
  const server = await serverFor(t, { args: ['--max-callers', '10', ...UNHURRIED] });
  const idle = await callFrom(server, 10);
  const asking = idle[0];
  asking.send(ASK);
  await asking.until(() => asking.text().match(/ 200 OK/g).length === 2, 'the second answer');
  await callFrom(server, 5);
  await until(() => done(idle) === 5, 'five to make room');
  assert.ok(!asking.done, 'who asked last stays');
  const metrics = await server.metrics();
  assert.ok(metrics.whilst_callers_ended_total >= 5);
  assert.ok(metrics.whilst_callers <= 11);
});

test('in all: those that wait for a page stay, and then there is no room', async (t) => {
  const socketPath = join(directory(t), 'admin'); // where there is room when there is none
  const server = await serverFor(t, { args: ['--max-callers', '3', '--admin', `unix:${socketPath}`, ...UNHURRIED] });
  const metrics = async () => parseMetrics((await request({ socketPath }, '/metrics')).body.toString());
  const holder = await holdPage(server.url, 'late');
  holder.answer = null;
  const asking = Array.from({ length: 3 }, () => request(server.target, `/raw/${holder.hash}`));
  await until(async () => (await metrics()).whilst_seekers === 3, 'all to wait');
  const others = Array.from({ length: 3 }, () => new Wire(server.target));
  await until(() => done(others) === 3, 'the others to be closed');
  holder.answer = Buffer.from('late');
  holder.client.socket.emit('message', JSON.stringify(['c1', null, holder.topic, 'content_request', {}]), false);
  for (const answer of await Promise.all(asking)) assert.equal(answer.body.toString(), 'late');
  assert.ok(refusals(await metrics()).connections >= 3);
});

// Turns of the loop whilst nothing is to be done, for a moment.
async function turnsAtRest(server) {
  const turns = async () => (await server.metrics()).whilst_loop_delay_seconds_count;
  const before = await turns();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return (await turns()) - before;
}

const IMPATIENT = {
  'asks for more': (wire) => wire.send(ASK),
  'closes its end': (wire) => wire.socket.end(),
  'goes away': (wire) => wire.destroy(),
};
for (const [what, act] of Object.entries(IMPATIENT)) {
  for (const method of ['GET', 'PUT']) {
    test(`who waits with a ${method} and ${what} does not keep the loop busy`, async (t) => {
      const server = await serverFor(t, { args: UNHURRIED });
      const holder = await holdPage(server.url, 'late');
      holder.answer = null;
      const wire = new Wire(server.target);
      wire.send(`${method} /${holder.hash} HTTP/1.1\r\nHost: a\r\n${method === 'PUT' ? 'Content-Length: 0\r\n' : ''}\r\n`);
      const sessions = async (count) => (await server.metrics()).whilst_sessions === count;
      await until(() => sessions(2), 'the request to be taken');
      await act(wire);
      const turns = await turnsAtRest(server);
      assert.ok(turns < 300, `${turns} turns`);
      if (what !== 'asks for more') await until(() => sessions(1), 'it to be forgotten');
      await wire.destroy();
      await until(() => sessions(1), 'it to be gone');
    });
  }
}

test('who does not read its answer, and asks for more, is cut off', async (t) => {
  const server = await serverFor(t, { args: ['--write-timeout', '60000', '--max-page', '8M'] });
  const holder = await holdPage(server.url, Buffer.alloc(8 << 20));
  const wire = new Wire(server.target);
  wire.send(`GET /${holder.hash} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await wire.until(() => wire.received.length > 0, 'the answer to begin');
  wire.socket.pause();
  wire.send(ASK);
  const cut = async () => refusals(await server.metrics()).slow_reader === 1;
  await until(cut, 'it to be cut off');
  assert.ok((await turnsAtRest(server)) < 300);
  wire.socket.destroy();
});

test('who waits behind a request that was answered does not keep the loop busy', async (t) => {
  const server = await serverFor(t, { args: UNHURRIED });
  const holder = await holdPage(server.url, 'late');
  holder.answer = null;
  const behind = [`GET /raw/${holder.hash}`, `PUT /${sha256('nobody asks for it')}`, `PUT /${sha256('')}`];
  const wires = behind.map((line) => {
    const wire = new Wire(server.target);
    wire.send(`${ASK}${line} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    return wire;
  });
  await until(async () => (await server.metrics()).whilst_uploads === 2, 'the requests to be read');
  const turns = await turnsAtRest(server);
  assert.ok(turns < 300, `${turns} turns`);
  for (const wire of wires) wire.socket.destroy();
});
