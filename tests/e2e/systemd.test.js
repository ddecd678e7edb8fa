// The unit files: systemd finds no fault in them and little to attack, and the program does nothing that they forbid.
// No service manager is started: what the program asks of the kernel is traced and held against the units' rules.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { sha256 } from './client.js';
import { request } from './http.js';
import { startManaged } from './manager.js';
import { natsFor } from './nats.js';
import { joined, socketFor } from './phoenix.js';
import { until } from './wait.js';

const UNITS = new URL('../../docs/systemd/', import.meta.url);
const unit = (name) => readFileSync(new URL(name, UNITS), 'utf8');
const SERVICE = unit('whilst.service');

function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-systemd-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

// As they are installed: the template is the service under another name, and what differs.
function installUnits(t) {
  const directory = directoryFor(t);
  const service = SERVICE.replaceAll('/usr/bin/whilst', resolve(process.env.WHILST_BINARY));
  mkdirSync(join(directory, 'whilst@.service.d'));
  writeFileSync(join(directory, 'whilst.service'), service);
  writeFileSync(join(directory, 'whilst@.service'), service);
  writeFileSync(join(directory, 'whilst@.service.d/whilst.conf'), unit('whilst@.conf'));
  writeFileSync(join(directory, 'whilst.socket'), unit('whilst.socket'));
  return directory;
}

test('systemd-analyze verify has nothing to say', (t) => {
  const directory = installUnits(t);
  for (const names of [['whilst.service', 'whilst.socket'], ['whilst@1.service']]) {
    const paths = names.map((name) => join(directory, name));
    const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
    assert.equal(stderr + stdout, '');
    assert.equal(status, 0);
  }
});

test('systemd-analyze security sees an exposure of at most 1.2', (t) => {
  const directory = installUnits(t);
  for (const name of ['whilst.service', 'whilst@.service']) {
    const path = join(directory, name);
    const text = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', path], { encoding: 'utf8' });
    const [, exposure] = text.match(/Overall exposure level for \S+: ([\d.]+)/);
    assert.ok(Number(exposure) <= 1.2, `${name}: ${exposure}`);
  }
});

// The calls of a set, and of the sets in it.
function callsOf(set) {
  const text = execFileSync('systemd-analyze', ['syscall-filter', '--no-pager', set], { encoding: 'utf8' });
  const members = [...text.matchAll(/^ {4}([@\w-]+)$/gm)].map((match) => match[1]);
  return members.flatMap((name) => (name.startsWith('@') ? callsOf(name) : [name]));
}

// As in systemd.exec(5): the first list allows, those with a tilde take out.
function allowedCalls() {
  const allowed = new Set();
  for (const [, minus, list] of SERVICE.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const word of list.split(' ')) {
      for (const call of word.startsWith('@') ? callsOf(word) : [word]) {
        if (minus) allowed.delete(call);
        else allowed.add(call);
      }
    }
  }
  return allowed;
}

// A life under strace: a page held and fetched, numbers looked at, an end. The lines of the trace.
async function traceLife(t, { env, operator, ...options }) {
  const trace = join(directoryFor(t), 'trace');
  const before = process.env.WHILST_WRAPPER;
  process.env.WHILST_WRAPPER = `strace -D -f -q -o ${trace}`;
  t.after(() => (before === undefined ? delete process.env.WHILST_WRAPPER : (process.env.WHILST_WRAPPER = before)));
  const server = await startManaged({ watchdog_ms: 300, env: { ASAN_OPTIONS: 'detect_leaks=0', ...env }, ...options });
  const content = 'a page that is held under a sandbox';
  const hash = sha256(content);
  const channel = await joined(socketFor(t, server), `have:${hash}`, { token: 'sandboxed' });
  channel.on('content_request', () => channel.push('content', { content, hash }, 1_000));
  assert.equal((await request(server.target, `/raw/${hash}`)).body.toString(), content);
  assert.equal((await request(operator ?? server.target, '/metrics')).status, 200);
  const end = new RegExp(`^${server.pid} +\\+\\+\\+ exited with 0`, 'm');
  await server.stop();
  await until(() => end.test(readFileSync(trace, 'utf8')), 'the end of the trace');
  return readFileSync(trace, 'utf8').split('\n');
}

// As an instance of the template is started: by its variables alone.
async function instanceFor(t) {
  const directory = directoryFor(t);
  const bus = await natsFor(t);
  const lines = [...unit('whilst@.conf').matchAll(/^Environment=(\w+)=(.*)$/gm)];
  const env = Object.fromEntries(lines.map(([, name, value]) => [name, value.replace('%l-%i', 'host-1').replace('%t/whilst/%i', directory)]));
  assert.equal(env.WHILST_BUS, 'nats://127.0.0.1:4222');
  return { listen: [], args: ['--listen', '127.0.0.1:0'], env: { ...env, WHILST_BUS: bus.url }, operator: { socketPath: join(directory, 'admin.sock') } };
}

for (const [what, options] of [['service', () => ({})], ['template', instanceFor]]) test(`what the program asks of the kernel is within what the ${what} allows`, async (t) => {
  const lines = await traceLife(t, await options(t));
  const calls = new Set(lines.map((line) => line.match(/^\d+ +(\w+)\(/)?.[1]).filter(Boolean));
  assert.ok(calls.has('accept4') && calls.has('epoll_ctl'), 'the server was traced');
  const allowed = allowedCalls();
  assert.deepEqual([...calls].filter((call) => !allowed.has(call)), [], 'SystemCallFilter=');
  const families = new Set(lines.map((line) => line.match(/ socket\((AF_\w+)/)?.[1]).filter(Boolean));
  families.delete('AF_NETLINK'); // libc looks what families there are when it looks up a name, and goes on if it may not
  const [, list] = SERVICE.match(/^RestrictAddressFamilies=(.*)$/m);
  assert.deepEqual([...families].filter((family) => !list.split(' ').includes(family)), [], 'RestrictAddressFamilies=');
  assert.deepEqual(lines.filter((line) => /PROT_WRITE\|PROT_EXEC| mprotect\(.*PROT_EXEC/.test(line)), [], 'MemoryDenyWriteExecute=');
});
