// The whole story in real browsers: a page is put up, found, held by others, and gone with the
// last of them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { sha256 } from './client.js';
import { startNginx } from './proxies.js';
import { startServer } from './server.js';
import { until } from './wait.js';

// A name that is no secure context in the browser's eyes, unlike 127.0.0.1.
const INSECURE = 'whilst.test';

let server;
let nginx;
let browser;
before(async () => {
  server = await startServer({ args: ['--trusted-proxy', '127.0.0.1', '--grace', '1000'] });
  nginx = await startNginx(server);
  browser = await startBrowser([`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`]);
});
after(async () => {
  await browser?.close();
  await nginx?.stop();
  await server?.stop();
});

const visit = (t, url) => Visitor.open(t, browser, url);

for (const [way, address] of [['directly', () => server.url], ['through nginx', () => nginx.url]]) {
  test(`the story, ${way}`, async (t) => {
    const shot = (visitor, name) => screenshot(visitor.page, `story-${way.replace(' ', '-')}-${name}`);
    const text = `Written ${way}, at ${new Date().toISOString()}.\n\nI exist only whilst you look.\n`;
    const first = await visit(t, `${address()}/`);
    await shot(first, '1-make');
    const hash = await first.putUp(text);
    assert.equal(hash, sha256(text));
    const link = `${address()}/${hash}`;
    assert.equal(first.page.url(), link);
    assert.equal(await first.page.locator('#link').inputValue(), link);
    await first.untilCount(1);
    await shot(first, '2-put-up');

    const second = await visit(t, link);
    await second.untilState('showing');
    assert.equal(await second.text(), text);
    assert.ok(await second.page.locator('#verified').isVisible());
    await first.untilCount(2);
    await second.untilCount(2);
    await shot(first, '3-two-here');

    const third = await visit(t, link);
    await third.untilState('showing');
    for (const visitor of [first, second, third]) await visitor.untilCount(3);
    await third.close();
    for (const visitor of [first, second]) await visitor.untilCount(2);

    await first.close();
    const fourth = await visit(t, link);
    await fourth.untilState('showing');
    assert.equal(await fourth.text(), text);
    for (const visitor of [second, fourth]) await visitor.untilCount(2);
    await shot(fourth, '4-after-its-author');

    await second.close();
    await fourth.untilCount(1);
    await shot(fourth, '5-the-last');
    await fourth.close();
    const late = await visit(t, link);
    await late.untilState('nobody');
    assert.ok(!(await late.page.content()).includes('I exist only whilst'));
    await shot(late, '6-nobody');
    for (const visitor of [first, second, third, fourth, late]) visitor.assertNoErrors();
  });
}

describe('pages of several kinds', () => {
  test('a page of 1 MiB', async (t) => {
    const line = 'A line of a long page, with a number at its end: ';
    let text = '';
    for (let i = 0; text.length < 1 << 20; i += 1) text += `${line}${i}\n`;
    text = text.slice(0, 1 << 20);
    const author = await visit(t, `${server.url}/`);
    const hash = await author.putUp(text);
    assert.equal(hash, sha256(text));
    const reader = await visit(t, `${server.url}/${hash}`);
    await reader.untilState('showing');
    assert.equal(sha256(await reader.text()), hash);
    author.assertNoErrors();
    reader.assertNoErrors();
  });

  test('a page that is too large is not put up', async (t) => {
    const author = await visit(t, `${server.url}/`);
    await until(async () => /MB|MiB|1,?048,?576/.test(await author.page.locator('#meter').textContent()), 'the limit');
    await author.write('x'.repeat((1 << 20) + 1));
    const words = () => author.page.locator('#form').textContent();
    await until(async () => /too large/i.test(await words()), 'a word about the size');
    await author.press('#put-up');
    // Had it been put up, this shorter page would not be the one whose hash comes.
    await author.write('short enough');
    assert.equal(await author.state(), 'making');
    assert.equal(author.page.url(), `${server.url}/`);
    assert.equal(await author.putUp('short enough'), sha256('short enough'));
  });

  test('Chinese, Arabic and emoji', async (t) => {
    const text = '天地玄黃，宇宙洪荒。\nالعالم صفحةٌ واحدة، ومن لا يسافر لا يقرأ غيرها.\n👩🏽‍🚀 👨‍👩‍👧‍👦 🏳️‍🌈 é é \u{20000}\n';
    const author = await visit(t, `${server.url}/`);
    const hash = await author.putUp(text);
    assert.equal(hash, sha256(text));
    const reader = await visit(t, `${server.url}/${hash}`);
    await reader.untilState('showing');
    assert.equal(await reader.text(), text);
    await screenshot(reader.page, 'many-scripts');
  });

  const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const DOCUMENT = `<!doctype html>
<title>A page with style</title>
<style>
  h1 { color: rgb(12, 34, 56); }
  .gap { height: 3000px; background: linear-gradient(#fff, #ace); }
</style>
<h1>Style, an anchor and a picture</h1>
<a id="down" href="#low">down</a> <img id="pixel" width="50" height="50" src="data:image/png;base64,${PIXEL}">
<div class="gap"></div>
<h2 id="low">Down here</h2>`;

  test('HTML with CSS, an anchor and a picture, in a frame of its own', async (t) => {
    const author = await visit(t, `${server.url}/`);
    const hash = await author.putUp(DOCUMENT);
    const reader = await visit(t, `${server.url}/${hash}`);
    await reader.untilState('showing');
    const frame = await reader.frame('#low');
    assert.equal(await frame.evaluate(() => getComputedStyle(document.querySelector('h1')).color), 'rgb(12, 34, 56)');
    await until(() => frame.evaluate(() => document.querySelector('#pixel').naturalWidth === 1), 'the picture');
    assert.equal(await frame.evaluate(() => scrollY), 0);

    await frame.locator('#down').click();
    await until(() => frame.evaluate(() => scrollY > 1000), 'the anchor to scroll');
    assert.equal(reader.page.url(), `${server.url}/${hash}`);
    assert.equal(await reader.state(), 'showing');
    await until(async () => /A page with style/.test(await reader.page.title()), 'its title');
    assert.equal(await reader.page.locator('h1', { hasText: 'Style, an anchor' }).count(), 0);
    await screenshot(reader.page, 'html-at-its-anchor');
    reader.assertNoErrors();
  });

  test('the source of an HTML page, and its bytes as a file', async (t) => {
    const author = await visit(t, `${server.url}/`);
    const hash = await author.putUp(DOCUMENT);
    const [download] = await Promise.all([
      author.page.waitForEvent('download'),
      author.press('#download'),
    ]);
    assert.equal(sha256(readFileSync(await download.path())), hash);
    await author.press('#source');
    await until(async () => (await author.page.locator('#frame').count()) === 0, 'the source');
    assert.ok((await author.page.locator('#state').textContent()).includes('<style>'));
    author.assertNoErrors();
  });
});

test('letting go, and looking again', async (t) => {
  const author = await visit(t, `${server.url}/`);
  const hash = await author.putUp('let me go');
  const reader = await visit(t, `${server.url}/${hash}`);
  await author.untilCount(2);
  await reader.press('#let-go');
  await reader.untilState('gone');
  await author.untilCount(1);
  await reader.press('#retry');
  await reader.untilState('showing');
  await author.untilCount(2);
  await until(async () => (await author.page.locator('#log p').count()) > 3, 'lines in the log');
});

test('a visitor who came too early sees the page as soon as somebody has it', async (t) => {
  const text = 'worth waiting for';
  const waiting = await visit(t, `${server.url}/${sha256(text)}`);
  await waiting.untilState('nobody');
  const author = await visit(t, `${server.url}/`);
  await author.putUp(text);
  await waiting.untilState('showing');
  assert.equal(await waiting.text(), text);
});

test('where the browser offers no SHA-256 the fallback does', async (t) => {
  const text = 'hashed without crypto.subtle: 永 🙂';
  const address = `http://${INSECURE}:${server.port}`;
  const author = await visit(t, `${address}/`);
  const context = () => [isSecureContext, globalThis.crypto?.subtle === undefined];
  assert.deepEqual(await author.page.evaluate(context), [false, true]);
  assert.equal(await author.putUp(text), sha256(text));
  const reader = await visit(t, `${address}/${sha256(text)}`);
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  assert.ok(await reader.page.locator('#verified').isVisible());
  await author.untilCount(2);
  author.assertNoErrors();
  reader.assertNoErrors();
});

test('below a path of somebody else\'s site', async (t) => {
  const below = await startServer({ args: ['--base-path', '/some/pages'] });
  t.after(() => below.stop());
  const text = 'a page in a corner of a larger site';
  const author = await visit(t, `${below.url}/`);
  const hash = await author.putUp(text);
  assert.equal(author.page.url(), `http://${below.host}/some/pages/${hash}`);
  const reader = await visit(t, await author.page.locator('#link').inputValue());
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  author.assertNoErrors();
  reader.assertNoErrors();
});

test('the server dies and comes back: the page was in the tabs all the time', async (t) => {
  let other = await startServer();
  const again = { listen: [other.host] };
  t.after(() => other.stop());
  const text = 'older than its server';
  const author = await visit(t, `${other.url}/`);
  const hash = await author.putUp(text);
  await author.untilCount(1);

  await other.kill();
  await author.untilState('away');
  assert.equal(await author.text(), text);
  await screenshot(author.page, 'server-away');
  other = await startServer(again);
  await author.untilState('showing');
  const reader = await visit(t, `${other.url}/${hash}`);
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  await author.untilCount(2);
});
