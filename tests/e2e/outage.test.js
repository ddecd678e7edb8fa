// What an operating system does to a server: no descriptors, no disk for the log, clocks that
// jump, and time that passes without it. Sessions and pages outlive all of it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { connectClient, holdPage, PATH } from './client.js';
import { request, Wire } from './http.js';
import { refusals } from './metrics.js';
import { serverFor, spawnProgram } from './server.js';
import { SOAK, until, within } from './wait.js';

const PAGE = 'a page that is still there\n'.repeat(1_000);
const processId = (server) => server.program.child.pid;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-outage-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

// Processor time of a process so far, in ticks of 10 ms.
function ticks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

async function assertServes(server, holder) {
  const { status, body } = await request(server.target, `/raw/${holder.hash}`);
  assert.equal(status, 200);
  assert.equal(body.toString(), PAGE);
}

test('no descriptors: callers are turned away without effort, and served when there are some', async (t) => {
  const server = await serverFor(t);
  const holder = await holdPage(server.url, PAGE);
  assert.equal(spawnSync('prlimit', ['--pid', processId(server), '--nofile=64:64']).status, 0);
  const before = { ticks: ticks(processId(server)), lines: server.errors.split('\n').length, ms: Date.now() };
  const wires = Array.from({ length: 120 }, () => new Wire(server.target));
  await until(() => wires.filter((wire) => wire.done).length >= 60, 'sixty to be turned away');
  await wait(2_000);
  const passed_ms = Date.now() - before.ms;
  const spent_ms = 10 * (ticks(processId(server)) - before.ticks);
  assert.ok(spent_ms < 0.2 * passed_ms, `${spent_ms} ms of processor time in ${passed_ms} ms`);
  const lines = server.errors.split('\n').length - before.lines;
  assert.ok(lines < 20, `${lines} lines of log`);
  assert.equal(holder.client.end, null, 'the holder is still there');
  for (const wire of wires) wire.socket.destroy();
  const serves = () => assertServes(server, holder).then(() => true, () => false);
  await until(serves, 'the server to serve again');
  assert.ok((await server.metrics()).whilst_accept_failures_total >= 60);
});

for (const [what, redirection] of [['full', '2>/dev/full'], ['closed', '2>&-'], ['closed, all three', '<&- >&- 2>&-']]) {
  test(`the log's file is ${what}: serving goes on`, async (t) => {
    const path = join(directoryFor(t), 'socket');
    const command = `exec "$0" "$@" ${redirection}`;
    const args = ['serve', '--listen', `unix:${path}`, '--log-level', 'debug'];
    const program = spawnProgram(['-c', command, resolve(process.env.WHILST_BINARY), ...args], '/bin/sh');
    t.after(() => program.child.kill('SIGKILL'));
    const target = { socketPath: path };
    await until(() => request(target, '/healthz').then(() => true, () => false), 'the server');
    const { hash } = await holdPage(`ws+unix:${path}:${PATH}`, PAGE);
    for (let i = 0; i < 20; i += 1) {
      assert.equal((await request(target, `/raw/${hash}`)).body.toString(), PAGE);
      program.child.kill('SIGHUP');
    }
    program.child.kill('SIGTERM');
    assert.deepEqual(await within(program.exited, 'the end'), { code: 0, signal: null });
  });
}

for (const fault of ['ENOMEM', 'ENOBUFS', 'EMFILE', 'ENFILE']) {
  test(`accepting fails, ${fault}: callers wait without effort, and are served afterwards`, async (t) => {
    const path = join(directoryFor(t), 'fault');
    const server = await serverFor(t, { env: {
      LD_PRELOAD: resolve(process.env.WHILST_ACCEPT_LIBRARY),
      WHILST_ACCEPT_FAULT: path,
      ASAN_OPTIONS: 'verify_asan_link_order=0',
    } });
    const holder = await holdPage(server.url, PAGE);
    writeFileSync(path, fault);
    const began = Date.now();
    const answer = request(server.target, `/raw/${holder.hash}`);
    const told = fault.endsWith('FILE') ? / descriptors_exhausted / : / accept_failed reason=/;
    await until(() => told.test(server.errors), 'word of it');
    await wait(2_000);
    holder.client.send([null, '1', 'phoenix', 'heartbeat', {}]);
    await holder.client.event('phx_reply'); // those who are there are served
    rmSync(path);
    const spent_ms = Date.now() - began;
    assert.equal((await answer).body.toString(), PAGE);
    const failures = (await server.metrics()).whilst_accept_failures_total;
    assert.ok(failures >= 1 && failures <= 5 + spent_ms / 50, `${failures} failures in ${spent_ms} ms`);
  });
}

test('the wall clock jumps by years, there and back: nobody is lost', async (t) => {
  const path = join(directoryFor(t), 'clock');
  const set = (seconds) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    writeFileSync(path, bytes, { flag: 'r+' });
  };
  writeFileSync(path, Buffer.alloc(8));
  const env = {
    LD_PRELOAD: resolve(process.env.WHILST_CLOCK_LIBRARY),
    WHILST_CLOCK: path,
    ASAN_OPTIONS: 'verify_asan_link_order=0',
  };
  const server = await serverFor(t, { env, args: ['--ping', '500'] });
  const holder = await holdPage(server.url, PAGE);
  const year = 365 * 86_400;
  for (const seconds of [10 * year, -10 * year, 0]) {
    set(seconds);
    const pinged = new Promise((done) => holder.client.socket.once('ping', done));
    await within(pinged, 'the next ping');
    await assertServes(server, holder);
    assert.equal(holder.client.end, null);
  }
  // The log alone tells the time of day: the jump was real.
  set(10 * year);
  server.program.child.kill('SIGTERM');
  await until(() => /stopping/.test(server.errors), 'the line of the stop');
  const told = Number(/^(\d{4})-.* stopping/m.exec(server.errors)[1]);
  assert.ok(told >= new Date().getUTCFullYear() + 9, `${told}`);
});

test('the server is stopped and goes on: nobody is blamed for its own silence', async (t) => {
  const server = await serverFor(t, {
    args: SOAK ? [] : ['--ping', '2000', '--hang-up', '5000', '--grace', '2000', '--answer-timeout', '5000', '--fetch-timeout', '5000'],
  });
  const holder = await holdPage(server.url, PAGE);
  const visitors = [];
  for (let i = 0; i < 20; i += 1) visitors.push(await connectClient(server.url));
  holder.answer = null;
  const asked = request(server.target, `/raw/${holder.hash}`);
  await until(() => holder.asked === 1, 'the holder to be asked');
  server.program.child.kill('SIGSTOP');
  // What they send now is read when the server goes on, after all its deadlines.
  holder.answer = Buffer.from(PAGE);
  holder.client.socket.emit('message', JSON.stringify(['c1', null, holder.topic, 'content_request', {}]), false);
  await wait(SOAK ? 45_000 : 12_000);
  server.program.child.kill('SIGCONT');
  assert.equal((await asked).body.toString(), PAGE);
  await assertServes(server, holder);
  for (const client of [holder.client, ...visitors]) await client.call('phoenix', 'heartbeat');
  assert.deepEqual(refusals(await server.metrics()), {});
});

test('a client that is stopped is hung up on', async (t) => {
  const server = await serverFor(t, { args: ['--ping', '500', '--hang-up', '1500'] });
  const script = `import { WebSocket } from 'ws'; new WebSocket('ws://${server.host}${PATH}').on('open', () => console.log('open'));`;
  const client = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => client.kill('SIGKILL'));
  await within(new Promise((done) => client.stdout.once('data', done)), 'the client');
  client.kill('SIGSTOP');
  await until(async () => refusals(await server.metrics()).silent === 1, 'the client to be given up');
  await until(async () => (await server.metrics()).whilst_sessions === 0, 'its session to end');
});
