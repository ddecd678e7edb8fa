// What a server of a given size must have: memory and processor for a thousand visitors, for pages by size, for a crowd, without TLS and
// with it; and what handshakes cost by the kind of key. Prints the rows of the table in docs/operations.md, "Sizing": medians.
//
//   WHILST_BINARY=build/release/whilst node tests/bench/sizing.js [ROUNDS]
//
// Needs two cores: the server has the first, the load the second.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificate } from '../e2e/certificate.js';
import { parseMetrics } from '../e2e/metrics.js';
import { announcements, spawnCommand } from '../e2e/server.js';
import { until } from '../e2e/wait.js';

const ROUNDS = Number(process.argv[2] ?? 3);
const WHILST = process.env.WHILST_BINARY;
const SILENCE_S = 30; // one ping each
const KIB = 1024;

const folder = mkdtempSync(join(tmpdir(), 'whilst-sizing-'));
const pairs = Object.fromEntries(['ec', 'rsa'].map((kind) => [kind, certificate(folder, 'IP:127.0.0.1', { name: kind, kind })]));

// Whatever `work` makes of a server with that kind of key, or none: its address, that of the same without TLS, its process.
async function withServer(kind, work) {
  const tls = kind ? ['--listen', 'tls:127.0.0.1:0', '--tls-certificate', pairs[kind].path, '--tls-key', pairs[kind].key_path] : [];
  const options = ['--listen', '127.0.0.1:0', '--no-rate-limits', '--max-per-address', '0'];
  const program = spawnCommand(['taskset', '-c', '0', WHILST, 'serve', ...tls, ...options]);
  await until(() => announcements(program).length === (kind ? 2 : 1), () => program.errors);
  try {
    const [first, second = first] = announcements(program);
    return await work({ url: first, plain: second, pid: program.child.pid });
  } finally {
    program.child.kill();
    await program.exited;
  }
}

const kilobytes = (pid, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * KIB;

// One run of `whilst bench`: its phases by name, what it noted, and the most memory that the server had.
function bench(kind, ...args) {
  return withServer(kind, ({ url, pid }) => {
    const words = ['-c', '1', WHILST, 'bench', ...args, '--server', url, '--server-pid', String(pid), '--json'];
    const env = { ...process.env, ...(kind && { SSL_CERT_FILE: pairs[kind].path }) };
    const { phases, notes } = JSON.parse(execFileSync('taskset', words, { encoding: 'utf8', env }));
    return { phase: (name) => phases.findLast((phase) => phase.name.startsWith(name)), notes, most: kilobytes(pid, 'VmHWM') };
  });
}

// Full handshakes and resumed ones, each with a small request, from one client: microseconds each.
function shakes(kind, mode) {
  return withServer(kind, async ({ url, plain }) => {
    const read = async () => parseMetrics(await (await fetch(`${plain}/metrics`)).text());
    const before = await read();
    spawnSync('taskset', ['-c', '1', 'openssl', 's_time', '-connect', new URL(url).host, mode, '-time', '4', '-www', '/healthz']);
    const after = await read();
    const grown = (name) => after[name] - before[name];
    return { us: (grown('process_cpu_seconds_total') / grown('whilst_tls_handshakes_total')) * 1e6 };
  });
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
async function medians(run, ...readings) {
  const runs = [];
  for (let round = 0; round < ROUNDS; round += 1) runs.push(await run());
  return readings.map((read) => median(runs.map(read)));
}

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const digits = (number) => Number(number.toPrecision(2)).toString();
const MB = (bytes) => `${digits(bytes / 1e6)} MB`;
// Of one core, for so many of what takes so long each in a second.
const share = (us, each_second = 1000) => `${digits((us * each_second) / 1e4)} %`;

async function visitors(kind) {
  const args = ['idle', '--visitors', '5000', '--seconds', String(SILENCE_S)];
  return medians(() => bench(kind, ...args), (run) => run.notes['resident bytes each'] * 1000,
    (run) => run.phase('silence').server_us_each / SILENCE_S, (run) => run.phase('to 5000').server_us_each,
    (run) => run.notes['server memory before']);
}

async function main() {
  row('load', 'without TLS', 'with TLS', 'command');
  row('---', '---', '---', '---');
  const idle = { plain: await visitors(), tls: await visitors('ec') };
  row('nobody is there', MB(idle.plain[3]), MB(idle.tls[3]), '`whilst bench idle --visitors 5000 --seconds 30`');
  row('1,000 visitors, silent', ...[idle.plain, idle.tls].map(([memory, us]) => `${MB(memory)}, ${share(us)}`), 'the same');
  row('1,000 come in a second', ...[idle.plain, idle.tls].map(([, , us]) => share(us)), 'the same');
  for (const [size, rate] of [[1, 1000], [64, 500], [1024, 50]]) {
    const args = ['fetch', '--visitors', '200', '--seconds', '5', '--size', `${size}K`, '--rate', String(rate)];
    const cells = [];
    for (const kind of [undefined, 'ec']) {
      const [us, most] = await medians(() => bench(kind, ...args), (run) => run.phase('fetch').server_us_each, (run) => run.most);
      cells.push(`${share(us)}${size === 1 ? '' : `, or ${share((us * 1e3) / size / KIB)} for each MB/s`}; ${MB(most)} in all`);
    }
    row(`1,000 pages of ${size === 1024 ? '1 MiB' : `${size} KiB`} a second`, ...cells, `\`whilst bench ${args.join(' ')}\``);
  }
  for (const [what, args, name] of [
    ['1,000 copies of a page of 64 KiB', ['fanout', '--visitors', '1000', '--size', '64K', '--rounds', '5'], 'fan out'],
    ['1,000 join a page at once', ['crowd', '--visitors', '5000'], 'join'],
  ]) {
    const cells = [];
    for (const kind of [undefined, 'ec']) {
      const [us] = await medians(() => bench(kind, ...args), (run) => run.phase(name).server_us_each);
      cells.push(`${digits(us)} ms of it`);
    }
    row(what, ...cells, `\`whilst bench ${args.join(' ')}\``);
  }
  for (const [kind, name] of [['ec', 'ECDSA P-256'], ['rsa', 'RSA 2048']]) {
    for (const [mode, which] of [['-new', 'full'], ['-reuse', 'resumed']]) {
      const [us] = await medians(() => shakes(kind, mode), (run) => run.us);
      row(`1,000 requests in a second, each with a handshake: ${name}, ${which}`, '', share(us), `\`openssl s_time ${mode} -www /healthz\``);
    }
  }
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true });
}
