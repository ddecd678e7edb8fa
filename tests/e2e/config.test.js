// The configuration: a file, the environment and flags; `whilst config`; and what SIGHUP changes.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from './http.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { runProgram, serverFor } from './server.js';
import { until } from './wait.js';

const LISTEN = 'listen = 127.0.0.1:0';

function fileFor(t, ...lines) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'whilst.conf');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

const linesOf = (text) => text.split('\n').filter(Boolean);

test('serve takes a file; variables win over it, and flags over both', async (t) => {
  const path = fileFor(t, LISTEN, 'base-path = /file', 'max-per-address = 0');
  const from = (options) => serverFor(t, { listen: [], addresses: 1, limits: true, ...options });
  const plain = await from({ args: ['--config', path] });
  assert.equal(plain.base, '/file');
  assert.equal((await request(plain.target, '/file/healthz')).status, 200);
  const variable = await from({ env: { WHILST_CONFIG: path, WHILST_BASE_PATH: '/variable' } });
  assert.equal(variable.base, '/variable');
  const flag = await from({ args: ['--config', path, '--base-path', '/flag'], env: { WHILST_BASE_PATH: '/variable' } });
  assert.equal(flag.base, '/flag');
});

test('every mistake is told with file and line, by check and by serve: exit 2', async (t) => {
  const path = fileFor(t, 'max-pages = 5', '[serve]', LISTEN, 'max-topics = many', 'hang-up = 1000');
  const expected = [
    `whilst: ${path}:1: unknown option 'max-pages'; did you mean max-page?`,
    `whilst: ${path}:2: there are no sections in this file: leave the line out`,
    `whilst: ${path}:4: max-topics: 'many' is not a number from 1 to 60000`,
    `whilst: ${path}:5: ping (25000) must be below hang-up (1000): change one of them`,
  ];
  for (const args of [['config', 'check', path], ['serve', '--config', path]]) {
    const { code, output, errors } = await runProgram(args);
    assert.equal(code, 2);
    assert.equal(output, '');
    assert.deepEqual(linesOf(errors), expected);
  }
});

test('check reads the files that are named: exit 0 or 2', async (t) => {
  const denied = fileFor(t, 'x');
  const path = fileFor(t, 'log-level = debug', `deny-file = ${denied}`);
  const wrong = await runProgram(['config', 'check', path]);
  assert.equal(wrong.code, 2);
  assert.equal(wrong.errors, `whilst: ${path}:2: deny-file: ${denied}: line 1: not 64 hexadecimal digits; correct it, or put # before it\n`);
  rmSync(denied);
  const missing = await runProgram(['config', 'check', path]);
  assert.equal(missing.code, 2);
  assert.equal(missing.errors, `whilst: ${path}:2: deny-file: ${denied}: No such file or directory; check the path\n`);
  writeFileSync(denied, '# nothing\n');
  const right = await runProgram(['config', 'check', path]);
  assert.deepEqual([right.code, right.output, right.errors], [0, `${path}: no mistakes\n`, '']);
});

test('an address named twice, an operator\'s that all can reach, a token that is none: check says so with its line, and serve', async (t) => {
  const token = fileFor(t, 'short');
  const tries = [
    [['listen = 127.0.0.1:4100', 'listen = tls:127.0.0.1:4100', 'tls-certificate = x'], ':2: listen: two are the same: leave one out'],
    [['listen = unix:/tmp/a', 'admin = unix:/tmp/a'], ':2: admin: visitors come there: choose another, or another listen'],
    [['listen = 127.0.0.1:4100', 'admin = 127.0.0.1:4100'], ':2: admin: visitors come there: choose another, or another listen'],
    [['admin = 10.0.0.1:4001'], ':1: admin: others could act as the operator there: add admin-token-file FILE, or choose a loopback address'],
    [[`admin-token-file = ${token}`], ':1: admin-token-file: there is no operator\'s address: add admin ADDRESS'],
  ];
  for (const [lines, wanted] of tries) {
    const path = fileFor(t, ...lines);
    const [checked, served] = await Promise.all([['config', 'check', path], ['serve', '--config', path]].map((args) => runProgram(args)));
    assert.equal(linesOf(checked.errors)[0], `whilst: ${path}${wanted}`);
    assert.equal(served.errors, `whilst: ${path}${wanted}\n`);
    assert.deepEqual([checked.code, served.code], [2, 2]);
  }
  const path = fileFor(t, 'admin = 0.0.0.0:4001', `admin-token-file = ${token}`);
  assert.equal((await runProgram(['config', 'check', path])).errors,
    `whilst: ${path}:2: admin-token-file: ${token}: a token has 16 to 256 characters; try: openssl rand -hex 32\n`);
  for (const lines of [['listen = 127.0.0.1:0', 'listen = 127.0.0.1:0'], ['listen = fd:http', 'listen = fd:http'], ['admin = [::1]:4001'], ['admin = 127.8.8.8:4001']])
    assert.deepEqual(await runProgram(['config', 'check', fileFor(t, ...lines)]).then(({ code, errors }) => [code, errors]), [0, ''], lines.join());
});

test('check is told of no file: exit 2; config without an action too', async () => {
  for (const args of [['config', 'check', '/nowhere/at/all'], ['config'], ['config', 'nonsense']]) {
    const { code, output, errors } = await runProgram(args);
    assert.equal(code, 2, args);
    assert.equal(output, '');
    assert.equal(linesOf(errors).length, 1);
  }
  const help = await runProgram(['config', '--help']);
  assert.equal(help.code, 0);
  for (const action of ['check', 'show', 'defaults']) assert.ok(help.output.includes(`  ${action} `));
});

test('the printed defaults are a right file; what is shown says where it comes from', async (t) => {
  const { output } = await runProgram(['config', 'defaults']);
  const path = fileFor(t, output, 'max-topics = 5');
  assert.equal((await runProgram(['config', 'check', path])).code, 0);
  const shown = await runProgram(['config', 'show', path, '--ping', '7']);
  const line = output.split('\n').length + 1;
  assert.ok(shown.output.includes(`max-topics = 5 ; ${path}:${line}\n`), shown.output);
  assert.ok(shown.output.includes('ping = 7 ; flag\n'));
  assert.ok(shown.output.includes('listen = 127.0.0.1:4000 ; default\n'));
  const again = await runProgram(['config', 'show', fileFor(t, shown.output)]);
  const values = (text) => linesOf(text).map((entry) => entry.split(' ; ')[0]);
  assert.deepEqual(values(again.output), values(shown.output));
});

const LIMITS = ['max-per-address = 0', 'no-rate-limits = yes'];

async function reloadable(t, ...lines) {
  const path = fileFor(t, LISTEN, ...LIMITS, ...lines);
  const server = await serverFor(t, { listen: [], addresses: 1, limits: true, args: ['--config', path] });
  const reload = async (...changed) => {
    const answers = () => server.errors.split(/config_read|config_refused/).length;
    const before = answers();
    writeFileSync(path, `${[LISTEN, ...LIMITS, ...changed].join('\n')}\n`);
    const seen = server.errors.length;
    server.program.child.kill('SIGHUP');
    await until(() => answers() > before, 'what came of it');
    return server.errors.slice(seen);
  };
  return { path, server, reload };
}

test('SIGHUP: new limits are for what is new, each change is said, and nobody is closed', async (t) => {
  const { server, reload } = await reloadable(t, 'max-page = 1M', 'log-level = info');
  const page = 'x'.repeat(5000);
  const { client } = await holdPage(server.url, page);
  const raw = async (hash) => (await request(server.target, `/raw/${hash}`)).status;
  assert.equal(await raw(sha256(page)), 200);
  const said = await reload('max-page = 4K', 'log-level = debug', 'ping = 100', 'hang-up = 20000', 'max-outbox = 64K', 'max-outbox-soft = 64K', 'max-queued = 1M');
  assert.match(said, /info config_changed option=max-page from=1048576 to=4096\n/);
  assert.match(said, /info config_changed option=log-level from=info to=debug\n/);
  assert.match(said, /info config_changed option=ping from=25000 to=100\n/);
  assert.match(said, /info config_read changed=7\n/);
  assert.equal(await raw(sha256(page)), 502);
  assert.deepEqual((await client.event('phx_error'))[4], { reason: 'page_size' });
  assert.deepEqual(await client.call('all', 'phx_join'), { status: 'ok', response: {} });
  await until(() => /debug session_gone/.test(server.errors), 'what the new level lets through');
  assert.match(await reload('max-page = 1M'), /option=max-page from=4096 to=1048576\n/);
  const again = await connectClient(server.url);
  const fresh = 'y'.repeat(5000);
  await holdPage(server.url, fresh);
  assert.equal(await raw(sha256(fresh)), 200);
  await again.close();
});

test('SIGHUP: origins come and go', async (t) => {
  const { server, reload } = await reloadable(t);
  const origin = 'https://a.example';
  const allowed = async () =>
    (await request(server.target, '/-/client/whilst.js', { headers: { Origin: origin } })).headers['access-control-allow-origin'];
  assert.equal(await allowed(), undefined);
  for (let i = 0; i < 3; i += 1) {
    assert.match(await reload(`origin = ${origin}`, 'embed-origin = https://b.example'), /option=origin from="" to=https:/);
    assert.equal(await allowed(), origin);
    await reload(`origin = ${origin}`, 'embed-origin = https://b.example');
    assert.equal(await allowed(), origin);
    await reload();
    assert.equal(await allowed(), undefined);
  }
});

test('SIGHUP: what needs a restart is said, and stays', async (t) => {
  const { server, reload } = await reloadable(t, 'base-path = /a', 'max-connections = 100');
  for (let i = 0; i < 2; i += 1) {
    const said = await reload('base-path = /b', 'max-connections = 200', 'max-topics = 9');
    assert.match(said, /warn config_needs_restart option=base-path from=\/a to=\/b\n/);
    assert.match(said, /warn config_needs_restart option=max-connections from=100 to=200\n/);
    assert.equal(/option=max-topics from=128 to=9\n/.test(said), i === 0);
    assert.match(said, new RegExp(`config_read changed=${1 - i}\\n`));
  }
  assert.equal((await request(server.target, '/a/healthz')).status, 200);
  assert.equal((await request(server.target, '/b/healthz')).status, 404);
});

test('SIGHUP: a file with mistakes changes nothing; all of them are logged', async (t) => {
  const { path, server, reload } = await reloadable(t);
  const said = await reload('max-page = 4K', 'max-topics = many', 'nonsense = 1');
  assert.match(said, new RegExp(`warn config_mistake where=${path}:5 what="max-topics: 'many' is not a number from 1 to 60000"\\n`));
  assert.match(said, new RegExp(`warn config_mistake where=${path}:6 what="unknown option 'nonsense'`));
  assert.match(said, /warn config_refused mistakes=2\n/);
  assert.doesNotMatch(said, /config_changed/);
  rmSync(path);
  server.program.child.kill('SIGHUP');
  await until(() => server.errors.split('config_refused').length > 2, 'the missing file');
  const page = 'x'.repeat(5000);
  await holdPage(server.url, page);
  assert.equal((await request(server.target, `/raw/${sha256(page)}`)).status, 200);
});
