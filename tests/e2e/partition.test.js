// Nodes that cannot reach each other for a while, and nodes that are restarted one by one, under
// traffic: no page with a holder within reach is lost, no byte is wrong, and counts are right
// again afterwards.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { NatsServer, natsFor } from './nats.js';
import { node, shows, together, watcher } from './nodes.js';
import { freePorts } from './ports.js';
import { serverFor, startServer } from './server.js';
import { until } from './wait.js';

const CUT_MS = 10_000;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A stretch of network: bytes to `port` and back, until it is cut.
class Line {
  constructor(port) {
    this.port = port;
    this.pairs = new Set();
    this.dead = false;
    this.server = createServer((near) => this.join(near));
  }

  async listen() {
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    return this.server.address().port;
  }

  join(near) {
    if (this.dead) return near.destroy();
    const far = connect(this.port, '127.0.0.1');
    const pair = { near, far };
    this.pairs.add(pair);
    const end = () => (near.destroy(), far.destroy(), this.pairs.delete(pair));
    for (const side of [near, far]) side.setNoDelay(true).on('error', end).on('close', end);
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => !this.deaf && near.write(bytes));
  }

  // Nothing passes, and whoever is connected is told so.
  cut() {
    this.dead = true;
    for (const { near, far } of this.pairs) (near.destroy(), far.destroy());
  }

  // What the far end says is lost, and nobody is told.
  cutOneWay() {
    this.deaf = true;
  }

  // A connection in which bytes are missing is none.
  heal() {
    if (this.deaf) this.cut();
    this.dead = this.deaf = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}

// Three servers; of each two, the later one connects to the earlier through a line. Nobody learns of
// another way: what they tell of themselves leads nowhere.
async function linedMesh(t) {
  const [nowhere, ...ports] = await freePorts(7);
  const lines = [];
  const servers = [];
  for (let i = 0; i < 3; i += 1) {
    const routes = [];
    for (let j = 0; j < i; j += 1) {
      const line = new Line(ports[3 + j]);
      lines.push(line);
      t.after(() => line.close());
      routes.push(`"nats://127.0.0.1:${await line.listen()}"`);
    }
    servers.push(new NatsServer(t, ports[i], `server_name: s${i}
      cluster { name: test, listen: "127.0.0.1:${ports[3 + i]}", advertise: "127.0.0.1:${nowhere}", no_advertise: true,
        routes: [${routes.join(', ')}] }`));
    await servers[i].start();
  }
  return { servers, lines }; // lines: 1 to 0, 2 to 0, 2 to 1
}

// Asks for pages again and again. `pairs` of a node and a page that must be had there; of all others an
// answer may say that there is none, but never other bytes.
class Traffic {
  constructor(nodes, pages) {
    this.pairs = nodes.flatMap((server) => pages.map((page) => ({ server, page, needed: true, had: 0 })));
    this.loops = this.pairs.map((pair) => this.ask(pair));
    for (const loop of this.loops) loop.catch(() => {});
  }

  async ask(pair) {
    while (!this.over) {
      if (!pair.server.away) {
        const { server, page } = pair;
        pair.asking = true;
        const { status, body } = await request(server.target, `/raw/${sha256(page)}`);
        pair.asking = false;
        if (status === 200) assert.ok(body.equals(page), 'the very bytes');
        else assert.ok(!pair.needed, `${status} of a page within reach: ${body}`);
        pair.had += status === 200 ? 1 : 0;
      }
      await pause(25);
    }
  }

  // From now on these need not be had.
  excuse(server, page) {
    for (const pair of this.pairs) if (pair.server === server && pair.page === page) pair.needed = false;
  }

  // Nothing is asked of it any more.
  async leave(server) {
    server.away = true;
    await until(() => this.pairs.every((pair) => pair.server !== server || !pair.asking), 'the last answers');
  }

  async untilAllHad() {
    for (const pair of this.pairs) pair.had = 0;
    await Promise.race([Promise.all(this.loops), until(() => this.pairs.every(({ had }) => had > 0), 'all pages everywhere')]);
  }

  async stop() {
    this.over = true;
    await Promise.all(this.loops);
  }
}

for (const [what, cut] of [['cut', (line) => line.cut()], ['cut in one direction', (line) => line.cutOneWay()]]) {
  test(`the route between two of three servers is ${what} for a while`, async (t) => {
    const { servers, lines } = await linedMesh(t);
    const nodes = await Promise.all(['a', 'b', 'c'].map((name, i) => node(t, servers[i], name)));
    const [a, b, c] = nodes;
    await together(nodes);
    const pages = [randomBytes(10_000), randomBytes(200_000), randomBytes(20), randomBytes(3_000)];
    const [ofA, ofAb, ofAbc, ofB] = pages;
    for (const [server, page] of [[a, ofA], [a, ofAb], [b, ofAb], [a, ofAbc], [b, ofAbc], [c, ofAbc], [b, ofB]]) await holdPage(server.url, page);
    const seen = [await watcher(a, ofAbc), await watcher(b, ofAbc), await watcher(c, ofAbc)];
    for (const one of seen) await shows(one, 6);
    const traffic = new Traffic(nodes, pages);
    await traffic.untilAllHad();

    traffic.excuse(c, ofB); // which is behind the cut
    const since = Date.now();
    cut(lines[2]);
    const late = await watcher(b, ofAbc);
    await shows(seen[0], 7);
    await shows(seen[2], 4); // of a's and its own
    await pause(Math.max(0, CUT_MS - (Date.now() - since)));

    const healed = Date.now();
    lines[2].heal();
    for (const one of [...seen, late]) await shows(one, 7);
    t.diagnostic(`counts are right ${Date.now() - healed} ms after the heal`);
    await traffic.untilAllHad();
    await traffic.stop();
    await late.client.close();
    for (const one of seen) await shows(one, 6);
  });
}

test('a server that stands still for a while: its node goes on at another one', async (t) => {
  const { servers } = await linedMesh(t);
  const [port] = [servers[2].port];
  const nodes = [await node(t, servers[0], 'a'), await serverFor(t, { args: ['--bus', `nats://127.0.0.1:${port},${servers[1].url}`, '--node', 'b'] })];
  await together(nodes);
  const page = randomBytes(10_000);
  await holdPage(nodes[0].url, page);
  const seen = [await watcher(nodes[0], page), await watcher(nodes[1], page)];
  for (const one of seen) await shows(one, 3);
  servers.find(({ port: own }) => nodes[1].errors.includes(`bus_up server=127.0.0.1:${own}`)).signal('SIGSTOP');
  await until(() => nodes[1].errors.match(/bus_up/g).length === 2, () => nodes[1].errors);
  await together(nodes);
  for (const one of seen) await shows(one, 3);
  for (const server of servers) server.signal('SIGCONT');
  const traffic = new Traffic(nodes, [page]);
  await traffic.untilAllHad();
  await traffic.stop();
});

test('all nodes are restarted one by one under traffic: the others never miss a page', async (t) => {
  const bus = await natsFor(t);
  const start = (name, listen) => startServer({ returns: true, listen: listen && [listen], args: ['--bus', bus.url, '--node', name] });
  const nodes = [];
  for (const name of ['a', 'b', 'c']) nodes.push(await start(name));
  t.after(() => Promise.all(nodes.map((one) => one.stop())));
  await together(nodes);
  const pages = [randomBytes(10_000), randomBytes(200_000)];
  for (const one of nodes) for (const page of pages) await holdPage(one.url, page);
  const places = nodes.map(({ target }) => ({ target })); // that stay, whoever serves there
  const traffic = new Traffic(places, pages);
  await traffic.untilAllHad();
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    await traffic.leave(places[i]);
    await nodes[i].stop();
    nodes[i] = await start(name, `127.0.0.1:${places[i].target.port}`);
    await together(nodes);
    for (const page of pages) await holdPage(nodes[i].url, page);
    places[i].away = false;
    await traffic.untilAllHad();
  }
  await traffic.stop();
  const seen = await watcher(nodes[0], pages[0]);
  await shows(seen, 4);
});
