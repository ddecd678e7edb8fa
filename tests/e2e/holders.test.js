// Holders that lie, stay silent, answer late, answer twice or vanish half-way, and seekers
// that vanish: right bytes or none.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory } from './cli.js';
import { binaryPush, connectClient, holdPage, sha256 } from './client.js';
import { refusals } from './metrics.js';
import { serverFor } from './server.js';
import { until, UNHURRIED } from './wait.js';

const refusedFor = async (server, reason) => refusals(await server.metrics())[reason] ?? 0;

const seekPage = async (server, hash) => {
  const seeker = await connectClient(server.url);
  await seeker.join(`want:${hash}`, { binary: true, status: true });
  return seeker;
};

const received = async (seeker) => sha256((await seeker.event('content'))[4]);

const holdAll = (server, page, count, answer) =>
  Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const holder = await holdPage(server.url, page);
      if (answer !== undefined) holder.answer = answer(i);
      return holder;
    }),
  );

test('99 holders that lie and an honest one: the right page, and no liar is asked twice', async (t) => {
  const server = await serverFor(t, { args: UNHURRIED }); // one after the other: a lie that comes too late is none
  const page = randomBytes(50_000);
  const liars = await holdAll(server, page, 99, (i) => Buffer.from(`lie ${i}`));
  const honest = await holdPage(server.url, page);
  for (let visit = 0; visit < 20; visit++) {
    const seeker = await seekPage(server, honest.hash);
    assert.equal(await received(seeker), honest.hash);
    await seeker.quiet();
    await seeker.close();
  }
  assert.ok(liars.every(({ asked }) => asked <= 1));
  const asked = liars.filter((liar) => liar.asked === 1);
  assert.equal(await refusedFor(server, 'wrong_bytes'), asked.length);
  for (const { client } of asked) assert.deepEqual((await client.event('phx_error'))[4], { reason: 'wrong_bytes' });
});

test('99 silent holders and an honest one: the right page', async (t) => {
  const config = join(directory(t), 'whilst.conf');
  writeFileSync(config, 'hedge = 1000\n');
  const server = await serverFor(t, { args: ['--config', config] });
  const page = randomBytes(50_000);
  await holdAll(server, page, 99, () => null);
  const honest = await holdPage(server.url, page);
  assert.equal(await received(await seekPage(server, honest.hash)), honest.hash);
  // From now on it is asked second at the latest: it is known to have the page. It has time to answer before more are.
  writeFileSync(config, 'hedge = 5000\n');
  server.program.child.kill('SIGHUP');
  await until(() => /config_read changed=1/.test(server.errors), 'the new time');
  const asks = async () => (await server.metrics()).whilst_asks_total;
  const before = await asks();
  assert.equal(await received(await seekPage(server, honest.hash)), honest.hash);
  assert.ok((await asks()) - before <= 4);
});

test('an answer that comes late is accepted as long as nobody was faster', async (t) => {
  const server = await serverFor(t, { args: [...UNHURRIED, '--hedge', '100'] });
  const page = randomBytes(10_000);
  const [slow, never] = await holdAll(server, page, 2, () => null);
  const seeker = await seekPage(server, slow.hash);
  await until(() => slow.asked + never.asked === 2, 'both are asked');
  slow.client.send(binaryPush('c1', 'late', slow.topic, 'content', page));
  assert.equal(await received(seeker), slow.hash);
  // The other one comes too late, and is not to blame for it.
  never.client.send(binaryPush('c1', 'later', never.topic, 'content', page));
  const [, ref, , , payload] = await never.client.event('phx_reply');
  assert.deepEqual([ref, payload], ['later', { status: 'ok', response: {} }]);
  await seeker.quiet();
});

test('an answer that comes twice is refused the second time', async (t) => {
  const server = await serverFor(t);
  const holder = await holdPage(server.url, randomBytes(1000));
  const seeker = await seekPage(server, holder.hash);
  assert.equal(await received(seeker), holder.hash);
  holder.client.send(binaryPush('c1', 'again', holder.topic, 'content', holder.answer));
  const [, ref, , , payload] = await holder.client.event('phx_reply');
  assert.deepEqual([ref, payload], ['again', { status: 'error', response: { reason: 'not_asked' } }]);
  await seeker.quiet();
});

test('a holder that vanishes half-way is followed by the next, and its half is forgotten', async (t) => {
  const server = await serverFor(t, { args: UNHURRIED });
  const page = randomBytes(500_000);
  const leaving = await holdAll(server, page, 5, () => null);
  const seeker = await seekPage(server, leaving[0].hash);
  const gone = new Set();
  while (gone.size < leaving.length) {
    let asked;
    await until(() => (asked = leaving.find((holder) => holder.asked === 1 && !gone.has(holder))) !== undefined, 'the next is asked');
    const message = binaryPush('c1', null, asked.topic, 'content', page);
    asked.client.socket.send(message.subarray(0, 300_000), { fin: false });
    await until(async () => (await server.metrics()).whilst_in_flight_bytes > 0, 'half of the page');
    gone.add(asked);
    await asked.client.drop();
  }
  await until(async () => (await server.metrics()).whilst_in_flight_bytes === 0, 'the halves to be forgotten');
  const honest = await holdPage(server.url, page);
  assert.equal(await received(seeker), honest.hash);
});

test('seekers that vanish leave nothing behind', async (t) => {
  const server = await serverFor(t, { args: UNHURRIED });
  const holder = await holdPage(server.url, randomBytes(300_000));
  const { answer } = holder;
  holder.answer = null;
  const seekers = await Promise.all(Array.from({ length: 50 }, () => seekPage(server, holder.hash)));
  await Promise.all(seekers.map((seeker) => seeker.drop()));
  await until(async () => (await server.metrics()).whilst_seekers === 0, 'no seekers');
  assert.equal((await server.metrics()).whilst_fetches, 0);
  // Its answer comes all the same; it is nobody's, and a new seeker is served by a new one.
  holder.client.send(binaryPush('c1', 'nobody', holder.topic, 'content', answer));
  assert.equal((await holder.client.event('phx_reply'))[1], 'nobody');
  holder.answer = answer;
  assert.equal(await received(await seekPage(server, holder.hash)), holder.hash);
  assert.equal((await server.metrics()).whilst_in_flight_bytes, 0);
});

// All of it at once, for some hundred visits, drawn anew each time.
test('in a mixture of all of these every visitor gets the right bytes', async (t) => {
  const server = await serverFor(t, { args: [...UNHURRIED, '--hedge', '50'] });
  const pages = Array.from({ length: 6 }, (_, i) => randomBytes(200 * 10 ** (i % 3)));
  const answers = [(page) => page, (page) => page, () => null, () => Buffer.from('a lie'), (page) => page.subarray(1)];
  const some = (list) => list[Math.floor(Math.random() * list.length)];
  let holders = await Promise.all(pages.map((page) => holdPage(server.url, page)));
  for (let round = 0; round < 25; round++) {
    const page = some(pages);
    const [stranger] = await holdAll(server, page, 1, () => some(answers)(page));
    holders.push(stranger);
    const seekers = await Promise.all(Array.from({ length: 8 }, () => seekPage(server, sha256(some(pages)))));
    await Promise.all(seekers.slice(0, 2).map((seeker) => seeker.drop()));
    await Promise.all(
      seekers.slice(2).map(async (seeker) => {
        const [, , topic, , bytes] = await seeker.event('content');
        assert.equal(topic, `want:${sha256(bytes)}`);
        await seeker.drop();
      }),
    );
    if (round % 3 === 0) await holders.splice(pages.length, 1)[0]?.client.drop();
  }
});
