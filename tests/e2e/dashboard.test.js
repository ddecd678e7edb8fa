// The operator's dashboard in a real browser: true numbers, for the keyboard and small screens too.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, assertReflows, SMALLEST } from './accessibility.js';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { connectClient, holdPage } from './client.js';
import { request } from './http.js';
import { natsFor } from './nats.js';
import { freePorts } from './ports.js';
import { serverFor, startServer } from './server.js';
import { until } from './wait.js';

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser?.close());

const adminOf = (server) => until(() => /^admin on (\S+)$/m.exec(server.errors)?.[1], 'the operator\'s address');

async function dashboardFor(t, server) {
  const visitor = await Visitor.open(t, browser, `${await adminOf(server)}/`);
  await visitor.page.locator('body[data-samples]:not([data-samples="0"])').waitFor();
  return visitor;
}

const tile = (page, name) => page.locator('#tiles > div', { has: page.getByText(name, { exact: true }) }).locator('dd').first();

test('numbers, charts and pages are those of the server', async (t) => {
  const server = await serverFor(t, { args: ['--admin', '127.0.0.1:0'] });
  const { hash } = await holdPage(server.url, 'hello');
  await (await connectClient(server.url)).call('nothing', 'phx_join');
  assert.equal((await request(server.target, `/raw/${hash}`)).status, 200);
  const visitor = await dashboardFor(t, server);
  const { page } = visitor;
  const chart = (name) => page.getByRole('slider', { name, exact: true });
  // Moments are five seconds apart: what happened may be in the one that is shown, or was in an earlier one.
  const moments = async (name) => {
    const told = [];
    await chart(name).press('Home');
    for (;;) {
      told.push(await chart(name).getAttribute('aria-valuetext'));
      if (await chart(name).getAttribute('aria-valuenow') === await chart(name).getAttribute('aria-valuemax')) break;
      await chart(name).press('ArrowRight');
    }
    await chart(name).press('Escape');
    return told;
  };
  const told = async (name, pattern) => until(async () => (await moments(name)).some((text) => pattern.test(text)), `${pattern} in ${name}`);
  await told('Visitors', /^\d\d:\d\d:\d\d, visitors 2, holders 1, seekers 0$/);
  await told('Refusals', /, unmatched_topic 0.2\/s$/);
  assert.equal(await tile(page, 'Visitors').textContent(), '2');
  assert.equal(await tile(page, 'Pages').textContent(), '1');
  const row = page.locator('#pages tr');
  await row.waitFor();
  assert.deepEqual(await row.locator('th, td').allTextContents().then((cells) => cells.slice(0, 5)), [`${hash.slice(0, 12)}…`, '1', '1', '0', '5 bytes']);
  assert.ok(await page.locator('#cluster').isHidden(), 'there is no bus');
  // Nothing of it comes from elsewhere, and nothing is against its policy.
  visitor.assertNoErrors();
  assert.deepEqual(visitor.console, []);

  await until(async () => Number(await chart('Visitors').getAttribute('aria-valuemax')) >= 1, 'a second sample');
  const last = Number(await chart('Visitors').getAttribute('aria-valuenow'));
  await chart('Visitors').press('Home');
  assert.equal(await chart('Visitors').getAttribute('aria-valuenow'), '0');
  assert.equal(await chart('Memory').getAttribute('aria-valuenow'), '0', 'all charts show one moment');
  await chart('Visitors').press('ArrowRight');
  assert.equal(await chart('Visitors').getAttribute('aria-valuenow'), '1');
  await chart('Visitors').press('Escape');
  assert.ok(Number(await chart('Visitors').getAttribute('aria-valuenow')) >= last);
});

test('everybody can use it: by day and by night, on small screens, by the keyboard', async (t) => {
  const bus = await natsFor(t);
  const server = await serverFor(t, { args: ['--admin', '127.0.0.1:0', '--bus', bus.url, '--node', 'west'] });
  const other = await serverFor(t, { args: ['--bus', bus.url, '--node', 'east'] });
  for (const one of [server, other]) await holdPage(one.url, 'hello');
  const { page } = await dashboardFor(t, server);
  await page.locator('#pages tr').waitFor();
  const east = page.locator('#nodes tr').nth(1).locator('th, td');
  await until(async () => (await east.allTextContents()).slice(0, 3).join() === 'east,1,1', 'the other node');
  for (const [width, height] of [[1280, 1000], [360, 800], [SMALLEST.width, SMALLEST.height]]) {
    await page.setViewportSize({ width, height });
    await assertReflows(page, `${width} pixels`);
    for (const scheme of width === SMALLEST.width ? [] : ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      await screenshot(page, `dashboard-${scheme}-${width}`);
      await assertAccessible(page.mainFrame(), `dashboard, ${scheme}, ${width} pixels`);
    }
  }
  await page.getByRole('radio', { name: '1 hour' }).press('Space');
  assert.ok(await page.getByRole('radio', { name: '1 hour' }).isChecked());
});

test('a server that is gone is told of, and one that comes back is shown', async (t) => {
  const first = await startServer({ args: ['--admin', `127.0.0.1:${await freePorts(1)}`] });
  const address = await adminOf(first);
  const { page } = await dashboardFor(t, first);
  await first.stop();
  await page.getByText('The server does not answer').waitFor();
  await assertAccessible(page.mainFrame(), 'without a server');
  await serverFor(t, { args: ['--admin', new URL(address).host] });
  await page.waitForFunction(() => document.getElementById('trouble').textContent === '');
});
