// The limits of one connection and one address, as they are by default, each met by somebody
// who goes over it. What happens within one conversation is in the vectors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binaryPush, connectClient, holdPage, sha256 } from './client.js';
import { refusals } from './metrics.js';
import { serverFor } from './server.js';
import { UNHURRIED, until, within } from './wait.js';

const refusedFor = async (server, reason) => refusals(await server.metrics())[reason] ?? 0;
const HEARTBEAT = [null, '1', 'phoenix', 'heartbeat', {}];

// Lets `say` speak whilst the server stands still, so that it hears all of it at once, however long the saying takes.
function saidAtOnce(server, say) {
  server.program.child.kill('SIGSTOP');
  say();
  server.program.child.kill('SIGCONT');
}

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
  saidAtOnce(server, () => {
    for (let i = 0; i < 190; i += 1) client.send([`${i}`, `${i}`, 'all', 'phx_join', {}]);
  });
  while (replies.length < 190) replies.push((await client.event('phx_reply'))[4]);
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
  saidAtOnce(server, () => {
    for (let i = 0; i < 180; i += 1) client.send([join_ref, `${i}`, `want:${hash}`, 'content_request', { hash }]);
  });
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

test('Forwarded is believed when the operator says that the proxies speak it', async (t) => {
  const args = ['--max-per-address', '1', '--trusted-proxy', '127.0.0.1', '--trusted-proxy', '10.0.0.0/8'];
  const server = await serverFor(t, { limits: true, args: [...args, '--proxy-header', 'forwarded'] });
  const from = (value, more = {}) => connectClient(server.url, { headers: { Forwarded: value, ...more } });
  // Each of these is another client, by the rightmost address that is no proxy.
  for (const value of [
    'for=192.0.2.1',
    'For="192.0.2.2:4711";proto=https;by=203.0.113.43',
    'for=192.0.2.1, proto=http; for="[2001:db8:cafe::17]:4711"',
    'for=192.0.2.1, for=192.0.2.3, for=10.1.2.3',
    'by="a, for=192.0.2.1, b";for=192.0.2.4',
    // What cannot be read is nobody's word: the proxy itself is the client.
    'for=192.0.2.1, for=unknown',
  ]) {
    await (await from(value, { 'X-Forwarded-For': '192.0.2.1' })).join('all');
  }
  for (const value of ['for=192.0.2.1', 'for="[2001:db8:cafe::17]"', 'for=198.51.100.1, for=_hidden', '']) {
    const second = await from(value);
    assert.equal((await within(second.closed, `the close of a second from ${value}`)).code, 1013);
  }
});

test('connections: a full server says so', async (t) => {
  const server = await serverFor(t, { args: ['--max-connections', '2'] });
  const clients = [await connectClient(server.url), await connectClient(server.url)];
  const refused = await connectClient(server.url);
  const end = await within(refused.closed, 'the close of the third');
  assert.deepEqual(end, { code: 1013, reason: 'connections' });
  assert.equal(await refusedFor(server, 'connections'), 1);
  assert.equal((await clients[1].call('all', 'phx_join')).status, 'ok');
});

// A holder of a page of its own that was asked and has sent most of it.
async function startAnswer(server, seeker, letter) {
  const page = Buffer.alloc(900_000, letter);
  const holder = await holdPage(server.url, page);
  holder.answer = null;
  await seeker.join(`want:${holder.hash}`, { binary: true });
  await holder.client.event('content_request');
  const message = binaryPush('c1', 'answer', holder.topic, 'content', page);
  holder.client.socket.send(message.subarray(0, 800_000), { fin: false });
  // The answer to a ping behind it says that the server has taken it all in.
  const pong = new Promise((resolve) => holder.client.socket.once('pong', resolve));
  holder.client.socket.ping();
  await within(pong, 'the pong behind most of a page');
  return { ...holder, page, message, rest: message.subarray(800_000) };
}

const CROWDED = ['--max-in-flight', '2M', '--max-unread', '64M', '--max-outbox', '16M', ...UNHURRIED];

test('a page waits in line whilst the memory for pages on their way is used up', async (t) => {
  const server = await serverFor(t, { args: CROWDED });
  const seeker = await connectClient(server.url);
  const first = await startAnswer(server, seeker, 'a');
  const second = await holdPage(server.url, Buffer.alloc(900_000, 'b'));
  await seeker.join(`want:${second.hash}`, { binary: true });
  const { whilst_in_flight_bytes, whilst_fetches_waiting } = await server.metrics();
  assert.ok(whilst_in_flight_bytes <= 2 << 20, 'within the budget');
  assert.equal(whilst_fetches_waiting, 1);
  assert.equal(second.asked, 0);

  first.client.socket.send(first.rest);
  assert.equal(sha256((await seeker.event('content'))[4]), first.hash);
  assert.equal(sha256((await seeker.event('content'))[4]), second.hash);
  await until(async () => {
    const after = await server.metrics();
    return after.whilst_in_flight_bytes + after.whilst_fetches_waiting === 0;
  }, 'nothing on its way');
});

test('busy: when the line is full, a seeker is told, and may ask again', async (t) => {
  const server = await serverFor(t, { args: [...CROWDED, '--max-fetches-waiting', '0'] });
  const seeker = await connectClient(server.url);
  const first = await startAnswer(server, seeker, 'a');
  const { hash } = await holdPage(server.url, Buffer.alloc(900_000, 'b'));
  await seeker.join(`want:${hash}`, { binary: true });
  const [, , topic, , payload] = await seeker.event('error');
  assert.deepEqual([topic, payload], [`want:${hash}`, { reason: 'busy' }]);
  assert.equal(await refusedFor(server, 'busy'), 1);

  first.client.socket.send(first.rest);
  assert.equal(sha256((await seeker.event('content'))[4]), first.hash);
  seeker.send([null, null, `want:${hash}`, 'content_request', { hash }]);
  assert.equal(sha256((await seeker.event('content'))[4]), hash);
});

test('a client that seeks forty pages at once is sent all of them', async (t) => {
  const server = await serverFor(t);
  const pages = Array.from({ length: 40 }, (_, i) => Buffer.alloc(1 << 20, `page ${i}.`));
  const holder = await connectClient(server.url);
  const answers = new Map();
  for (const page of pages) {
    const hash = sha256(page);
    answers.set(`have:${hash}`, { page, join_ref: await holder.join(`have:${hash}`) });
  }
  holder.socket.on('message', (data) => {
    const [, , topic, event] = JSON.parse(data.toString());
    if (event !== 'content_request') return;
    const { page, join_ref } = answers.get(topic);
    holder.send(binaryPush(join_ref, null, topic, 'content', page));
  });
  const seeker = await connectClient(server.url);
  for (const page of pages) seeker.send(['1', null, `want:${sha256(page)}`, 'phx_join', { binary: true }]);
  const served = new Set();
  while (served.size < pages.length) served.add(sha256((await seeker.event('content'))[4]));
  assert.deepEqual(served, new Set(pages.map(sha256)));
});

test('slow_reader: a client that does not read is cut off, and costs the others nothing', async (t) => {
  const server = await serverFor(t, { args: ['--max-page', '8M', '--max-message', '64K', '--write-timeout', '5000'] });
  // More than the buffers of the system between the two can take.
  const pages = await Promise.all(['a', 'b', 'c'].map((letter) => holdPage(server.url, Buffer.alloc(8_000_000, letter))));
  const slow = await connectClient(server.url);
  slow.socket._socket.pause();
  for (const { hash } of pages) slow.send(['1', null, `want:${hash}`, 'phx_join', { binary: true }]);
  await until(async () => (await refusedFor(server, 'slow_reader')) === 1, 'the end of a client that does not read');
  await until(async () => (await server.metrics()).whilst_queued_bytes === 0, 'empty outboxes');

  const brisk = await connectClient(server.url);
  await brisk.join(`want:${pages[0].hash}`, { binary: true });
  assert.equal(sha256((await brisk.event('content'))[4]), pages[0].hash);
  slow.socket._socket.resume();
  assert.ok([1006, 1008].includes((await within(slow.closed, 'the end')).code));
});

test('the largest page is the operator\'s choice, and told to whoever asks', async (t) => {
  const server = await serverFor(t, { args: ['--max-page', '2K'] });
  const client = await connectClient(server.url);
  const { response } = await client.call('all', 'phx_join', { limits: true });
  assert.deepEqual(response, { page_bytes_max: 2048 });
  for (const [size, event] of [[2048, 'content'], [2049, 'phx_error']]) {
    const holder = await holdPage(server.url, 'x'.repeat(size));
    const seeker = await connectClient(server.url);
    await seeker.join(`want:${holder.hash}`);
    const witness = event === 'content' ? seeker : holder.client;
    await witness.event(event);
  }
  assert.equal(await refusedFor(server, 'page_size'), 1);
});
