// Real Chromium, and what a visitor does in it.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { fingerprint } from './certificate.js';
import { PATIENCE_MS, until } from './wait.js';

const PROGRAM = process.env.WHILST_CHROMIUM || '/usr/bin/chromium';
export const OUTPUT = process.env.WHILST_OUTPUT || fileURLToPath(new URL('../../build/output/', import.meta.url));
const TYPED_AT_MOST = 100_000; // characters
const BEGUN = '#state:has(#put-up:enabled)';

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// The argument by which it trusts a certificate.
export const trust = (cert) => `--ignore-certificate-errors-spki-list=${fingerprint(cert)}`;

const TRUSTED = process.env.WHILST_TLS ? [trust(readFileSync(join(process.env.WHILST_TLS, 'cert.pem')))] : [];

// A browser with a fresh profile. Playwright would switch the popup blocker off. `without`: more of
// what Playwright switches that should be left alone.
export function startBrowser(args = [], { without = [] } = {}) {
  return chromium.launch({
    executablePath: PROGRAM,
    headless: true,
    timeout: PATIENCE_MS,
    chromiumSandbox: false,
    args: [...ARGUMENTS, ...TRUSTED, ...args],
    ignoreDefaultArgs: ['--disable-popup-blocking', ...without],
  });
}

// Chromium without a display sometimes has no frame to give yet: then it is asked again.
export async function screenshot(page, name) {
  mkdirSync(OUTPUT, { recursive: true });
  const taken = () => page.screenshot({ path: join(OUTPUT, `${name}.png`) }).catch(() => null);
  await until(taken, `a screenshot of ${name}`);
}

// To be asked in a document: how many pages a reload of its tab, or of the frames in it, will find, each with its facts and its bytes.
export async function pagesKept() {
  const entries = Object.entries(sessionStorage).filter(([name]) => /^whilst-(tab$|frame:)/.test(name));
  // One that there is not would be made by opening it.
  if (!(await indexedDB.databases()).some(({ name }) => name === 'whilst')) return 0;
  const result = (request) =>
    new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const database = await result(indexedDB.open('whilst'));
  const keys = await result(database.transaction('pages').objectStore('pages').getAllKeys());
  database.close();
  return entries.map(([, text]) => JSON.parse(text)).flatMap(({ id, pages }) =>
    Object.keys(pages).filter((hash) => keys.some(([tab, of]) => tab === id && of === hash))).length;
}

// One person with one tab in a browser of their own.
export class Visitor {
  static async open(test, browser, url) {
    const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, locale: 'en-GB' });
    test.after(() => context.close());
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor(context, await context.newPage());
    // What follows waits for what it needs; a page's own pictures are its own affair.
    await visitor.page.goto(url, { waitUntil: 'commit' });
    return visitor;
  }

  constructor(context, page) {
    this.context = context;
    this.page = page;
    this.errors = [];
    this.console = [];
    this.answered = []; // the paths of what was loaded
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => this.console.push(message.text()));
    page.on('response', (response) => this.answered.push(new URL(response.url()).pathname));
  }

  // Until the program of the document runs: it is born with a form and a state, but what is done to them before that is lost.
  begun() {
    return this.page.locator(BEGUN).waitFor({ state: 'attached' });
  }

  // Puts a page up as a person would: the hash in the address.
  async putUp(content) {
    await this.untilState('making');
    await this.#write(content);
    await this.press('#put-up');
    await this.page.waitForURL(/\/[0-9a-f]{64}$/);
    await this.untilState('showing');
    return new URL(this.page.url()).pathname.split('/').pop();
  }

  // Typing is an edit for Chromium, which takes minutes over twenty thousand lines.
  async #write(content) {
    if (content.length < TYPED_AT_MOST) return this.page.fill('#content', content);
    return this.page.locator('#content').evaluate((element, value) => {
      element.value = value;
      element.dispatchEvent(new Event('input', { bubbles: true }));
    }, content);
  }

  // Typing or pasting a long text takes Chromium half a minute; there it is set.
  write(content) {
    if (content.length < 10_000) return this.page.fill('#content', content);
    return this.page.locator('#content').evaluate((area, text) => {
      area.value = text;
      area.dispatchEvent(new Event('input', { bubbles: true }));
    }, content);
  }

  // Playwright would wait for navigations that a click might begin; here the tests do.
  press(selector) {
    return this.page.click(selector, { noWaitAfter: true });
  }

  state() {
    return this.page.locator(BEGUN).getAttribute('data-state');
  }

  async untilState(state) {
    let seen;
    const reached = async () => (seen = await this.state()) === state;
    await until(reached, () => `the state ${state}, instead of ${seen}`);
  }

  async untilCount(count) {
    let seen;
    const reached = async () => {
      seen = await this.page.locator('#count').textContent();
      return Number.parseInt(seen, 10) === count;
    };
    await until(reached, () => `the count ${count}, instead of "${seen}"`);
  }

  async untilLogged(pattern) {
    const seen = () => this.console.some((line) => pattern.test(line));
    await until(seen, () => `${pattern} in the console, which has: ${this.console.join('\n')}`);
  }

  // The plain text that is shown.
  text() {
    return this.page.locator('#text').textContent();
  }

  // The frame that shows an HTML page, once it has the page.
  async frame(selector) {
    const content = this.page.frameLocator('#frame').locator(selector).first();
    await content.waitFor({ state: 'attached' });
    const element = await this.page.locator('#frame').elementHandle();
    return element.contentFrame();
  }

  close() {
    return this.context.close();
  }

  assertNoErrors() {
    assert.deepEqual(this.errors, []);
  }
}
