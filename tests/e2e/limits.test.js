// The limits of one connection and one address, as they are by default, each met by somebody
// who goes over it. What happens within one conversation is in the vectors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient, sha256 } from './client.js';
import { refusals } from './metrics.js';
import { serverFor } from './server.js';
import { until, within } from './wait.js';

const refusedFor = async (server, reason) => refusals(await server.metrics())[reason] ?? 0;
const HEARTBEAT = [null, '1', 'phoenix', 'heartbeat', {}];

test('message_rate: more than 200 messages at once close the connection', async (t) => {
  const server = await serverFor(t, { limits: true });
  const client = await connectClient(server.url);
  for (let i = 0; i < 2_000; i += 1) client.send(HEARTBEAT);
  const end = await within(client.closed, 'the close of a flood');
  assert.deepEqual(end, { code: 1008, reason: 'message_rate' });
  assert.equal(await refusedFor(server, 'message_rate'), 1);
  assert.ok(client.inbox.length >= 200, `${client.inbox.length} answers before it`);
});

test('join_rate: more than 128 joins at once are refused, and the connection lives on', async (t) => {
  const server = await serverFor(t, { limits: true });
  const client = await connectClient(server.url);
  const replies = [];
  for (let i = 0; i < 150; i += 1) client.send([`${i}`, `${i}`, 'all', 'phx_join', {}]);
  while (replies.length < 150) replies.push((await client.event('phx_reply'))[4]);
  const refused = replies.filter(({ status }) => status === 'error');
  assert.ok(refused.length >= 10, `${refused.length} refused`);
  for (const { response } of refused) assert.deepEqual(response, { reason: 'join_rate' });
  assert.equal(await refusedFor(server, 'join_rate'), refused.length);
  client.send(HEARTBEAT);
  await client.event('phx_reply');
});

test('ask_rate: more than 20 requests at once are refused', async (t) => {
  const server = await serverFor(t, { limits: true });
  const client = await connectClient(server.url);
  const hash = sha256('asked for too often');
  const join_ref = await client.join(`want:${hash}`);
  for (let i = 0; i < 60; i += 1) {
    client.send([join_ref, `${i}`, `want:${hash}`, 'content_request', { hash }]);
  }
  const [, , , , payload] = await client.event('phx_reply');
  assert.deepEqual(payload, { status: 'error', response: { reason: 'ask_rate' } });
  await until(async () => (await refusedFor(server, 'ask_rate')) >= 20, 'twenty refusals');
});

test('address_connections: one address has so many connections and no more', async (t) => {
  const server = await serverFor(t, { limits: true, args: ['--max-per-address', '3'] });
  const clients = [];
  for (let i = 0; i < 3; i += 1) clients.push(await connectClient(server.url));
  const refused = await connectClient(server.url);
  const end = await within(refused.closed, 'the close of the fourth');
  assert.deepEqual(end, { code: 1013, reason: 'address_connections' });
  assert.equal(await refusedFor(server, 'address_connections'), 1);

  await clients[0].drop();
  await until(async () => (await server.metrics()).whilst_sessions === 2, 'room for one');
  const next = await connectClient(server.url);
  await next.join('all');
});

// A forwarded address counts only from a proxy that the operator named.
test('X-Forwarded-For is believed from trusted proxies alone', async (t) => {
  const cap = ['--max-per-address', '2'];
  const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
  const suspicious = await serverFor(t, { limits: true, args: cap });
  for (const address of ['192.0.2.1', '192.0.2.2']) {
    await connectClient(suspicious.url, from(address));
  }
  const liar = await connectClient(suspicious.url, from('192.0.2.3'));
  assert.equal((await within(liar.closed, 'the close of a liar')).code, 1013);

  const trusting = await serverFor(t, {
    limits: true,
    args: [...cap, '--trusted-proxy', '127.0.0.1'],
  });
  // The rightmost address is the one that the proxy itself saw.
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.1, 192.0.2.2']) {
    const client = await connectClient(trusting.url, from(address));
    await client.join('all');
  }
  const third = await connectClient(trusting.url, from('198.51.100.7, 192.0.2.1'));
  assert.equal((await within(third.closed, 'the close of the third')).code, 1013);
});
