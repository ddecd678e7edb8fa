// The load driver, with small loads: it must play every mix to its end, and tell the truth.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusals } from './metrics.js';
import { natsFor } from './nats.js';
import { runProgram, serverFor, spawnProgram } from './server.js';
import { until, within } from './wait.js';

// Runs one mix against a server and gives back its line of JSON.
async function bench(server, ...args) {
  const pid = String(server.program.child.pid);
  const { code, output, errors } = await runProgram([
    'bench', '--server', server.url, '--server-pid', pid, '--json', ...args,
  ]);
  assert.equal(code, 0, errors + output);
  assert.equal(errors, '');
  assert.match(output, /^\{.*\}\n$/, 'one line');
  const told = JSON.parse(output);
  assert.deepEqual(told.faults, {});
  return { ...told, phase: (name) => told.phases.find((phase) => phase.name === name) };
}

// Runs a mix that goes on until it is interrupted, which it is when there was `enough`, told by the server's metrics.
async function benchUntil(server, enough, ...args) {
  const program = spawnProgram(['bench', '--server', server.url, '--seconds', '3600', '--json', ...args]);
  try {
    await until(async () => program.child.exitCode !== null || enough(await server.metrics()), () => `enough of it: ${program.errors}`);
    program.child.kill('SIGINT');
    await within(program.exited, 'the end of the interrupted run');
  } finally {
    program.child.kill('SIGKILL');
  }
  assert.equal(program.child.exitCode, 1, `interrupted: ${program.errors}${program.output}`);
  const told = JSON.parse(program.output);
  assert.deepEqual(told.faults, {});
  return { ...told, phase: (name) => told.phases.find((phase) => phase.name === name) };
}

function assertTimes(phase, count) {
  assert.equal(phase.count, count);
  assert.ok(phase.seconds > 0 && phase.per_second > 0);
  const { p50_us, p90_us, p99_us, max_us } = phase;
  assert.ok(p50_us > 0 && p50_us <= p90_us && p90_us <= p99_us && p99_us <= max_us, JSON.stringify(phase));
  assert.ok(phase.server_us_each > 0 && phase.driver_busy > 0, JSON.stringify(phase));
}

test('idle: all come, each to a page of its own, and go', async (t) => {
  const server = await serverFor(t);
  const told = await bench(server, 'idle', '--visitors', '1200', '--seconds', '1');
  assertTimes(told.phase('come, to 1000'), 1000);
  assertTimes(told.phase('to 2000'), 200);
  assert.ok(told.notes['user bytes each'] > 500);
  const metrics = await server.metrics();
  assert.equal(metrics.whilst_sessions_total, 1200);
  assert.equal(metrics.whilst_joins_total, 2400);
});

test('crowd: everybody is told how many they are, in few messages', async (t) => {
  const server = await serverFor(t);
  const told = await bench(server, 'crowd', '--visitors', '400');
  const joined = told.phase('join one page');
  assertTimes(joined, 400);
  const each = told.notes['counts told to each'];
  // A page tells 2,000 counts a second at most, which are 5 to each of 400.
  assert.ok(each >= 1 && each <= 5 + 5 * joined.seconds, `${each} counts each in ${joined.seconds} s`);
});

test('fetch: every page that was sought is found', async (t) => {
  const server = await serverFor(t);
  const told = await bench(server, 'fetch', '--visitors', '50', '--seconds', '1', '--rate', '100', '--pages', '7');
  assertTimes(told.phase('fetch'), 100);
  assert.equal((await server.metrics()).whilst_served_total, 100);
});

test('fetch with holders at another node, and nobody: all is asked of the bus', async (t) => {
  const bus = await natsFor(t);
  const nodes = await Promise.all(['a', 'b'].map((name) => serverFor(t, { args: ['--bus', bus.url, '--node', name] })));
  for (const node of nodes) await until(async () => (await node.metrics()).whilst_bus_nodes === 1, 'the other node');
  const small = ['--visitors', '20', '--seconds', '1', '--rate', '50', '--holders-server', nodes[1].url];
  const fetched = await bench(nodes[0], 'fetch', '--pages', '7', ...small);
  assertTimes(fetched.phase('fetch'), 50);
  const before = await nodes[0].metrics();
  assert.ok(before.whilst_bus_contents_total > 0);
  const missed = await bench(nodes[0], 'nobody', ...small);
  assertTimes(missed.phase('nobody'), 50);
  const after = await nodes[0].metrics();
  assert.equal(after.whilst_bus_contents_total, before.whilst_bus_contents_total);
  assert.ok(after.whilst_bus_wants_total > before.whilst_bus_wants_total);
});

test('fanout: pages, several at once, and counts', async (t) => {
  const server = await serverFor(t);
  const pages = await bench(server, 'fanout', '--visitors', '40', '--rounds', '2', '--in-flight', '3', '--size', '100');
  assertTimes(pages.phase('fan out'), 39 * 2 * 3);
  const counts = await bench(server, 'fanout', '--counts', '--visitors', '40', '--rounds', '3');
  assertTimes(counts.phase('fan out'), 39 * 3);
});

test('large pages come through too', async (t) => {
  const server = await serverFor(t);
  const told = await bench(server, 'fanout', '--visitors', '10', '--rounds', '2', '--size', '1M');
  assertTimes(told.phase('fan out'), 18);
});

test('churn and storm: who goes may come again', async (t) => {
  const server = await serverFor(t);
  const churning = ['churn', '--visitors', '100', '--rate', '100', '--stay', '200'];
  await bench(server, ...churning, '--seconds', '1');
  // More than there are places: somebody went.
  const churn = await benchUntil(await serverFor(t), (metrics) => metrics.whilst_sessions_total > 100, ...churning);
  assert.ok(churn.phase('come and go').count > 0);
  const storm = await bench(server, 'storm', '--visitors', '200');
  assertTimes(storm.phase('come back'), 200);
});

test('frontpage: a day of arrivals, reloads and fetches', async (t) => {
  const server = await serverFor(t);
  const day = ['frontpage', '--visitors', '100', '--pages', '5', '--stay', '300'];
  await bench(server, ...day, '--seconds', '1');
  // At most 100 of those who were served have not heard of it yet; reloads keep their place.
  const enough = (metrics) => metrics.whilst_served_total > 150 && metrics.whilst_take_overs_total > 0;
  const told = await benchUntil(await serverFor(t), enough, ...day);
  assert.ok(told.phase('the day').count > 50);
  assert.ok(told.phase('of which fetches').count > 50);
  assert.ok(told.notes.reloads > 0);
});

test('visitors come from many addresses, so that the limit of one is not met', async (t) => {
  const server = await serverFor(t, { limits: true });
  const told = await bench(server, 'idle', '--visitors', '300', '--seconds', '1');
  assert.equal(told.phase('come, to 1000').count, 300);
  assert.deepEqual(refusals(await server.metrics()), {});
});

test('a refusal is a fault, and the run is not called good', async (t) => {
  const server = await serverFor(t, { limits: true });
  const { code, output } = await runProgram([
    'bench', 'idle', '--server', server.url, '--visitors', '300', '--per-address', '0', '--json',
  ]);
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(output).faults, { 'closed with 1013 address_connections': 100 });
});

test('the table is for people', async (t) => {
  const server = await serverFor(t);
  const { code, output } = await runProgram(['bench', 'crowd', '--server', server.url, '--visitors', '20']);
  assert.equal(code, 0);
  assert.match(output, /^join one page +20 visitors/m);
  assert.match(output, /^counts told to each +\d/m);
});

test('the hub alone: what is joined is counted, fetched, fanned out and given back', async () => {
  const { code, output, errors } = await runProgram([
    'bench', '--in-process', '--sessions', '3000', '--pages', '300', '--size', '100', '--json',
  ]);
  assert.equal(code, 0, errors + output);
  const told = JSON.parse(output);
  assert.deepEqual(told.faults, {});
  const counts = Object.fromEntries(told.phases.map(({ name, count }) => [name, count]));
  assert.equal(counts['hold a page'], 3000);
  assert.equal(counts.fetch, 3000);
  assert.equal(counts['fan out'], 2999);
  assert.ok(told.notes['longest step'] > 0);
});

test('mistakes are told in one line', async () => {
  const nobody = await runProgram(['bench', 'idle', '--server', 'http://127.0.0.1:1', '--visitors', '5']);
  assert.equal(nobody.code, 5);
  assert.match(nobody.errors, /^whilst: http:\/\/127\.0\.0\.1:1: connection refused\n$/);
  for (const [args, wanted] of [
    [['bench'], /wants one mix/],
    [['bench', 'idle', 'crowd'], /wants one mix/],
    [['bench', 'dance'], /no mix 'dance'/],
    [['bench', 'fetch', '--holders-server', 'ftp://x'], /'ftp:\/\/x' is not an address/],
    [['bench', 'idle', '--server', 'ftp://x'], /'ftp:\/\/x' is not an address/],
    [['bench', 'idle', '--visitors', '0'], /--visitors/],
    [['bench', 'idle', '--visitors', '900000'], /may hold \d+ descriptors/],
  ]) {
    const { code, errors } = await runProgram(args);
    assert.ok(code === 1 || code === 2, `${args}: ${code}`);
    assert.match(errors, wanted);
    assert.match(errors, /^[^\n]+\n$/);
  }
});
