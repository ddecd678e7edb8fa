// Several processes at one port of one host: whoever comes is at one of them by chance, and who leaves turns nobody away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBrowser, Visitor } from './browser.js';
import { connectClient } from './client.js';
import { request } from './http.js';
import { startManaged } from './manager.js';
import { natsFor } from './nats.js';
import { outcome, socketFor } from './phoenix.js';
import { freePorts } from './ports.js';
import { runProgram, serverFor, startServer } from './server.js';
import { bytesOf, hold, startTraffic } from './traffic.js';
import { until } from './wait.js';

const PROCESSES = 3;
const VISITORS = 300;
const PAGES = 60;
const PER_CLIENT = 5;
const AGENTS = 4;
const SPREAD = 50; // so many that none of three processes is left out by chance

// Each has an address of its own before the one that all share, so that a test can ask it alone.
const shares = (listen, args = []) => ({ listen: ['127.0.0.1:0', listen], args: ['--reuse-port', ...args] });

async function addressFor(host = '127.0.0.1') {
  const [port] = await freePorts(1);
  const name = host.includes(':') ? `[${host}]` : host;
  return { listen: `${name}:${port}`, url: `http://${name}:${port}`, websocket: `ws://${name}:${port}/ws`, target: { host, port } };
}

test('who comes is dealt to all processes', async (t) => {
  const { listen, url } = await addressFor();
  const all = await Promise.all(Array.from({ length: PROCESSES }, () => serverFor(t, shares(listen))));
  const clients = await Promise.all(Array.from({ length: VISITORS }, () => connectClient(url)));
  for (const one of all) assert.ok((await one.metrics()).whilst_sessions > VISITORS / PROCESSES / 2, 'a fair share');
  await Promise.all(clients.map((client) => client.close()));
});

for (const host of ['127.0.0.1', '::1']) {
  test(`processes that end one after the other turn nobody away, at ${host}`, async (t) => {
    const { listen, target } = await addressFor(host);
    const all = await Promise.all(Array.from({ length: PROCESSES }, () => startServer(shares(listen))));
    t.after(() => Promise.all(all.map((one) => one.stop())));
    const failed = [];
    let [asked, ending] = [0, false];
    const asking = Array.from({ length: 8 }, async () => {
      for (; !ending; asked += 1) {
        await request(target, '/').then(({ status }) => status !== 200 && failed.push(status), (error) => failed.push(error.message));
      }
    });
    for (let i = 0; i < PROCESSES; i += 1) {
      await all[i].stop();
      all[i] = await startServer(shares(listen));
      const before = asked;
      await until(() => asked > before + 50 || failed.length > 0, 'more requests');
    }
    ending = true;
    await Promise.all(asking);
    assert.deepEqual(failed, []);
    t.diagnostic(`${asked} requests, each on a connection of its own`);
  });
}

test('who waits in the socket of a process that is told to end is served', async (t) => {
  const { listen, target } = await addressFor();
  const [, late] = [await serverFor(t, shares(listen)), await startServer(shares(listen))];
  late.program.child.kill('SIGSTOP');
  const answers = Array.from({ length: VISITORS }, () => request(target, '/'));
  let served = 0;
  for (const answer of answers) answer.then(() => (served += 1), () => {});
  await until(() => served > VISITORS / 4, 'the answers of the other');
  late.program.child.kill('SIGTERM');
  late.program.child.kill('SIGCONT');
  for (const answer of answers) assert.equal((await answer).status, 200);
  assert.equal((await late.program.exited).code, 0);
});

test('a second signal ends a process whose socket still takes callers', async (t) => {
  const { listen } = await addressFor();
  const one = await startServer(shares(listen, ['--drain', '3600000']));
  t.after(() => one.kill());
  const client = await connectClient(one.url);
  one.program.child.kill('SIGTERM');
  await until(() => one.errors.includes(' stopping '), 'the drain');
  await one.stop();
  await client.closed;
});

// ---- nodes of one bus at one port ----

const number = async (one, name) => (await one.metrics())[name];
const total = async (all, name) => (await Promise.all(all.map((one) => number(one, name)))).reduce((sum, value) => sum + value);

const together = (all) => until(async () => (await total(all, 'whilst_bus_nodes')) === all.length * (all.length - 1), () => `the others: ${all.map((one) => one.errors)}`);

// {all, url, target}: the processes, each with a manager, and what they have together.
async function hostFor(t) {
  const bus = await natsFor(t);
  const { listen, ...address } = await addressFor();
  const start = (port, i) => startManaged({ listen: [], args: ['--listen', `127.0.0.1:${port}`, '--listen', listen, '--reuse-port',
    '--bus', bus.url, '--node', `host-${i + 1}`, '--drain', '1000'] });
  const all = await Promise.all((await freePorts(PROCESSES)).map(start));
  t.after(() => Promise.all(all.map((one) => one.stop())));
  await together(all);
  return { all, ...address };
}

const allHeld = (host) => until(async () => (await total(host.all, 'whilst_holders')) === PAGES && (await total(host.all, 'whilst_away')) === 0,
  'all holders');

async function assertAllReachable(host, hashes) {
  for (const one of host.all) {
    for (const [i, hash] of hashes.entries()) {
      const { status, body } = await request(one.target, `/raw/${hash}`);
      assert.equal(status, 200, `page ${i}`);
      assert.ok(body.equals(bytesOf(i)), `page ${i}`);
    }
  }
}

// Requests by kept connections, and by one for each.
function startAllTraffic(host, hashes) {
  const both = [true, false].map((kept) => startTraffic(host, hashes, AGENTS, kept));
  return async () => {
    await Promise.all(both.map((one) => one.stop()));
    return both.flatMap((one) => one.failed);
  };
}

test('each process is upgraded in turn under traffic: no request fails, no page is lost, counts are right', async (t) => {
  const host = await hostFor(t);
  const hashes = await hold(t, host, PAGES, PER_CLIENT);
  await allHeld(host);
  const stop = startAllTraffic(host, hashes);
  for (const one of host.all) {
    const old = one.pid;
    process.kill(old, 'SIGUSR2');
    await until(() => one.hasEnded(old), () => `the end of the old one: ${one.errors}`);
    await allHeld(host);
    await together(host.all);
  }
  assert.deepEqual(await stop(), []);
  await assertAllReachable(host, hashes);
  for (const one of host.all) assert.doesNotMatch(one.errors, / bus_name_taken | bus_down /);
});

test('a process is killed under traffic: only what it was serving fails, and all its pages come back', async (t) => {
  const host = await hostFor(t);
  const hashes = await hold(t, host, PAGES, PER_CLIENT);
  await allHeld(host);
  const stop = startAllTraffic(host, hashes);
  for (const one of host.all) {
    process.kill(one.pid, 'SIGKILL');
    await until(() => one.heard('READY=1') === 2, () => `the next: ${one.errors}`);
    await allHeld(host);
    await together(host.all);
  }
  const failed = await stop();
  assert.deepEqual(failed.filter((text) => !/ECONNRESET|socket hang up|: 504$/.test(text)), []);
  assert.ok(failed.length <= PROCESSES * 2 * AGENTS, `${failed}`);
  t.diagnostic(`${failed.length} were in flight: ${failed}`);
  await assertAllReachable(host, hashes);
});

test('a browser and stock clients at one page, spread over all: counts are right again after each process was killed', async (t) => {
  const host = await hostFor(t);
  const browser = await startBrowser();
  t.after(() => browser.close());
  const maker = await Visitor.open(t, browser, `${host.url}/`);
  const text = 'Put up at one of them, held at all.\n';
  const hash = await maker.putUp(text);
  const counts = Array.from({ length: SPREAD }, () => 0);
  for (let i = 0; i < SPREAD; i += 1) {
    const channel = socketFor(t, host).channel(`have:${hash}`, { token: `stock-client-${i}` });
    channel.on('content_request', () => channel.push('content', { content: text, hash }));
    channel.on('visitors_count', ({ count }) => (counts[i] = count));
    assert.equal((await outcome(channel.join())).status, 'ok');
  }
  const allCounted = async () => {
    await maker.untilCount(SPREAD + 1);
    await until(() => counts.every((count) => count === SPREAD + 1), () => `everybody's count: ${counts}`);
  };
  await allCounted();
  for (const one of host.all) assert.ok((await number(one, 'whilst_holders')) > 0, 'each has some of them');
  for (const one of host.all) {
    process.kill(one.pid, 'SIGKILL');
    await until(() => one.heard('READY=1') === 2, () => `the next: ${one.errors}`);
    await together(host.all);
    await allCounted();
    assert.equal((await request(host.target, `/raw/${hash}`)).body.toString(), text);
  }
});

test('a port is shared only by those who all say so, and the operator\'s address never is', async (t) => {
  const { listen } = await addressFor();
  const admin = (await addressFor()).listen;
  await serverFor(t, shares(listen, ['--admin', admin]));
  const alone = await runProgram(['serve', '--listen', listen]);
  assert.equal(alone.code, 1);
  assert.match(alone.errors, /Address already in use; stop the other server or choose another --listen$/m);
  const operator = await runProgram(['serve', '--listen', listen, '--reuse-port', '--admin', admin]);
  assert.equal(operator.code, 1);
  assert.ok(operator.errors.includes(`cannot listen on ${admin}: Address already in use`), operator.errors);
  const own = await addressFor();
  await serverFor(t, { listen: [own.listen] });
  const shared = await runProgram(['serve', '--listen', own.listen, '--reuse-port']);
  assert.equal(shared.code, 1);
  assert.match(shared.errors, /Address already in use; give the other server --reuse-port and the same user, or choose another --listen$/m);
});
