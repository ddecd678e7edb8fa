// What it costs that one host runs several processes at one port: CPU of each process and of nats-server for a page whose
// holder and seeker are at one process or at two, and for a visitor who comes, at one process alone, one on the bus, and
// several; what a crowd is told; memory. Prints tables in Markdown, medians of the rounds. Servers are on the first core, the
// load on the second: what is compared is CPU, not time.
//
//   WHILST_BINARY=build/release/whilst node tests/bench/host.js [ROUNDS]

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { natsFor } from '../e2e/nats.js';
import { freePorts } from '../e2e/ports.js';
import { startServer } from '../e2e/server.js';
import { until } from '../e2e/wait.js';

const WHILST = resolve(process.env.WHILST_BINARY);
const ROUNDS = Number(process.argv[2] ?? 3);
const WORKS = [
  { name: '10 KB', bytes: 10_240, rate: 500, seconds: 4 },
  { name: '1 MiB', bytes: 1 << 20, rate: 40, seconds: 5 },
];
const VISITORS = 4_000;
const [VIEWERS, PAGES_SHOWN] = [1_000, 20];

process.env.WHILST_WRAPPER = 'taskset -c 0';
const run = promisify(execFile);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function bench(mix, at, args) {
  const words = ['-c', '1', WHILST, 'bench', mix, '--server', at, '--json', ...args].map(String);
  const told = JSON.parse((await run('taskset', words)).stdout);
  if (Object.keys(told.faults).length > 0) throw new Error(JSON.stringify(told.faults));
  return told;
}

// In microseconds, of all threads.
function cpu(pid) {
  const of = (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  return readdirSync(`/proc/${pid}/task`).map(of).reduce((a, b) => a + b);
}

const resident = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

// So many processes at one port; on a bus, if `bus`: {url, all, pids}, that of nats-server last.
async function host(count, bus, work) {
  const ends = [];
  const t = { after: (end) => ends.unshift(end) };
  try {
    const nats = bus ? await natsFor(t) : null;
    const [port] = await freePorts(1);
    const all = [];
    for (let i = 0; i < count; i += 1) {
      const args = ['--reuse-port', '--grace', '0', ...(bus ? ['--bus', nats.url, '--node', `host-${i + 1}`] : [])];
      const one = await startServer({ listen: ['127.0.0.1:0', `127.0.0.1:${port}`], args });
      all.push(one);
      t.after(() => one.stop());
    }
    if (bus) for (const one of all) await until(async () => (await one.metrics()).whilst_bus_nodes === count - 1, 'the others');
    const pids = [...all.map((one) => one.program.child.pid), ...(bus ? [nats.child.pid] : [])];
    return await work({ url: `http://127.0.0.1:${port}`, all, pids });
  } finally {
    for (const end of ends) await end();
  }
}

async function spent(pids, work) {
  const before = pids.map(cpu);
  const told = await work();
  return { told, used: pids.map((pid, i) => cpu(pid) - before[i]) };
}

// ---- fetches ----

const fetches = (seekers, holders, { bytes, rate, seconds }) => bench('fetch', seekers.url, ['--holders-server', holders.url,
  '--visitors', 50, '--pages', 50, '--size', bytes, '--rate', rate, '--seconds', seconds]);

async function fetchTable() {
  console.log('| CPU for a page of | both at one process alone | both at one of two | at two: the seeker\'s | the holder\'s | nats-server | together |');
  console.log('|---|---|---|---|---|---|---|');
  for (const work of WORKS) {
    const rows = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const count = work.rate * work.seconds;
      const alone = await host(1, false, ({ all: [one], pids }) => spent(pids, () => fetches(one, one, work)));
      const [here, there] = await host(2, true, async ({ all: [a, b], pids }) =>
        [await spent(pids, () => fetches(a, a, work)), await spent(pids, () => fetches(a, b, work))]);
      const sum = ({ used }) => used.reduce((x, y) => x + y);
      rows.push([sum(alone), sum(here), ...there.used, sum(there)].map((used) => used / count));
    }
    console.log(`| ${work.name} | ${rows[0].map((_, i) => `${Math.round(median(rows.map((row) => row[i])))} µs`).join(' | ')} |`);
  }
}

// ---- visitors ----

const SHAPES = [['1 alone', 1, false], ['1 on a bus', 1, true], ['2', 2, true], ['3', 3, true]];

async function visitors(count, bus) {
  return host(count, bus, async ({ url, pids }) => {
    const empty = pids.map(resident);
    const come = await spent(pids, () => bench('idle', url, ['--visitors', VISITORS, '--seconds', 1]));
    const crowd = await spent(pids, () => bench('crowd', url, ['--visitors', VISITORS]));
    const shown = await spent(pids, () => bench('fanout', url, ['--visitors', VIEWERS + 1, '--size', 10_240, '--rounds', PAGES_SHOWN, '--server-pid', pids[0]]));
    const delivery = median(shown.told.phases.filter(({ name }) => name === 'fan out').map((phase) => phase.server_us_each));
    const servers = (used) => used.slice(0, count).reduce((x, y) => x + y) / VISITORS;
    const nats = (used) => (bus ? used.at(-1) / VISITORS : 0);
    const counts = crowd.told.notes['counts told to each'];
    return [servers(come.used), nats(come.used), servers(crowd.used), nats(crowd.used), counts, delivery, empty[0] / 1e6];
  });
}

async function visitorTable() {
  console.log(`\n| processes; ${VISITORS} visitors | CPU of each who comes, is at a page and goes | and of nats-server | in a crowd at one page | and of nats-server | counts told to each | 10 KB sent to ${VIEWERS} at once: the first process's CPU for each | an empty process |`);
  console.log('|---|---|---|---|---|---|---|---|');
  for (const [name, count, bus] of SHAPES) {
    const rows = [];
    for (let round = 0; round < ROUNDS; round += 1) rows.push(await visitors(count, bus));
    const at = (i) => median(rows.map((row) => row[i]));
    console.log(`| ${name} | ${[0, 1, 2, 3].map((i) => `${at(i).toFixed(1)} µs`).join(' | ')} | ${at(4).toFixed(2)} | ${at(5).toFixed(1)} µs | ${at(6).toFixed(1)} MB |`);
  }
}

await fetchTable();
await visitorTable();
