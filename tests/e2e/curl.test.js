// curl, as anybody would use it: directly, and through nginx.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { holdPage, sha256 } from './client.js';
import { answerOf, curl } from './curl.js';
import { startNginx } from './proxies.js';
import { startServer } from './server.js';
import { until, within } from './wait.js';

const TEXT = 'curl me: ünïcödé 永遠 🙂\n';
const HTML = '<!doctype html><script>alert(1)</script><p>not run';
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), randomBytes(500)]);
const NOISE = Buffer.concat([Buffer.from([0xff, 0xfe, 0x00, 0x01]), randomBytes(500)]);
const LARGE = randomBytes(1 << 20);
const NOBODY = sha256('a page that nobody holds');

let server;
let nginx;
const holders = {};
before(async () => {
  server = await startServer({ args: ['--trusted-proxy', '127.0.0.1'] });
  nginx = await startNginx(server);
  for (const [name, bytes] of Object.entries({ TEXT, HTML, PNG, NOISE, LARGE, EMPTY: '' })) {
    holders[name] = await holdPage(server.url, bytes);
  }
});
after(async () => {
  for (const { client } of Object.values(holders)) await client.close();
  await nginx?.stop();
  await server?.stop();
});

const digest = (hash) => `sha-256=:${Buffer.from(hash, 'hex').toString('base64')}:`;
const asks = async () => (await server.metrics()).whilst_asks_total;

for (const [way, address] of [['directly', () => server.url], ['through nginx', () => nginx.url]]) {
  describe(way, () => {
    for (const name of ['TEXT', 'HTML', 'PNG', 'NOISE', 'LARGE', 'EMPTY']) {
      test(`the bytes of ${name}, by hash and by /raw/`, async () => {
        const { hash } = holders[name];
        for (const path of [`/${hash}`, `/raw/${hash}`]) {
          const { code, output } = await curl('--fail', address() + path);
          assert.equal(code, 0);
          assert.equal(sha256(output), hash, path);
        }
      });
    }

    test('the headers of bytes', async () => {
      const { hash } = holders.TEXT;
      const { status, headers, body } = await answerOf(`${address()}/${hash}`);
      assert.equal(status, 200);
      assert.equal(body.toString(), TEXT);
      assert.equal(headers['repr-digest'], digest(hash));
      assert.equal(headers.etag, `"sha256-${hash}"`);
      assert.equal(headers['cache-control'], 'no-store, no-transform');
      assert.equal(headers['content-security-policy'], "sandbox; default-src 'none'");
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['content-length'], String(Buffer.byteLength(TEXT)));
      assert.match(headers.vary, /\baccept\b/i);
    });

    const TYPES = {
      TEXT: 'text/plain;charset=utf-8',
      HTML: 'text/plain;charset=utf-8',
      EMPTY: 'text/plain;charset=utf-8',
      PNG: 'image/png',
      NOISE: 'application/octet-stream',
    };
    for (const [name, type] of Object.entries(TYPES)) {
      test(`the type of ${name} is ${type}`, async () => {
        const { headers } = await answerOf(`${address()}/raw/${holders[name].hash}`);
        assert.equal(headers['content-type'].replace('; ', ';'), type);
        const attached = /^attachment/.test(headers['content-disposition'] ?? '');
        assert.equal(attached, name === 'NOISE');
      });
    }

    test('with Accept: text/html comes the page that shows pages; nobody is asked', async () => {
      const { hash } = holders.TEXT;
      const earlier = await asks();
      const { status, headers, body } = await answerOf(
        ...['--header', 'Accept: text/html'],
        `${address()}/${hash}`,
      );
      assert.equal(status, 200);
      assert.match(headers['content-type'], /^text\/html/);
      assert.match(body.toString(), /^<!doctype html>/i);
      assert.equal(await asks(), earlier);
    });

    test('HEAD: 200 for a held page, 404 for another; nobody is asked', async () => {
      const earlier = await asks();
      for (const [hash, expected] of [[holders.PNG.hash, 200], [NOBODY, 404]]) {
        for (const path of [`/${hash}`, `/raw/${hash}`]) {
          const { status, body } = await answerOf('--head', address() + path);
          assert.equal(status, expected, path);
          assert.equal(body.length, 0);
        }
      }
      assert.equal(await asks(), earlier);
    });

    test('304 for whoever has the page already; nobody is asked, nobody need hold it', async () => {
      const earlier = await asks();
      for (const hash of [holders.TEXT.hash, NOBODY]) {
        for (const etag of [`"sha256-${hash}"`, `W/"sha256-${hash}"`, `"x", "sha256-${hash}"`]) {
          const header = `If-None-Match: ${etag}`;
          const { status, body } = await answerOf('--header', header, `${address()}/raw/${hash}`);
          assert.equal(status, 304, header);
          assert.equal(body.length, 0);
        }
      }
      assert.equal(await asks(), earlier);
      const other = `If-None-Match: "sha256-${NOBODY}"`;
      const url = `${address()}/raw/${holders.TEXT.hash}`;
      assert.equal((await answerOf('--header', other, url)).status, 200);
    });

    test('404 with Retry-After when nobody holds the page; --fail makes curl fail', async () => {
      const { status, headers } = await answerOf(`${address()}/${NOBODY}`);
      assert.equal(status, 404);
      assert.match(headers['retry-after'], /^\d+$/);
      assert.equal((await curl('--fail', `${address()}/${NOBODY}`)).code, 22);
    });

    test('upper case leads to the same page', async () => {
      const { hash } = holders.TEXT;
      const url = `${address()}/${hash.toUpperCase()}`;
      const moved = await answerOf('--header', 'Accept: text/html', url);
      assert.equal(moved.status, 308);
      assert.equal(new URL(moved.headers.location, address()).href, `${address()}/${hash}`);
      const { output } = await curl('--location', url);
      assert.equal(sha256(output), hash);
    });

    test('several at once on one connection', async () => {
      const urls = ['TEXT', 'PNG', 'LARGE', 'NOISE'].map((name) => `${address()}/${holders[name].hash}`);
      const { code, output } = await curl('--fail', ...urls);
      assert.equal(code, 0);
      assert.equal(sha256(output), sha256(Buffer.concat([Buffer.from(TEXT), PNG, LARGE, NOISE])));
    });

    test('ten readers of one page at once', async () => {
      const { hash } = holders.LARGE;
      const readers = Array.from({ length: 10 }, () => curl('--fail', `${address()}/${hash}`));
      for (const { output } of await Promise.all(readers)) assert.equal(sha256(output), hash);
    });
  });
}

describe('holders that fail', () => {
  test('502 when every holder lies', async () => {
    const liars = [await holdPage(server.url, 'the truth'), await holdPage(server.url, 'the truth')];
    for (const liar of liars) liar.answer = Buffer.from('a lie');
    const { status, body } = await answerOf(`${server.url}/${liars[0].hash}`);
    assert.equal(status, 502);
    assert.ok(!body.includes('a lie'));
    assert.deepEqual(liars.map(({ asked }) => asked), [1, 1]);
    for (const { client } of liars) await client.close();
  });

  test('an honest holder beside a liar is found', async () => {
    const liar = await holdPage(server.url, 'the truth again');
    liar.answer = Buffer.from('a lie');
    const honest = await holdPage(server.url, 'the truth again');
    const { code, output } = await curl('--fail', `${server.url}/${liar.hash}`);
    assert.equal(code, 0);
    assert.equal(output.toString(), 'the truth again');
    for (const { client } of [liar, honest]) await client.close();
  });

  test('504 when the holders do not answer', async () => {
    const silent = await holdPage(server.url, 'silence');
    silent.answer = null;
    const { status } = await answerOf(`${server.url}/${silent.hash}`);
    assert.equal(status, 504);
    await silent.client.close();
  });

  test('404 when the last holder leaves while it is asked', async () => {
    const leaver = await holdPage(server.url, 'gone');
    leaver.answer = null;
    const asked = new Promise((resolve) => leaver.client.socket.on('message', (data, binary) => {
      if (!binary && JSON.parse(data.toString())[3] === 'content_request') resolve();
    }));
    const answer = answerOf(`${server.url}/${leaver.hash}`);
    await within(asked, 'the request');
    await leaver.client.close();
    assert.equal((await answer).status, 404);
  });

  test('a reader that goes away in the middle leaves nothing behind', async () => {
    const silent = await holdPage(server.url, 'slow');
    silent.answer = null;
    const { code } = await curl('--max-time', '1', `${server.url}/${silent.hash}`);
    assert.equal(code, 28);
    const idle = async () => {
      const { whilst_fetches: fetches, whilst_seekers: seekers } = await server.metrics();
      return fetches === 0 && seekers === 0;
    };
    await until(idle, 'no fetch and no seeker');
    await silent.client.close();
  });
});
