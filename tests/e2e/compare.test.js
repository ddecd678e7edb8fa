// The load of the comparison with other servers does its work, and counts what it did.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { freePorts } from './ports.js';
import { accepts, startServer } from './server.js';
import { until } from './wait.js';

const COUNTS_AT_ONCE = ['--count-interval', '1', '--counts-per-second', '10000000'];

let server;
before(async () => (server = await startServer({ args: COUNTS_AT_ONCE })));
after(() => server.stop());

function load(...words) {
  const child = spawn(process.env.WHILST_COMPARE_LOAD, words.map(String));
  let out = '';
  let errors = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (errors += text));
  return new Promise((done) => child.on('close', (code) => done({ code, errors, result: code === 0 ? JSON.parse(out) : null })));
}

const whilst = (work, ...numbers) => load(work, 'whilst', server.port, ...numbers, server.program.child.pid);

test('visitors come and stay', async () => {
  const { result } = await whilst('idle', 30);
  assert.equal(result.visitors, 30);
  assert.equal(result.curve.length, 1);
});

test('every message reaches every subscriber', async () => {
  const { result } = await whilst('fanout', 20, 2, 5);
  assert.equal(result.deliveries, 20 * 2 * 5);
});

test('a page reaches all who want it', async () => {
  const { result } = await whilst('bulk', 5, 100_000, 2);
  assert.ok(result.megabytes_per_second > 0);
});

test('fetches end', async () => {
  const { result } = await whilst('fetch', 3, 1000, 20, 1, 4);
  assert.equal(result.fetches, 20);
});

test('a loop of nothing but sends tells as many bytes to all', async (t) => {
  const [port] = await freePorts(1);
  const bare = spawn(process.env.WHILST_COMPARE_BARE, ['send', `${port}`, `${2 * 116}`]);
  t.after(() => bare.kill());
  await until(() => accepts(port), 'the loop');
  const { result } = await load('fanout', 'bare', port, 20, 2, 5, bare.pid);
  assert.equal(result.deliveries, 20 * 2 * 5);
});

test('what cannot be done is said', async () => {
  assert.match((await load('idle', 'whilst', 1, 1)).errors, /cannot connect/);
  assert.match((await load('idle', 'apache', 1, 1)).errors, /there is no server apache/);
  assert.match((await load('dance', 'whilst', 1, 1)).errors, /there is no work dance/);
});
