// The program as its operator meets it: options, addresses, signals, exit codes.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectClient, holdPage, PATH } from './client.js';
import { request } from './http.js';
import { readExposition } from './metrics.js';
import { accepts, runProgram, serverFor, startServer } from './server.js';
import { within } from './wait.js';

const assertOneLine = (text) => assert.match(text, /^[^\n]+\n$/, `one line, not: ${text}`);

test('--version says its name and version', async () => {
  const { code, output, errors } = await runProgram(['--version']);
  assert.equal(code, 0);
  assert.match(output, /^whilst \d+\.\d+\.\d+\S*\n/);
  assert.equal(errors, '');
});

test('--help lists the options', async () => {
  const { code, output, errors } = await runProgram(['--help']);
  assert.equal(code, 0);
  assert.match(output, /serve/);
  assert.equal(errors, '');
  const help = await runProgram(['serve', '--help']);
  assert.equal(help.code, 0);
  for (const option of ['--listen', '--origin', '--trusted-proxy', '--max-per-address', '--no-rate-limits']) {
    assert.ok(help.output.includes(option), `${option} in: ${help.output}`);
  }
});

const BAD_COMMANDS = [
  ['serve', '--nonsense'],
  ['serve', '--nonsense=1'],
  ['serve', '--listen'],
  ['serve', '--listen', 'nowhere'],
  ['serve', '--listen', '127.0.0.1:99999'],
  ['serve', '--max-per-address', 'many'],
  ['serve', '--max-per-address', '-1'],
  ['serve', '--embed-origin', 'a.example'],
  ['serve', '--embed-origin', 'https://a.example/path'],
  ['serve', '--embed-origin', "https://a.example; script-src *"],
  ['serve', '--embed-origin', `https://${'a'.repeat(1000)}.example`],
  ['serve', '--max', '5'], // the beginning of several
  ['serve', '--max-pag', '5'], // and of one
  ['serve', '--require-origin=yes'],
  ['serve', '-xy'],
  ['serve', 'surplus'],
  ['nonsense'],
];
for (const args of BAD_COMMANDS) {
  test(`exit 2 with one line: whilst ${args.join(' ')}`, async () => {
    const { code, output, errors } = await runProgram(args);
    assert.equal(code, 2, errors);
    assert.equal(output, '');
    assertOneLine(errors);
  });
}

test('a taken port: exit 1 with one line that names it', async (t) => {
  const server = await serverFor(t);
  const { code, errors } = await runProgram(['serve', '--listen', server.host]);
  assert.equal(code, 1);
  assertOneLine(errors);
  assert.ok(errors.includes(String(server.port)), errors);
});

test('it says where it listens when it truly serves, once for each address', async (t) => {
  const server = await serverFor(t, { listen: ['127.0.0.1:0', '127.0.0.1:0'] });
  assert.equal(new Set(server.addresses).size, 2);
  for (const address of server.addresses) {
    const { hostname, port } = new URL(address);
    assert.equal((await request({ host: hostname, port }, '/healthz')).status, 200);
  }
});

function socketPath(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'whilst.sock');
}

test('a unix socket serves pages and WebSockets', async (t) => {
  const path = socketPath(t);
  const server = await serverFor(t, { listen: ['127.0.0.1:0', `unix:${path}`] });
  assert.equal((await request({ socketPath: path }, '/healthz')).body.toString().trim(), 'ok');
  const client = await connectClient(`ws+unix://${path}:${PATH}`);
  assert.deepEqual(await client.call('all', 'phx_join'), { status: 'ok', response: {} });
  assert.equal((await server.metrics()).whilst_sessions, 1);
  await client.close();
});

test('a unix socket left behind by a crash is no obstacle', async (t) => {
  const path = socketPath(t);
  const options = { listen: ['127.0.0.1:0', `unix:${path}`] };
  const crashed = await startServer(options);
  await crashed.kill();
  await serverFor(t, options);
  assert.equal((await request({ socketPath: path }, '/healthz')).status, 200);
});

test('a file that is no socket is not removed to make room for one', async (t) => {
  const path = socketPath(t);
  writeFileSync(path, 'precious');
  const { code, errors } = await runProgram(['serve', '--listen', `unix:${path}`]);
  assert.equal(code, 1);
  assertOneLine(errors);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} closes everybody with 1012 and ends with 0`, async () => {
    const server = await startServer();
    const clients = [];
    for (let i = 0; i < 5; i += 1) clients.push(await connectClient(server.url));
    await clients[0].join('all');
    const holder = await holdPage(server.url, 'held to the end');
    await server.stop(signal);
    for (const client of [...clients, holder.client]) {
      const end = await within(client.closed, 'the close');
      assert.deepEqual(end, { code: 1012, reason: 'restart' });
    }
    assert.equal(await accepts(server.port), false);
  });
}

test('an address that cannot be had: exit 1 with one line that says what to do', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'whilst-program-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'file'), served = join(folder, 'socket');
  writeFileSync(file, '');
  await serverFor(t, { listen: [`unix:${served}`] });
  const tries = [
    [`unix:${file}`, 'Socket operation on non-socket; remove this file or choose another --listen'],
    [`unix:${folder}`, 'Is a directory; choose another --listen'],
    [`unix:${served}`, 'Address already in use; stop the other server or choose another --listen'],
    [`unix:${folder}/none/socket`, 'No such file or directory; make its directory or choose another --listen'],
    ['192.0.2.1:4100', 'Cannot assign requested address; choose another --listen'],
  ];
  for (const [address, wanted] of tries) {
    const { code, errors } = await runProgram(['serve', '--listen', address]);
    assert.deepEqual([code, errors], [1, `whilst: cannot listen on ${address}: ${wanted}\n`]);
  }
  const { code, errors } = await runProgram(['serve', '--listen', '127.0.0.1:0', '--admin', `unix:${served}`]);
  assert.deepEqual([code, errors], [1, `whilst: cannot listen on unix:${served}: Address already in use; stop the other server or choose another --admin\n`]);
});

test('a port is free again at once after the end', async (t) => {
  const first = await startServer();
  const client = await connectClient(first.url);
  await client.join('all');
  await first.stop();
  await serverFor(t, { listen: [first.host] });
});

test('/healthz and /metrics', async (t) => {
  const server = await serverFor(t);
  const health = await request(server.target, '/healthz');
  assert.equal(health.status, 200);
  assert.equal(health.body.toString().trim(), 'ok');

  const answer = await request(server.target, '/metrics');
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'], /^text\/plain; ?version=0\.0\.4/);
  const { types, helps, values } = readExposition(answer.body.toString());
  for (const [name, type] of types) {
    assert.ok(helps.has(name), `help for ${name}`);
    assert.ok(name.startsWith('whilst_') || name.startsWith('process_'), name);
    assert.equal(name.endsWith('_total'), type === 'counter', `${type} ${name}`);
  }
  assert.equal(values.get('whilst_sessions'), 0);
});

test('the reasons in /metrics are those of docs/protocol.md', async (t) => {
  const document = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const section = document.slice(document.indexOf('## 4. Refusals'), document.indexOf('## 5. HTTP'));
  const documented = [...section.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.ok(documented.length >= 20);

  const server = await serverFor(t);
  const counted = Object.keys(await server.metrics())
    .map((name) => /^whilst_refusals_total\{reason="(\w+)"\}$/.exec(name)?.[1])
    // The server's own end is the word of a close, but no refusal.
    .filter((reason) => reason && reason !== 'restart');
  assert.deepEqual(counted.sort(), documented.sort());
});
