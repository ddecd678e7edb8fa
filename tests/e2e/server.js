// The program under test, run as its user would: started with a command line, watched by
// its standard error, ended by a signal.
//
//   WHILST_BINARY   the program's path (needed)
//   WHILST_TLS      a directory with cert.pem and key.pem: servers speak TLS with these. Tests trust
//                   them by NODE_EXTRA_CA_CERTS and SSL_CERT_FILE
//   WHILST_WRAPPER  a command to run it under, for example
//                   "valgrind --error-exitcode=99 --leak-check=full -q"

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join, resolve as absolute } from 'node:path';
import { request } from './http.js';
import { parseMetrics } from './metrics.js';
import { freePorts } from './ports.js';
import { PATIENCE_MS, until, within } from './wait.js';

export const OPEN_LIMITS = ['--max-per-address', '0', '--no-rate-limits'];

const TLS = process.env.WHILST_TLS;

// Tests keep files where their own user alone can read them, and look into /proc. privileges.test.js is about the rest.
if (process.getuid() === 0) process.env.WHILST_USER ??= 'root';
else process.env.WHILST_CORE_DUMPS ??= 'yes';

const children = new Set();
process.on('exit', () => {
  // A test file that dies half-way must not leave servers behind.
  for (const child of children) child.kill('SIGKILL');
});

function binary() {
  const path = process.env.WHILST_BINARY;
  if (!path) {
    throw new Error(
      'WHILST_BINARY is not set. Build the server and say where it is: ' +
        'WHILST_BINARY=build/release/whilst node --test tests/e2e/*.test.js',
    );
  }
  return absolute(path);
}

// The words by which a shell would start the program.
export function commandLine(args, path = binary()) {
  const wrapper = (process.env.WHILST_WRAPPER || '').split(/\s+/).filter(Boolean);
  return [...wrapper, path, ...args];
}

// Starts the program with any arguments: {child, output, exited}. `exited` resolves to
// {code, signal} once the process is gone and all that it printed has been read.
export function spawnProgram(args, path = binary(), env = {}) {
  return spawnCommand(commandLine(args, path), env);
}

// The same for any command.
export function spawnCommand([command, ...rest], env = {}) {
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  children.add(child);
  const program = { child, output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (program.output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (program.errors += text));
  program.exited = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  // Nobody may be waiting yet when the program cannot be started at all.
  program.exited.catch(() => {});
  return program;
}

// Runs the program to its end, for commands that are expected to end by themselves.
export async function runProgram(args) {
  const program = spawnProgram(args);
  try {
    const { code, signal } = await within(program.exited, `whilst ${args.join(' ')} to end`);
    return { code, signal, output: program.output, errors: program.errors };
  } finally {
    program.child.kill('SIGKILL');
  }
}

export function announcements(program) {
  return [...program.errors.matchAll(/^listening on (\S+)$/gm)].map((match) => match[1]);
}

async function untilListening(program, count) {
  let ended = null;
  program.exited.then((end) => (ended = end), (error) => (ended = error));
  await until(
    () => ended || announcements(program).length >= count,
    () => `"listening on" from the server, which printed: ${program.errors}`,
  );
  if (ended) throw new Error(`the server ended at its start: ${program.errors || ended}`);
  return announcements(program);
}

export class Server {
  constructor(program, addresses) {
    this.program = program;
    this.addresses = addresses;
    // The first one over TCP; with --base-path it says where the pages begin.
    const address = addresses.find((text) => text.startsWith('http') && new URL(text).port);
    const { protocol, host, port, pathname } = address ? new URL(address) : {};
    this.scheme = protocol?.slice(0, -1);
    this.host = host;
    this.port = Number(port);
    this.base = pathname && pathname.replace(/\/$/, '');
    this.url = address && `${protocol}//${host}${this.base}`;
    this.target = { host: '127.0.0.1', port: this.port, secure: this.scheme === 'https' };
  }

  // What another server must listen on to stand in this one's place.
  get listen() {
    return this.scheme === 'https' ? `tls:${this.host}` : this.host;
  }

  get errors() {
    return this.program.errors;
  }

  get websocket() {
    return `${this.scheme === 'https' ? 'wss' : 'ws'}://${this.host}/ws`;
  }

  async metrics() {
    const answer = await request(this.target, `${this.base}/metrics`);
    assert.equal(answer.status, 200, 'GET /metrics');
    return parseMetrics(answer.body.toString());
  }

  // Ends the server as an operator would, and expects a clean end.
  async stop(signal = 'SIGTERM') {
    const { child, exited } = this.program;
    child.kill(signal);
    let end;
    try {
      end = await within(exited, () => `the end after ${signal}; it printed: ${this.errors}`);
    } finally {
      child.kill('SIGKILL');
    }
    assert.deepEqual(end, { code: 0, signal: null }, `end by ${signal}:\n${this.errors}`);
  }

  // Ends the server as a power cut would.
  async kill() {
    this.program.child.kill('SIGKILL');
    await within(this.program.exited, 'the end after SIGKILL');
  }
}

// A running server. `listen`: the addresses, by default a free port on loopback; with `returns`, one
// that nobody else is given until another server takes it (server.listen). `addresses`: how
// many there will be, when something else names them. `args`: further options. `limits`: true leaves the server's limits as they are by default. `path`: of
// another program with the same command line. `env`: added to its environment.
export async function startServer({
  returns = false,
  listen = undefined,
  args = [],
  limits = false,
  path = undefined,
  env = {},
  addresses = undefined,
} = {}) {
  listen ??= [`${TLS ? 'tls:' : ''}127.0.0.1:${returns ? await freePorts(1) : 0}`];
  addresses ??= listen.length;
  const listeners = listen.flatMap((address) => ['--listen', address]);
  const open = limits ? [] : OPEN_LIMITS;
  const pair = TLS && listen.some((address) => address.startsWith('tls:'))
    ? ['--tls-certificate', join(TLS, 'cert.pem'), '--tls-key', join(TLS, 'key.pem')] : [];
  const program = spawnProgram(['serve', ...listeners, ...pair, ...open, ...args], path, env);
  try {
    return new Server(program, await untilListening(program, addresses));
  } catch (error) {
    program.child.kill('SIGKILL');
    throw error;
  }
}

// A server for one test (or for a whole file, with its `before` and `after`), stopped and
// checked for a clean end when the test is over.
export async function serverFor(test, options) {
  const server = await startServer(options);
  test.after(() => server.stop());
  return server;
}

// Whether somebody accepts connections there.
export function accepts(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
    socket.setTimeout(PATIENCE_MS, () => resolve(false));
  });
}
