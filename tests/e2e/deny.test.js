// The operator's deny list: at the start, when its file changes, and at SIGHUP.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  writeFileSync(path, `${HASH}\nnonsense\n`);
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

test('a list that is wrong or missing at the start: exit 1 with one line', async (t) => {
  const path = fileFor(t, `${HASH}\n${HASH}0\n`);
  for (const [file, what] of [[path, /line 2: not 64 hexadecimal digits/], [`${path}-missing`, /No such file/]]) {
    const { code, errors } = await runProgram(['serve', '--listen', '127.0.0.1:0', '--deny-file', file]);
    assert.equal(code, 1);
    assert.match(errors, what);
    assert.equal(errors.trim().split('\n').length, 1);
  }
});
