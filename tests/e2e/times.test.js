// What the server does by the clock, with its times set short.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binaryPush, connectClient, holdPage, sha256 } from './client.js';
import { refusals } from './metrics.js';
import { serverFor } from './server.js';
import { until, within } from './wait.js';

const gauge = (server, name, value) =>
  until(async () => (await server.metrics())[name] === value, `${name} ${value}`);

test('a quiet client is pinged, and stays as long as it answers', async (t) => {
  const server = await serverFor(t, { args: ['--ping', '200', '--hang-up', '20000'] });
  const client = await connectClient(server.url);
  let pings = 0;
  client.socket.on('ping', () => (pings += 1));
  await until(() => pings >= 3, 'three pings');
  assert.equal((await client.call('all', 'phx_join')).status, 'ok');
});

test('silent: a client that does not answer pings is hung up on', async (t) => {
  const server = await serverFor(t, { args: ['--ping', '200', '--hang-up', '5000'] });
  const deaf = await connectClient(server.url, { autoPong: false });
  await deaf.join(`have:${sha256('held by the deaf')}`);
  const begin = Date.now();
  await within(deaf.closed, 'the end of a silent client');
  const took_ms = Date.now() - begin;
  assert.ok(took_ms < 30_000, `nobody else said anything, and it took ${took_ms} ms`);
  assert.deepEqual(refusals(await server.metrics()), { silent: 1 });
  await gauge(server, 'whilst_holders', 0);
});

test('a holder that sends nothing is given up; the seeker is told, and may ask again', async (t) => {
  const server = await serverFor(t, { args: ['--answer-timeout', '5000'] });
  const holder = await holdPage(server.url, 'late');
  holder.answer = null;
  const seeker = await connectClient(server.url);
  const topic = `want:${holder.hash}`;
  const join_ref = await seeker.join(topic, { status: true });
  const status = async () => (await seeker.event('status'))[4];
  assert.deepEqual(await status(), { state: 'searching', holders: 1, asked: 1, reason: null });
  const { asked, ...rest } = await status();
  assert.deepEqual(rest, { state: 'nobody', holders: 1, reason: 'silent' });

  // Too late: by now it is not asked any more.
  const late = binaryPush('c1', '9', holder.topic, 'content', Buffer.from('late'));
  holder.client.send(late);
  const refusal = (await holder.client.event('phx_reply'))[4];
  assert.deepEqual(refusal, { status: 'error', response: { reason: 'not_asked' } });

  holder.answer = Buffer.from('late');
  seeker.send([join_ref, null, topic, 'content_request', { hash: holder.hash }]);
  assert.deepEqual((await seeker.event('content'))[4], { content: 'late' });
  assert.equal(holder.asked, 2);
});

test('a holder that trickles is not given up whilst bytes come', async (t) => {
  const server = await serverFor(t, { args: ['--answer-timeout', '6000'] });
  const page = Buffer.alloc(30, 'slowly ');
  const holder = await holdPage(server.url, page);
  holder.answer = null;
  const seeker = await connectClient(server.url);
  await seeker.join(`want:${holder.hash}`, { binary: true });
  await holder.client.event('content_request');

  const message = binaryPush('c1', '9', holder.topic, 'content', page);
  const head = message.length - page.length;
  const begin = Date.now();
  let sent = head + 1;
  holder.client.socket.send(message.subarray(0, sent), { fin: false });
  // One byte whenever the clock allows, for longer than the server waits for a silent one.
  await until(() => {
    if (Date.now() - begin > ((sent - head) * 8_000) / page.length && sent < message.length - 1) {
      holder.client.socket.send(message.subarray(sent, sent + 1), { fin: false });
      sent += 1;
    }
    return Date.now() - begin > 9_000;
  }, 'nine seconds');
  holder.client.socket.send(message.subarray(sent), { binary: true, fin: true });
  assert.ok((await seeker.event('content'))[4].equals(page));
  assert.equal((await server.metrics()).whilst_given_up_total, 0);
});

test('a dropped holder with a token is away for the grace time, and then gone', async (t) => {
  const server = await serverFor(t, { args: ['--grace', '6000'] });
  const topic = `have:${sha256('held by two')}`;
  const witness = await connectClient(server.url);
  await witness.join(topic);
  const count = async () => (await witness.event('visitors_count'))[4].count;
  assert.equal(await count(), 1);
  const dropping = await connectClient(server.url);
  await dropping.join(topic, { token: 'a-tab-that-drops' });
  assert.equal(await count(), 2);

  await dropping.drop();
  await gauge(server, 'whilst_away', 1);
  assert.equal((await server.metrics()).whilst_holders, 1);
  assert.equal(await count(), 1);
  await gauge(server, 'whilst_away', 0);
});

test('a holder that comes back within the grace time was never missed', async (t) => {
  const server = await serverFor(t, { args: ['--grace', '3600000'] });
  const topic = `have:${sha256('held by one who comes back')}`;
  const payload = { token: 'a-tab-that-returns' };
  const witness = await connectClient(server.url);
  await witness.join(topic);
  const first = await connectClient(server.url);
  await first.join(topic, payload);
  while ((await witness.event('visitors_count'))[4].count !== 2);

  await first.drop();
  await gauge(server, 'whilst_away', 1);
  const second = await connectClient(server.url);
  await second.join(topic, payload);
  await gauge(server, 'whilst_away', 0);
  assert.equal((await server.metrics()).whilst_take_overs_total, 1);
  await witness.quiet();
});

test('many who come at once are told in few messages, and all learn the last count', async (t) => {
  const server = await serverFor(t, { args: ['--count-interval', '2000'] });
  const crowd = 60;
  const topic = `have:${sha256('a crowd')}`;
  const clients = await Promise.all(
    Array.from({ length: crowd }, () => connectClient(server.url)),
  );
  const last = clients.map(
    (client) =>
      new Promise((resolve) => {
        client.socket.on('message', (data) => {
          if (JSON.parse(data.toString())[4].count === crowd) resolve();
        });
      }),
  );
  // At once for the server, too, however slow whoever sends is.
  server.program.child.kill('SIGSTOP');
  const joins = clients.map((client) => client.join(topic));
  server.program.child.kill('SIGCONT');
  await Promise.all(joins);
  await within(Promise.all(last), 'the last count at everybody');
  const { whilst_counts_total: counts } = await server.metrics();
  assert.ok(counts <= 6 * crowd, `${counts} counts for ${crowd}`);
});
