// /metrics as Prometheus reads it: promtool has nothing to say about it, and its numbers are true.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectClient, holdPage } from './client.js';
import { request } from './http.js';
import { growth, readExposition } from './metrics.js';
import { serverFor, spawnCommand } from './server.js';
import { until } from './wait.js';

const docs = (name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

async function exposition(server) {
  return (await request(server.target, '/metrics')).body.toString();
}

test('promtool finds nothing to improve', async (t) => {
  const server = await serverFor(t);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await exposition(server),
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

test('every metric is in docs/operations.md, and no other', async (t) => {
  const server = await serverFor(t);
  const { types } = readExposition(await exposition(server));
  const rows = docs('operations.md').matchAll(/^\| `((?:whilst|process)_\w+)` \| (\w+) \|/gm);
  const documented = [...rows].map(([, name, type]) => [name, type]);
  assert.deepEqual(documented.sort(), [...types].sort());
});

test('what a page on its way adds to the histograms', async (t) => {
  const server = await serverFor(t);
  const before = await server.metrics();
  const page = 'x'.repeat(3000);
  const { hash } = await holdPage(server.url, page);
  const { body } = await request(server.target, `/raw/${hash}`);
  assert.equal(body.toString(), page);
  const after = await server.metrics();
  const grown = growth(before, after);
  assert.equal(grown.whilst_page_bytes_count, 1);
  assert.equal(grown.whilst_page_bytes_sum, 3000);
  assert.equal(grown['whilst_page_bytes_bucket{le="4096"}'], 1);
  assert.equal(grown['whilst_page_bytes_bucket{le="2048"}'], undefined);
  assert.equal(grown.whilst_content_seconds_count, 1);
  assert.equal(grown['whilst_content_seconds_bucket{le="+Inf"}'], 1);
  assert.ok(grown.whilst_loop_delay_seconds_count > 0, 'turns of the loop');
  assert.ok(grown.whilst_loop_delay_seconds_sum > 0, 'and their time');
});

test('the process tells its memory, processor time, descriptors, start and build', async (t) => {
  const server = await serverFor(t);
  const metrics = await server.metrics();
  const pid = server.program.child.pid;
  const started = metrics.process_start_time_seconds;
  assert.ok(started <= Date.now() / 1000 + 1 && started > Date.now() / 1000 - 3600, `${started}`);
  assert.ok(metrics.process_resident_memory_bytes > 1 << 20);
  assert.ok(metrics.process_virtual_memory_bytes >= metrics.process_resident_memory_bytes);
  const limit = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))[1];
  if (!process.env.WHILST_WRAPPER) assert.equal(metrics.process_max_fds, Number(limit));
  const [build] = Object.keys(metrics).filter((name) => name.startsWith('whilst_build_info'));
  const version = spawnSync(process.env.WHILST_BINARY, ['version'], { encoding: 'utf8' }).stdout.trim().split(' ')[1];
  assert.ok(build.includes(`version="${version}"`), `${build} of ${version}`);
  assert.equal(metrics[build], 1);

  const cpu = metrics.process_cpu_seconds_total;
  await until(async () => (await server.metrics()).process_cpu_seconds_total > cpu, 'processor time to be used');
});

const mayRaise = spawnSync('prlimit', ['--nofile=500:500', 'prlimit', '--nofile=600:600', 'true']).status === 0;

test('root raises the hard limit of descriptors, and is nobody then', { skip: !mayRaise && 'nobody here may raise it' }, async (t) => {
  const program = spawnCommand(['prlimit', '--nofile=500:500', process.env.WHILST_BINARY, 'serve', '--listen', '127.0.0.1:0', '--max-connections', '4000', '--max-callers', '36', '--user', 'nobody']);
  t.after(() => program.child.kill('SIGKILL'));
  await until(() => /^listening on/m.test(program.errors), () => program.errors);
  assert.doesNotMatch(program.errors, /max_connections_lowered/);
  assert.match(readFileSync(`/proc/${program.child.pid}/limits`, 'utf8'), /^Max open files +4100 +4100 /m);
});

test('a limit of descriptors that is too low for the sessions asked for is said; without a number as many are taken as fit', async (t) => {
  const least = mayRaise ? ['setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource'] : [];
  const start = async (...args) => {
    const program = spawnCommand(['prlimit', '--nofile=500:500', ...least, process.env.WHILST_BINARY, 'serve', '--listen', '127.0.0.1:0', ...args]);
    t.after(() => program.child.kill('SIGKILL'));
    await until(() => /^listening on/m.test(program.errors), () => program.errors);
    return program.errors;
  };
  // 500, without the 64 that are for other things: a half for callers.
  assert.match(await start('--max-connections', '400'), /^\S+ warn max_connections_lowered asked=400 sessions=218 descriptors=500 advice=/);
  for (const args of [[], ['--max-connections', '300', '--max-callers', '100']]) {
    assert.doesNotMatch(await start(...args), /max_connections_lowered/);
  }
});

test('descriptors and sockets follow who comes and goes', async (t) => {
  const server = await serverFor(t);
  const open = () => readdirSync(`/proc/${server.program.child.pid}/fd`).length;
  // Sockets of ours that the server has yet to close are among them for a moment.
  const sockets = (count) => until(async () => {
    const metrics = await server.metrics();
    return metrics.whilst_sockets === count && metrics;
  }, `${count} sockets`);
  const before = await sockets(1);
  const clients = await Promise.all([...Array(20)].map(() => connectClient(server.url)));
  const { process_open_fds: told } = await sockets(21);
  assert.equal(told - before.process_open_fds, 20);
  assert.ok(Math.abs(open() - told) <= 24, `${told} descriptors told, ${open()} there are`);
  await Promise.all(clients.map((client) => client.close()));
  await sockets(1);
});

const promtool = (...args) => spawnSync('promtool', args, { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' });

test('the alerts are rules, and each fires when it should', () => {
  const checked = promtool('check', 'rules', '../../docs/alerts.yml');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  const tested = promtool('test', 'rules', 'alerts.yml');
  assert.equal(tested.status, 0, tested.stdout + tested.stderr);
  const alerts = [...docs('alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const fired = readFileSync(new URL('alerts.yml', import.meta.url), 'utf8');
  for (const name of alerts) {
    assert.match(fired, new RegExp(`alertname: ${name}\\n +exp_alerts:\\n`), `a test in which ${name} fires`);
    assert.ok(docs('operations.md').includes(`| \`${name}\` |`), `${name} in "What to do when"`);
  }
});

test('every metric that alerts and dashboards name exists, with its labels', async (t) => {
  const server = await serverFor(t, { args: ['--admin', '127.0.0.1:0'] });
  const address = await until(() => /^admin on (\S+)$/m.exec(server.errors)?.[1], 'the operator\'s address');
  const { types, values } = readExposition((await request({ host: '127.0.0.1', port: Number(new URL(address).port) }, '/metrics')).body.toString());
  const expressions = [
    ...[...docs('alerts.yml').matchAll(/expr: ((?:.|\n {10})*)/g)].map(([, text]) => text),
    ...JSON.parse(docs('grafana.json')).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...JSON.parse(docs('grafana.json')).templating.list.map(({ query }) => query.query ?? ''),
    ...JSON.parse(docs('grafana.json')).annotations.list.map(({ expr }) => expr),
  ];
  const names = new Set(expressions.flatMap((text) => text.match(/\b(?:whilst|process)_\w+/g) ?? []));
  assert.ok(names.size > 20, `${names.size} names`);
  for (const name of names) {
    const part = types.get(name.replace(/_(bucket|count|sum)$/, '')) === 'histogram';
    assert.ok(types.has(name) || part, `${name} exists`);
  }
  const reasons = expressions.flatMap((text) => [...text.matchAll(/(whilst_\w+)\{[^}]*reason!?=~"([^"]+)"/g)]);
  for (const [, name, list] of reasons)
    for (const reason of list.split('|')) assert.ok(values.has(`${name}{reason="${reason}"}`), `${name} ${reason}`);
});
