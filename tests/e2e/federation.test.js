// Two organisations, by the very files of docs/federation: only addresses and paths are others.
// Pages and claims cross as far as each allows, over one line with certificates on both sides; who
// is a stranger stays outside, and a partner that floods and lies hurts nobody at home.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startBrowser, Visitor } from './browser.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { readExposition } from './metrics.js';
import { directoryFor, NatsServer } from './nats.js';
import { hearing, joined, outcome, socketFor } from './phoenix.js';
import { freePorts } from './ports.js';
import { serverFor } from './server.js';
import { startTunnel } from './tunnel.js';
import { UNHURRIED, until } from './wait.js';

const docs = (name) => readFileSync(new URL(`../../docs/federation/${name}`, import.meta.url), 'utf8');
const README = docs('README.md');

// ---- what the README says to do ----

const commands = [...README.matchAll(/^```\n(openssl|printf)([^]*?)^```/gm)].map(([, first, rest]) => first + rest);

function run(command, folder) {
  execFileSync('sh', ['-ec', command], { cwd: folder, stdio: 'ignore' });
}

// An authority, in a folder of its own.
function authority(folder) {
  mkdirSync(folder);
  run(commands[0], folder);
  return folder;
}

// A certificate of that authority; 127.0.0.1 is where this test's servers are.
function certify(folder, authority_folder, name) {
  const named = (text) => text.replaceAll('nats.beta.example', name);
  mkdirSync(folder);
  run(named(commands[1]), folder);
  run(`cp ${authority_folder}/* .`, folder);
  run(named(commands[2]).replace(`DNS:${name}\\n`, `DNS:${name},IP:127.0.0.1\\n`), folder);
  return folder;
}

class Site extends NatsServer {
  constructor(t, port, text) {
    super(t, port);
    writeFileSync(this.path, text);
  }
}

const replace = (text, pairs) =>
  pairs.reduce((now, [from, to]) => (assert.ok(now.includes(from), from), now.replaceAll(from, to)), text);

const alphaFile = (port, leaf, folder) =>
  replace(docs('alpha.conf'), [['127.0.0.1:4222', `127.0.0.1:${port}`], ['0.0.0.0:7422', `127.0.0.1:${leaf}`], ['/etc/nats', folder]]);

const betaFile = (port, leaf, folder) =>
  replace(docs('beta.conf'), [['127.0.0.1:4222', `127.0.0.1:${port}`], ['nats.alpha.example:7422', `127.0.0.1:${leaf}`], ['/etc/nats', folder]]);

// Both sides, with the line between them through a tunnel.
async function sitesFor(t, change = (text) => text) {
  const folder = directoryFor(t);
  const [port_a, port_b, leaf] = await freePorts(3);
  const ca = authority(join(folder, 'authority'));
  const folders = { alpha: certify(join(folder, 'alpha'), ca, 'nats.alpha.example'), beta: certify(join(folder, 'beta'), ca, 'nats.beta.example') };
  const line = await startTunnel({ port: leaf });
  t.after(() => line.close());
  const alpha = await new Site(t, port_a, alphaFile(port_a, leaf, folders.alpha)).start();
  const beta = await new Site(t, port_b, change(betaFile(port_b, line.listener.address().port, folders.beta))).start();
  await until(() => /Leafnode connection created/.test(beta.log), () => beta.log);
  return { alpha, beta, line, leaf, folder, folders, ca };
}

function node(t, site, name, args) {
  const password = join(directoryFor(t), 'password');
  writeFileSync(password, 'change-me\n');
  const login = ['--bus-user', 'whilst', '--bus-password-file', password];
  return serverFor(t, { args: ['--bus', site.url, ...login, '--bus-required', '--node', name, '--grace', '100', ...args] });
}

const beside = (partner, federate) => ['--partner', partner, '--federate', federate];

async function bothFor(t, [way_a, way_b] = ['both', 'both'], args = []) {
  const sites = await sitesFor(t);
  const [a, b] = [await node(t, sites.alpha, 'one', [...beside('beta', way_a), ...args]), await node(t, sites.beta, 'one', [...beside('alpha', way_b), ...args])];
  for (const one of [a, b]) await until(async () => (await one.metrics()).whilst_bus_up === 1, 'the bus');
  return { ...sites, a, b };
}

const get = (server, hash) => request(server.target, `/raw/${hash}`);
const number = async (server, field, partner) => (await server.metrics())[`whilst_partner_${field}{partner="${partner}"}`];

async function assertGets(server, page) {
  const { status, body } = await get(server, sha256(page));
  assert.equal(status, 200, server.errors);
  assert.ok(body.equals(Buffer.from(page)), 'the very bytes');
}

const untilGets = (server, page) =>
  until(() => assertGets(server, page).then(() => true, () => false), () => `the page: ${server.errors}`);

// ---- two that are good to each other ----

test('pages cross both ways, for HTTP and for the stock client', async (t) => {
  const { a, b } = await bothFor(t);
  for (const [holder, seeker] of [[a, b], [b, a]]) {
    for (const page of [Buffer.from('small'), Buffer.alloc(0), randomBytes(10_000), randomBytes(1 << 20)]) {
      const held = await holdPage(holder.url, page);
      await untilGets(seeker, page);
      await assertGets(holder, page);
      await held.client.close();
    }
  }
  const { hash } = await holdPage(a.url, 'for the stock client');
  const channel = socketFor(t, b).channel(`want:${hash}`);
  const contents = hearing(channel, 'content');
  await outcome(channel.join());
  assert.equal((await contents.next()).content, 'for the stock client');
  const metrics = await a.metrics();
  assert.ok(metrics['whilst_partner_served_total{partner="beta"}'] >= 5);
  assert.equal(metrics['whilst_partner_contents_total{partner="beta"}'], 4);
  assert.equal((await get(a, sha256('nobody anywhere'))).status, 404);
});

test('one-way: who only has is not asked for less, and who only wants gives nothing', async (t) => {
  const { a, b } = await bothFor(t, ['have', 'want']);
  await holdPage(a.url, 'held at alpha');
  const back = await holdPage(b.url, 'held at beta');
  await untilGets(b, 'held at alpha');
  for (let i = 0; i < 3; i += 1) assert.equal((await get(a, sha256('held at beta'))).status, 404);
  assert.equal(back.asked, 0);
  assert.equal(await number(a, 'wants_total', 'beta'), 0);
  assert.equal(await number(b, 'received_total', 'alpha') > 0, true);
});

test('home comes first: a partner is not asked for what another node has', async (t) => {
  const { a, b, alpha } = await bothFor(t, undefined, UNHURRIED);
  const second = await node(t, alpha, 'two', [...beside('beta', 'both'), ...UNHURRIED]);
  for (const one of [a, second]) await until(async () => (await one.metrics()).whilst_bus_nodes === 1, 'the other node');
  const far = await holdPage(b.url, 'at both');
  await holdPage(second.url, 'at both');
  const head = () => request(a.target, `/raw/${far.hash}`, { method: 'HEAD' });
  await until(async () => (await head()).headers['whilst-holders'] === '1', 'the second node to be known to have it');
  await assertGets(a, 'at both');
  assert.equal(far.asked, 0);
  await holdPage(second.url, 'at the second node');
  await untilGets(b, 'at the second node'); // whichever node of alpha took the order
  assert.equal((await b.metrics()).whilst_bus_nodes, 0, 'no node of alpha is one of beta');
});

test('what the partner says of its visitors is told as its claim, and is in no count', async (t) => {
  const { a, b } = await bothFor(t);
  await holdPage(a.url, 'seen at both');
  await untilGets(b, 'seen at both');
  const hash = sha256('seen at both');
  const there = await connectClient(b.url);
  await there.join(`have:${hash}`, { claims: true });
  assert.deepEqual((await there.event('visitors_claimed'))[4], { claims: [{ by: 'alpha', count: 1 }] });
  const here = await joined(socketFor(t, a), `have:${hash}`, { claims: true });
  const claimed = hearing(here, 'visitors_claimed');
  assert.deepEqual(await claimed.next(), { claims: [{ by: 'beta', count: 1 }] });
  assert.deepEqual((await there.event('visitors_claimed'))[4], { claims: [{ by: 'alpha', count: 2 }] });
  const { headers } = await request(b.target, `/raw/${hash}`, { method: 'HEAD' });
  assert.equal(headers['whilst-holders'], '1');
  const stock = await connectClient(b.url);
  await stock.join(`have:${hash}`);
  assert.deepEqual((await stock.event('visitors_count'))[4], { count: 2 });
  await stock.quiet();
});

test('people see it beside their own count, and are not told to close the tab for it', async (t) => {
  const { a, b } = await bothFor(t);
  const browser = await startBrowser();
  t.after(() => browser.close());
  const maker = await Visitor.open(t, browser, `${a.url}/`);
  const text = 'Put up at alpha, read at beta.\n';
  const hash = await maker.putUp(text);
  const reader = await Visitor.open(t, browser, `${b.url}/${hash}`);
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  const claimed = (page) => page.evaluate(() => document.getElementById('claimed').textContent);
  await until(async () => (await claimed(maker.page)) === '1 elsewhere, says beta', 'a claim at alpha');
  await until(async () => (await claimed(reader.page)) === '1 elsewhere, says alpha', 'a claim at beta');
  await maker.untilCount(1);
  await reader.untilCount(1);
});

test('a refused page crosses in neither direction', async (t) => {
  const sites = await sitesFor(t);
  const list = join(sites.folder, 'deny');
  writeFileSync(list, `${sha256('refused')}\n`);
  const a = await node(t, sites.alpha, 'one', [...beside('beta', 'both'), '--deny-file', list]);
  const second = await node(t, sites.alpha, 'two', ['--federate', 'no']);
  const b = await node(t, sites.beta, 'one', beside('alpha', 'both'));
  const near = await holdPage(second.url, 'refused');
  const far = await holdPage(b.url, 'refused');
  await holdPage(second.url, 'not refused');
  await untilGets(b, 'not refused');
  await far.client.close();
  assert.equal((await get(b, sha256('refused'))).status, 404);
  assert.equal((await get(a, sha256('refused'))).status, 451);
  assert.equal(near.asked + far.asked, 0);
});

test('the line is cut and healed: each serves its own meanwhile', async (t) => {
  const { a, b, line } = await bothFor(t);
  await holdPage(a.url, 'there');
  await untilGets(b, 'there');
  line.cut();
  await holdPage(b.url, 'here');
  await assertGets(b, 'here');
  // All are asked for before the first is given up, and each makes the rest twice as long.
  const silent = await Promise.all(['there', 'first', 'second', 'third', 'fourth'].map((page) => get(b, sha256(page))));
  for (const { status } of silent) assert.notEqual(status, 200);
  await until(async () => (await number(b, 'rests', 'alpha')) === 1, 'a rest');
  const asked = await number(b, 'wants_total', 'alpha');
  assert.equal((await get(b, sha256('nobody has it'))).status, 404);
  assert.equal(await number(b, 'wants_total', 'alpha'), asked, 'a partner that rests is not asked');
  line.mend();
  await untilGets(b, 'there');
});

test('the table of metrics is that of /metrics', async (t) => {
  const { a } = await bothFor(t);
  const { types } = readExposition((await request(a.target, '/metrics')).body.toString());
  const told = [...types].filter(([name]) => name.startsWith('whilst_partner_'));
  const rows = [...README.matchAll(/^\| `(whilst_partner_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => [name, type]);
  assert.deepEqual(rows, told);
});

// ---- strangers ----

test('who has no certificate, another authority\'s or another name is refused', async (t) => {
  const { alpha, leaf, folder, folders, ca } = await sitesFor(t);
  const others = authority(join(folder, 'others'));
  const strangers = {
    'no certificate': [folders.beta, (text) => text.replace(/^ *(cert|key)_file.*\n/gm, '')],
    'another authority': [certify(join(folder, 'foreign'), others, 'nats.beta.example'), (text) => text.replace(/ca_file: ".*"/, `ca_file: "${ca}/partners.pem"`)],
    'another name': [certify(join(folder, 'gamma'), ca, 'nats.gamma.example'), (text) => text],
  };
  for (const [what, [own, change]] of Object.entries(strangers)) {
    const [port] = await freePorts(1);
    const stranger = await new Site(t, port, change(betaFile(port, leaf, own))).start();
    const before = alpha.log.length;
    await until(() => /TLS \w* ?handshake error|[Aa]uthorization [Vv]iolation|authentication error/.test(alpha.log.slice(before) + stranger.log), () => `${what}: ${alpha.log}${stranger.log}`);
    assert.doesNotMatch(stranger.log, /Registered OK/, what);
    await stranger.kill();
  }
});

// ---- a partner that is none ----

// A bare client of NATS in the account that stands for alpha at beta: it says to alpha whatever it likes.
class Mallory {
  constructor(site) {
    this.messages = [];
    this.socket = connect(site.port, '127.0.0.1');
    this.socket.on('error', () => {});
    let text = Buffer.alloc(0);
    this.socket.on('data', (bytes) => {
      text = Buffer.concat([text, bytes]);
      for (;;) {
        const end = text.indexOf('\r\n');
        if (end < 0) return;
        const words = text.toString('latin1', 0, end).split(' ');
        if (words[0] === 'PING') this.socket.write('PONG\r\n');
        const size = words[0] === 'MSG' ? Number(words.at(-1)) + 2 : 0;
        if (text.length < end + 2 + size) return;
        if (size) this.hear(words[1], text.subarray(end + 2, end + size));
        text = text.subarray(end + 2 + size);
      }
    });
    this.socket.write('CONNECT {"verbose":false,"user":"mallory","pass":"m","echo":false}\r\nSUB > 1\r\nPING\r\n');
  }

  hear(subject, bytes) {
    const message = { subject, bytes: Buffer.from(bytes) };
    this.messages.push(message);
    this.answer?.(message);
  }

  say(subject, bytes) {
    return this.socket.write(Buffer.concat([Buffer.from(`PUB ${subject} ${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]));
  }
}

// Until what is said at home to beta arrives: who listens there is known here a moment later.
async function untilHears(mallory, site) {
  const home = connect(site.port, '127.0.0.1').on('error', () => {});
  home.write('CONNECT {"verbose":false,"user":"whilst","pass":"change-me"}\r\n');
  await until(() => {
    home.write('PUB t.beta.hello 0\r\n\r\n');
    return mallory.messages.some(({ subject }) => subject === 'whilst.alpha.hello');
  }, 'a word from home');
  home.destroy();
}

async function malloryFor(t) {
  const sites = await sitesFor(t, (text) => replace(text, [['  ALPHA {', '  ALPHA {\n    users: [{ user: mallory, password: "m" }]']]));
  const nodes = [];
  for (const name of ['one', 'two']) nodes.push(await node(t, sites.alpha, name, beside('beta', 'both')));
  for (const one of nodes) await until(async () => (await one.metrics()).whilst_bus_nodes === 1, 'the other node');
  const mallory = new Mallory(sites.beta);
  t.after(() => mallory.socket.destroy());
  await untilHears(mallory, sites.alpha);
  return { ...sites, nodes, mallory };
}

const number64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

const order = (request_number, hash) =>
  Buffer.concat([Buffer.from([0x1d]), number64(7), number64(request_number), Buffer.from('0010000000000004', 'hex'), hash]);

async function assertHomeWorks([one, two]) {
  const page = randomBytes(30_000);
  const held = await holdPage(two.url, page);
  await untilGets(one, page);
  await held.client.close();
}

test('home\'s own words do not cross, and mean nothing when they are said there', async (t) => {
  const { nodes, mallory } = await malloryFor(t);
  const [one] = nodes;
  const page = 'held at home';
  const { hash } = await holdPage(one.url, page);
  const b64 = Buffer.from(hash, 'hex').toString('base64url');
  const before = await one.metrics();
  const cell = Buffer.concat([Buffer.from([0x11]), number64(9), number64(9), number64(9), Buffer.from('000003e800000000000003e8', 'hex')]);
  for (const subject of ['hb', `p.${b64}`, `w.${b64}`, `f.beta.p.${b64}`, 't.beta.c']) mallory.say(subject, cell);
  mallory.say('whilst.beta.c', cell);
  const refused = 'whilst_partner_refusals_total{partner="beta",reason="partner_message"}';
  for (const each of nodes) await until(async () => (await each.metrics())[refused] === 1, 'a refusal');
  const after = await one.metrics();
  assert.equal(after.whilst_bus_nodes, 1);
  assert.equal(after['whilst_refusals_total{reason="bus_message"}'], before['whilst_refusals_total{reason="bus_message"}']);
  await assertHomeWorks(nodes);
  assert.deepEqual(mallory.messages.filter(({ subject }) => !subject.startsWith('whilst.alpha.')), []);
});

test('a flood: home keeps its pace, the partner is not listened to, and is heard again when it stops', async (t) => {
  const { nodes, mallory } = await malloryFor(t);
  let flooding = true;
  let said = 0;
  const flood = async () => {
    while (flooding) {
      for (let i = 0; i < 200; i += 1) {
        said += 1;
        mallory.say('whilst.beta.w', order(said, randomBytes(32)));
        mallory.say('whilst.beta.c', randomBytes(20));
      }
      await new Promise((done) => setImmediate(done));
      if (mallory.socket.writableLength > 1 << 20) await new Promise((done) => mallory.socket.once('drain', done));
    }
  };
  const flooded = flood();
  const deaf = (each) => /warn partner_deaf partner=beta/.test(each.errors);
  for (const each of nodes) await until(() => deaf(each), 'a line');
  for (let i = 0; i < 10; i += 1) await assertHomeWorks(nodes);
  for (const each of nodes) {
    // What was on its way when a node stopped to listen is received; what is said from then on is not.
    await until(async () => (await number(each, 'received_total', 'beta')) < said / 2, 'most of it not even to be received');
    const metrics = await each.metrics();
    assert.ok(metrics.whilst_pages <= 64, `${metrics.whilst_pages} pages`);
    assert.equal(metrics['whilst_bus_ends_total{reason="lost"}'], 0);
  }
  flooding = false;
  await flooded;
  const { hash } = await holdPage(nodes[0].url, 'for whoever asks nicely');
  let request_number = 1_000_000;
  await until(() => {
    mallory.say('whilst.beta.w', order((request_number += 1), Buffer.from(hash, 'hex')));
    return mallory.messages.some(({ bytes }) => bytes.includes('for whoever asks nicely'));
  }, 'to be heard again');
});

test('lies, silence and pages that nobody takes', async (t) => {
  const { nodes, mallory } = await malloryFor(t);
  const [one] = nodes;
  const inbox = ({ bytes }) => `whilst.beta.i.${bytes.toString('hex', 1, 9)}.${bytes.toString('hex', 9, 17)}`;
  mallory.answer = (message) => {
    if (!message.subject.endsWith('.w')) return;
    const chunk = Buffer.concat([Buffer.from([0x16]), number64(7), Buffer.from('0000000000000004', 'hex'), Buffer.from('lies')]);
    mallory.say(inbox(message), chunk);
  };
  assert.equal((await get(one, sha256('the truth'))).status, 502);
  assert.equal((await one.metrics())['whilst_refusals_total{reason="partner_bytes"}'], 1);
  mallory.answer = undefined;
  await until(async () => (await number(one, 'rests', 'beta')) === 0, 'the end of the rest');
  assert.equal((await get(one, sha256('silence'))).status, 504);
  const page = randomBytes(1 << 20);
  const held = await holdPage(one.url, page);
  let asked = 0;
  const refused = async () => {
    for (let i = 0; i < 20; i += 1) mallory.say('whilst.beta.w', order((asked += 1), Buffer.from(held.hash, 'hex')));
    const all = await Promise.all(nodes.map((each) => each.metrics()));
    return all.some((metrics) => metrics['whilst_partner_refusals_total{partner="beta",reason="partner_rate"}'] > 0);
  };
  await until(refused, 'a refusal');
  await assertHomeWorks(nodes);
});
