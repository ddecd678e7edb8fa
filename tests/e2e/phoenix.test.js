// The stock `phoenix` client, untouched, against the real server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from './client.js';
import { hearing, joined, nextCall, outcome, socketFor, UNANSWERED_MS } from './phoenix.js';
import { serverFor, startServer } from './server.js';
import { until } from './wait.js';

const PAGE = 'A page between two stock clients. Ünïcödé 永 🙂\n';
const HASH = sha256(PAGE);

const bufferOf = (bytes) => new Uint8Array(bytes).buffer;

// A holder that answers as the stock client of the original did, in JSON.
function answering(channel, content, hash) {
  const asks = hearing(channel, 'content_request');
  channel.on('content_request', () => channel.push('content', { content, hash }, UNANSWERED_MS));
  return asks;
}

test('join, push, reply, leave', async (t) => {
  const server = await serverFor(t);
  const holder = socketFor(t, server);
  const seeker = socketFor(t, server);

  assert.deepEqual(await outcome(holder.channel('all').join()), { status: 'ok', response: {} });
  const have = holder.channel(`have:${HASH}`);
  const counts = hearing(have, 'visitors_count');
  const asks = answering(have, PAGE, HASH);
  assert.deepEqual(await outcome(have.join()), { status: 'ok', response: {} });
  assert.deepEqual(await counts.next(), { count: 1 });

  const want = seeker.channel(`want:${HASH}`);
  const contents = hearing(want, 'content');
  assert.deepEqual(await outcome(want.join()), { status: 'ok', response: { holders: 1 } });
  assert.deepEqual(await asks.next(), {});
  assert.deepEqual(await contents.next(), { content: PAGE });

  const closed = nextCall((done) => want.onClose(done), 'onClose after a leave');
  assert.equal((await outcome(want.leave())).status, 'ok');
  await closed;
  const gauges = await server.metrics();
  assert.equal(gauges.whilst_seekers, 0);
  assert.equal(gauges.whilst_holders, 1);
});

test('heartbeats are answered, one after the other', async (t) => {
  const server = await serverFor(t);
  const socket = socketFor(t, server, { heartbeatIntervalMs: 5_000 });
  let answers = 0;
  socket.onMessage(({ topic, event, payload }) => {
    if (topic === 'phoenix' && event === 'phx_reply') answers += payload.status === 'ok';
  });
  let closed = false;
  socket.onClose(() => (closed = true));
  await until(() => answers >= 3, 'three heartbeats');
  assert.equal(closed, false);
});

test('binary: an ArrayBuffer pushed, an ArrayBuffer received', async (t) => {
  const server = await serverFor(t);
  const bytes = Buffer.from([0, 255, 1, 254, 0x89, 0x50, 0x4e, 0x47, 0xc3, 0x28]);
  const hash = sha256(bytes);
  const have = await joined(socketFor(t, server), `have:${hash}`);
  have.on('content_request', () => have.push('content', bufferOf(bytes), UNANSWERED_MS));

  const binary = socketFor(t, server).channel(`want:${hash}`, { binary: true });
  const text = socketFor(t, server).channel(`want:${hash}`);
  const contents = hearing(binary, 'content');
  const errors = hearing(text, 'error');
  assert.equal((await outcome(binary.join())).status, 'ok');
  assert.equal((await outcome(text.join())).status, 'ok');

  const received = await contents.next();
  assert.ok(received instanceof ArrayBuffer);
  assert.deepEqual(Buffer.from(received), bytes);
  assert.deepEqual(await errors.next(), { reason: 'not_text' });
});

test('an unmatched topic is an error reply, and the socket lives on', async (t) => {
  const server = await serverFor(t);
  const socket = socketFor(t, server);
  const nowhere = socket.channel('nowhere');
  assert.deepEqual(await outcome(nowhere.join()), {
    status: 'error',
    response: { reason: 'unmatched topic' },
  });
  nowhere.leave();
  await joined(socket, 'all');
});

test('phx_error: onError, then the channel rejoins by itself; others do not notice', async (t) => {
  const server = await serverFor(t);
  const socket = socketFor(t, server);
  const have = await joined(socket, `have:${HASH}`);
  let errors = 0;
  have.onError(() => (errors += 1));

  const all = socket.channel('all');
  let joins = 0;
  const push = all.join().receive('ok', () => (joins += 1));
  await outcome(push);
  const error = nextCall((done) => all.onError(done), 'onError');
  all.push('nonsense', {}, UNANSWERED_MS);
  assert.deepEqual(await error, { reason: 'unknown_event' });
  await until(() => joins === 2, 'the second join');
  assert.equal(all.state, 'joined');
  assert.equal(have.state, 'joined');
  assert.equal(errors, 0);
  assert.equal(errors, 0, 'an error in another channel');
});

test('content that nobody asked for is an error reply', async (t) => {
  const server = await serverFor(t);
  const have = await joined(socketFor(t, server), `have:${HASH}`);
  const expected = { status: 'error', response: { reason: 'not_asked' } };
  assert.deepEqual(await outcome(have.push('content', { content: PAGE, hash: HASH })), expected);
  assert.equal(have.state, 'joined');
});

test('phx_close: a place taken over by its token elsewhere closes the channel for good', async (t) => {
  const server = await serverFor(t);
  const token = { token: 'one-tab-and-another' };
  const first = await joined(socketFor(t, server), `have:${HASH}`, token);
  let errors = 0;
  first.onError(() => (errors += 1));
  const closed = nextCall((done) => first.onClose(done), 'onClose of the old channel');

  const second = socketFor(t, server).channel(`have:${HASH}`, token);
  const counts = hearing(second, 'visitors_count');
  assert.equal((await outcome(second.join())).status, 'ok');
  await closed;
  assert.deepEqual(await counts.next(), { count: 1 });
  assert.equal(first.state, 'closed');
  assert.equal(errors, 0);
});

test('joining a topic twice on one socket leaves the first channel', async (t) => {
  const server = await serverFor(t);
  const socket = socketFor(t, server);
  const first = await joined(socket, `have:${HASH}`);
  const closed = nextCall((done) => first.onClose(done), 'onClose of the first channel');
  const second = await joined(socket, `have:${HASH}`);
  await closed;
  assert.equal(second.state, 'joined');
  await until(async () => (await server.metrics()).whilst_holders === 1, 'one holder');
});

test('a server that was killed and started again finds its clients and pages back', async (t) => {
  let server = await startServer({ returns: true });
  const again = { listen: [server.listen] };
  t.after(() => server.stop());

  const holder = socketFor(t, server);
  const have = await joined(holder, `have:${HASH}`);
  answering(have, PAGE, HASH);
  const counts = hearing(have, 'visitors_count');
  let joins = 0;
  have.joinPush.receive('ok', () => (joins += 1));
  const lost = nextCall((done) => holder.onClose(done), 'the loss of the connection');

  await server.kill();
  await lost;
  server = await startServer(again);
  await until(() => joins === 2, 'the rejoin');
  assert.deepEqual(await counts.next(), { count: 1 });

  const want = socketFor(t, server).channel(`want:${HASH}`);
  const contents = hearing(want, 'content');
  await outcome(want.join());
  assert.deepEqual(await contents.next(), { content: PAGE });
});

test('SIGTERM closes with 1012, after which the client comes back', async (t) => {
  let server = await startServer({ returns: true });
  const again = { listen: [server.listen] };
  const socket = socketFor(t, server);
  const all = socket.channel('all');
  let joins = 0;
  await outcome(all.join().receive('ok', () => (joins += 1)));

  const closed = nextCall((done) => socket.onClose(done), 'the close');
  await server.stop('SIGTERM');
  const { code, reason } = await closed;
  assert.equal(code, 1012);
  assert.equal(String(reason), 'restart');

  server = await startServer(again);
  t.after(() => server.stop());
  await until(() => joins === 2, 'the rejoin');
});

test('a silent holder costs its seeker a second, and may still answer without blame', async (t) => {
  const server = await serverFor(t, { args: ['--answer-timeout', '60000'] });
  const order = [];
  for (const socket of [socketFor(t, server), socketFor(t, server)]) {
    const have = await joined(socket, `have:${HASH}`);
    have.on('content_request', () => {
      order.push(have);
      // Only the second one that is asked answers.
      if (order.length === 2) have.push('content', { content: PAGE, hash: HASH }, UNANSWERED_MS);
    });
  }

  const want = socketFor(t, server).channel(`want:${HASH}`);
  const contents = hearing(want, 'content');
  await outcome(want.join());
  assert.deepEqual(await contents.next(), { content: PAGE });
  assert.equal(order.length, 2);
  assert.notEqual(order[0], order[1]);

  const late = order[0].push('content', { content: PAGE, hash: HASH });
  assert.deepEqual(await outcome(late), { status: 'ok', response: {} });
  const { whilst_hedges_total: hedges, whilst_late_total: lates } = await server.metrics();
  assert.equal(hedges, 1);
  assert.equal(lates, 1);
});
