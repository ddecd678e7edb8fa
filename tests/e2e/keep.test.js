// A page lives as long as somebody looks at it, whatever happens to the tab, the network and the server meanwhile.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pagesKept, screenshot, startBrowser, Visitor } from './browser.js';
import { sha256 } from './client.js';
import { startServer } from './server.js';
import { startTunnel } from './tunnel.js';
import { until } from './wait.js';

// A name that is no secure context in the browser's eyes, unlike 127.0.0.1.
const INSECURE = 'whilst.test';

let server;
let hasty; // a server that does not wait long for who was dropped
let browser;
before(async () => {
  server = await startServer();
  hasty = await startServer({ args: ['--grace', '1000'] });
  browser = await startBrowser([`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`], {
    without: ['--disable-back-forward-cache'],
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await hasty?.stop();
});

const visit = (t, url) => Visitor.open(t, browser, url);
const gauge = async (name) => (await server.metrics())[`whilst_${name}`];
const sentence = (visitor) => visitor.page.locator('#sentence').textContent();
const isKept = (visitor, count = 1) => until(
  async () => (await visitor.page.evaluate(pagesKept)) === count,
  () => `${count} pages to be kept`,
);

// The page as somebody else gets it now.
async function assertAlive(t, address, text) {
  const witness = await visit(t, address);
  await witness.untilState('showing');
  assert.equal(await witness.text(), text);
  await witness.press('#let-go');
  await witness.untilState('gone');
  await witness.close();
}

// Another tab as the browser's "Duplicate" makes it: with a copy of the tab's storage.
async function duplicate(visitor) {
  const [page] = await Promise.all([
    visitor.context.waitForEvent('page'),
    visitor.page.evaluate(() => void window.open(location.href)),
  ]);
  return new Visitor(visitor.context, page);
}

async function setHidden(visitor, hidden) {
  await visitor.page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

describe('reload', () => {
  test('of the only holder, three times: the page lives, as the same holder', async (t) => {
    const text = 'I survive a reload';
    const author = await visit(t, `${server.url}/`);
    const hash = await author.putUp(text);
    await author.untilCount(1);
    await isKept(author);
    for (let i = 0; i < 3; i += 1) {
      await author.page.reload({ waitUntil: 'commit' });
      await author.untilState('showing');
      await author.untilCount(1);
      assert.equal(await author.text(), text);
      assert.match(await sentence(author), /lives in this tab/, 'still its author');
    }
    assert.equal(await gauge('away'), 0, 'nobody is waited for');
    await assertAlive(t, `${server.url}/${hash}`, text);
    await author.untilCount(1);
    await author.press('#let-go');
    author.assertNoErrors();
  });

  test('others are told nothing of it', async (t) => {
    const author = await visit(t, `${server.url}/`);
    const hash = await author.putUp('two look at me');
    const reader = await visit(t, `${server.url}/${hash}`);
    await reader.untilCount(2);
    await isKept(author);
    const counts = await reader.page.evaluateHandle(() => {
      const seen = [];
      const element = document.querySelector('#count');
      new MutationObserver(() => seen.push(element.textContent)).observe(element, { childList: true, characterData: true, subtree: true });
      return seen;
    });
    await author.page.reload({ waitUntil: 'commit' });
    await author.untilState('showing');
    await author.untilCount(2);
    assert.deepEqual(await counts.jsonValue(), []);
  });

  test('every page of the tab is held again, be it on the screen or not', async (t) => {
    const author = await visit(t, `${server.url}/`);
    const first = await author.putUp('the first page of a tab');
    await author.press('#home');
    const second = await author.putUp('the second page of the same tab');
    await author.press('#home');
    await author.untilState('making');
    await isKept(author, 2);
    await author.page.reload({ waitUntil: 'commit' });
    const links = author.page.locator('#still-holding-pages a');
    await until(async () => (await links.count()) === 2, 'the list of both pages');
    await assertAlive(t, `${server.url}/${first}`, 'the first page of a tab');
    await assertAlive(t, `${server.url}/${second}`, 'the second page of the same tab');
  });

  test('what was let go of is not held again', async (t) => {
    const author = await visit(t, `${server.url}/`);
    await author.putUp('let me go for good');
    await isKept(author);
    await author.press('#let-go');
    await author.untilState('gone');
    await author.page.reload({ waitUntil: 'commit' });
    await author.untilState('nobody');
  });

  test('without a secure context a reload loses the page, and it is said', async (t) => {
    const address = `http://${INSECURE}:${server.port}`;
    const author = await visit(t, `${address}/`);
    await author.putUp('no locks, no continuity');
    await until(async () => /Do not reload/.test(await sentence(author)), 'a word about reloading');
    await screenshot(author.page, 'keep-no-continuity');
    await author.page.reload({ waitUntil: 'commit' });
    await author.untilState('nobody');
    author.assertNoErrors();
  });
});

test('a duplicated tab is another holder; the page lives until both are closed', async (t) => {
  const text = 'two tabs of one browser';
  const author = await visit(t, `${hasty.url}/`);
  const hash = await author.putUp(text);
  await author.untilCount(1);
  await isKept(author);
  const twin = await duplicate(author);
  await twin.untilState('showing');
  assert.equal(await twin.text(), text);
  for (const tab of [author, twin]) await tab.untilCount(2);
  for (const tab of [author, twin]) {
    await tab.page.reload({ waitUntil: 'commit' });
    await tab.untilState('showing');
    await tab.untilCount(2);
  }
  await author.page.close();
  await twin.untilCount(1);
  await assertAlive(t, `${hasty.url}/${hash}`, text);
});

test('away to another site and back, from the browser\'s cache or not', async (t) => {
  const text = 'look away, and look again';
  const author = await visit(t, `${server.url}/`);
  const hash = await author.putUp(text);
  await isKept(author);
  author.page.on('dialog', (dialog) => dialog.accept());
  await author.page.evaluate(() => (globalThis.restored = false) || addEventListener('pageshow', (event) => (restored = event.persisted)));
  await author.page.goto('about:blank');
  await author.page.goBack({ waitUntil: 'commit' });
  await author.untilState('showing');
  t.diagnostic(`from the browser's cache: ${await author.page.evaluate(() => globalThis.restored === true)}`);
  await author.untilCount(1);
  assert.equal(await author.text(), text);
  await assertAlive(t, `${server.url}/${hash}`, text);
});

test('the next document in the tab holds the page on; what is let go of there is not held again on the way back', async (t) => {
  const text = 'one tab, two documents';
  const author = await visit(t, `${server.url}/`);
  const hash = await author.putUp(text);
  await author.untilCount(1);
  await isKept(author);
  author.page.on('dialog', (dialog) => dialog.accept());
  await author.page.goto(`${server.url}/`, { waitUntil: 'commit' });
  const held = author.page.locator('#still-holding-pages a');
  await until(async () => (await held.count()) === 1, 'the page that is still held');
  await assertAlive(t, `${server.url}/${hash}`, text);
  await author.page.goBack({ waitUntil: 'commit' });
  await author.untilState('showing');
  await author.untilCount(1);

  await author.page.goto(`${server.url}/`, { waitUntil: 'commit' });
  await until(async () => (await held.count()) === 1, 'the page that is still held');
  await held.click();
  await author.untilState('showing');
  await author.press('#let-go');
  await author.untilState('gone');
  await author.page.goBack({ waitUntil: 'commit' });
  await author.page.goBack({ waitUntil: 'commit' });
  assert.equal(new URL(author.page.url()).pathname, `/${hash}`);
  await until(async () => ['gone', 'nobody'].includes(await author.state()), 'a page that is gone');
  await until(async () => (await gauge('holders')) === 0, 'nobody to hold anything');
});

describe('the network', () => {
  let tunnel;
  before(async () => (tunnel = await startTunnel(server)));
  after(() => tunnel.close());

  test('is cut and comes back: the page lives, the counts are right', async (t) => {
    const text = 'through a tunnel';
    const author = await visit(t, `${tunnel.url}/`);
    const hash = await author.putUp(text);
    await author.untilCount(1);
    tunnel.cut();
    await author.untilState('away');
    assert.ok(await author.page.locator('#count').isHidden(), 'nobody knows how many there are');
    assert.equal(await author.text(), text);
    tunnel.mend();
    await author.untilState('showing');
    await author.untilCount(1);
    await assertAlive(t, `${server.url}/${hash}`, text);
    assert.ok((await gauge('take_overs_total')) > 0, 'the old place was taken over');
  });

  test('is deaf: who looks again after a while is connected anew, and takes the old place', async (t) => {
    const text = 'asleep for a while';
    const author = await visit(t, `${tunnel.url}/`);
    const hash = await author.putUp(text);
    await author.untilCount(1);
    const before = await gauge('take_overs_total');
    await author.page.clock.install();
    await setHidden(author, true);
    tunnel.swallow();
    await author.page.clock.fastForward(60_000);
    assert.equal(await author.state(), 'showing', 'a tab that is hidden judges nothing dead');
    await setHidden(author, false);
    await author.page.clock.fastForward(11_000); // longer than a connection is probed
    await until(async () => (await gauge('take_overs_total')) > before, 'the old place to be taken');
    await author.untilState('showing');
    await author.untilCount(1);
    await assertAlive(t, `${server.url}/${hash}`, text);
  });
});

test('a tab that is hidden for an hour holds its page all the time', async (t) => {
  const text = 'out of sight, not out of mind';
  const author = await visit(t, `${server.url}/`);
  const hash = await author.putUp(text);
  await author.untilCount(1);
  const sessions = await gauge('sessions_total');
  await author.page.clock.install();
  await setHidden(author, true);
  for (let i = 0; i < 12; i += 1) await author.page.clock.fastForward(5 * 60_000);
  await assertAlive(t, `${server.url}/${hash}`, text);
  await setHidden(author, false);
  await author.untilCount(1);
  assert.equal(await gauge('sessions_total'), sessions + 1, 'the witness alone came; the tab never went');
});

test('a frozen tab is still there when it thaws', async (t) => {
  const text = 'frozen and thawed';
  const author = await visit(t, `${server.url}/`);
  const hash = await author.putUp(text);
  await author.untilCount(1);
  const cdp = await author.context.newCDPSession(author.page);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  const asks = await gauge('asks_total');
  const reader = await visit(t, `${server.url}/${hash}`);
  await until(async () => (await gauge('asks_total')) > asks, 'the frozen holder to be asked');
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  for (const visitor of [author, reader]) await visitor.untilCount(2);
});

test('the server stops (1012) and starts again: each tab holds on', async (t) => {
  let other = await startServer();
  t.after(() => other.stop());
  const text = 'older than two servers';
  const author = await visit(t, `${other.url}/`);
  const hash = await author.putUp(text);
  const reader = await visit(t, `${other.url}/${hash}`);
  for (const visitor of [author, reader]) await visitor.untilCount(2);
  await other.stop();
  for (const visitor of [author, reader]) await visitor.untilState('away');
  other = await startServer({ listen: [other.host] });
  for (const visitor of [author, reader]) {
    await visitor.untilState('showing');
    await visitor.untilCount(2);
  }
  await assertAlive(t, `${other.url}/${hash}`, text);
});

describe('the last holder', () => {
  // Whether the browser asks before it closes the tab; the answer is to stay.
  async function isAsked(visitor) {
    let asked = false;
    visitor.page.once('dialog', (dialog) => {
      asked = dialog.type() === 'beforeunload';
      dialog.dismiss();
    });
    visitor.page.close({ runBeforeUnload: true }).catch(() => {});
    await until(() => asked || visitor.page.isClosed(), 'a question, or the end of the tab');
    return asked;
  }

  test('is told in words, in the title and before closing; others are not asked', async (t) => {
    const author = await visit(t, `${hasty.url}/`);
    const hash = await author.putUp('who is the last?');
    assert.equal(await isAsked(author), true, 'nobody else has it yet');
    const reader = await visit(t, `${hasty.url}/${hash}`);
    for (const visitor of [author, reader]) await visitor.untilCount(2);
    assert.equal(await isAsked(author), false);
    await reader.untilCount(1);
    assert.match(await sentence(reader), /You are the last one holding this page/);
    assert.match(await reader.page.title(), /^Last holder/);
    assert.ok(await reader.page.locator('#state[data-last]').isVisible());
    await reader.press('#log-console summary');
    assert.equal(await isAsked(reader), true);
    await reader.press('#let-go');
    await reader.untilState('gone');
    assert.equal(await isAsked(reader), false, 'there is nothing to lose any more');
  });
});

describe('a page that nobody holds', () => {
  const textFile = (text, name = 'page.txt') => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });

  async function drop(visitor, text) {
    const transfer = await visitor.page.evaluateHandle((content) => {
      const data = new DataTransfer();
      data.items.add(new File([content], 'page.txt', { type: 'text/plain' }));
      return data;
    }, text);
    await visitor.page.dispatchEvent('#panel', 'drop', { dataTransfer: transfer });
  }

  test('lives again when somebody drops its file, and no other', async (t) => {
    const text = 'once put up, kept in a drawer';
    const finder = await visit(t, `${server.url}/${sha256(text)}`);
    await finder.untilState('nobody');
    await screenshot(finder.page, 'keep-nobody');
    await drop(finder, 'something else');
    await until(async () => /another file/.test(await finder.page.locator('#revive-words').textContent()), 'a word');
    assert.equal(await finder.state(), 'nobody');
    await screenshot(finder.page, 'keep-another-file');
    await drop(finder, text);
    await finder.untilState('showing');
    assert.equal(await finder.text(), text);
    await finder.untilCount(1);
    await assertAlive(t, `${server.url}/${sha256(text)}`, text);
    finder.assertNoErrors();
  });

  test('lives again when somebody picks its file', async (t) => {
    const text = 'picked by hand';
    const finder = await visit(t, `${server.url}/${sha256(text)}`);
    await finder.untilState('nobody');
    for (let i = 0; i < 2; i += 1) { // the second time it was let go of before
      await finder.page.setInputFiles('#revive-pick', textFile(text));
      await finder.untilState('showing');
      await finder.untilCount(1);
      await finder.press('#let-go');
      await finder.untilState('gone');
    }
  });

  test('lives again when its file had become a page with a label', async (t) => {
    const page = '%whilst 1 text/markdown notes.md\n# Notes\n';
    const finder = await visit(t, `${server.url}/${sha256(page)}`);
    await finder.untilState('nobody');
    await finder.page.setInputFiles('#revive-pick', textFile('# Notes\n', 'notes.md'));
    await finder.untilState('showing');
    await finder.untilCount(1);
  });

  test('tells when it is back, in the title of a tab that is not looked at', async (t) => {
    const text = 'back at last';
    const waiting = await visit(t, `${server.url}/${sha256(text)}`);
    await waiting.untilState('nobody');
    await waiting.press('#tell-me');
    await until(async () => /^Waiting/.test(await waiting.page.title()), 'the title of a tab that waits');
    await screenshot(waiting.page, 'keep-tell-me');
    await setHidden(waiting, true);
    const author = await visit(t, `${server.url}/`);
    await author.putUp(text);
    await until(async () => /^It is back/.test(await waiting.page.title()), 'the title to tell');
    await setHidden(waiting, false);
    await until(async () => !/^It is back/.test(await waiting.page.title()), 'the title to be as ever');
    await waiting.untilCount(2);
  });
});
