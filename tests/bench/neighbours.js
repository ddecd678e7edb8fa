// What hostile clients cost their neighbours: a visitor's round trip and fetch, next to nobody
// and next to them, in turns. Prints medians, 99th percentiles and the ratio of the latter.
//
//   WHILST_BINARY=build/release/whilst node tests/bench/neighbours.js [ROUNDS]
//
// Hostile: 10 % and 50 % of a hundred readers who stop reading pages of 256 KiB; one client that
// sends 100,000 frames a second, with the server's rates (it is closed and comes back) and
// without. The others, and what is hostile, run in a process of their own.

import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connectClient, holdPage } from '../e2e/client.js';
import { startServer } from '../e2e/server.js';

const READERS = 100;
const PAGE_BYTES = 256 << 10;
const FRAMES = 100_000;
const SLICE_MS = 3_000;
const LONG = ['--write-timeout', '600000', '--hang-up', '600000', '--ping', '500000'];

const SCENES = [
  { name: '10 % stopped', load: 'readers', calm: 0, hostile: 10, args: LONG },
  { name: '50 % stopped', load: 'readers', calm: 0, hostile: 50, args: LONG },
  { name: 'flood, rates on', load: 'flood', calm: 0, hostile: FRAMES, limits: true },
  { name: 'flood, no rates', load: 'flood', calm: 0, hostile: FRAMES },
];

// ---- the load, in its own process ----

async function readers(url, stopped) {
  const clients = [];
  for (let i = 0; i < READERS; i += 1) {
    const client = await connectClient(url);
    client.socket.removeAllListeners('message');
    if (i < stopped) client.socket.pause();
    clients.push(client);
  }
  for (let round = 0; ; round += 1) {
    const holder = await holdPage(url, randomBytes(PAGE_BYTES));
    const want = (client) => client.send([`${round}`, `${round}`, `want:${holder.hash}`, 'phx_join', { binary: true }]);
    clients.forEach(want);
    await new Promise((resolve) => setTimeout(resolve, 500));
    clients.forEach((client) => client.send([`${round}`, null, `want:${holder.hash}`, 'phx_leave', {}]));
    holder.client.socket.terminate();
  }
}

function frames(count) {
  const text = Buffer.from('[null,null,"phoenix","heartbeat",{}]');
  return Buffer.concat(Array(count).fill(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])));
}

async function flood(url, each_second) {
  if (each_second === 0) return;
  const some = frames(each_second / 100);
  for (;;) {
    const client = await connectClient(url).catch(() => null);
    if (client === null) continue;
    const socket = client.socket._socket;
    socket.on('error', () => {});
    const timer = setInterval(() => socket.writableNeedDrain || socket.write(some), 10);
    await client.closed;
    clearInterval(timer);
  }
}

// ---- the neighbour ----

async function measure(client, holder, times, ms, pause_ms) {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    let begin = performance.now();
    await client.call('phoenix', 'heartbeat');
    times.trip.push(performance.now() - begin);
    begin = performance.now();
    const ref = await client.join(`want:${holder.hash}`, { binary: true });
    await client.event('content');
    times.fetch.push(performance.now() - begin);
    await client.call(`want:${holder.hash}`, 'phx_leave', {}, ref);
    await new Promise((resolve) => setTimeout(resolve, pause_ms));
  }
}

async function slice({ load, args, limits }, amount, times) {
  const server = await startServer({ args: [...(args ?? []), ...(limits ? ['--join-rate', '0'] : [])], limits });
  const child = fork(process.argv[1], ['--load', load, server.url, amount]);
  const exited = once(child, 'exit');
  const holder = await holdPage(server.url, randomBytes(10_240));
  const client = await connectClient(server.url);
  const pause_ms = limits ? 80 : 5; // within a visitor's rates
  await measure(client, holder, { trip: [], fetch: [] }, 1_000, pause_ms); // to get warm
  await measure(client, holder, times, SLICE_MS, pause_ms);
  child.kill('SIGKILL');
  await exited;
  await server.kill();
}

const at = (times, share) => times.sort((a, b) => a - b)[Math.floor((times.length - 1) * share)];

async function scene(scene, rounds) {
  const calm = { trip: [], fetch: [] };
  const hostile = { trip: [], fetch: [] };
  for (let round = 0; round < rounds; round += 1) {
    await slice(scene, scene.calm, calm);
    await slice(scene, scene.hostile, hostile);
  }
  for (const what of ['trip', 'fetch']) {
    const row = [calm, hostile].flatMap((times) => [at(times[what], 0.5), at(times[what], 0.99)]);
    const ratio = row[3] / row[1];
    console.log([scene.name.padEnd(18), what.padEnd(6), ...row.map((ms) => ms.toFixed(2).padStart(9)), ratio.toFixed(2).padStart(7)].join(' '));
  }
}

if (process.argv[2] === '--load') {
  const [, , , load, url, amount] = process.argv;
  await { readers, flood }[load](url, Number(amount));
} else {
  console.log('scene              what     calm 50 %, 99 % ms   hostile 50 %, 99 % ms   ratio');
  for (const each of SCENES) await scene(each, Number(process.argv[2] ?? 5));
}
