// The server whilst its system has no memory to give: each allocation refused once, all refused
// for a time. Afterwards it serves as before, and has forgotten nothing that it should free
// (its end is checked by the sanitizers).

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { binaryPush, Client, connectClient, holdPage, PATH, sha256 } from './client.js';
import { faultyServerFor, NEVER } from './faults.js';
import { handshake, request } from './http.js';
import { PATIENCE_MS, SOAK, until } from './wait.js';
import { WebSocket } from 'ws';

const PAGE = 'a page that survives\n'.repeat(500);
const HASH = sha256(PAGE);

// Whatever fails in here may fail; bytes may only be right. Where all fails, much is waited for in vain.
const IN_VAIN_MS = 1_000;
const patience = (ms) => new Promise((resolve) => setTimeout(resolve, ms, null).unref());

async function attemptClient(server, patience_ms) {
  const socket = new WebSocket(`ws://${server.host}${PATH}`, { perMessageDeflate: false });
  const client = new Client(socket);
  const opened = new Promise((resolve) => socket.once('open', () => resolve(client)));
  const open = await Promise.race([opened, client.closed.then(() => null), patience(patience_ms)]);
  if (!open) socket.terminate();
  return open;
}

function answering(client) {
  client?.socket.on('message', (data, binary) => {
    const [join_ref, , topic, event] = binary ? [] : JSON.parse(data.toString());
    if (event !== 'content_request') return;
    client.send(binaryPush(join_ref, 'a', topic, 'content', Buffer.from(PAGE)));
  });
}

async function seek(client, payload) {
  await client.join(`want:${HASH}`, payload);
  const [, , , , body] = await client.event('content');
  // Wrong bytes must not be taken for a failed attempt.
  const bytes = Buffer.isBuffer(body) ? body.toString() : body.content;
  if (bytes !== PAGE) wrong.push(bytes);
}

const wrong = [];

// Something of everything that a server does for its visitors.
async function visit(server, patience_ms) {
  const attempt = (promise) => Promise.race([promise.catch(() => null), patience(patience_ms)]);
  const holder = await attemptClient(server, patience_ms);
  answering(holder);
  if (holder) await attempt(holder.join(`have:${HASH}`, { token: 'a-token-of-mine' }));
  const seekers = [await attemptClient(server, patience_ms), await attemptClient(server, patience_ms)];
  await Promise.all(
    [{ binary: true, status: true }, {}].map((payload, i) => seekers[i] && attempt(seek(seekers[i], payload))),
  );
  const page = await attempt(request(server.target, `/raw/${HASH}`));
  if (page?.status === 200) assert.equal(page.body.toString(), PAGE);
  for (const path of ['/', '/healthz', '/metrics', '/nope', '/-/frame/static']) {
    await attempt(request(server.target, path));
  }
  await attempt(handshake(server.target, '/ws/websocket?vsn=1'));
  const long = ['[null,"1","phoenix","heartbeat",', `{"x":"${'x'.repeat(9_000)}"`, '}]'];
  long.forEach((part, i) => holder?.socket.send(part, { binary: false, fin: i === 2 }, () => {}));
  if (holder) await attempt(holder.event('phx_reply'));
  holder?.socket.ping();
  for (const client of [holder, ...seekers]) client?.socket.terminate();
}

async function assertWell(server) {
  assert.deepEqual(wrong, []);
  const holder = await holdPage(server.url, PAGE);
  const seeker = await connectClient(server.url);
  await seek(seeker, { binary: true });
  const answer = await request(server.target, `/raw/${HASH}`);
  assert.equal(answer.body.toString(), PAGE);
  for (const { socket } of [holder.client, seeker]) socket.terminate();
}

const descriptors = (server) => readdirSync(`/proc/${server.program.child.pid}/fd`).length;

// Everybody is gone, and no socket is left behind.
async function assertGone(server, before) {
  // As long as the reserve is in use a new connection may be refused.
  await until(async () => (await server.metrics().catch(() => ({}))).whilst_sessions === 0, 'everybody to be gone');
  await until(() => descriptors(server) <= before, 'their sockets to be closed');
}

// Refuses each allocation of a visit, one visit after the other; gives how many there are.
async function refuseEach(server, faults) {
  for (let n = 1; ; n += 1) {
    faults.refuse(n);
    await visit(server, PATIENCE_MS);
    if (faults.relent().failed === 0) return n - 1;
    if (n % 20 === 0) await assertWell(server);
  }
}

test('each allocation is refused once: the reserve steps in, and nobody notices', async (t) => {
  const { server, faults } = await faultyServerFor(t);
  const before = descriptors(server);
  await visit(server, PATIENCE_MS); // what libraries take once only
  const count = await refuseEach(server, faults);
  await assertGone(server, before);
  await assertWell(server);
  t.diagnostic(`${count} allocations, each refused once`);
  assert.ok(count > 100, `${count} allocations`);
  const { whilst_memory_failures_total: failures, whilst_reserve_used_bytes: used } = await server.metrics();
  assert.ok(failures >= count, `${failures} failures`);
  assert.equal(used, 0);
});

// From one allocation on there is nothing at all: the reserve must do, and what is new waits.
for (const [crowd, reserve] of [[10, '4M'], [20, '64K']]) {
  test(`all are refused for a time, with a crowd of ${crowd} and a reserve of ${reserve}`, async (t) => {
    const { server, faults } = await faultyServerFor(t, { args: ['--memory-reserve', reserve] });
    const before = descriptors(server);
    await visit(server, PATIENCE_MS);
    for (let n = 1; n < 150; n += SOAK ? 1 : 50) {
      faults.refuse(n, NEVER);
      await Promise.all(Array.from({ length: crowd }, () => visit(server, IN_VAIN_MS)));
      assert.ok(faults.relent().failed > 0);
      await assertGone(server, before);
      await assertWell(server);
    }
  });
}
