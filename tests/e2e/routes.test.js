// Every address and every status, for its security headers. The addresses are those of the
// server's own table and of the built front end: one that this file does not know fails.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { connectClient, holdPage, PATH, sha256 } from './client.js';
import { handshake, request, Wire } from './http.js';
import { startServer } from './server.js';
import { until } from './wait.js';

const HTML = { Accept: 'text/html' };
const SOURCE = readFileSync(new URL('../../src/net/http.c', import.meta.url), 'utf8');
const NOBODY = sha256('nobody');
const DENIED = sha256('a page that its operator does not like');

let server;
let holder;
let directory;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'whilst-routes-'));
  writeFileSync(join(directory, 'denied'), DENIED);
  server = await startServer({
    args: ['--deny-file', join(directory, 'denied')],
  });
  holder = await holdPage(server.url, 'a page that is held');
});
after(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true });
});

const get = (path, headers = {}, method = 'GET') => request(server.target, path, { headers, method });

// ---- what every answer carries ----

function assertEverywhere(headers, what) {
  const expected = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex, nofollow',
    'set-cookie': undefined,
    server: undefined,
    'x-powered-by': undefined,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value, `${name} of ${what}`);
  assert.match(headers['cross-origin-resource-policy'] ?? '', /^(same|cross)-origin$/, what);
  assert.ok(headers['cache-control'], `Cache-Control of ${what}`);
}

// What may be shown as a document allows nothing by default.
function assertPolicy(headers, what) {
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /(^|; )default-src 'none'(;|$)/, `Content-Security-Policy of ${what}`);
  assert.match(policy, /(^|; )(frame-ancestors '(none|self)'|sandbox)(;|$| )/, `who may frame ${what}`);
}

// ---- the table of routes ----

const ROUTES = {
  '/healthz': [['/healthz', {}, 200]],
  '/readyz': [['/readyz', {}, 200]],
  '/metrics': [['/metrics', {}, 200]],
  '/raw/': [
    ['/raw/', {}, 404],
    [() => `/raw/${holder.hash}`, {}, 200],
    [() => `/raw/${holder.hash}`, { 'If-None-Match': () => `"sha256-${holder.hash}"` }, 304],
    [`/raw/${NOBODY}`, {}, 404],
    [`/raw/${DENIED}`, {}, 451],
  ],
  '/ws/websocket': [[PATH, {}, 400]],
  '/.well-known/ni/sha-256/': [
    ['/.well-known/ni/sha-256/', {}, 404],
    [() => `/.well-known/ni/sha-256/${Buffer.from(holder.hash, 'hex').toString('base64url')}`, {}, 200],
    [`/.well-known/ni/sha-256/${Buffer.from(DENIED, 'hex').toString('base64url')}`, {}, 451],
  ],
};

const values = (headers) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'function' ? value() : value]));

test('the routes of src/net/http.c', async () => {
  const table = /\} routes\[\] = \{([^;]*)\};/.exec(SOURCE)[1];
  const paths = [...table.matchAll(/\{"([^"]+)", \w+\}/g)].map((match) => match[1]);
  assert.deepEqual(paths.sort(), Object.keys(ROUTES).sort(), 'the routes that this test knows');
  for (const [path, headers, status] of Object.values(ROUTES).flat()) {
    const where = typeof path === 'function' ? path() : path;
    for (const method of ['GET', 'HEAD']) {
      const answer = await get(where, values(headers), method);
      assert.equal(answer.status, status, `${method} ${where}`);
      assertEverywhere(answer.headers, where);
      assertPolicy(answer.headers, where);
    }
  }
});

// ---- the front end ----

function files(below) {
  return readdirSync(below, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(below, entry.name)) : [join(below, entry.name)],
  );
}

const addressOf = (file) =>
  ({ 'index.html': '/', 'favicon.svg': '/favicon.ico' })[file] ?? `/${file.replace(/\.html$/, '')}`;

test('everything of the front end', async () => {
  const site = join(dirname(resolve(process.env.WHILST_BINARY)), 'front_end', 'site');
  const names = files(site).filter((file) => !/\.(br|gz)$/.test(file)).map((file) => relative(site, file));
  assert.ok(names.length >= 8, `${names}`);
  for (const name of names) {
    const path = addressOf(name);
    const { status, headers } = await get(path, HTML);
    assertEverywhere(headers, path);
    if (path.startsWith('/-/admin')) {
      assert.equal(status, 404, `${path} is for the operator's address`);
      continue;
    }
    assert.equal(status, 200, path);
    if (/^text\/html/.test(headers['content-type'])) assertPolicy(headers, path);
    else assert.match(headers['content-type'], /^(text\/(javascript|css|plain)|image\/svg\+xml)/, path);
    const again = await get(path, { ...HTML, 'If-None-Match': headers.etag });
    assert.equal(again.status, 304, path);
    assertEverywhere(again.headers, `${path}, 304`);
  }
});

// ---- every status ----

async function rawAnswer(bytes) {
  const wire = new Wire(server.target);
  wire.send(bytes);
  await wire.untilClosed('the answer');
  return readAnswer(wire.text());
}

function readAnswer(text) {
  const [head] = text.split('\r\n\r\n');
  const [first, ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/)).map(([name, value]) => [name.toLowerCase(), value]));
  return { status: Number(first.split(' ')[1]), headers };
}

async function brokenPage(at, answer) {
  const broken = await holdPage(at.url, `broken ${answer}`);
  broken.answer = answer;
  return request(at.target, `/raw/${broken.hash}`);
}

const send = (path, body, headers = {}) => request(server.target, path, { method: 'PUT', headers, body });

// What somebody is answered who holds a page by PUT, which is then sought.
async function heldPage(page, body) {
  const answer = send(`/${sha256(page)}`, body);
  const held = async () => (await get(`/${sha256(page)}`, {}, 'HEAD')).status === 200;
  await until(held, 'the page to be held');
  await get(`/${sha256(page)}`);
  return answer;
}

const STATUSES = {
  200: () => get('/healthz'),
  201: () => heldPage('held', 'held'),
  304: () => get(`/raw/${holder.hash}`, { 'If-None-Match': `"sha256-${holder.hash}"` }),
  308: () => get(`/${holder.hash.toUpperCase()}`),
  400: () => rawAnswer('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
  401: async () => {
    const socketPath = join(directory, 'admin');
    const token = join(directory, 'token');
    writeFileSync(token, 'a-token-that-nobody-guesses-0123456789', { mode: 0o600 });
    const guarded = await startServer({ args: ['--admin', `unix:${socketPath}`, '--admin-token-file', token] });
    const answer = await request({ socketPath }, '/api/status');
    await guarded.stop();
    return answer;
  },
  403: () => handshake(server.target, '/ws/websocket?vsn=1.0.0'),
  404: () => get('/nothing'),
  405: () => get('/', {}, 'POST'),
  408: async () => {
    const hasty = await startServer({ args: ['--answer-timeout', '100'] });
    const silent = new Wire(hasty.target);
    silent.send(`PUT /${NOBODY} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n`);
    await until(async () => (await hasty.metrics()).whilst_holders === 1, 'the page to be held');
    await request(hasty.target, `/${NOBODY}`);
    await silent.untilClosed('the answer');
    await hasty.stop();
    return readAnswer(silent.text());
  },
  411: () => rawAnswer(`PUT /${NOBODY} HTTP/1.1\r\nHost: a\r\n\r\n`),
  413: () => send(`/${NOBODY}`, Buffer.alloc((1 << 20) + 1)),
  422: () => heldPage('the truth', 'a lie'),
  426: () => handshake(server.target, PATH, { 'Sec-WebSocket-Version': '12' }),
  429: async () => {
    const narrow = await startServer({ limits: true, args: ['--max-per-address', '1', '--trusted-proxy', '127.0.0.1'] });
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    const client = await connectClient(narrow.url, { headers });
    const answer = await request(narrow.target, `/${NOBODY}`, { headers });
    await client.close();
    await narrow.stop();
    return answer;
  },
  451: () => get(`/raw/${DENIED}`),
  502: () => brokenPage(server, Buffer.from('something else')),
  503: async () => {
    const full = await startServer({ args: ['--max-connections', '1'] });
    const { hash } = await holdPage(full.url, 'alone');
    const answer = await request(full.target, `/raw/${hash}`);
    await full.stop();
    return answer;
  },
  504: async () => {
    const hasty = await startServer({ args: ['--fetch-timeout', '300', '--answer-timeout', '60000'] });
    const answer = await brokenPage(hasty, null);
    await hasty.stop();
    return answer;
  },
};
test('every status that src/net/http.c knows', async () => {
  const table = /texts\[\] = \{([^;]*)\};/.exec(SOURCE)[1];
  const known = [...table.matchAll(/\{(\d+), "/g)].map((match) => match[1]);
  assert.deepEqual(known.sort(), Object.keys(STATUSES).sort());
  for (const [status, make] of Object.entries(STATUSES)) {
    const answer = await make();
    assert.equal(answer.status, Number(status));
    assertEverywhere(answer.headers, status);
    assertPolicy(answer.headers, status);
  }
});
