// Sockets that a service manager opened, and what the program tells it: readiness, numbers, and that all is well.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from './http.js';
import { managedFor } from './manager.js';
import { runProgram, serverFor } from './server.js';
import { until } from './wait.js';

const healthy = async (target) => (await request(target, '/healthz')).status === 200;

function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-activation-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test('all sockets that were passed are served when nobody said where', async (t) => {
  const path = join(directoryFor(t), 'socket');
  const server = await managedFor(t, { listen: ['127.0.0.1:0', `unix:${path}`] });
  assert.ok(await healthy(server.target));
  assert.ok(await healthy({ socketPath: path }));
  assert.ok(server.errors.includes(`listening on unix:${path}\n`));
  await server.stop();
  assert.ok(statSync(path).isSocket(), 'the file is the one who opened it to remove');
});

test('--listen picks passed sockets by name and by address, and the rest is said', async (t) => {
  const path = join(directoryFor(t), 'socket');
  const server = await managedFor(t, {
    listen: ['127.0.0.1:0', `unix:${path}`, '127.0.0.1:0'],
    args: ['--listen', 'fd:web0', '--listen', `unix:${path}`],
  });
  assert.ok(await healthy(server.target));
  assert.ok(await healthy({ socketPath: path }));
  assert.match(server.errors, / warn sockets_not_used count=1 /);
});

test('a name that nobody passed is told before anything is served', async () => {
  const { code, errors } = await runProgram(['serve', '--listen', 'fd:web']);
  assert.equal(code, 1);
  assert.match(errors, /^whilst: cannot listen on fd:web: no socket of this name was passed; check FileDescriptorName= in the socket unit\n$/);
});

test('the manager hears that the server is ready, reloads, how it is, and that it stops', async (t) => {
  const server = await managedFor(t, { watchdog_ms: 300 });
  await until(() => server.heard('WATCHDOG=1') > 0, 'the watchdog to be fed');
  await until(() => server.all('notify').some((text) => text.startsWith('STATUS=0 sessions, 0 pages')), 'numbers');
  process.kill(server.pid, 'SIGHUP');
  await server.untilReady(2);
  assert.equal(server.heard('RELOADING=1'), 1);
  assert.ok(server.all('notify').some((text) => /^MONOTONIC_USEC=\d+$/.test(text)));
  await server.stop();
  assert.equal(server.heard('STOPPING=1'), 1);
});

test('a server that was killed is started again on the same sockets', async (t) => {
  const server = await managedFor(t);
  const before = server.pid;
  process.kill(before, 'SIGKILL');
  assert.ok(await healthy(server.target), 'whoever comes meanwhile waits');
  await server.untilReady(2);
  assert.notEqual(server.pid, before);
  assert.deepEqual(server.all('ended'), [`${before} signal 9`]);
});

test('a watchdog is fed only by a loop that turns', async (t) => {
  const server = await managedFor(t, { watchdog_ms: 300 });
  await until(() => server.heard('WATCHDOG=1') > 0, 'the watchdog to be fed');
  process.kill(server.pid, 'SIGSTOP');
  // What was on its way may come late; then nothing does, for longer than a watchdog would wait.
  let fed = 0;
  await until(async () => {
    const before = fed;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return (fed = server.heard('WATCHDOG=1')) === before;
  }, 'silence');
  process.kill(server.pid, 'SIGCONT');
  await until(() => server.heard('WATCHDOG=1') > fed, 'it to be fed again');
});

test('a unix socket has the mode that was asked for', async (t) => {
  const path = join(directoryFor(t), 'socket');
  await serverFor(t, { listen: [`unix:${path}`], args: ['--unix-mode', '600'] });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});
