// Three nodes, each with a nats-server, and at each of them a browser, clients of the stock library and traffic: whatever
// is killed or stands still, no page with a holder is lost, no byte is wrong, and counts are right again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBrowser, Visitor } from './browser.js';
import { request } from './http.js';
import { managedFor } from './manager.js';
import { meshFor } from './nats.js';
import { together } from './nodes.js';
import { outcome, socketFor } from './phoenix.js';
import { freePorts } from './ports.js';
import { bytesOf, hold, startTraffic } from './traffic.js';
import { until } from './wait.js';

const FAR = 5; // pages that are held at the first node alone
const STOCK = 2; // clients at each node
const AGENTS = 2;
const FREEZE_MS = 10_000;
const ALL = 3 * (STOCK + 1);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function nodesFor(t) {
  const buses = await meshFor(t);
  const ports = await freePorts(buses.length);
  const nodes = await Promise.all(ports.map((port, i) => {
    const bus = buses.map((_, j) => buses[(i + j) % buses.length].url).join(',');
    return managedFor(t, { listen: [], args: ['--listen', `127.0.0.1:${port}`, '--bus', bus, '--node', `n${i + 1}`] });
  }));
  return { buses, nodes };
}

// Clients of the stock library that hold the page at a node; what they are told of its count.
async function holdAt(t, node, hash, content) {
  const counts = Array.from({ length: STOCK }, () => 0);
  for (let i = 0; i < STOCK; i += 1) {
    const channel = socketFor(t, node).channel(`have:${hash}`, { token: `stock-client-${node.target.port}-${i}` });
    channel.on('content_request', () => channel.push('content', { content, hash }));
    channel.on('visitors_count', ({ count }) => (counts[i] = count));
    assert.equal((await outcome(channel.join())).status, 'ok');
  }
  return counts;
}

test('servers and nodes are killed and stand still in turn: pages live, and counts are right again', async (t) => {
  const { buses, nodes } = await nodesFor(t);
  await together(nodes);
  const browser = await startBrowser();
  t.after(() => browser.close());
  const text = bytesOf(FAR).toString();
  const visitors = [await Visitor.open(t, browser, `${nodes[0].url}/`)];
  const hash = await visitors[0].putUp(text);
  for (const node of nodes.slice(1)) visitors.push(await Visitor.open(t, browser, `${node.url}/${hash}`));
  const counts = [];
  for (const node of nodes) counts.push(await holdAt(t, node, hash, text));
  const pages = [...await hold(t, nodes[0], FAR), hash];

  const allCounted = async () => {
    for (const visitor of visitors) await visitor.untilCount(ALL);
    await until(() => counts.flat().every((count) => count === ALL), () => `everybody's count: ${JSON.stringify(counts)}`);
  };
  const has = async (node, i) => {
    const { status, body } = await request(node.target, `/raw/${pages[i]}`);
    if (status === 200) assert.ok(body.equals(bytesOf(i)), `the bytes of page ${i}`);
    return status === 200;
  };
  const allFound = async () => {
    for (const node of nodes) for (const i of pages.keys()) await until(() => has(node, i), () => `page ${i}: ${node.errors}`);
  };
  const isRightAgain = async (what, since = Date.now()) => {
    await together(nodes);
    await allCounted();
    t.diagnostic(`${what}: counts are right ${Date.now() - since} ms afterwards`);
    await allFound();
  };
  await isRightAgain('the beginning');

  const traffic = nodes.map((node) => startTraffic(node, pages, AGENTS));
  for (const [i, bus] of buses.entries()) {
    await bus.kill();
    await isRightAgain(`the death of server ${i + 1}`);
    await bus.start();
    await isRightAgain(`the start of server ${i + 1}`);
  }
  for (const [i, node] of nodes.entries()) {
    process.kill(node.pid, 'SIGKILL');
    await until(() => node.heard('READY=1') === 2, () => `the next: ${node.errors}`);
    await isRightAgain(`the death of node ${i + 1}`);
  }
  buses[1].signal('SIGSTOP');
  await pause(FREEZE_MS);
  buses[1].signal('SIGCONT');
  await isRightAgain('the thaw of server 2');
  process.kill(nodes[1].pid, 'SIGSTOP');
  await pause(FREEZE_MS);
  await until(() => [...counts[0], ...counts[2]].every((count) => count === ALL - STOCK - 1), () => `the others' count: ${JSON.stringify(counts)}`);
  process.kill(nodes[1].pid, 'SIGCONT');
  await isRightAgain('the thaw of node 2');
  await Promise.all(traffic.map((one) => one.stop()));

  for (const [i, { asked, failed }] of traffic.entries()) {
    assert.deepEqual(failed.filter((fault) => fault.endsWith('wrong bytes')), []);
    // Of the page that is held at each node only what was under way when this node was killed has failed, or came before the next one.
    const lost = failed.filter((fault) => fault.startsWith(`${FAR}: `) && !/ECONNRESET|ECONNREFUSED|socket hang up/.test(fault));
    assert.deepEqual(lost, [], `at node ${i + 1}: ${nodes[i].errors}`);
    t.diagnostic(`node ${i + 1}: ${asked} requests, of which ${failed.length} failed: ${[...new Set(failed)].slice(0, 12)}`);
  }
});
