// Whilst beside its peers: each does the same work, in turns, on one core, with the load on
// another. Writes docs/comparison.md, .json and .svg.
//
//   node tests/bench/compare/compare.js [ROUNDS] [WORK…]     (tests/bench/compare/run installs all)

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chart, table } from './report.js';
import { COUNTS_AT_ONCE, LOAD, SERVERS, WHILST, start } from './servers.js';

const PAGE = `/${'0'.repeat(64)}`;
const BARE_MESSAGE_BYTES = 116; // as in dialect.h
const HTTP_SECONDS = 3;
const CURVE_ROUNDS = 1;
const run = promisify(execFile);
const peers = ['whilst', 'nchan', 'mosquitto', 'nats', 'ws'];

const load = (work, ...numbers) => async (name, server) => {
  const { stdout } = await run('taskset', ['-c', '1', LOAD, work, name, `${server.port}`, ...numbers.map(String), ...server.pids.map(String)]);
  return JSON.parse(stdout);
};

// The page that a browser gets, by both: nginx serves the very bytes as a file.
async function http(name, server) {
  const headers = ['-H', 'Accept: text/html', '-H', 'Accept-Encoding: identity'];
  if (name === 'nchan') writeFileSync(join(server.directory, 'static/page.html'), http.page);
  const url = `http://127.0.0.1:${server.port}${name === 'nchan' ? '/page.html' : PAGE}`;
  const { stdout: page } = await run('curl', ['-sf', ...headers, url], { encoding: 'buffer' });
  http.page = page;
  const { stdout } = await run('taskset', ['-c', '1', 'wrk', '-t1', '-c32', `-d${HTTP_SECONDS}s`, ...headers, url]);
  return { per_second: Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1]), bytes: page.length };
}

const deliveries = (result) => result.per_cpu_second;

// `value`: what is compared, of what a run says. `more`: more is better. `servers`: of which servers, if not of all.
const WORKS = {
  idle: {
    servers: peers,
    run: load('idle', 19000),
    rows: [
      { key: 'memory', title: 'Memory of an idle visitor, 19,000 of them', unit: 'bytes', value: (r) => r.bytes },
      { key: 'arrival', title: 'CPU for an arriving visitor', unit: 'µs', value: (r) => r.cpu_us },
    ],
  },
  fanout: {
    servers: [...peers, 'bare'],
    args: { whilst: COUNTS_AT_ONCE, bare: ['send', `${BARE_MESSAGE_BYTES}`] },
    run: load('fanout', 1000, 1, 200),
    rows: [
      { key: 'fanout1', title: 'Deliveries to 1,000 subscribers, one message in flight', unit: 'a CPU second', more: true, servers: peers, value: deliveries },
      { key: 'fanout1Bare', title: 'Deliveries to 1,000, one message in flight', unit: 'a CPU second', more: true, servers: ['whilst', 'bare'], value: deliveries },
    ],
  },
  fanout8: {
    servers: [...peers, 'bare'],
    args: { whilst: COUNTS_AT_ONCE, bare: ['send', `${8 * BARE_MESSAGE_BYTES}`] },
    run: load('fanout', 1000, 8, 100),
    rows: [
      { key: 'fanout8', title: 'The same, eight messages in flight', unit: 'a CPU second', more: true, servers: peers, value: deliveries },
      { key: 'fanout8Bare', title: 'The same, eight in flight', unit: 'a CPU second', more: true, servers: ['whilst', 'bare'], value: deliveries },
    ],
  },
  fanout10k: {
    servers: peers,
    args: { whilst: COUNTS_AT_ONCE },
    run: load('fanout', 10000, 1, 30),
    rows: [{ key: 'fanout10k', title: 'Deliveries to 10,000 subscribers, one in flight', unit: 'a CPU second', more: true, value: deliveries }],
  },
  fetch: {
    servers: ['whilst', 'bare'],
    args: { bare: ['relay'] },
    run: load('fetch', 100, 10240, 1000, 5, 800),
    rows: [
      { key: 'fetch50', title: 'A 10 KB page, 1,000 fetches a second among 1,000 sessions: median', unit: 'µs', value: (r) => r.p50_us },
      { key: 'fetch99', title: 'The same, 99th percentile', unit: 'µs', value: (r) => r.p99_us },
    ],
  },
  bulk: {
    servers: ['whilst', 'bare'],
    args: { bare: ['send', '1048576'] },
    run: load('bulk', 100, 1048576, 10),
    rows: [
      { key: 'bulk', title: 'A 1 MiB page to 100 at once', unit: 'MB/s', more: true, value: (r) => r.megabytes_per_second },
      { key: 'bulkMemory', title: 'Memory for that', unit: 'bytes', value: (r) => r.memory_bytes },
    ],
  },
  http: {
    servers: ['whilst', 'nchan'],
    run: http,
    rows: [{ key: 'http', title: "A page's container over HTTP keep-alive", unit: 'requests a second', more: true, value: (r) => r.per_second }],
  },
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

async function withServer(name, args, work) {
  const server = await start(name, args);
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const once = (work, name) => withServer(name, work.args?.[name], (server) => work.run(name, server));

// All rounds of one work: {server: [result…]}.
async function rounds(key, count) {
  const work = WORKS[key];
  const results = Object.fromEntries(work.servers.map((name) => [name, []]));
  for (let round = 1; round <= count; round += 1) {
    for (const name of work.servers) {
      process.stderr.write(`${key} ${round}/${count}: ${SERVERS[name].title}\n`);
      results[name].push(await once(work, name));
    }
  }
  return results;
}

// One mix of `whilst bench`; of its last phase.
async function bench(server, ...words) {
  const args = ['bench', ...words, '--server', `http://127.0.0.1:${server.port}`, '--server-pid', `${server.pids[0]}`, '--json'];
  const { stdout } = await run('taskset', ['-c', '1', WHILST, ...args.map(String)]);
  const { phases, notes } = JSON.parse(stdout);
  return { ...phases.at(-1), notes };
}

// What a visitor costs when so many come at once.
async function point(visitors) {
  const many = ['--visitors', visitors];
  const crowd = await withServer('whilst', [], (server) => bench(server, 'crowd', ...many));
  const storm = await withServer('whilst', [], (server) => bench(server, 'storm', ...many));
  const fanout = await withServer('whilst', COUNTS_AT_ONCE, (server) => bench(server, 'fanout', '--counts', ...many));
  return {
    join_us: crowd.server_us_each,
    counts: Object.values(crowd.notes)[0],
    back_us: storm.server_us_each,
    back_seconds: storm.seconds,
    delivery_us: fanout.server_us_each,
  };
}

async function curve(arrivals, count) {
  const points = [];
  for (const [i, { visitors }] of arrivals[0].curve.entries()) {
    const all = [];
    for (let round = 1; round <= count; round += 1) {
      process.stderr.write(`curve ${round}/${count}: ${visitors} visitors\n`);
      all.push({ ...arrivals.at(-round).curve[i], ...(await point(Math.min(visitors, 18900))) });
    }
    points.push(Object.fromEntries(Object.keys(all[0]).map((key) => [key, median(all.map((one) => one[key]))])));
  }
  return points;
}

const [count = '5', ...chosen] = process.argv.slice(2);
const report = { rounds: Number(count), rows: [], curve: [], versions: {} };
for (const key of chosen.length > 0 ? chosen : Object.keys(WORKS)) {
  const results = await rounds(key, report.rounds);
  for (const { value, servers = WORKS[key].servers, ...row } of WORKS[key].rows) {
    const values = servers.map((name) => results[name].map(value)).map((all, i) => [servers[i], { median: median(all), all }]);
    report.rows.push({ ...row, servers: Object.fromEntries(values) });
  }
  if (key === 'idle') report.curve = await curve(results.whilst, CURVE_ROUNDS);
}
for (const name of Object.keys(SERVERS)) report.versions[name] = SERVERS[name].version();
process.stdout.write(`${table(report)}\n`);
if (chosen.length === 0) {
  const docs = new URL('../../../docs/', import.meta.url);
  writeFileSync(new URL('comparison.md', docs), table(report));
  writeFileSync(new URL('comparison.json', docs), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(new URL('comparison.svg', docs), await chart(report));
}
