// The command line and a browser, both ways: what one holds, the other has.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startBrowser, Visitor } from './browser.js';
import { directory, run, start } from './cli.js';
import { sha256 } from './client.js';
import { serverFor } from './server.js';

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser?.close());

test('a page that a browser made is got, and kept when the browser is closed', async (t) => {
  const server = await serverFor(t, { args: ['--grace', '1000'] });
  const text = 'Made in a browser: ä, €, \u{1f600}.\n';
  const visitor = await Visitor.open(t, browser, `${server.url}/`);
  const hash = await visitor.putUp(text);
  assert.equal(hash, sha256(text));
  const copy = join(directory(t), 'copy');
  const { code, errors } = await run(t, ['get', visitor.page.url(), '-o', copy]);
  assert.equal(code, 0, errors);
  assert.equal(sha256(readFileSync(copy)), hash);

  const keeping = start(t, ['keep', visitor.page.url()]);
  await visitor.untilCount(2);
  visitor.assertNoErrors();
  await visitor.close();
  const again = await Visitor.open(t, browser, `${server.url}/${hash}`);
  await again.untilState('showing');
  assert.equal(await again.text(), text);
  assert.equal(await keeping.end(), 0);
  await again.untilCount(1);
});

test('a file that is shared is shown as what its label says', async (t) => {
  const server = await serverFor(t);
  const path = join(directory(t), 'notes.md');
  writeFileSync(path, '# Notes\n\nWith *weight*.\n');
  const sharing = start(t, ['share', '--named', '--until-held', '1', '--server', server.url, path]);
  const [url] = await sharing.printed(1);
  const visitor = await Visitor.open(t, browser, url);
  await visitor.untilState('showing');
  const frame = await visitor.frame('h1');
  assert.equal(await frame.locator('h1').first().textContent(), 'Notes');
  assert.equal(await frame.locator('em').first().textContent(), 'weight');
  assert.equal(await sharing.exit(), 0, 'the browser holds it now');
  const { output } = await run(t, ['get', '--content', url]);
  assert.equal(sha256(output), sha256(readFileSync(path)));
  visitor.assertNoErrors();
});
