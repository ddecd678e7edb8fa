// kill -9 in the middle of everything, and a new server in the old one's place: holders come
// back by themselves and bring their pages with them, and no byte is ever wrong.

import assert from 'node:assert/strict';
import { randomBytes, webcrypto } from 'node:crypto';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { connect } from '../../static/whilst.js';
import { sha256 } from './client.js';
import { request } from './http.js';
import { joined, socketFor } from './phoenix.js';
import { startServer } from './server.js';
import { SOAK, until, within } from './wait.js';

const ROUNDS = SOAK ? 1_000 : 6;
const SEEKERS = 4;
const BINARY = randomBytes(1 << 20);
const TEXT = 'a page of text, held by the stock client\n'.repeat(12_000);

// In a browser an error that nobody listens to harms nobody.
class Socket extends WebSocket {
  constructor(...args) {
    super(...args);
    this.on('error', () => {});
  }
}

const whilst = (server) =>
  connect(server.url, { WebSocket: Socket, crypto: webcrypto, random: () => 0 });

async function holdAsStockClient(t, server) {
  const hash = sha256(TEXT);
  const channel = await joined(socketFor(t, server), `have:${hash}`, { token: 'the-stock-client' });
  channel.on('content_request', () => channel.push('content', { content: TEXT, hash }, 1_000));
  return { hash, bytes: Buffer.from(TEXT) };
}

async function holdByLibrary(t, server) {
  const client = whilst(server);
  t.after(() => client.close());
  const { hash } = await client.share(BINARY);
  return { hash, bytes: BINARY };
}

let server;
after(() => server?.stop());

// Whole answers and their bytes; those that broke off are nobody's fault.
async function seekOverHttp({ hash, bytes }, seen) {
  const answer = await request(server.target, `/raw/${hash}`).catch(() => null);
  if (answer?.status !== 200) return false;
  assert.ok(answer.body.equals(bytes), 'wrong bytes over HTTP');
  seen.whole += 1;
  return true;
}

async function seekByLibrary({ hash, bytes }, seen, clients) {
  const client = whilst(server);
  clients.push(client);
  client.on('wrong_bytes', () => (seen.wrong += 1));
  const body = await client.get(hash).catch(() => null);
  if (!body) return;
  assert.ok(Buffer.from(body).equals(bytes), 'wrong bytes over WebSocket');
  seen.whole += 1;
}

test(`${ROUNDS} kills at random moments: pages live, and no byte is wrong`, async (t) => {
  server = await startServer({ returns: true });
  const listen = [server.host];
  const pages = [await holdByLibrary(t, server), await holdAsStockClient(t, server)];
  const seen = { whole: 0, wrong: 0, back_ms: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const clients = [];
    const seeking = [];
    for (let i = 0; i < SEEKERS; i += 1) {
      seeking.push(seekOverHttp(pages[i % 2], seen), seekByLibrary(pages[i % 2], seen, clients));
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    await server.kill();
    const killed = Date.now();
    server = await startServer({ listen });
    for (const page of pages) {
      await until(() => seekOverHttp(page, seen), 'the page to be there again');
    }
    seen.back_ms.push(Date.now() - killed);
    // Those that were seeking still are, and are served now.
    await within(Promise.all(seeking), 'the seekers to be served');
    clients.forEach((client) => client.close());
    await until(async () => (await server.metrics()).whilst_holders === 2, 'both holders');
  }
  assert.equal(seen.wrong, 0);
  const sorted = seen.back_ms.sort((a, b) => a - b);
  t.diagnostic(`${ROUNDS} kills, ${seen.whole} pages whole, 0 wrong; both pages back after ` +
    `${sorted[sorted.length >> 1]} ms (median), ${sorted.at(-1)} ms (most), start of the server included`);
});
