// Hundreds of ways to run a script, put up as pages and shown by the real front end. In the static frame none of them runs; in
// the scripted one most do, which shows that they are any good, and none gets out of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser, Visitor } from './browser.js';
import { holdPage } from './client.js';
import { documents, markdown, pictures } from './payloads.js';
import { startServer } from './server.js';
import { until } from './wait.js';

const TABS = 3;

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

const label = (type, content) => `%whilst 1 ${type}\n${content}`;

// The frame once it shows what it was given; null: the page is shown without one.
async function contentOf(page) {
  const element = await page.locator('#frame, #picture, #text').first().elementHandle();
  const frame = await element.contentFrame();
  const isShown = () => frame.evaluate(() => document.readyState === 'complete' && document.title === 'p').catch(() => false);
  // A page that makes its frame go elsewhere leaves it empty: that is no content either.
  if (frame) await until(isShown, 'the page in its frame', 2_000).catch(() => {});
  return frame;
}

// Gives it every chance: all that can be clicked is, and what is under way comes to its end.
async function provoke(frame) {
  await frame
    ?.evaluate(async () => {
      for (const element of document.querySelectorAll('a, area, button, summary, label, input[type=submit]')) {
        element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
      }
      await new Promise((resolve) => setTimeout(resolve, 40));
    })
    .catch(() => {}); // the page has left its frame
}

// Goes to another page in the same tab, as the browser's buttons do.
async function goTo(visitor, hash) {
  await visitor.page.evaluate((address) => {
    history.pushState(null, '', address);
    dispatchEvent(new PopStateEvent('popstate'));
  }, hash);
  await visitor.untilState('showing');
}

// Shows pages one after the other in several tabs; gives back the numbers of those that ran something.
async function showAll(t, pages, { scripted = false } = {}) {
  const ran = new Set();
  const left = [...pages];
  async function work() {
    const visitor = await Visitor.open(t, browser, `${server.url}/`);
    await visitor.untilState('making');
    visitor.page.on('console', (message) => /^ran\d+$/.test(message.text()) && ran.add(Number(message.text().slice(3))));
    for (let content = left.shift(); content !== undefined; content = left.shift()) {
      const holder = await holdPage(server.url, content);
      await goTo(visitor, holder.hash);
      if (scripted && (await visitor.page.locator('#run-scripts').isVisible())) await visitor.press('#run-scripts');
      await provoke(await contentOf(visitor.page));
      await assertUntouched(visitor, holder.hash, content);
      await visitor.press('#let-go');
      await visitor.untilState('gone');
      await holder.client.close();
    }
  }
  await Promise.all(Array.from({ length: TABS }, work));
  return [...ran].sort((a, b) => a - b);
}

async function assertUntouched({ page, context }, hash, content) {
  const around = await page.evaluate(() => [
    globalThis.pwned,
    document.querySelector('#state').dataset.state,
    document.querySelectorAll('#stage > *').length,
    location.href,
    document.cookie,
  ]);
  assert.deepEqual(around, [undefined, 'showing', 1, `${server.url}/${hash}`, ''], content);
  // A click may open a window: never one of this site's.
  for (const other of context.pages().filter((each) => each !== page)) {
    assert.ok(!other.url().startsWith(server.url), `${other.url()} by ${content}`);
    await other.close();
  }
}

test('there are hundreds', () => {
  assert.ok(new Set(documents).size >= 200, String(new Set(documents).size));
});

test('in the static frame none runs', async (t) => {
  assert.deepEqual(await showAll(t, documents), []);
});

test('in the scripted frame they run, and stay in it', async (t) => {
  const ran = await showAll(t, documents, { scripted: true });
  assert.ok(ran.length > documents.length / 2, `only ${ran.length} of ${documents.length} are any good`);
});

test('in Markdown none runs', async (t) => {
  assert.deepEqual(await showAll(t, markdown.map((text) => label('text/markdown', text))), []);
});

test('as text and as a picture none runs', async (t) => {
  assert.deepEqual(await showAll(t, [...documents.slice(0, 20).map((text) => label('text/plain', text)), ...pictures]), []);
});

test('nor in the name of a file, nor in the title of a page', async (t) => {
  const name = '%whilst 1 application/octet-stream <img src=x: onerror=console.log("ran1")>\nx';
  const title = '<!doctype html><title>&lt;img src=x: onerror=console.log("ran2")></title><p>p';
  for (const [content, shown] of [[name, '#stage h2'], [title, '#frame']]) {
    const holder = await holdPage(server.url, content);
    const reader = await Visitor.open(t, browser, `${server.url}/${holder.hash}`);
    await reader.page.locator(shown).waitFor();
    await until(async () => (await reader.page.title()).includes('<img src=x:'), 'the words, as words');
    assert.equal(await reader.page.locator('img').count(), 0);
    assert.ok(!reader.console.some((line) => /^ran/.test(line)));
    await holder.client.close();
  }
});
