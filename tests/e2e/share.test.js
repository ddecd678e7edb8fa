// Handing a page on: every name it has, and the sentence that says when one may leave.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { encode } from 'uqr';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { startServer } from './server.js';
import { until } from './wait.js';

const run = promisify(execFile);

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const visit = (t, url = `${server.url}/`) => Visitor.open(t, browser, url);

async function untilText(visitor, selector, pattern) {
  let seen;
  const found = async () => pattern.test((seen = await visitor.page.locator(selector).textContent()));
  await until(found, () => `${pattern} in ${selector}, instead of "${seen}"`);
}

// From now on notes what an element says, however briefly; gives a function that waits for it.
async function listen(visitor, selector) {
  await visitor.page.locator(selector).evaluate((element, name) => {
    const said = ((globalThis.said ??= {})[name] = [element.textContent]);
    new MutationObserver(() => said.push(element.textContent)).observe(element, { childList: true, characterData: true, subtree: true });
  }, selector);
  let said;
  return (pattern) => until(async () => (said = await visitor.page.evaluate((name) => globalThis.said[name], selector)).some((text) => pattern.test(text)),
    () => `${pattern} in ${selector}, which said: ${said.join('; ')}`);
}

test('the link is copied, and it is said', async (t) => {
  const author = await visit(t);
  await author.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await author.putUp('to be copied');
  const [button, announcer] = [await listen(author, '#copy'), await listen(author, '#announcer')];
  await author.press('#copy');
  await button(/^Copied$/);
  await announcer(/^Copied\.$/);
  // Reading the clipboard is not allowed to our own page: a stand-in pastes it.
  const other = await author.context.newPage();
  await other.goto(`${server.url}/healthz`);
  await until(async () => (await other.evaluate(() => navigator.clipboard.readText())) === author.page.url(), 'the link in the clipboard');
  await untilText(author, '#copy', /^Copy$/);
});

test('the panel has the link as a picture, a command and a name', async (t) => {
  const author = await visit(t);
  const requests = [];
  author.page.on('request', (request) => requests.push(request.url()));
  const text = '# A heading\n';
  await author.page.fill('#content', text);
  await author.press('#put-up');
  await author.untilState('showing');
  assert.ok(!requests.some((url) => /\/-\/qr-/.test(url)), 'the QR code is not loaded before it is wanted');
  await author.press('#share');
  const modules = encode(author.page.url(), { ecc: 'M', border: 4 });
  const picture = author.page.locator('#qr svg');
  await picture.waitFor();
  assert.equal(await picture.getAttribute('viewBox'), `0 0 ${modules.size} ${modules.size}`);
  const path = await picture.locator('path').getAttribute('d');
  assert.ok(path.startsWith('M4 4h7v1H4z'), 'the first finder pattern, behind the quiet zone');

  const command = await author.page.locator('#share-curl').textContent();
  const { stdout } = await run('sh', ['-c', command]);
  assert.equal(stdout, text, command);

  const hash = author.page.url().split('/').pop();
  const name = `ni:///sha-256;${Buffer.from(hash, 'hex').toString('base64url')}`;
  assert.equal(await author.page.locator('#share-ni').textContent(), name);
  const { stdout: whole } = await run('curl', ['-s', author.page.url()]);
  assert.equal(createHash('sha256').update(whole).digest('base64url'), name.split(';')[1]);
  await screenshot(author.page, 'share');

  await author.page.press('#share-close', 'Escape');
  assert.ok(await author.page.locator('#share-panel').isHidden());
  assert.deepEqual(
    await author.page.evaluate(() => [document.activeElement.id, document.activeElement.ariaExpanded]),
    ['share', 'false'],
  );
  await author.press('#share');
  await author.press('#let-go');
  await author.page.locator('#share-panel').waitFor({ state: 'hidden' });
  author.assertNoErrors();
});

test('the system shares where it can, and is not offered where it cannot', async (t) => {
  const without = await visit(t);
  await without.putUp('no dialog here');
  await without.press('#share');
  await without.page.locator('#share-panel').waitFor();
  const has = await without.page.evaluate(() => 'share' in navigator);
  assert.equal(await without.page.locator('#share-system').isVisible(), has);

  const context = await browser.newContext();
  t.after(() => context.close());
  await context.addInitScript(() => {
    navigator.share = async (data) => void (globalThis.shared = data);
  });
  const page = await context.newPage();
  await page.goto(`${server.url}/`);
  await page.fill('#content', 'by the system');
  await page.click('#put-up', { noWaitAfter: true });
  await page.click('#share');
  await page.click('#share-system');
  await until(() => page.evaluate(() => globalThis.shared?.url === location.href), 'the dialog with the link');
});

test('the sentence turns from staying to leaving, and to being the last', async (t) => {
  const author = await visit(t);
  const hash = await author.putUp('handed on');
  await untilText(author, '#sentence', /Keep it open until somebody else has it/);
  const second = await visit(t, `${server.url}/${hash}`);
  await untilText(author, '#sentence', /^1 other holds it now: you may close this tab\.$/);
  const third = await visit(t, `${server.url}/${hash}`);
  await untilText(author, '#sentence', /^2 others hold it now: you may close this tab\.$/);
  await untilText(third, '#sentence', /You are holding this page\. 2 others hold it too/);
  // Whoever closed a tab counts as away for a while: they may come back, and are not relied on.
  await second.close();
  await untilText(author, '#sentence', /^1 other holds it now: you may close this tab\.$/);
  const sentence = await listen(third, '#sentence');
  await author.close();
  await sentence(/^Nobody else is connected right now/);
  await untilText(third, '#sentence', /You are the last one holding this page/);
  await until(async () => /^Last holder/.test(await third.page.title()), 'the title');
  await screenshot(third.page, 'the-last');
});
