// What it costs that a page's holder and its seeker are at different nodes, beside the same at one
// node, and beside a bare request and reply of the same bytes on the same bus (bare_bus.c): with
// one nats-server and with three, each node then on a server of its own. And the memory that a
// page takes in a node and in nats-server. Prints tables in Markdown, medians of the rounds.
//
//   WHILST_BINARY=build/release/whilst node tests/bench/nodes.js [ROUNDS]
//
// All servers are on the first core, whoever asks and answers on the second.

import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { connectClient, sha256 } from '../e2e/client.js';
import { meshFor, natsFor } from '../e2e/nats.js';
import { startServer } from '../e2e/server.js';
import { until } from '../e2e/wait.js';

const WHILST = resolve(process.env.WHILST_BINARY);
const BARE = join(dirname(WHILST), 'tests/bench/bench_bare_bus');
const SECONDS = 4;
const PAGES = 50_000;
const SHARE = 100; // of them are one client's
const WORKS = [
  { name: 'a page of 10 KB', bytes: 10_240, rate: 250 },
  { name: 'a page of 1 MiB', bytes: 1 << 20, rate: 25 },
  { name: 'nobody has it', bytes: 0, rate: 250 },
];

process.env.WHILST_WRAPPER = 'taskset -c 0';
const run = promisify(execFile);
const driver = async (...command) => JSON.parse((await run('taskset', ['-c', '1', ...command.map(String)])).stdout);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

// Servers that end when `work` has: one of NATS or three, and two nodes.
async function cluster(servers, work) {
  const ends = [];
  const t = { after: (end) => ends.unshift(end) };
  try {
    const buses = servers === 1 ? [await natsFor(t)] : await meshFor(t);
    for (const { child } of buses) execFileSync('taskset', ['-a', '-c', '-p', '0', child.pid], { stdio: 'ignore' });
    const nodes = [];
    for (const [i, node] of ['a', 'b'].entries()) {
      nodes.push(await startServer({ args: ['--grace', '0', '--bus', buses[i % servers].url, '--node', node] }));
      t.after(() => nodes[i].stop());
    }
    for (const node of nodes) await until(async () => (await node.metrics()).whilst_bus_nodes === 1, 'the other node');
    return await work(buses, nodes);
  } finally {
    for (const end of ends) await end();
  }
}

// ---- time ----

const cpu = (pids) => pids.map((pid) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0])).reduce((a, b) => a + b);

function bench(mix, at, holders, { bytes, rate }) {
  return driver(WHILST, 'bench', mix, '--server', at.url, '--holders-server', holders.url, '--visitors', 50, '--pages', 50,
    '--size', bytes || 100, '--rate', rate, '--seconds', SECONDS, '--json');
}

async function measure([first, second = first], [a, b], work) {
  const bare = await driver(BARE, second.port, first.port, work.bytes, work.rate, SECONDS * work.rate);
  const result = { bare: bare.p50_us };
  for (const [key, holders] of [['here', b], ['there', a]]) {
    const before = cpu([a, b].map((node) => node.program.child.pid));
    const told = await bench(work.bytes ? 'fetch' : 'nobody', b, holders, work);
    const phase = told.phases.at(-1);
    result[key] = phase.p50_us;
    result[`${key}_p99`] = phase.p99_us;
    result[`${key}_cpu`] = (cpu([a, b].map((node) => node.program.child.pid)) - before) / 1000 / phase.count;
    if (Object.keys(told.faults).length > 0) throw new Error(JSON.stringify(told.faults));
  }
  return result;
}

async function times(rounds) {
  console.log('| what, and how many servers of NATS | bare request and reply | holder at the same node | at another node | p99 | CPU of both nodes each, same | another |');
  console.log('|---|---|---|---|---|---|---|');
  for (const servers of [1, 3]) {
    const results = WORKS.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
      await cluster(servers, async (buses, nodes) => {
        for (const [i, work] of WORKS.entries()) results[i].push(await measure(buses, nodes, work));
      });
    }
    for (const [i, { name }] of WORKS.entries()) {
      const ms = (key) => `${(median(results[i].map((result) => result[key])) / 1000).toFixed(2)} ms`;
      const us = (key) => `${Math.round(median(results[i].map((result) => result[key])))} µs`;
      console.log(`| ${name}, ${servers} | ${['bare', 'here', 'there', 'there_p99'].map(ms).join(' | ')} | ${us('here_cpu')} | ${us('there_cpu')} |`);
    }
  }
}

// ---- memory ----

const memory = (pid, what) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

async function hold(node, count) {
  for (let first = 0; first < count; first += SHARE) {
    const client = await connectClient(node.url);
    client.socket.removeAllListeners('message');
    for (let i = first; i < first + SHARE; i += 1) client.send(['1', '1', `have:${sha256(`${i}`)}`, 'phx_join', {}]);
  }
  await until(async () => (await node.metrics()).whilst_holders === count, 'all pages to be held');
}

async function grown(node, what, work) {
  const before = memory(node.pid, what);
  await work();
  return (memory(node.pid, what) - before) / PAGES;
}

async function space() {
  const alone = await startServer();
  const bytes = { alone: await grown(alone.program.child, 'RssAnon', () => hold(alone, PAGES)) };
  await alone.stop();
  await cluster(1, async ([bus], [a]) => {
    const offered = async () => {
      await hold(a, PAGES);
      await until(async () => (await a.metrics()).whilst_bus_subscriptions_total >= 2 * PAGES, 'all pages to be offered');
      await new Promise((done) => setTimeout(done, 3_000));
    };
    bytes.bus = await grown(bus.child, 'VmRSS', async () => {
      bytes.shared = await grown(a.program.child, 'RssAnon', offered);
    });
  });
  console.log(`\n${PAGES} pages, bytes for each: ${Math.round(bytes.alone)} in a node alone, ${Math.round(bytes.shared)} in a node of several; `
    + `${Math.round(bytes.bus / 2)} in nats-server for each of its two subscriptions`);
}

const rounds = Number(process.argv[2] ?? 3); // 0: memory alone
if (rounds > 0) await times(rounds);
await space();
