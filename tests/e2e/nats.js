// NATS servers for tests, alone or as a mesh, and whilst_nats (tests/nats), a client without a
// hub that is told what to do by lines.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseMetrics } from './metrics.js';
import { freePorts } from './ports.js';
import { accepts } from './server.js';
import { until, within } from './wait.js';

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function start(command, args, stdio) {
  const child = spawn(command, args, { stdio });
  running.add(child);
  child.ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      running.delete(child);
      done(code ?? signal);
    });
  });
  child.ended.catch(() => {});
  return child;
}

export function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-nats-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

// One nats-server. `config` is more of its configuration file.
export class NatsServer {
  constructor(t, port, config = '') {
    this.port = port;
    this.path = join(directoryFor(t), 'nats.conf');
    this.log = '';
    writeFileSync(this.path, `listen: "127.0.0.1:${port}"\n${config}\n`);
    t.after(() => this.kill());
  }

  get url() {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start() {
    this.child = start('nats-server', ['-c', this.path], ['ignore', 'ignore', 'pipe']);
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
    const gone = this.child.ended.then((end) => assert.fail(`nats-server ended (${end}): ${this.log}`));
    gone.catch(() => {});
    await Promise.race([until(() => accepts(this.port), () => `nats-server: ${this.log}`), gone]);
    return this;
  }

  signal(name) {
    this.child.kill(name);
  }

  async kill(signal = 'SIGKILL') {
    if (!this.child) return;
    this.child.kill('SIGCONT');
    this.child.kill(signal);
    await within(this.child.ended, 'the end of nats-server');
  }

  // As an operator asks it to leave: clients are told, and have time.
  leave() {
    execFileSync('nats-server', ['--signal', `ldm=${this.child.pid}`], { stdio: 'ignore' });
  }
}

export async function natsFor(t, config) {
  const [port] = await freePorts(1);
  return new NatsServer(t, port, config).start();
}

// Three servers, each with routes to the others.
export async function meshFor(t, config = '') {
  const free = await freePorts(6);
  const [ports, routes] = [free.slice(0, 3), free.slice(3)];
  const urls = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const servers = ports.map((port, i) => new NatsServer(t, port, `server_name: s${i}
    cluster { name: test, listen: "127.0.0.1:${routes[i]}", routes: [${urls}] }
    lame_duck_duration: "30s", lame_duck_grace_period: "10s"\n${config}`));
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

// A client that prints what happens: `lines` of what it printed so far.
export class NatsClient {
  constructor(t, servers, args = []) {
    const command = (process.env.WHILST_WRAPPER || '').split(/\s+/).filter(Boolean);
    const path = resolve(process.env.WHILST_NATS_BINARY);
    const words = [...command, path, '--bus', [servers].flat().map((s) => s.url ?? s).join(','), ...args];
    this.child = start(words[0], words.slice(1), ['pipe', 'pipe', 'pipe']);
    this.output = this.errors = '';
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.output += text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    this.read = 0;
    t.after(() => this.child.kill('SIGKILL'));
  }

  say(line) {
    this.child.stdin.write(`${line}\n`);
  }

  // Waits for the next line that begins so; those before it are passed over.
  async printed(start) {
    let found;
    await until(() => {
      const at = `\n${this.output}`.indexOf(`\n${start}`, this.read);
      const end = at < 0 ? -1 : this.output.indexOf('\n', at);
      if (end < 0) return false;
      found = this.output.slice(at, end);
      this.read = end;
      return true;
    }, () => `"${start}"; it printed: ${this.output.slice(-2000)}${this.errors.slice(-2000)}`);
    return found;
  }

  logged(pattern) {
    return until(() => pattern.exec(this.errors), () => `${pattern} in: ${this.errors.slice(-2000)}`);
  }

  async metrics() {
    this.say('metrics');
    await this.printed('# HELP whilst_bus_up');
    const from = this.output.lastIndexOf('# HELP whilst_bus_up');
    await this.printed('end');
    return parseMetrics(this.output.slice(from, this.output.indexOf('\nend', from) + 1));
  }

  // Ends it as its user would, and expects a clean end.
  async stop() {
    this.child.stdin.end();
    assert.equal(await within(this.child.ended, () => `the end; it printed: ${this.errors}`), 0, this.errors);
  }
}

// ---- keys ----

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(bytes) {
  let [text, bits, held] = ['', 0, 0];
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff;
    for (held += 8; held >= 5; held -= 5) text += BASE32[(bits >> (held - 5)) & 31];
  }
  return held > 0 ? text + BASE32[(bits << (5 - held)) & 31] : text;
}

function checked(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return base32(Buffer.from([...bytes, crc & 255, crc >> 8]));
}

// A new key of one kind: {publicKey, seed, signs}.
export function natsKey(kind) {
  const prefix = { operator: 14, account: 0, user: 20 }[kind] << 3;
  const { privateKey } = generateKeyPairSync('ed25519');
  const secret = Buffer.from(privateKey.export({ format: 'jwk' }).d, 'base64url');
  const open = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x, 'base64url');
  const head = [(18 << 3) | (prefix >> 5), (prefix & 31) << 3];
  return {
    publicKey: checked([prefix, ...open]),
    seed: checked([...head, ...secret]),
    signs: (bytes) => sign(null, Buffer.from(bytes), createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' }))),
  };
}

// A JWT in which `issuer` says something of `subject`.
export function natsJwt(issuer, subject, type, claims = {}) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = { iat: Math.floor(Date.now() / 1000), iss: issuer.publicKey, name: type, sub: subject.publicKey,
    nats: { type, version: 2, ...claims } };
  body.jti = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${text}.${issuer.signs(text).toString('base64url')}`;
}

// ---- certificates ----

// An authority, and a certificate of its for these names: paths.
export function certificates(folder, names) {
  const path = (name) => join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=authority', '-keyout', path('ca.key'), '-out', path('ca.pem'));
  openssl('req', ...key, '-subj', '/CN=server', '-keyout', path('key.pem'), '-out', path('request.pem'));
  writeFileSync(path('names'), `subjectAltName=${names}`);
  openssl('x509', '-req', '-days', '2', '-in', path('request.pem'), '-CA', path('ca.pem'), '-CAkey', path('ca.key'),
    '-CAcreateserial', '-extfile', path('names'), '-out', path('cert.pem'));
  readFileSync(path('cert.pem'));
  return { ca: path('ca.pem'), cert: path('cert.pem'), key: path('key.pem') };
}
