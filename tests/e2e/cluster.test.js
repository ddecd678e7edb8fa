// Several nodes as one, on one server of NATS and on three: pages are found wherever they are
// held, counts are the whole cluster's, and both outlive the loss of nodes and of servers.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBrowser, Visitor } from './browser.js';
import { binaryPush, connectClient, holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { directoryFor, meshFor, natsFor, NatsServer } from './nats.js';
import { node, shows, together, watcher } from './nodes.js';
import { managedFor } from './manager.js';
import { hearing, outcome, socketFor } from './phoenix.js';
import { freePorts } from './ports.js';
import { runProgram, serverFor, startServer } from './server.js';
import { hold, startTraffic } from './traffic.js';
import { SOAK, UNHURRIED, until } from './wait.js';

const get = (server, hash) => request(server.target, `/raw/${hash}`);

async function assertGets(server, page) {
  const { status, body } = await get(server, sha256(page));
  assert.equal(status, 200, server.errors);
  assert.ok(body.equals(Buffer.from(page)), 'the very bytes');
}

for (const [what, servers] of [['one server', (t) => natsFor(t).then((one) => [one])], ['three servers', (t) => meshFor(t)]]) {
  test(`three nodes on ${what}: pages from each to each, counts of all, nobody at once`, async (t) => {
    const buses = await servers(t);
    const nodes = await Promise.all(['a', 'b', 'c'].map((name, i) => node(t, [buses[i % buses.length]], name)));
    await together(nodes);
    const pages = [Buffer.from('small'), randomBytes(10_000), randomBytes(1 << 20)];
    for (const holder of nodes) {
      for (const page of pages) {
        const held = await holdPage(holder.url, page);
        for (const seeker of nodes) await until(() => assertGets(seeker, page).then(() => true, () => false), 'the page');
        assert.ok(held.asked <= nodes.length, 'one request for each node');
        await held.client.close();
      }
    }
    assert.equal((await get(nodes[0], sha256('nobody has this'))).status, 404);
    const held = await holdPage(nodes[0].url, pages[1]);
    const watchers = [];
    for (const one of nodes) watchers.push(await watcher(one, pages[1]));
    for (const seen of watchers) await shows(seen, 4);
    await watchers[0].client.close();
    for (const seen of watchers.slice(1)) await shows(seen, 3);
    await held.client.close();
    for (const seen of watchers.slice(1)) await shows(seen, 2);
  });
}

test('HEAD tells of holders at other nodes, and asks none of them', async (t) => {
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a'), await node(t, bus, 'b')];
  await together([a, b]);
  const head = (server, hash) => request(server.target, `/raw/${hash}`, { method: 'HEAD' });
  assert.equal((await head(b, sha256('nobody has this'))).status, 404);
  const held = [await holdPage(a.url, 'x'), await holdPage(a.url, 'x')];
  await until(async () => (await head(b, sha256('x'))).status === 200, 'an answer');
  await until(async () => (await head(b, sha256('x'))).headers['whilst-holders'] === '2', 'both holders');
  await Promise.all(held.map(({ client }) => client.close()));
  await until(async () => (await head(b, sha256('x'))).status === 404, 'them to be gone');
  assert.deepEqual(held.map(({ asked }) => asked), [0, 0]);
});

test('a crowd at one node costs one request of the holder at another', async (t) => {
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a', UNHURRIED), await node(t, bus, 'b', UNHURRIED)];
  await together([a, b]);
  const page = randomBytes(100_000);
  const held = await holdPage(a.url, page);
  await until(async () => (await request(b.target, `/raw/${held.hash}`, { method: 'HEAD' })).status === 200, 'the page to be known');
  held.answer = null; // until all are there: who comes after the page begins another fetch
  const crowd = Promise.all(Array.from({ length: 50 }, () => assertGets(b, page)));
  await Promise.race([crowd, until(async () => (await b.metrics()).whilst_seekers === 50 && held.asked > 0, 'all of them')]);
  held.client.send(binaryPush(held.join_ref, 'late', held.topic, 'content', page));
  await crowd;
  assert.ok(held.asked <= 2, `${held.asked} requests`);
});

test('the stock client and a browser see one page on two nodes', async (t) => {
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a'), await node(t, bus, 'b')];
  await together([a, b]);
  const browser = await startBrowser();
  t.after(() => browser.close());
  const maker = await Visitor.open(t, browser, `${a.url}/`);
  const text = 'Put up at one node, read at the other.\n';
  const hash = await maker.putUp(text);
  const reader = await Visitor.open(t, browser, `${b.url}/${hash}`);
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  await maker.untilCount(2);
  await reader.untilCount(2);
  await maker.close();
  await reader.untilCount(1);
  await until(() => assertGets(a, text).then(() => true, () => false), 'the page'); // which its reader may not hold yet
  const channel = socketFor(t, a).channel(`want:${hash}`);
  const contents = hearing(channel, 'content'); // it may come with the reply
  await outcome(channel.join());
  const { content } = await contents.next();
  assert.equal(content, text);
});

test('the holder whose node is killed is forgotten, and another node has the page', async (t) => {
  const bus = await natsFor(t);
  const nodes = [await node(t, bus, 'a'), await startServer({ args: ['--bus', bus.url, '--node', 'b'] }), await node(t, bus, 'c')];
  const [a, b, c] = nodes;
  await together(nodes);
  const page = randomBytes(20_000);
  await holdPage(b.url, page);
  await holdPage(c.url, page);
  const seen = await watcher(a, page);
  await shows(seen, 3);
  await b.kill();
  for (let i = 0; i < 5; i += 1) await assertGets(a, page);
  await shows(seen, 2);
  await until(async () => (await a.metrics()).whilst_bus_nodes === 1, 'the node to be forgotten');
});

test('a node that is ended is forgotten at once', async (t) => {
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a'), await startServer({ args: ['--bus', bus.url, '--node', 'b'] })];
  await together([a, b]);
  await holdPage(b.url, 'x');
  const seen = await watcher(a, 'x');
  await shows(seen, 2);
  await b.stop();
  await shows(seen, 1);
  await until(async () => (await a.metrics()).whilst_bus_nodes === 0, 'the node to be forgotten');
});

test('servers are killed one by one, and all together: no page is lost, counts are right again', async (t) => {
  const buses = await meshFor(t);
  const nodes = await Promise.all(['a', 'b', 'c'].map((name) => node(t, buses, name)));
  await together(nodes);
  const page = randomBytes(5_000);
  await holdPage(nodes[0].url, page);
  const watchers = await Promise.all(nodes.slice(1).map((one) => watcher(one, page)));
  for (const seen of watchers) await shows(seen, 3);
  for (const group of [...buses.map((bus) => [bus]), buses]) {
    for (const bus of group) await bus.kill();
    await assertGets(nodes[0], page);
    await Promise.all(group.map((bus) => bus.start()));
    for (const one of nodes.slice(1)) await until(() => assertGets(one, page).then(() => true, () => false), 'the page');
    await together(nodes);
    for (const seen of watchers) await shows(seen, 3);
  }
});

test('a node that stands still comes back, and everybody is counted', async (t) => {
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a'), await node(t, bus, 'b')];
  await together([a, b]);
  await holdPage(b.url, 'stands still');
  const seen = await watcher(a, 'stands still');
  await shows(seen, 2);
  b.program.child.kill('SIGSTOP');
  await shows(seen, 1);
  b.program.child.kill('SIGCONT');
  await shows(seen, 2);
  await assertGets(a, 'stands still');
});

// ---- faults of operators ----

test('no bus at the start: it serves alone and says so once; it joins when there is one', async (t) => {
  const [port] = await freePorts(1);
  const bus = new NatsServer(t, port);
  const [a, b] = [await node(t, bus, 'a'), await node(t, bus, 'b')];
  const { hash } = await holdPage(a.url, 'alone');
  await assertGets(a, 'alone');
  await until(() => /warn bus_alone/.test(a.errors), 'a line');
  assert.equal((await get(b, hash)).status, 404);
  await bus.start();
  await together([a, b]);
  await until(() => assertGets(b, 'alone').then(() => true, () => false), 'the page');
  assert.equal(a.errors.match(/bus_alone/g).length, 1);
});

test('--bus-required: without a bus the program ends with one line', async (t) => {
  const [port] = await freePorts(1);
  const web = createServer((_, answer) => answer.end());
  await new Promise((done) => web.listen(0, '127.0.0.1', done));
  t.after(() => (web.closeAllConnections(), web.close()));
  for (const at of [port, web.address().port]) {
    const { code, errors } = await runProgram(['serve', '--listen', '127.0.0.1:0', '--bus', `nats://127.0.0.1:${at}`, '--bus-required']);
    assert.equal(code, 1, errors);
    assert.match(errors, /^whilst: --bus-required: the bus cannot be had: .+$/m);
    assert.doesNotMatch(errors, /^listening /m);
  }
});

test('--bus-required: with a bus the program says that it is there before it says that it serves', async (t) => {
  const bus = await natsFor(t);
  const server = await node(t, bus, 'a', ['--bus-required']);
  assert.match(server.errors, / bus_up [^]*^listening on /m);
});

test('options that make no bus, or none without one, are refused', async (t) => {
  const path = join(directoryFor(t), 'seed');
  writeFileSync(path, 'nothing');
  for (const [args, words] of [
    [['--bus', 'http://a'], /bus: .*nats:\/\/a:4222/],
    [['--bus', 'nats://a', '--node', 'a b'], /node: /],
    [['--node', 'a'], /node: there is no bus/],
    [['--bus-required'], /bus-required: there is no bus/],
    [['--bus', 'nats://a', '--bus-credentials', path], /--bus-credentials: .*seed has no user's seed/],
    [['--bus', 'nats://a', '--bus-token-file', '/nowhere'], /--bus-token-file: .*: No such file or directory; check the path\n/],
  ]) {
    const { code, errors } = await runProgram(['serve', '--listen', '127.0.0.1:0', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(errors, words);
  }
});

test('what a stranger says on our subjects is counted and told, in few lines, and nothing is lost', async (t) => {
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a'), await node(t, bus, 'b')];
  await together([a, b]);
  const { hash } = await holdPage(b.url, 'not lost');
  await until(() => assertGets(a, 'not lost').then(() => true, () => false), 'the page');
  const stranger = connect(bus.port, '127.0.0.1');
  t.after(() => stranger.destroy());
  stranger.write('CONNECT {"verbose":false}\r\n');
  for (let i = 0; i < 1_000; i += 1) stranger.write('PUB hb 8\r\nnonsense\r\n');
  for (let i = 0; i < 70; i += 1) { // nodes, more than are heeded
    const alive = Buffer.concat([Buffer.from('1a', 'hex'), Buffer.alloc(7, 0xee), Buffer.from([i]), Buffer.alloc(15), Buffer.from([1]), Buffer.from('x')]);
    stranger.write(Buffer.concat([Buffer.from(`PUB hb ${alive.length}\r\n`), alive, Buffer.from('\r\n')]));
  }
  await until(async () => (await a.metrics())['whilst_refusals_total{reason="bus_message"}'] === 1_000
    && (await a.metrics())['whilst_refusals_total{reason="bus_nodes"}'] >= 7, () => a.errors);
  await until(() => /warn bus_refused reason=bus_message subject=hb/.test(a.errors), 'a line');
  assert.ok(a.errors.match(/ bus_refused /g).length < 50, a.errors);
  assert.equal((await get(a, hash)).body.toString(), 'not lost');
});

test('a name that is used twice: the older node says so and serves alone', async (t) => {
  const bus = await natsFor(t);
  const a = await node(t, bus, 'twin');
  await until(async () => (await a.metrics()).whilst_bus_up === 1, 'the bus');
  await new Promise((done) => setTimeout(done, 50));
  const b = await node(t, bus, 'twin');
  const taken = (one) => /error bus_name_taken node=twin/.test(one.errors);
  await until(() => taken(a), () => `${a.errors}${b.errors}`);
  for (const one of [a, b]) {
    await holdPage(one.url, 'alone');
    await assertGets(one, 'alone');
  }
  assert.ok(!taken(b), 'the younger one stays');
});

test('under upgrades no page of a node is missing at another, for a moment even', async (t) => {
  const bus = await natsFor(t);
  const other = await node(t, bus, 'other', ['--fetch-timeout', '10000']);
  const server = await managedFor(t, { args: ['--bus', bus.url, '--node', 'upgraded', '--drain', '2000'] });
  await together([other, server]);
  const hashes = await hold(t, server, 40, 4);
  await until(async () => (await get(other, hashes.at(-1))).status === 200, 'the last page');
  const traffic = startTraffic(other, hashes);
  for (let round = 0; round < 3; round += 1) {
    const old = server.pid;
    process.kill(old, 'SIGUSR2');
    await until(() => server.pid !== old, () => `a successor: ${server.errors}`);
    await until(() => server.hasEnded(old), () => `the end of the old one: ${server.errors}`);
  }
  await traffic.stop();
  assert.deepEqual(traffic.failed, []);
  t.diagnostic(`${traffic.asked} requests, 0 failed, the longest took ${traffic.worst_ms} ms`);
  assert.doesNotMatch(server.errors, /bus_name_taken/);
  await together([other, server]);
});

test('without a bus there is nothing of it in /metrics but zeros', async (t) => {
  const server = await serverFor(t);
  const metrics = await server.metrics();
  assert.equal(metrics.whilst_bus_up, undefined);
  for (const [name, value] of Object.entries(metrics)) if (name.startsWith('whilst_bus_')) assert.equal(value, 0, name);
});

test(`${SOAK ? 20_000 : 1_000} pages at one node: the bus is joined again`, async (t) => {
  const count = SOAK ? 20_000 : 1_000;
  const bus = await natsFor(t);
  const [a, b] = [await node(t, bus, 'a', ['--max-topics', '60000']), await node(t, bus, 'b')];
  await together([a, b]);
  const client = await connectClient(a.url);
  const pages = Array.from({ length: count }, (_, i) => `page ${i}`);
  for (const page of pages) client.send(['1', '1', `have:${sha256(page)}`, 'phx_join', {}]);
  const offered = () => until(async () => (await a.metrics()).whilst_bus_interests === count, 'all pages to be offered');
  await offered();
  const before = (await a.metrics()).whilst_bus_subscriptions_total;
  await bus.kill();
  await bus.start();
  await until(async () => (await a.metrics()).whilst_bus_subscriptions_total >= before + 2 * count, 'all subscriptions');
});
