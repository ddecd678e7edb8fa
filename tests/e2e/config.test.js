// The configuration: a file, the environment and flags; `whilst config`; and what SIGHUP changes.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { request } from './http.js';
import { runProgram, serverFor } from './server.js';

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
  assert.equal(wrong.errors, `whilst: ${path}:2: deny-file: ${denied}, line 1: not 64 hexadecimal digits\n`);
  rmSync(denied);
  const missing = await runProgram(['config', 'check', path]);
  assert.equal(missing.code, 2);
  assert.equal(missing.errors, `whilst: ${path}:2: deny-file: ${denied}: No such file or directory\n`);
  writeFileSync(denied, '# nothing\n');
  const right = await runProgram(['config', 'check', path]);
  assert.deepEqual([right.code, right.output, right.errors], [0, `${path}: no mistakes\n`, '']);
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
