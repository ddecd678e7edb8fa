// The addresses, their status codes and their headers, where no page's bytes are needed.
// What curl makes of the bytes is in curl.test.js.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { startServer } from './server.js';

const NOBODY = sha256('a page that nobody holds');

// RFC 4648, section 6, without padding.
function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.replace(/.{1,5}/g, (five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five.padEnd(5, '0'), 2)]);
}
const HTML = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

let server;
let holder;
before(async () => {
  server = await startServer();
  holder = await holdPage(server.url, 'held for the headers\n');
});
after(async () => {
  await holder?.client.close();
  await server?.stop();
});

const get = (path, headers = {}) => request(server.target, path, { headers });

// "default-src 'none'; img-src blob: data:" as {'default-src': ["'none'"], …}.
function directives(policy) {
  const entries = policy.split(';').map((part) => part.trim().split(/\s+/));
  return Object.fromEntries(entries.map(([name, ...sources]) => [name, sources.sort()]));
}

const words = (text) => text.split(' ').filter(Boolean).sort();

function assertDirectives(policy, expected) {
  const actual = directives(policy);
  for (const [name, sources] of Object.entries(expected)) {
    assert.deepEqual(actual[name], words(sources), `${name} in: ${policy}`);
  }
}

function assertHeaders(headers, expected) {
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(headers[name], value, name);
  }
}

const EVERYWHERE = { 'x-content-type-options': 'nosniff', 'set-cookie': undefined };

describe('our own documents', () => {
  const DOCUMENTS = [
    ['the page to make pages with', () => '/', {}],
    ['the page that shows a page', () => `/${holder.hash}`, HTML],
    ['the page that shows a page nobody holds', () => `/${NOBODY}`, HTML],
  ];
  for (const [what, path, headers] of DOCUMENTS) {
    test(what, async () => {
      const answer = await get(path(), headers);
      assert.equal(answer.status, 200);
      assertHeaders(answer.headers, {
        ...EVERYWHERE,
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'origin-agent-cluster': '?1',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex, nofollow',
      });
      assert.match(answer.headers['permissions-policy'], /camera=\(\).*microphone=\(\).*geolocation=\(\)/);
      assert.match(answer.headers['permissions-policy'], /clipboard-write=\(self\)/);
    });

    test(`${what}: what its policy allows`, async () => {
      const policy = (await get(path(), headers)).headers['content-security-policy'];
      assertDirectives(policy, {
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'img-src': "'self' blob: data:",
        'media-src': "'self' blob:",
        'worker-src': "'self'",
        'object-src': "'none'",
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
        'require-trusted-types-for': "'script'",
        'trusted-types': 'whilst',
      });
      const { 'frame-src': frames, 'connect-src': connections } = directives(policy);
      assert.equal(frames.length, 1);
      assert.match(frames[0], /\/-\/frame\/$/, 'the frames alone, not the whole origin');
      assert.ok(connections.includes("'self'"));
      const own = new RegExp(`^('self'|wss?://${server.host.replaceAll('.', '\\.')})$`);
      for (const source of connections) assert.match(source, own);
    });
  }

  test('Accept decides, and says that it does', async () => {
    const answers = [await get(`/${holder.hash}`, HTML), await get(`/${holder.hash}`)];
    for (const { headers } of answers) assert.match(headers.vary, /\baccept\b/i);
    assert.match(answers[0].headers['content-type'], /^text\/html/);
    assert.match(answers[1].headers['content-type'], /^text\/plain/);
  });

  test('what the documents refer to is there', async () => {
    for (const path of ['/', `/${NOBODY}`]) {
      const html = (await get(path, HTML)).body.toString();
      const links = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1]);
      const files = links.filter((link) => !/^(https?:|mailto:|data:)/.test(link));
      assert.ok(files.some((link) => link.endsWith('.js')), `a script among ${files}`);
      for (const link of files) {
        const { pathname } = new URL(link, `${server.url}${path}`);
        const { status, headers } = await get(pathname, HTML);
        assert.equal(status, 200, pathname);
        assert.equal(headers['x-content-type-options'], 'nosniff', pathname);
      }
    }
  });

  test('precompressed forms, told apart by ETag and Vary', async () => {
    for (const encoding of ['gzip', 'br']) {
      const { headers } = await get('/', { 'Accept-Encoding': encoding });
      if (headers['content-encoding'] === undefined) continue;
      assert.equal(headers['content-encoding'], encoding);
      assert.match(headers.vary, /accept-encoding/i);
    }
    assert.equal((await get('/', {})).headers['content-encoding'], undefined);
  });

  test('a document that has not changed is not sent again', async () => {
    const { etag } = (await get('/')).headers;
    assert.match(etag, /^(W\/)?"[^"]+"$/);
    const again = await get('/', { 'If-None-Match': etag });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
    assert.ok(again.headers['content-security-policy'] || again.headers.etag === etag);
  });
});

describe('the frames for strangers\' pages', () => {
  const SANDBOX = 'allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox';
  const COMMON = {
    sandbox: SANDBOX,
    'default-src': "'none'",
    'style-src': "'unsafe-inline' blob: data:",
    'img-src': 'blob: data:',
    'media-src': 'blob: data:',
    'font-src': 'blob: data:',
    'connect-src': 'blob: data:',
    'frame-src': "'none'",
    'worker-src': 'blob:',
    'object-src': "'none'",
    'form-action': "'none'",
    'base-uri': "'none'",
    'frame-ancestors': "'self'",
  };

  test('static: only the bootstrap may run', async () => {
    const { status, headers, body } = await get('/-/frame/static', HTML);
    assert.equal(status, 200);
    assertHeaders(headers, EVERYWHERE);
    assertDirectives(headers['content-security-policy'], COMMON);
    const [script, ...more] = directives(headers['content-security-policy'])['script-src'];
    assert.deepEqual(more, []);
    const bootstrap = /<script>([^]*?)<\/script>/.exec(body.toString())[1];
    const digest = Buffer.from(sha256(bootstrap), 'hex').toString('base64');
    assert.equal(script, `'sha256-${digest}'`);
  });

  test('scripted: scripts run, and reach nothing', async () => {
    const { status, headers } = await get('/-/frame/scripted', HTML);
    assert.equal(status, 200);
    assertHeaders(headers, EVERYWHERE);
    assertDirectives(headers['content-security-policy'], {
      ...COMMON,
      'script-src': "'unsafe-inline' 'unsafe-eval' blob: data:",
    });
  });

  for (const path of ['/-/frame/', '/-/frame/other', '/-/frame/static/x', '/-/frame']) {
    test(`${path} is no frame`, async () => assert.equal((await get(path, HTML)).status, 404));
  }
});

describe('addresses', () => {
  const NOT_THERE = [
    '/nope',
    '/-/nope',
    `/${NOBODY}0`,
    `/${NOBODY.slice(1)}`,
    `/g${NOBODY.slice(1)}`,
    `/raw/${NOBODY.slice(1)}`,
    '/raw/',
    `/${NOBODY}/`,
    '/../etc/passwd',
    '/%2e%2e/etc/passwd',
    '/%00abc',
    '/index.html',
  ];
  for (const path of NOT_THERE) {
    test(`404: ${path}`, async () => {
      const { status, headers, body } = await get(path, HTML);
      assert.equal(status, 404);
      assertHeaders(headers, EVERYWHERE);
      assert.ok(!body.includes(path.slice(1)) || path.length < 4, 'the address is not repeated');
    });
  }

  test('404 with Retry-After for bytes that nobody has', async () => {
    for (const path of [`/${NOBODY}`, `/raw/${NOBODY}`]) {
      const { status, headers } = await get(path);
      assert.equal(status, 404);
      assert.match(headers['retry-after'], /^[1-9]\d*$/);
      assertHeaders(headers, EVERYWHERE);
    }
  });

  test('other ways to write an address are sent to lower case for good', async () => {
    const bytes = Buffer.from(NOBODY, 'hex');
    const base64url = bytes.toString('base64url');
    for (const name of [NOBODY.toUpperCase(), base64url, base32(bytes), base32(bytes).toLowerCase()]) {
      for (const accept of [HTML, {}]) {
        const { status, headers } = await get(`/${name}`, accept);
        assert.equal(status, 308, name);
        assert.equal(new URL(headers.location, server.url).pathname, `/${NOBODY}`);
      }
    }
    // A name with bits left over is another name for nothing.
    assert.equal((await get(`/${base64url.slice(0, -1)}_`)).status, 404);
  });

  test('a page is found by its name of RFC 6920, and says what it is', async () => {
    const holder = await holdPage(server.url, 'a page with a name');
    const name = Buffer.from(holder.hash, 'hex').toString('base64url');
    const { status, headers, body } = await get(`/.well-known/ni/sha-256/${name}`);
    assert.equal(status, 200);
    assert.equal(body.toString(), 'a page with a name');
    assert.equal(headers.link, `</.well-known/ni/sha-256/${name}>; rel="alternate"`);
    await holder.client.drop();
  });

  test('HEAD tells how many hold a page, and asks nobody', async () => {
    const holders = [await holdPage(server.url, 'a page of two'), await holdPage(server.url, 'a page of two')];
    const { status, headers } = await request(server.target, `/${holders[0].hash}`, { method: 'HEAD' });
    assert.equal(status, 200);
    assert.equal(headers['whilst-holders'], '2');
    for (const { client, asked } of holders) {
      assert.equal(asked, 0);
      await client.drop();
    }
  });

  test('HEAD tells the length of a page that was relayed', async () => {
    const holder = await holdPage(server.url, 'a page of known length');
    const head = () => request(server.target, `/${holder.hash}`, { method: 'HEAD' });
    assert.equal((await head()).headers['content-length'], undefined);
    await get(`/${holder.hash}`);
    assert.equal((await head()).headers['content-length'], '22');
    await holder.client.drop();
  });

  const METHODS = ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
  for (const method of METHODS) {
    test(`405: ${method}, with what is allowed`, async () => {
      for (const path of ['/', '/healthz', '/metrics', `/raw/${NOBODY}`, '/-/frame/static']) {
        const { status, headers } = await request(server.target, path, { method });
        assert.equal(status, 405, `${method} ${path}`);
        assert.match(headers.allow, /\bGET\b/, `${method} ${path}`);
      }
    });
  }

  test('HEAD is answered like GET, without a body', async () => {
    for (const path of ['/', '/healthz', '/-/frame/static', `/${NOBODY}`]) {
      const [whole, head] = [
        await get(path, HTML),
        await request(server.target, path, { method: 'HEAD', headers: HTML }),
      ];
      assert.equal(head.status, whole.status, path);
      assert.equal(head.body.length, 0, path);
      assert.equal(head.headers['content-type'], whole.headers['content-type'], path);
    }
  });
});
