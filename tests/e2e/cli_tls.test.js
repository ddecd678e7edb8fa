// The client commands over TLS: certificates are checked, and nothing is said to a stranger.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { certificate } from './certificate.js';
import { directory, run, start } from './cli.js';
import { sha256 } from './client.js';
import { serverFor } from './server.js';

// What a proxy that ends TLS does. `heard` counts bytes that were said inside it.
async function tlsFor(t, server, { key, cert }, options = {}) {
  const proxy = createServer({ key, cert, ...options }, (outer) => {
    const inner = connect(server.port, '127.0.0.1');
    outer.on('data', (bytes) => (proxy.heard += bytes.length));
    outer.pipe(inner).pipe(outer);
    for (const socket of [outer, inner]) socket.on('error', () => (outer.destroy(), inner.destroy()));
  });
  proxy.heard = 0;
  proxy.on('tlsClientError', () => {});
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  proxy.url = (host) => `https://${host}:${proxy.address().port}`;
  return proxy;
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`${version}: a page of a mebibyte goes up and down`, async (t) => {
    const server = await serverFor(t);
    const folder = directory(t);
    const pair = certificate(folder, 'IP:127.0.0.1,DNS:localhost');
    const proxy = await tlsFor(t, server, pair, { minVersion: version, maxVersion: version });
    const bytes = randomBytes(1 << 20);
    writeFileSync(join(folder, 'a'), bytes);
    const trust = ['--ca-file', pair.path];
    const sharing = start(t, ['share', '--server', proxy.url('127.0.0.1'), ...trust, join(folder, 'a')]);
    const [url] = await sharing.printed(1);
    assert.equal(url, `${proxy.url('127.0.0.1')}/${sha256(bytes)}`);
    const got = await run(t, ['get', url.replace('https', 'wss').replace('127.0.0.1', 'localhost'), ...trust]);
    assert.equal(got.code, 0, got.errors);
    assert.equal(sha256(got.output), sha256(bytes));
    assert.equal(await sharing.end(), 0);
  });
}

test('whoever cannot be trusted is told nothing: 5', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const own = certificate(folder, 'DNS:localhost');
  const proxy = await tlsFor(t, server, own);
  const hash = sha256('secret');
  for (const [host, trust, wanted] of [
    ['localhost', [], /self-signed/],
    ['127.0.0.1', ['--ca-file', own.path], /mismatch/],
  ]) {
    const { code, errors } = await run(t, ['get', `${proxy.url(host)}/${hash}`, ...trust]);
    assert.equal(code, 5);
    assert.match(errors, wanted);
    assert.match(errors, /^whilst: [^\n]+\n$/);
  }
  assert.equal(proxy.heard, 0);
  const plain = await run(t, ['get', `https://${server.host}/${hash}`]);
  assert.equal(plain.code, 5, plain.errors);
  const bad = await run(t, ['get', `${proxy.url('localhost')}/${hash}`, '--ca-file', join(folder, 'key.pem')]);
  assert.equal(bad.code, 2);
  assert.match(bad.errors, /--ca-file/);
});

test('TLS below 1.2 is refused', async (t) => {
  const server = await serverFor(t);
  const pair = certificate(directory(t), 'DNS:localhost');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  const proxy = await tlsFor(t, server, pair, old);
  const { code } = await run(t, ['get', `${proxy.url('localhost')}/${sha256('a')}`, '--ca-file', pair.path]);
  assert.equal(code, 5);
  assert.equal(proxy.heard, 0);
});
