// A hostile page, shown by the real front end in a real browser. What counts is not what the
// page believes but what others saw: a canary on loopback, and the server's own counters.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { screenshot, startBrowser, Visitor } from './browser.js';
import {
  askingDocument,
  Canary,
  hostileDocument,
  navigatingDocument,
  refreshingDocument,
} from './hostile.js';
import { growth } from './metrics.js';
import { startServer } from './server.js';
import { until } from './wait.js';

let server;
let browser;
let canary;
before(async () => {
  server = await startServer();
  canary = await new Canary().listen();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await canary?.close();
  await server?.stop();
});

const DONE = /^hostile done /;

const outcomes = (visitor) =>
  JSON.parse(visitor.console.find((line) => DONE.test(line)).replace(DONE, ''));

// Shows a page to somebody who did not write it, and forgets what that took.
async function show(t, document) {
  const author = await Visitor.open(t, browser, `${server.url}/`);
  const hash = await author.putUp(document);
  const reader = await Visitor.open(t, browser, `${server.url}/${hash}`);
  await reader.untilState('showing');
  // What follows counts requests: this one is the app's own.
  await until(() => reader.answered.includes('/-/frame/static'), 'the document of the frame');
  await author.close();
  return reader;
}

// The counters of what reaches the server, while `act` runs.
async function reaching(act) {
  const earlier = await server.metrics();
  await act();
  const grown = growth(earlier, await server.metrics());
  return {
    // The look at the counters is a request too.
    requests: (grown.whilst_http_requests_total ?? 0) - 1,
    upgrades: (grown.whilst_upgrades_total ?? 0) + (grown.whilst_upgrades_refused_total ?? 0),
    sessions: grown.whilst_sessions_total ?? 0,
  };
}

// What of the app's own document a page could have touched.
function appDocument(page) {
  return page.evaluate(() => ({
    address: location.href,
    marker: globalThis.pwned,
    storage: [document.cookie, localStorage.length, sessionStorage.pwned],
    elements: [...document.querySelectorAll('body, body > *, main > *')].map((e) => `${e.localName}#${e.id}`),
    intruders: document.querySelectorAll('.pwned').length,
  }));
}

// The same page without the frame and its headers: were its attempts any good?
test('control: without protection the page gets out by most of its ways', async (t) => {
  canary.forget();
  canary.home = hostileDocument(canary.to);
  const visitor = await Visitor.open(t, browser, `${canary.url}/home`);
  await visitor.untilLogged(DONE);
  const expected = [
    ...['stylesheet', 'image', 'iframe', 'object', 'script', 'onerror', 'background', 'import-css', 'video'],
    ...['srcdoc', 'svg-image', 'preload', 'input-image', 'font', 'embed', 'picture'],
    ...['fetch', 'fetch-post', 'keepalive', 'xhr', 'beacon', 'event-source', 'websocket', 'new-image'],
    ...['new-script', 'import', 'worker', 'new-frame', 'form', 'ping', 'service-worker', 'blob-worker', 'blob-frame'],
  ];
  const missing = () => expected.filter((kind) => !canary.heard.includes(kind));
  await until(() => missing().length === 0, () => `${missing()} to be heard`);
});

test('static: scripts are dead, and nothing of the page reaches anybody', async (t) => {
  for (const to of [canary.to, (kind) => `${server.url}/-/hostile-${kind}`]) {
    canary.forget();
    const reader = await show(t, hostileDocument(to));
    const reached = await reaching(async () => {
      const frame = await reader.frame('#last');
      await frame.waitForLoadState('load');
      await until(() => frame.evaluate(() => document.querySelector('#last').naturalWidth === 9), 'the picture of its own');
    });
    assert.deepEqual(reached, { requests: 0, upgrades: 0, sessions: 0 });
    assert.deepEqual(canary.heard, []);
    assert.equal(canary.bytes, 0);
    assert.ok(!reader.console.some((line) => DONE.test(line)), 'its script ran');
    await screenshot(reader.page, 'hostile-static');
    await reader.close();
  }
});

test('scripted: scripts run, and still nothing reaches anybody', async (t) => {
  for (const to of [canary.to, (kind) => `${server.url}/-/hostile-${kind}`]) {
    canary.forget();
    const reader = await show(t, hostileDocument(to));
    await reader.frame('#last');
    const before = await appDocument(reader.page);
    const reached = await reaching(async () => {
      await reader.press('#run-scripts');
      await reader.untilLogged(DONE);
    });
    // One request: the scripted frame's own document.
    assert.deepEqual(reached, { requests: 1, upgrades: 0, sessions: 0 });
    assert.deepEqual(canary.heard, []);
    assert.equal(canary.bytes, 0);
    assert.equal(reader.context.pages().length, 1, 'no window was opened');
    assert.deepEqual(await appDocument(reader.page), before);
    assert.equal(await reader.state(), 'showing');
    assert.match(await reader.page.title(), / · Whilst$/);
    await screenshot(reader.page, 'hostile-scripted');
    assertConfined(outcomes(reader));
    await reader.close();
  }
});

// What the page itself was told.
function assertConfined(outcome) {
  const refused = [
    ...['parent-document', 'parent-property', 'parent-address', 'top-document', 'frame-element'],
    ...['top-location', 'parent-location', 'top-replace', 'cookie', 'local-storage', 'session-storage'],
  ];
  for (const name of refused) {
    assert.match(outcome[name], /^(SecurityError|TypeError)$/, `${name}: ${outcome[name]}`);
  }
  for (const name of ['open', 'open-top', 'open-parent']) {
    assert.match(outcome[name], /^(null|SecurityError)$/, `${name}: ${outcome[name]}`);
  }
  assert.equal(outcome.origin, 'null');
  assert.doesNotMatch(outcome.base, /[0-9a-f]{64}/, 'it can read the address of the page');
}

test('stop: the scripted frame is gone, and with it what it ran', async (t) => {
  const ticking = '<!doctype html><h1 id="marker">tick</h1><script>setInterval(() => console.log("tick"), 50)</script>';
  const reader = await show(t, ticking);
  await reader.press('#run-scripts');
  await reader.untilLogged(/^tick$/);
  const scripted = await reader.frame('#marker');
  await reader.press('#stop-scripts');
  await reader.page.locator('#run-scripts').waitFor({ state: 'visible' });
  await until(() => scripted.isDetached(), 'the end of the scripted frame');
  assert.match((await reader.frame('#marker')).url(), /\/-\/frame\/static$/);
});

test('a page cannot take its frame elsewhere, neither by itself nor by script', async (t) => {
  for (const address of [canary.to('away'), `${server.url}/`, `${server.url}/healthz`]) {
    for (const [make, scripted] of [[refreshingDocument, false], [navigatingDocument, true]]) {
      canary.forget();
      const reader = await show(t, make(address));
      const reached = await reaching(async () => {
        if (scripted) await reader.press('#run-scripts');
        // The browser says in the container's console which of its rules it applied.
        await reader.untilLogged(/frame-src/);
      });
      // One request: the scripted frame's own document.
      assert.deepEqual(reached, { requests: scripted ? 1 : 0, upgrades: 0, sessions: 0 }, make.name);
      assert.deepEqual(canary.heard, []);
      assert.match(reader.page.url(), /\/[0-9a-f]{64}$/);
      assert.equal(await reader.state(), 'showing');
      await reader.close();
    }
  }
});

test('a form goes nowhere, even when a person presses its button', async (t) => {
  for (const to of [canary.to, (kind) => `${server.url}/-/hostile-${kind}`]) {
    canary.forget();
    const reader = await show(t, askingDocument(to));
    const frame = await reader.frame('#query');
    const refusals = () => reader.console.filter((line) => /form-action/.test(line)).length;
    const reached = await reaching(async () => {
      for (const [i, button] of ['#window', '#query', '#here'].entries()) {
        await frame.locator(button).click({ noWaitAfter: true });
        await until(() => refusals() > i, `the refusal of ${button}`);
      }
    });
    assert.deepEqual(reached, { requests: 0, upgrades: 0, sessions: 0 });
    assert.deepEqual(canary.heard, []);
    // A click may open an empty window (allow-popups), which nothing is ever loaded into.
    for (const page of reader.context.pages()) {
      assert.ok(page === reader.page || /^(about:blank)?$/.test(page.url()), page.url());
    }
    await reader.close();
  }
});
