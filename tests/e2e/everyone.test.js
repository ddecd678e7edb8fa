// For everybody: six languages in both directions, the keyboard alone, colours that the system forces, less motion.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LANGUAGES } from '../../static/languages.js';
import { assertAccessible, assertReflows, SMALLEST } from './accessibility.js';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { sha256 } from './client.js';
import { startServer } from './server.js';
import { until } from './wait.js';

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

async function visit(t, { path = '/', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, ...options });
  t.after(() => context.close());
  const visitor = new Visitor(context, await context.newPage());
  visitor.requests = [];
  visitor.page.on('request', (request) => visitor.requests.push(new URL(request.url()).pathname));
  await visitor.page.goto(`${server.url}${path}`, { waitUntil: 'commit' });
  await visitor.page.locator('#language option').first().waitFor({ state: 'attached' });
  return visitor;
}

const speaks = ({ page }, language) =>
  until(() => page.evaluate((code) => document.documentElement.lang === code, language), `the page in ${language}`);
const catalogues = ({ requests }) => requests.filter((path) => /\/strings\./.test(path)).map((path) => /strings\.(.+)-\w+\.js/.exec(path)[1]);

describe('languages', () => {
  for (const language of Object.keys(LANGUAGES)) {
    test(`${LANGUAGES[language]}: by the browser, and only this one is loaded`, async (t) => {
      const { default: words } = await import(`../../static/strings.${language}.js`);
      const author = await visit(t, { locale: language === 'zh-Hans' ? 'zh-CN' : language });
      await speaks(author, language);
      assert.deepEqual(catalogues(author), language === 'en' ? [] : [language]);
      assert.equal(await author.page.locator('#make h1').textContent(), words.makeTitle);
      assert.equal(await author.page.getAttribute('#content', 'placeholder'), words.contentPlaceholder);
      assert.equal(await author.page.title(), words.makeDocumentTitle);
      assert.equal(await author.page.evaluate(() => getComputedStyle(document.body).direction), language === 'ar' ? 'rtl' : 'ltr');
      await until(async () => (await author.page.locator('#meter').textContent()).includes('MiB'), 'the limit');
      await screenshot(author.page, `language-${language}-make`);
      await assertAccessible(author.page, `${language}, making`);
      await author.putUp(`# ${words.makeTitle}\n\n${words.makeLead}\n`);
      await author.untilCount(1);
      await author.frame('h1');
      assert.equal(await author.page.locator('#sentence').textContent(), words.livesHere);
      await author.press('#share');
      await author.page.locator('#qr svg').waitFor();
      await screenshot(author.page, `language-${language}-share`);
      await assertAccessible(author.page, `${language}, sharing`);
      await author.page.setViewportSize(SMALLEST);
      await assertReflows(author.page, language);
      await author.press('#let-go');
      await author.untilState('gone');
      await assertReflows(author.page, language);
      assert.equal(await author.page.locator('#panel-title').textContent(), words.goneTitle);
      await author.page.goto(`${server.url}/${sha256(language)}`);
      await author.untilState('nobody');
      await until(async () => (await author.page.locator('#panel-title').textContent()) === words.nobodyTitle, 'the words');
      await assertReflows(author.page, language);
      await author.page.setViewportSize({ width: 360, height: 740 });
      await screenshot(author.page, `language-${language}-nobody`);
      author.assertNoErrors();
    });
  }

  test('chosen by hand, it changes all words and stays', async (t) => {
    const author = await visit(t, { locale: 'en-GB' });
    const hash = await author.putUp('one page, many languages');
    await author.page.selectOption('#language', 'de');
    await speaks(author, 'de');
    assert.equal(await author.page.locator('#let-go').textContent(), 'Loslassen');
    assert.match(await author.page.locator('#sentence').textContent(), /^Diese Seite lebt in diesem Tab/);
    assert.match(await author.page.locator('#log').textContent(), /Verbunden/);
    assert.doesNotMatch(await author.page.locator('#log').textContent(), /Connected/);
    assert.equal(await author.text(), 'one page, many languages');
    await author.page.goto(`${server.url}/`);
    await speaks(author, 'de');
    await author.page.selectOption('#language', 'en');
    await speaks(author, 'en');
    await author.page.goto(`${server.url}/${hash}`);
    await speaks(author, 'en');
  });

  test('one that cannot be loaded changes nothing', async (t) => {
    const author = await visit(t, { locale: 'en-GB' });
    await author.page.route('**/strings.*', (route) => route.abort());
    await author.page.selectOption('#language', 'fr');
    await until(async () => /could not be loaded/.test(await author.page.locator('#announcer').textContent()), 'a word about it');
    assert.equal(await author.page.inputValue('#language'), 'en');
  });
});

// What has the focus and does not show it. In a frame the frame's document shows it.
function withoutOutline() {
  const element = document.activeElement;
  if (element === document.body || element.matches('iframe')) return null;
  const shown = [element, element.closest('.kinds') && element.nextSibling, element.closest('.sheet')].filter(Boolean);
  const has = (each) => getComputedStyle(each).outlineStyle !== 'none' && Number.parseFloat(getComputedStyle(each).outlineWidth) >= 1;
  return shown.some(has) ? null : element.outerHTML;
}

test('the keyboard alone makes a page, shares it and lets go', async (t) => {
  const author = await visit(t, { locale: 'en-GB', viewport: { width: 1280, height: 800 } });
  await author.untilState('making');
  const { keyboard } = author.page;
  const focused = () => author.page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
  const untilFocused = (id) => until(async () => (await focused()) === id, `the focus on ${id}`);
  const tabTo = async (id) => {
    for (let i = 0; i < 40 && (await focused()) !== id; i += 1) {
      await keyboard.press('Tab');
      assert.equal(await author.page.evaluate(withoutOutline), null, 'shows that it has the focus');
    }
    assert.equal(await focused(), id);
  };
  await tabTo('content');
  await keyboard.type('# By keys\n\n**alone**');
  await author.page.keyboard.press('Shift+Tab');
  await keyboard.press('ArrowRight');
  await until(async () => (await author.page.locator('input[value="text/html"]').isChecked()), 'another kind by the arrow keys');
  await keyboard.press('ArrowLeft');
  await tabTo('put-up');
  await keyboard.press('Enter');
  await author.untilState('showing');
  await untilFocused('copy');
  await author.page.evaluate(() => document.activeElement.blur());
  await tabTo('share');
  await keyboard.press('Enter');
  await author.page.locator('#qr svg').waitFor();
  await tabTo('share-close');
  await keyboard.press('Enter');
  await untilFocused('share');
  await tabTo('let-go');
  await keyboard.press('Enter');
  await author.untilState('gone');
  await untilFocused('retry');
});

test('colours that the system forces leave everything visible', async (t) => {
  for (const colorScheme of ['light', 'dark']) {
    const author = await visit(t, { locale: 'en-GB', forcedColors: 'active', colorScheme });
    await author.untilState('making');
    await author.write(`# In ${colorScheme}\n\n- y\n- z`);
    await screenshot(author.page, `forced-colors-make-${colorScheme}`);
    await author.press('#put-up');
    await author.untilState('showing');
    await author.untilCount(1);
    await screenshot(author.page, `forced-colors-view-${colorScheme}`);
    const checked = await author.page.evaluate(() => matchMedia('(forced-colors: active)').matches);
    assert.ok(checked);
  }
});

test('nothing moves for those who want less motion', async (t) => {
  const reader = await visit(t, { locale: 'en-GB', reducedMotion: 'reduce', path: `/${sha256('still')}` });
  await reader.untilState('nobody');
  const moving = await reader.page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length);
  assert.equal(moving, 0);
});

test('nobody who wants another language sees English first, nor nothing when its words do not come', async (t) => {
  const author = await visit(t, { locale: 'en-GB' });
  const context = await browser.newContext({ locale: 'de-DE' });
  t.after(() => context.close());
  const page = await context.newPage();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  t.after(() => release());
  await page.route('**/strings.*', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${server.url}/`, { waitUntil: 'commit' });
  const title = page.locator('#make h1');
  await until(async () => (await page.locator('html[data-waiting]').count()) === 1, 'the waiting');
  // Held just before its end, however long ago it began.
  const shortly_before = await page.evaluate(() => {
    const [reveal] = document.querySelector('main').getAnimations();
    reveal.pause();
    reveal.currentTime = 2_900;
    const { visibility } = getComputedStyle(document.querySelector('#make h1'));
    reveal.play();
    return visibility;
  });
  assert.equal(shortly_before, 'hidden', 'English is hidden');
  await until(() => title.isVisible(), 'English, when nothing else has come for long');
  release();
  await until(async () => /^Eine Seite/.test(await title.textContent()), 'German');
  assert.ok(await title.isVisible());
  assert.ok(await author.page.locator('#make h1').isVisible());
});
