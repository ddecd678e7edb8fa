// The flow of the original application, whose own front end must work unchanged: what it
// joins, in which order, what it sends and what it shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from './client.js';
import { joined, outcome, socketFor, UNANSWERED_MS } from './phoenix.js';
import { serverFor } from './server.js';
import { until } from './wait.js';

const ASK_EVERY_MS = 2_000;
const CONTENT = '<h1>Still here?</h1>\n<p>Only whilst you look at me. ☕</p>\n';
const HASH = sha256(CONTENT);

// One open tab of the original application. With content it is the page's author, without
// it somebody who followed a link.
class Tab {
  constructor(test, server, { content = null, ask_every_ms = ASK_EVERY_MS } = {}) {
    this.socket = socketFor(test, server);
    this.content = content;
    this.ask_every_ms = ask_every_ms;
    this.received = 0;
    this.asked = 0;
    this.asks_sent = 0;
    this.counts = [];
    test.after(() => clearInterval(this.timer));
  }

  get count() {
    return this.counts.at(-1);
  }

  async open() {
    await joined(this.socket, 'all');
    if (this.content === null) await this.seek();
    else await this.hold();
    return this;
  }

  async seek() {
    this.want = this.socket.channel(`want:${HASH}`);
    this.want.on('content', ({ content }) => this.found(content));
    assert.equal((await outcome(this.want.join())).status, 'ok');
    this.timer = setInterval(() => this.ask(), this.ask_every_ms);
  }

  ask() {
    this.asks_sent += 1;
    this.want.push('content_request', { hash: HASH }, UNANSWERED_MS);
  }

  found(content) {
    this.received += 1;
    this.content = content;
    this.leftWant = this.leaveWant();
  }

  async leaveWant() {
    clearInterval(this.timer);
    assert.equal((await outcome(this.want.leave())).status, 'ok');
    await this.hold();
  }

  async hold() {
    this.have = this.socket.channel(`have:${HASH}`);
    this.have.on('visitors_count', ({ count }) => this.counts.push(count));
    this.have.on('content_request', () => this.answer());
    assert.equal((await outcome(this.have.join())).status, 'ok');
  }

  answer() {
    this.asked += 1;
    this.have.push('content', { content: this.content, hash: HASH }, UNANSWERED_MS);
  }

  close() {
    clearInterval(this.timer);
    return new Promise((resolve) => this.socket.disconnect(resolve));
  }

  async untilHolding() {
    await until(() => this.counts.length > 0, 'a tab that holds the page');
    assert.equal(this.content, CONTENT);
    assert.equal(this.received, 1);
  }
}

const open = (test, server, options) => new Tab(test, server, options).open();

const untilCounts = (count, ...tabs) =>
  until(
    () => tabs.every((tab) => tab.count === count),
    () => `the count ${count} in all tabs, which show ${tabs.map((tab) => tab.count)}`,
  );

const untilHolders = (server, count) =>
  until(async () => (await server.metrics()).whilst_holders === count, `${count} holders`);

test('an author and a reader: the page arrives, both see both counts', async (t) => {
  const server = await serverFor(t);
  const author = await open(t, server, { content: CONTENT });
  await untilCounts(1, author);
  const reader = await open(t, server);
  await reader.untilHolding();
  await untilCounts(2, author, reader);
  await reader.close();
  await untilCounts(1, author);
  assert.deepEqual(author.counts, [1, 2, 1]);
  assert.equal(author.asked, 1);
});

test('a reader who is there first is served when the author comes', async (t) => {
  const server = await serverFor(t);
  const reader = await open(t, server, { ask_every_ms: 100 });
  await until(() => reader.asks_sent >= 3, 'three requests into the void');
  assert.equal(reader.content, null);
  const author = await open(t, server, { content: CONTENT });
  await reader.untilHolding();
  await untilCounts(2, author, reader);
});

test('three generations: the page outlives its author, and ends with its last reader', async (t) => {
  const server = await serverFor(t);
  const first = await open(t, server, { content: CONTENT });
  const second = await open(t, server);
  await second.untilHolding();
  await first.close();
  await untilCounts(1, second);

  const third = await open(t, server);
  await third.untilHolding();
  assert.equal(second.asked, 1);
  await untilCounts(2, second, third);

  await second.close();
  await third.close();
  await untilHolders(server, 0);
  const asks = (await server.metrics()).whilst_asks_total;
  const fourth = await open(t, server, { ask_every_ms: 100 });
  await until(() => fourth.asks_sent >= 5, 'five requests into the void');
  assert.equal((await outcome(fourth.want.leave())).status, 'ok');
  assert.equal(fourth.content, null);
  assert.equal((await server.metrics()).whilst_asks_total, asks);
});

// The original's clock, left running: a tab that asks on after it was served.
test('a request every two seconds after delivery is ignored', async (t) => {
  const server = await serverFor(t);
  const author = await open(t, server, { content: CONTENT });
  const reader = new Tab(t, server);
  reader.leaveWant = async () => {};
  await reader.open();
  await until(() => reader.asks_sent >= 2, 'two requests after delivery');
  clearInterval(reader.timer);
  // The reply to the leave comes after whatever those requests caused.
  assert.equal((await outcome(reader.want.leave())).status, 'ok');
  assert.equal(reader.received, 1);
  assert.equal(author.asked, 1);
  const { whilst_asks_total: asks, whilst_served_total: served } = await server.metrics();
  assert.deepEqual({ asks, served }, { asks: 1, served: 1 });
});
