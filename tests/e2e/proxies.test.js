// The proxies that docs has files for, each over TLS in front of the server: at the root through
// TCP, and below a path through a unix socket.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startBrowser, trust, Visitor } from './browser.js';
import { certificate } from './certificate.js';
import { directory } from './cli.js';
import { connectClient, holdPage, PATH } from './client.js';
import { request } from './http.js';
import { hearing, joined, socketFor } from './phoenix.js';
import { startProxy } from './proxies.js';
import { serverFor } from './server.js';
import { within } from './wait.js';

let folder;
let pair;
let browser;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'whilst-proxies-'));
  pair = certificate(folder, 'IP:127.0.0.1');
  browser = await startBrowser([trust(pair.cert)]);
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function proxyFor(t, kind, server, options) {
  const proxy = await startProxy(kind, server, { pair, ...options });
  t.after(() => proxy.stop());
  return proxy;
}

// The stock client, through a WebSocket that trusts our certificate.
class Trusting extends WebSocket {
  constructor(url) {
    super(url, { ca: pair.cert });
  }
}

async function makeAndSee(t, proxy, name) {
  const text = `Written through ${name}.\n`;
  const author = await Visitor.open(t, browser, `${proxy.url}/`);
  const hash = await author.putUp(text);
  assert.equal(author.page.url(), `${proxy.url}/${hash}`);
  const reader = await Visitor.open(t, browser, `${proxy.url}/${hash}`);
  await reader.untilState('showing');
  assert.equal(await reader.text(), text);
  await author.untilCount(2);
  await reader.close();
  await author.untilCount(1);
  author.assertNoErrors();
}

for (const kind of ['nginx', 'haproxy', 'caddy']) {
  for (const base of ['', '/pages']) {
    const name = `${kind}, ${base ? 'below a path, to a unix socket' : 'at the root'}`;
    test(`the story through ${name}`, async (t) => {
      const socket = base && join(directory(t), 'socket');
      const listen = base ? ['127.0.0.1:0', `unix:${socket}`] : ['127.0.0.1:0'];
      const server = await serverFor(t, { listen, args: ['--trusted-proxy', '127.0.0.1', '--base-path', base, '--grace', '500'] });
      const proxy = await proxyFor(t, kind, server, { base, socket });

      const bytes = randomBytes(1 << 20);
      const holder = await holdPage(`${proxy.url.replace('https', 'wss')}${PATH}`, bytes, { ca: pair.cert });
      const channel = await joined(socketFor(t, proxy, { transport: Trusting }), `want:${holder.hash}`, { binary: true });
      assert.ok(Buffer.from(await hearing(channel, 'content').next()).equals(bytes));
      const { status, headers, body } = await request(proxy.target, `${base}/raw/${holder.hash}`);
      assert.equal(status, 200);
      assert.ok(body.equals(bytes));
      assert.match(headers['repr-digest'], /^sha-256=:/);
      assert.equal(headers['content-encoding'], undefined);
      assert.equal((await request(proxy.target, `${base}/healthz`)).body.toString(), 'ok\n');
      if (base) assert.notEqual((await request(proxy.target, '/healthz')).body.toString(), 'ok\n');

      await makeAndSee(t, proxy, name);
      await holder.client.close();
    });
  }

  test(`who calls is who ${kind} says, and not what they say themselves`, async (t) => {
    const server = await serverFor(t, { args: ['--trusted-proxy', '127.0.0.1', '--max-per-address', '2'] });
    const proxy = await proxyFor(t, kind, server);
    let spoofed = 0;
    const come = (url, localAddress) => {
      const address = `198.51.100.${(spoofed += 1)}`;
      const claims = { 'X-Forwarded-For': address, Forwarded: `for=${address}` };
      return connectClient(url, { ca: pair.cert, localAddress, headers: claims });
    };
    const isRefused = async (client) => {
      const end = await within(client.closed, 'the end of one too many');
      assert.deepEqual(end, { code: 1013, reason: 'address_connections' });
    };
    // Through the proxy from one address and from another; and past the proxy from a third.
    for (const [url, from] of [[proxy.url, '127.0.0.5'], [proxy.url, '127.0.0.6'], [server.url, '127.0.0.7']]) {
      const clients = [await come(url, from), await come(url, from)];
      await isRefused(await come(url, from));
      for (const client of clients) assert.equal((await client.call('phoenix', 'heartbeat')).status, 'ok');
    }
  });
}

test('who comes without TLS is sent to it', async (t) => {
  const server = await serverFor(t);
  for (const kind of ['nginx', 'haproxy']) {
    const proxy = await proxyFor(t, kind, server);
    const { status, headers } = await request(proxy.plain_target, '/a?b', { headers: { Host: 'whilst.example' } });
    assert.equal(status, 308, kind);
    assert.equal(headers.location, 'https://whilst.example/a?b');
  }
});
