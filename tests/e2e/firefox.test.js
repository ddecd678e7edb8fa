// The main story in Firefox: a page is put up, found, held by its reader when its author has gone, reloaded by its only
// holder, and gone with the last of them.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from 'puppeteer-core';
import { OUTPUT, pagesKept } from './browser.js';
import { sha256 } from './client.js';
import { request } from './http.js';
import { startServer } from './server.js';
import { PATIENCE_MS, until } from './wait.js';

const PROGRAM = process.env.WHILST_FIREFOX || '/usr/bin/firefox-esr';

let server;
let browser;
before(async () => {
  server = await startServer({ args: ['--grace', '3000'] });
  browser = await launch({
    browser: 'firefox',
    executablePath: PROGRAM,
    headless: true,
    protocolTimeout: 4 * PATIENCE_MS,
    timeout: 2 * PATIENCE_MS,
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

// One person with one tab and nothing of the others'.
class Visitor {
  static async open(test, url) {
    const context = await browser.createBrowserContext();
    const visitor = new Visitor(context, await context.newPage());
    test.after(() => visitor.close());
    visitor.page.setDefaultTimeout(2 * PATIENCE_MS);
    await visitor.page.goto(url, { waitUntil: 'domcontentloaded' });
    return visitor;
  }

  constructor(context, page) {
    this.context = context;
    this.page = page;
    this.errors = [];
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('dialog', (dialog) => dialog.accept().catch(() => {}));
  }

  // What a probe in the page says; null while there is no document to ask.
  ask(probe, ...args) {
    return this.page.evaluate(probe, ...args).catch(() => null);
  }

  async until(probe, wanted) {
    let seen;
    await until(async () => (seen = await this.ask(probe)) === wanted, () => `${wanted}, instead of ${seen}`);
  }

  untilState(state) {
    return this.until(() => document.querySelector('#state')?.dataset.state, state);
  }

  untilCount(count) {
    return this.until(() => Number.parseInt(document.querySelector('#count')?.textContent, 10), count);
  }

  untilText(text) {
    return this.until(() => document.querySelector('#text')?.textContent, text);
  }

  // Puts a page up. The click does not wait until the button can be pressed.
  async putUp(text) {
    await this.untilState('making');
    await this.page.type('#content', text);
    await this.until(() => document.querySelector('#put-up')?.disabled, false);
    await this.page.click('#put-up');
    await this.untilState('showing');
  }

  screenshot(name) {
    mkdirSync(OUTPUT, { recursive: true });
    return this.page.screenshot({ path: join(OUTPUT, `firefox-${name}.png`) });
  }

  async close() {
    this.closed ??= this.context.close();
    await this.closed;
  }
}

test('the story', async (t) => {
  const text = `Written in Firefox, at ${new Date().toISOString()}.\n`;
  const hash = sha256(text);
  const link = `${server.url}/${hash}`;

  const author = await Visitor.open(t, `${server.url}/`);
  await author.putUp(text);
  await author.until(() => location.href, link);
  await author.untilCount(1);

  // Its only holder reloads: the page lives, and nobody is waited for.
  await author.until(pagesKept, 1);
  for (let i = 0; i < 2; i += 1) {
    await author.page.reload({ waitUntil: 'domcontentloaded' });
    await author.untilState('showing');
    await author.untilText(text);
    await author.untilCount(1);
  }

  // It looks away, and back.
  await author.page.goto('about:blank', { waitUntil: 'domcontentloaded' });
  await author.page.goBack({ waitUntil: 'domcontentloaded' });
  await author.untilState('showing');
  await author.untilText(text);
  await author.untilCount(1);

  const second = await Visitor.open(t, link);
  await second.untilText(text);
  for (const visitor of [author, second]) await visitor.untilCount(2);
  await second.screenshot('two-here');

  await author.close();
  await second.untilCount(1);
  const third = await Visitor.open(t, link);
  await third.untilText(text);
  for (const visitor of [second, third]) await visitor.untilCount(2);

  await second.close();
  await third.untilCount(1);
  await until(() => third.ask(() => document.title.startsWith('Last holder')), 'the title of the last holder');
  await third.screenshot('the-last');
  assert.equal((await request(server.target, `/raw/${hash}`)).body.toString(), text);
  await third.close();

  const late = await Visitor.open(t, link);
  await until(async () => (await request(server.target, `/raw/${hash}`)).status === 404, 'the page to be gone');
  await late.untilState('nobody');
  for (const visitor of [author, second, third, late]) assert.deepEqual(visitor.errors, []);
});

test('HTML in its frame, with its scripts dead and its title taken', async (t) => {
  const html = '<!doctype html><title>From Firefox</title><h1 id="inner">Inside</h1><script>document.title = "scripted"</script>';
  const author = await Visitor.open(t, `${server.url}/`);
  await author.putUp(html);
  const inner = async () => {
    const frame = author.page.frames().find((each) => each.url().endsWith('/-/frame/static'));
    return frame?.evaluate(() => document.querySelector('#inner')?.textContent).catch(() => null);
  };
  await until(async () => (await inner()) === 'Inside', 'the page in its frame');
  await until(async () => /From Firefox/.test(await author.ask(() => document.title)), 'its title');
  const blocked = /Content-Security-Policy: .* blocked an inline script/;
  await until(() => author.errors.some((error) => blocked.test(error)), 'word of the script that was not run');
  assert.deepEqual(author.errors.filter((error) => !blocked.test(error)), []);
});
