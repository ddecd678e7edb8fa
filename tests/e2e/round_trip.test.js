// A hundred files of any bytes, from nothing to the limit: whoever holds one, and whoever asks,
// a browser, the command line or curl, the bytes are the same.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startBrowser } from './browser.js';
import { directory, run, start } from './cli.js';
import { sha256 } from './client.js';
import { curl, put } from './curl.js';
import { request } from './http.js';
import { serverFor } from './server.js';
import { until } from './wait.js';

const FILES = 100;
const LIMIT = 1 << 20;
const SEED = 'a hundred files';

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser?.close());

// Bytes that only look like chance: the same in each run.
function bytesOf(index, size) {
  const parts = [];
  for (let have = 0, block = 0; have < size; have += 64, block += 1) {
    parts.push(createHash('sha512').update(`${SEED} ${index} ${block}`).digest());
  }
  return Buffer.concat(parts).subarray(0, size);
}

// Small ones mostly; the first are what is most likely to be forgotten.
function sizeOf(index) {
  const edges = [0, 1, 2, LIMIT, LIMIT - 1, 125, 126, 127, 65_535, 65_536, 32_768, 4_096];
  if (index < edges.length) return edges[index];
  const chance = createHash('sha256').update(`${SEED} ${index}`).digest().readUInt32LE() / 2 ** 32;
  return Math.floor(2 ** (chance * 19));
}

async function openLibrary(t, server) {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${server.url}/`);
  await page.evaluate(async () => {
    const { connect } = await import('/-/client/whilst.js');
    const whilst = connect(`${location.origin}/`);
    const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    globalThis.hold = async (text) => (await whilst.share(decode(text))).hash;
    globalThis.take = async (hash) => encode(await whilst.get(hash));
  });
  return {
    hold: (bytes) => page.evaluate((text) => globalThis.hold(text), bytes.toString('base64')),
    take: async (hash) => Buffer.from(await page.evaluate((name) => globalThis.take(name), hash), 'base64'),
  };
}

async function isHeld(server, hash) {
  return (await request(server.target, `/raw/${hash}`, { method: 'HEAD' })).status === 200;
}

test('a hundred files go around', async (t) => {
  const server = await serverFor(t);
  const place = directory(t);
  const library = await openLibrary(t, server);
  const files = Array.from({ length: FILES }, (_, index) => {
    const bytes = bytesOf(index, sizeOf(index));
    const path = join(place, `${index}`);
    writeFileSync(path, bytes);
    return { index, bytes, path, hash: sha256(bytes), from: index % 3, to: Math.floor(index / 3) % 3 };
  });

  const ofBrowser = files.filter((file) => file.from === 0);
  for (const { bytes, hash } of ofBrowser) assert.equal(await library.hold(bytes), hash);

  const ofProgram = files.filter((file) => file.from === 1);
  const sharing = start(t, ['share', '--server', server.url, ...ofProgram.map((file) => file.path)]);
  const addresses = await sharing.printed(ofProgram.length);
  ofProgram.forEach(({ hash }, i) => assert.ok(addresses[i].includes(`/${hash}`), addresses[i]));

  const takers = [
    ({ hash }) => library.take(hash),
    async ({ hash, index }) => {
      const copy = join(place, `copy-${index}`);
      const { code, errors } = await run(t, ['get', '--server', server.url, hash, '-o', copy]);
      assert.equal(code, 0, errors);
      return readFileSync(copy);
    },
    async ({ hash }) => {
      const { code, output, errors } = await curl('--fail', `${server.url}/${hash}`);
      assert.equal(code, 0, errors);
      return output;
    },
  ];
  for (const file of files) {
    const upload = file.from === 2 ? put(file.path, `${server.url}/${file.hash}`) : null;
    await until(() => isHeld(server, file.hash), `file ${file.index} to be held`);
    const got = await takers[file.to](file);
    assert.equal(sha256(got), file.hash, `file ${file.index} of ${file.bytes.length} bytes`);
    if (upload !== null) assert.equal((await upload).status, 201, `file ${file.index}`);
  }
  assert.equal(await sharing.end(), 0);
});
