// The servers that are compared: how each is started, and what its processes are.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../e2e/ports.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = resolve(here, '../../..');
const built = (path) => join(root, 'build/release', path);

export const LOAD = built('tests/bench/compare_load');
const BARE = built('tests/bench/compare_bare');
export const WHILST = built('whilst');

const OPEN = ['--no-rate-limits', '--max-per-address', '0', '--max-connections', '19300', '--max-callers', '600'];
export const COUNTS_AT_ONCE = ['--count-interval', '1', '--counts-per-second', '10000000'];

const printed = (command, ...args) => {
  const text = execFileSync('sh', ['-c', `${[command, ...args].join(' ')} 2>&1 || true`], { encoding: 'utf8' });
  return (text.match(/\d+\.\d+[.\d]*/) ?? ['?'])[0];
};

// `command` gets the port, another port, a directory of its own, and the work's own arguments.
export const SERVERS = {
  whilst: {
    title: 'Whilst',
    version: () => printed(WHILST, '--version'),
    command: ({ port, args }) => [WHILST, 'serve', '--listen', `127.0.0.1:${port}`, ...OPEN, ...args],
  },
  nchan: {
    title: 'nginx + nchan',
    version: () => `${printed('nginx', '-v')} + ${printed('dpkg-query', '-W', "-f='${Version}'", 'libnginx-mod-nchan').replace(/^1:/, '')}`,
    settings: 'nginx.conf',
    forks: true, // it listens before its worker is there
    command: ({ settings }) => ['nginx', '-p', '/usr/share/nginx', '-c', settings],
  },
  mosquitto: {
    title: 'Mosquitto',
    version: () => printed('mosquitto', '-h'),
    settings: 'mosquitto.conf',
    command: ({ settings }) => ['mosquitto', '-c', settings],
  },
  nats: {
    title: 'nats-server',
    version: () => printed('nats-server', '--version'),
    settings: 'nats.conf',
    command: ({ settings }) => ['nats-server', '-c', settings],
  },
  ws: {
    title: 'node ws',
    version: () => `${JSON.parse(readFileSync(join(root, 'node_modules/ws/package.json'))).version} on node ${process.versions.node}`,
    command: ({ port }) => ['node', join(here, 'ws_server.js'), `${port}`],
  },
  bare: {
    title: 'bare sockets',
    version: () => 'Linux',
    command: ({ port, args }) => [BARE, args[0], `${port}`, ...args.slice(1)],
  },
};

const answers = (port) =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), done(true)));
    socket.on('error', () => done(false));
  });

async function listening(port, child) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`it did not start: ${child.errors}`);
    if (await answers(port)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it does not listen');
}

function childrenOf(pid) {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

// Starts a server on the first core: {port, pids, directory, stop}. `pids` are all its processes.
export async function start(name, args = []) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-compare-'));
  const [port, other] = await freePorts(2);
  const settings = join(directory, 'settings.conf');
  const server = SERVERS[name];
  mkdirSync(join(directory, 'static'));
  execFileSync('chmod', ['755', directory]);
  if (server.settings) {
    const text = readFileSync(join(here, server.settings), 'utf8');
    writeFileSync(settings, text.replaceAll('@PORT@', port).replaceAll('@PORT2@', other).replaceAll('@DIR@', directory));
  }
  const child = spawn('taskset', ['-c', '0', ...server.command({ port, directory, settings, args })], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.errors = '';
  child.stderr.on('data', (text) => (child.errors += text));
  await listening(port, child);
  while (server.forks && childrenOf(child.pid).length === 0) await new Promise((done) => setTimeout(done, 20));
  return {
    port,
    directory,
    pids: [child.pid, ...childrenOf(child.pid)],
    stop: () =>
      new Promise((done) => {
        child.on('exit', () => (rmSync(directory, { recursive: true, force: true }), done()));
        child.kill(name === 'bare' ? 'SIGKILL' : 'SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), 3000).unref();
      }),
  };
}
