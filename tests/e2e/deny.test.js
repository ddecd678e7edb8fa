// The operator's deny list: at the start, when its file changes, and at SIGHUP.

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { connectClient, holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { runProgram, serverFor } from './server.js';
import { until } from './wait.js';

const PAGE = 'a page that its operator does not like';
const HASH = sha256(PAGE);

function fileFor(t, text) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-deny-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'denied');
  writeFileSync(path, text);
  return path;
}

const statusOf = async (server) => (await request(server.target, `/raw/${HASH}`)).status;
const denied = (server, count) =>
  until(async () => (await server.metrics()).whilst_denied === count, `${count} refused pages`);

test('a refused page: joins are refused, HTTP says 451', async (t) => {
  const server = await serverFor(t, { args: ['--deny-file', fileFor(t, `${sha256(HASH)} # hidden\n`)] });
  const client = await connectClient(server.url);
  for (const topic of [`have:${HASH}`, `want:${HASH}`]) {
    const expected = { status: 'error', response: { reason: 'blocked' } };
    assert.deepEqual(await client.call(topic, 'phx_join'), expected);
  }
  const known = { headers: { 'If-None-Match': `"sha256-${HASH}"` } };
  assert.equal(await statusOf(server), 451);
  assert.equal((await request(server.target, `/raw/${HASH}`, known)).status, 451);
  assert.equal((await request(server.target, `/raw/${HASH}`, { method: 'HEAD' })).status, 451);
});

test('the file is read again when it is written, replaced, and at SIGHUP; a wrong one changes nothing', async (t) => {
  const path = fileFor(t, '');
  const server = await serverFor(t, { args: ['--deny-file', path] });
  const { client } = await holdPage(server.url, PAGE);
  assert.equal(await statusOf(server), 200);

  writeFileSync(path, HASH);
  assert.deepEqual((await client.event('phx_error'))[4], { reason: 'blocked' });
  assert.equal(await statusOf(server), 451);

  appendFileSync(path, '\nnonsense\n'); // in one write: there is no moment in which it is empty
  await until(() => /deny_list_refused line=2 /.test(server.errors), 'the complaint');
  assert.equal(await statusOf(server), 451);

  writeFileSync(`${path}.new`, `# nothing any more\n`);
  renameSync(`${path}.new`, path);
  await denied(server, 0);
  assert.equal(await statusOf(server), 404);

  const before = server.errors.match(/deny_list_read/g).length;
  server.program.child.kill('SIGHUP');
  await until(() => server.errors.match(/deny_list_read/g).length > before, 'the list to be read again');
});

test('SIGHUP takes another path, and watches it; one that is wrong leaves the older list in force', async (t) => {
  const [first, second] = [fileFor(t, HASH), fileFor(t, sha256('another'))];
  const config = fileFor(t, `deny-file = ${first}`);
  const server = await serverFor(t, { args: ['--config', config] });
  const point = async (line, wanted) => {
    const seen = server.errors.length;
    writeFileSync(config, line);
    server.program.child.kill('SIGHUP');
    await until(() => wanted.test(server.errors.slice(seen)), () => server.errors.slice(seen));
  };
  assert.equal(await statusOf(server), 451);
  await point(`deny-file = ${second}-missing`, /config_changed option=deny-file .*\n(.*\n)*.* deny_list_refused line=0 reason="No such file or directory" file=\S+-missing\n/);
  assert.equal(await statusOf(server), 451);
  await point(`deny-file = ${second}`, / deny_list_read pages=1\n/);
  assert.equal(await statusOf(server), 404);
  writeFileSync(first, `${HASH}\n${sha256('a third')}\n${sha256('a fourth')}\n`); // nobody looks there any more
  writeFileSync(second, `${HASH}\n${sha256('another')}\n`);
  await denied(server, 2);
  assert.equal(await statusOf(server), 451);
  await point('', / config_read changed=1\n/);
  assert.equal(await statusOf(server), 451, 'without a path the list stays');
});

test('a list that is wrong or missing at the start: exit 2 with one line', async (t) => {
  const path = fileFor(t, `${HASH}\n${HASH}0\n`);
  for (const [file, what] of [[path, /: line 2: not 64 hexadecimal digits; correct it/], [`${path}-missing`, /: No such file or directory; check the path/], [dirname(path), /: Is a directory; check the path/]]) {
    const { code, errors } = await runProgram(['serve', '--listen', '127.0.0.1:0', '--deny-file', file]);
    assert.equal(code, 2);
    assert.match(errors, what);
    assert.equal(errors.trim().split('\n').length, 1);
  }
});
