// Pages held by PUT, with real curl: directly, and through nginx.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './cli.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { answerOf, curl, put } from './curl.js';
import { request, Wire } from './http.js';
import { refusals } from './metrics.js';
import { startNginx } from './proxies.js';
import { serverFor, startServer } from './server.js';
import { until, UNHURRIED, within } from './wait.js';

const MIB = 1 << 20;
const DENIED = Buffer.from('a page that its operator does not like');

let server;
let nginx;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'whilst-upload-'));
  const deny = join(folder, 'deny');
  writeFileSync(deny, sha256(DENIED));
  server = await startServer({ args: ['--trusted-proxy', '127.0.0.1', '--deny-file', deny, ...UNHURRIED] });
  nginx = await startNginx(server);
});
after(async () => {
  await nginx?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function file(bytes) {
  const path = join(folder, `file${++files}`);
  writeFileSync(path, bytes);
  return path;
}

const holders = async (url) => Number((await answerOf('--head', url)).headers['whilst-holders'] ?? 0);
const held = (url, count = 1) =>
  until(async () => (await holders(url)) === count, `${count} to hold ${url}`);
const counted = async (name, at = server) => (await at.metrics())[`whilst_${name}`];

const head = (hash, size, ...lines) =>
  [`PUT /${hash} HTTP/1.1`, 'Host: a', `Content-Length: ${size}`, ...lines, '', ''].join('\r\n');

for (const [way, address] of [['directly', () => server.url], ['through nginx', () => nginx.url]]) {
  describe(way, () => {
    for (const size of [0, 1, 1000, 65_536, 300_000, MIB]) {
      test(`a page of ${size} bytes is held, handed over once, and gone`, async () => {
        const bytes = randomBytes(size);
        const url = `${address()}/${sha256(bytes)}`;
        const putting = put(file(bytes), url);
        await held(url);
        const { code, output } = await curl('--fail', url);
        assert.equal(code, 0);
        assert.equal(sha256(output), sha256(bytes));
        const { status, body } = await putting;
        assert.equal(status, 201, body.toString());
        assert.equal((await answerOf(url)).status, 404);
      });
    }

    test('wrong bytes: 422 with the word, and 502 for whoever sought', async () => {
      const url = `${address()}/${sha256('the truth')}`;
      const putting = put(file('a lie'), url);
      await held(url);
      const got = await answerOf(url);
      assert.equal(got.status, 502);
      assert.ok(!got.body.includes('a lie'));
      const { status, body } = await putting;
      assert.equal(status, 422);
      assert.match(body.toString(), /^wrong_bytes: /);
    });

    const small = Buffer.from('small');
    const REFUSED = [
      [413, 'larger than a page may be', () => [randomBytes(MIB + 1), `/${sha256('large')}`]],
      [400, 'an address that is no hash', () => [small, '/small.txt']],
      [400, 'a hash that is too short', () => [small, `/${sha256(small).slice(1)}`]],
      [405, 'the page to make pages with', () => [small, '/', '--request-target', '/']],
      [405, 'another address of ours', () => [small, '/healthz']],
      [405, 'an address that is only read', () => [small, `/raw/${sha256(small)}`]],
      [403, 'from another site', () => [small, `/${sha256(small)}`, '--header', 'Origin: http://b.example']],
      [451, 'a page that is refused', () => [DENIED, `/${sha256(DENIED)}`]],
    ];
    for (const [wanted, what, make] of REFUSED) {
      test(`${wanted}: ${what}`, async () => {
        const [bytes, path, ...args] = make();
        const { status, headers } = await put(file(bytes), address() + path, ...args);
        assert.equal(status, wanted);
        if (wanted === 405) assert.match(headers.allow, /^GET, HEAD$/);
      });
    }

    test('a hash in upper case leads to the page, and curl sends it there', async () => {
      const bytes = randomBytes(2000);
      const url = `${address()}/${sha256(bytes)}`;
      const putting = curl('--location', '--upload-file', file(bytes), `${address()}/${sha256(bytes).toUpperCase()}`);
      await held(url);
      assert.equal(sha256((await curl(url)).output), sha256(bytes));
      assert.match((await putting).output.toString(), /somebody has the page now\n$/);
    });

    test('two that hold the same page are two; one is asked', async () => {
      const bytes = randomBytes(100_000);
      const url = `${address()}/${sha256(bytes)}`;
      const both = [put(file(bytes), url), put(file(bytes), url)];
      await held(url, 2);
      await curl('--fail', url);
      await held(url, 1);
      await curl('--fail', url);
      for (const { status } of await Promise.all(both)) assert.equal(status, 201);
    });

    test('who goes away holds nothing any more', async (t) => {
      const url = `${address()}/${sha256('I am leaving')}`;
      const leaving = launch(t, ['curl', '--silent', '--upload-file', file('I am leaving'), url]);
      await held(url);
      assert.equal(await leaving.end('SIGTERM'), 'SIGTERM');
      await until(async () => (await answerOf(url)).status === 404, 'the page to be gone');
    });
  });
}

describe('the body', () => {
  test('is not read before somebody wants it; 100 Continue says so', async () => {
    const bytes = randomBytes(200_000);
    const hash = sha256(bytes);
    const wire = new Wire(server.target);
    wire.send(head(hash, bytes.length, 'Expect: 100-continue'));
    await held(`${server.url}/${hash}`);
    assert.equal(wire.received.length, 0, 'not a word before');
    const answer = request(server.target, `/${hash}`);
    await wire.until(() => wire.text() === 'HTTP/1.1 100 Continue\r\n\r\n', 'Continue');
    wire.send(bytes);
    assert.equal(sha256((await answer).body), hash);
    await wire.until(() => / 201 Created\r\n/.test(wire.text()), '201');
    await wire.destroy();
  });

  test('is held back when it comes at once', async () => {
    const bytes = randomBytes(MIB);
    const hash = sha256(bytes);
    const before = await counted('early_bytes');
    const wire = new Wire(server.target);
    wire.send(head(hash, bytes.length));
    wire.send(bytes);
    await held(`${server.url}/${hash}`);
    assert.ok((await counted('early_bytes')) - before <= 65_536);
    assert.equal(sha256((await request(server.target, `/${hash}`)).body), hash);
    await wire.until(() => / 201 Created\r\n/.test(wire.text()), '201');
    assert.equal(await counted('early_bytes'), before);
    await wire.destroy();
  });

  test('and what is behind it: the next request, answered next', async () => {
    const bytes = randomBytes(3000);
    const hash = sha256(bytes);
    const wire = new Wire(server.target);
    wire.send(Buffer.concat([Buffer.from(head(hash, bytes.length)), bytes, Buffer.from('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')]));
    await held(`${server.url}/${hash}`);
    assert.equal(wire.received.length, 0);
    assert.equal(sha256((await request(server.target, `/${hash}`)).body), hash);
    await wire.until(() => /^HTTP\/1.1 201 [^]*HTTP\/1.1 200 [^]*\r\n\r\nok\n$/.test(wire.text()), 'both answers in order');
    await wire.destroy();
  });

  test('is not sent before the last answer has come: 400, and the connection ends', async () => {
    const bytes = Buffer.from('behind a request');
    const put = `${head(sha256(bytes), bytes.length)}${bytes}`;
    const first = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
    for (const before of [first, first.repeat(3), put.replace(/\/\w+/, `/${sha256('x')}`).replace(/16\r/, '17000000\r')]) {
      const wire = new Wire(server.target);
      wire.send(before + put);
      await wire.untilClosed('the connection');
      assert.match(wire.text(), /HTTP\/1.1 4(00|13) [^]*$/);
    }
    const wire = new Wire(server.target);
    wire.send(first);
    await wire.until(() => wire.text().endsWith('ok\n'), 'the first answer');
    wire.send(put);
    await held(`${server.url}/${sha256(bytes)}`);
    await wire.destroy();
  });

  test('is let in behind an answer, whatever others send together', async () => {
    const get = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
    const crowd = Array.from({ length: 10 }, () => new Wire(server.target));
    for (let round = 0; round < 10; round += 1) {
      const bytes = Buffer.from(`among others ${round}`);
      const wire = new Wire(server.target);
      for (const other of crowd) other.send(get.repeat(10));
      wire.send(get);
      await wire.until(() => wire.text().endsWith('ok\n'), 'the first answer');
      for (const other of crowd) other.send(get.repeat(10));
      wire.send(`${head(sha256(bytes), bytes.length)}${bytes}`);
      await held(`${server.url}/${sha256(bytes)}`);
      await wire.destroy();
    }
    for (const other of crowd) {
      await other.until(() => other.text().match(/\nok\n/g)?.length === 200, 'all answers');
      await other.destroy();
    }
  });

  test('shorter than was said: nobody is given it', async () => {
    const hash = sha256('not this');
    const wire = new Wire(server.target);
    wire.send(`${head(hash, 100)}too short`);
    await held(`${server.url}/${hash}`);
    const answer = request(server.target, `/${hash}`);
    await until(async () => (await counted('asks_total')) > 0 && (await counted('fetches')) === 1, 'it to be asked');
    wire.socket.end();
    assert.equal((await answer).status, 404);
    await wire.untilClosed('the connection');
  });

  test('longer than was said: what is over is no part of it', async () => {
    const hash = sha256('exactly');
    const wire = new Wire(server.target);
    wire.send(`${head(hash, 'exactly'.length)}exactly, and no more`);
    await held(`${server.url}/${hash}`);
    assert.equal((await request(server.target, `/${hash}`)).body.toString(), 'exactly');
    await wire.until(() => / 201 Created\r\n/.test(wire.text()), '201');
    wire.send('\r\n\r\n');
    await wire.untilClosed('the connection');
    assert.doesNotMatch(wire.text(), / 200 /);
  });

  test('of a length that is not said: 411; said twice or in no digits: 400', async () => {
    const hash = sha256('lengths');
    const put = `PUT /${hash} HTTP/1.1\r\nHost: a\r\n`;
    const chunks = 'Transfer-Encoding: chunked\r\n\r\n7\r\nlengths\r\n0\r\n\r\n';
    for (const [status, rest] of [
      [411, '\r\n'],
      [411, chunks],
      [400, `Content-Length: 7\r\n${chunks}`],
      [400, 'Content-Length: +7\r\n\r\nlengths'],
      [400, 'Content-Length: 7\r\nContent-Length: 7\r\n\r\nlengths'],
      [400, 'Content-Length: -1\r\n\r\n'],
      [413, 'Content-Length: 99999999999999999999999\r\n\r\n'],
    ]) {
      const wire = new Wire(server.target);
      wire.send(put + rest);
      await wire.until(() => wire.text().includes('\r\n\r\n'), rest);
      assert.equal(wire.text().slice(9, 12), String(status), rest);
      wire.socket.end();
      await wire.untilClosed(rest);
    }
    assert.equal((await curl('--upload-file', '-', '--write-out', '%{http_code}', `${server.url}/${hash}`)).output.slice(-3).toString(), '411');
  });

  test('that comes when nobody waits for it any more: 503, to be sent again', async () => {
    const hash = sha256('late');
    const wire = new Wire(server.target);
    wire.send(head(hash, 4, 'Expect: 100-continue'));
    await held(`${server.url}/${hash}`);
    const seeker = await connectClient(server.url);
    await seeker.join(`want:${hash}`);
    await wire.until(() => wire.text().startsWith('HTTP/1.1 100'), 'Continue');
    await seeker.close();
    await until(async () => (await counted('fetches')) === 0, 'nobody to wait');
    wire.send('late');
    await wire.until(() => /HTTP\/1.1 503 [^]*Retry-After: \d+\r\n[^]*\r\n\r\nlate: /.test(wire.text()), '503');
    await wire.destroy();
  });
});

describe('limits', () => {
  test('who was asked and does not send, or drips: 408; the next holder is asked', async (t) => {
    const own = await serverFor(t, { args: [...UNHURRIED, '--answer-timeout', '6000', '--answer-total-timeout', '12000'] });
    for (const drips of [false, true]) {
      const bytes = randomBytes(1000);
      const hash = sha256(bytes);
      const wire = new Wire(own.target);
      wire.send(head(hash, bytes.length));
      await held(`${own.url}/${hash}`);
      const answer = request(own.target, `/${hash}`);
      const timer = drips && setInterval(() => wire.socket.write('x'), 100);
      t.after(() => clearInterval(timer));
      await until(async () => (await counted('fetches', own)) === 1, 'a fetch');
      await holdPage(own.url, bytes);
      await wire.until(() => /^HTTP\/1.1 408 [^]*\r\n\r\nnot_asked: /.test(wire.text()), '408');
      assert.equal(sha256((await answer).body), hash);
      clearInterval(timer);
      await wire.destroy();
    }
    assert.ok(refusals(await own.metrics()).not_asked >= 1);
  });

  test('--max-per-address: 429, with the word and a counter', async (t) => {
    const own = await serverFor(t, { limits: true, args: ['--max-per-address', '2', '--trusted-proxy', '127.0.0.1', ...UNHURRIED] });
    const from = ['--header', 'X-Forwarded-For: 192.0.2.7'];
    const client = await connectClient(own.url, { headers: { 'X-Forwarded-For': '192.0.2.7' } });
    const first = put(file('first'), `${own.url}/${sha256('first')}`, ...from);
    await held(`${own.url}/${sha256('first')}`);
    const { status, headers, body } = await put(file('more'), `${own.url}/${sha256('more')}`, ...from);
    assert.equal(status, 429);
    assert.match(headers['retry-after'], /^\d+$/);
    assert.match(body.toString(), /^address_connections: /);
    assert.equal((await answerOf(`${own.url}/${sha256('first')}`, ...from)).status, 429, 'a seeker too');
    const other = put(file('other'), `${own.url}/${sha256('other')}`, '--header', 'X-Forwarded-For: 192.0.2.8');
    await held(`${own.url}/${sha256('other')}`);
    await curl(`${own.url}/${sha256('other')}`);
    assert.equal((await other).status, 201);
    await curl(`${own.url}/${sha256('first')}`);
    assert.equal((await first).status, 201);
    assert.equal(refusals(await own.metrics()).address_connections, 2);
    await client.close();
  });

  test('a thousand that never send: as many as may be, no harm to others, nothing left', async (t) => {
    const own = await serverFor(t, { args: ['--max-uploads', '300', '--max-callers', '2000', ...UNHURRIED] });
    const wires = Array.from({ length: 1000 }, (_, i) => {
      const wire = new Wire(own.target);
      wire.send(head(sha256(`never ${i}`), 1000));
      return wire;
    });
    await until(async () => (await counted('uploads', own).catch(() => 0)) === 300, 'as many as may be');
    const full = (wire) => wire.done || /^HTTP\/1.1 503 /.test(wire.text());
    await until(() => wires.filter(full).length === 700, 'the others to be told');
    assert.equal((await request(own.target, '/healthz')).status, 200);
    const holder = await holdPage(own.url, 'meanwhile');
    assert.equal((await request(own.target, `/${holder.hash}`)).body.toString(), 'meanwhile');
    for (const wire of wires) wire.socket.destroy();
    await until(async () => (await counted('uploads', own)) === 0, 'all to be gone');
    assert.equal(await counted('pages', own), 1);
    await holder.client.close();
  });

  test('who goes whilst another is asked in his place, and sends something else: 422', async (t) => {
    const own = await serverFor(t, { args: UNHURRIED });
    const hash = sha256('the truth');
    const first = new Wire(own.target);
    first.send(head(hash, 9, 'Expect: 100-continue'));
    await held(`${own.url}/${hash}`);
    const answer = request(own.target, `/${hash}`);
    await first.until(() => first.text().startsWith('HTTP/1.1 100'), 'Continue');
    const second = new Wire(own.target);
    second.send(`${head(hash, 5)}a lie`);
    await held(`${own.url}/${hash}`, 2);
    // The sweep that finds the first one gone comes before anything is read.
    own.program.child.kill('SIGSTOP');
    await first.destroy();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    own.program.child.kill('SIGCONT');
    await second.until(() => /^HTTP\/1.1 422 /.test(second.text()), '422');
    assert.equal((await answer).status, 502);
    await second.destroy();
  });

  test('who goes and leaves memory to a page that is there at once', async (t) => {
    const own = await serverFor(t, { args: ['--max-in-flight', String(MIB), ...UNHURRIED] });
    const [large, small] = [randomBytes(MIB), randomBytes(1000)];
    const holder = new Wire(own.target);
    holder.send(head(sha256(large), large.length, 'Expect: 100-continue'));
    await held(`${own.url}/${sha256(large)}`);
    const seeker = new Wire(own.target);
    seeker.send(`GET /${sha256(large)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await holder.until(() => holder.text().startsWith('HTTP/1.1 100'), 'Continue');
    holder.send(large.subarray(0, 1000));
    await until(async () => (await counted('in_flight_bytes', own)) > 0, 'a part of it');
    const other = new Wire(own.target);
    other.send(Buffer.concat([Buffer.from(head(sha256(small), small.length)), small]));
    await held(`${own.url}/${sha256(small)}`);
    const answer = request(own.target, `/${sha256(small)}`);
    await until(async () => (await counted('fetches_waiting', own)) === 1, 'the other to stand in line');
    await seeker.destroy();
    assert.equal(sha256((await answer).body), sha256(small));
    await Promise.all([holder, other].map((wire) => wire.destroy()));
  });

  test('--max-early: 503 for what does not fit', async (t) => {
    const own = await serverFor(t, { args: ['--max-early', '1000'] });
    const wire = new Wire(own.target);
    wire.send(head(sha256('early'), 2000) + 'x'.repeat(2000));
    await wire.until(() => /^HTTP\/1.1 503 [^]*\r\n\r\nbusy: /.test(wire.text()), '503');
    await wire.destroy();
    assert.equal(await counted('early_bytes', own), 0);
    assert.ok(refusals(await own.metrics()).busy >= 1);
  });

  test('a page that is blocked whilst it is held: 451', async (t) => {
    const deny = file('');
    const own = await serverFor(t, { args: ['--deny-file', deny] });
    const url = `${own.url}/${sha256('soon')}`;
    const putting = put(file('soon'), url);
    await held(url);
    writeFileSync(deny, sha256('soon'));
    assert.equal((await putting).status, 451);
  });

  test('a server that stops says so: 503', async () => {
    const own = await startServer();
    const url = `${own.url}/${sha256('stopped')}`;
    const putting = put(file('stopped'), url);
    await held(url);
    await own.stop();
    const { status, body } = await putting;
    assert.equal(status, 503);
    assert.match(body.toString(), /^restart: /);
  });
});

test('many at once, all different', async () => {
  const pages = Array.from({ length: 20 }, (_, i) => randomBytes(i * 20_000));
  const putting = pages.map((bytes) => put(file(bytes), `${server.url}/${sha256(bytes)}`));
  for (const bytes of pages) {
    const url = `${server.url}/${sha256(bytes)}`;
    await held(url);
    assert.equal(sha256((await curl(url)).output), sha256(bytes));
  }
  for (const { status } of await within(Promise.all(putting), 'all answers')) assert.equal(status, 201);
  const { whilst_uploads: uploads, whilst_early_bytes: early } = await server.metrics();
  assert.deepEqual([uploads, early], [0, 0]);
});
