// TLS in the server itself: what it speaks, what it says of mistakes, new certificates, and those
// who come to such a port with something else.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { startBrowser, trust, Visitor } from './browser.js';
import { certificate, certificateBetween } from './certificate.js';
import { directory, run, start } from './cli.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { handshake, request, Wire } from './http.js';
import { refusals } from './metrics.js';
import { runProgram, serverFor } from './server.js';
import { until, within } from './wait.js';

const NAMES = 'IP:127.0.0.1,DNS:localhost';
const files = ({ path, key_path }) => ['--tls-certificate', path, '--tls-key', key_path];

// A server with a certificate, and without TLS on a second address.
async function secureFor(t, { pair = certificate(directory(t), NAMES), args = [] } = {}) {
  const server = await serverFor(t, { listen: ['tls:127.0.0.1:0', '127.0.0.1:0'], args: [...files(pair), ...args] });
  server.pair = pair;
  server.target.ca = pair.cert;
  const { port } = new URL(server.addresses[1]);
  server.plain = { url: server.addresses[1], target: { host: '127.0.0.1', port: Number(port) } };
  return server;
}

// What a handshake comes to: {protocol, cipher, session, fingerprint}, or its error.
function shake(server, options = {}) {
  return within(new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...options });
    let session = null;
    const tell = () => {
      resolve({
        protocol: socket.getProtocol(),
        cipher: socket.getCipher().standardName,
        alpn: socket.alpnProtocol,
        resumed: socket.isSessionReused(),
        fingerprint: socket.getPeerCertificate().fingerprint256,
        session,
      });
      socket.destroy();
    };
    // Tickets come with the first bytes after the handshake.
    socket.on('session', (made) => (session = made));
    socket.on('secureConnect', () => socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    socket.once('data', tell);
    socket.on('error', resolve);
    socket.on('close', () => resolve(new Error('closed')));
  }), 'a handshake');
}

test('TLS and no TLS beside each other; HSTS goes over TLS alone', async (t) => {
  const server = await secureFor(t, { args: ['--hsts', '31536000'] });
  const [secure, plain] = [await request(server.target, '/healthz'), await request(server.plain.target, '/healthz')];
  assert.equal(secure.headers['strict-transport-security'], 'max-age=31536000');
  assert.equal(plain.headers['strict-transport-security'], undefined);
  assert.equal(secure.body.toString() + plain.body.toString(), 'ok\nok\n');
  const holder = await holdPage(server.plain.url, 'held without, sought with TLS');
  const { headers, body } = await request(server.target, `/raw/${holder.hash}`);
  assert.equal(body.toString(), 'held without, sought with TLS');
  assert.equal(headers['strict-transport-security'], 'max-age=31536000');
});

test('what is spoken: 1.3 and 1.2, forward secrecy, authenticated encryption, http/1.1', async (t) => {
  const server = await secureFor(t, { pair: certificate(directory(t), NAMES, { kind: 'rsa' }) });
  assert.deepEqual((({ protocol, alpn }) => [protocol, alpn])(await shake(server, { ALPNProtocols: ['h2', 'http/1.1'] })),
    ['TLSv1.3', 'http/1.1']);
  const older = await shake(server, { maxVersion: 'TLSv1.2' });
  assert.equal(older.protocol, 'TLSv1.2');
  assert.match(older.cipher, /^TLS_ECDHE_RSA_WITH_(AES_\d+_GCM|CHACHA20_POLY1305)_SHA\d+$/);
  const refused = [
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA' }, // no AEAD
    { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384' }, // no forward secrecy
    { ALPNProtocols: ['h2'] },
  ];
  for (const options of refused) {
    const outcome = await shake(server, options);
    assert.ok(outcome instanceof Error, JSON.stringify(options));
    assert.match(outcome.message, /alert/);
  }
  assert.equal(refusals(await server.metrics()).bad_tls, refused.length);
});

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`${version}: pages of a mebibyte, from and to sockets, HTTP and our own client`, async (t) => {
    const server = await secureFor(t);
    const options = { ca: server.pair.cert, minVersion: version, maxVersion: version };
    const [first, second] = [randomBytes(1 << 20), randomBytes(1 << 20)];
    const holder = await holdPage(server.url, first, options);
    const seeker = await connectClient(server.url, options);
    seeker.send(['1', '1', `want:${holder.hash}`, 'phx_join', { binary: true }]);
    assert.ok((await seeker.event('content'))[4].equals(first));
    const { body } = await request({ ...server.target, ...options }, `/raw/${holder.hash}`);
    assert.ok(body.equals(first));

    const folder = directory(t);
    writeFileSync(join(folder, 'a'), second);
    const ca = ['--ca-file', server.pair.path];
    const sharing = start(t, ['share', '--server', server.url, ...ca, join(folder, 'a')]);
    const [url] = await sharing.printed(1);
    assert.equal(url, `${server.url}/${sha256(second)}`);
    const got = await run(t, ['get', url, ...ca]);
    assert.equal(got.code, 0, got.errors);
    assert.ok(got.output.equals(second));
    const curled = execFileSync('curl', ['-sS', '--cacert', server.pair.path, url], { maxBuffer: 4 << 20 });
    assert.ok(curled.equals(second));
    assert.equal(await sharing.end(), 0);
  });
}

test('sites: our own by https may connect, others may not', async (t) => {
  const server = await secureFor(t, { args: ['--origin', 'https://friend.example'] });
  const ask = async (Origin) => (await handshake(server.target, '/ws/websocket?vsn=2.0.0', { Origin })).status;
  assert.equal(await ask(server.url), 101);
  assert.equal(await ask('https://friend.example'), 101);
  assert.equal(await ask('https://evil.example'), 403);
  assert.equal(await ask(`https://127.0.0.1:${server.plain.target.port}`), 403);
});

test('a name that is the start of a vhost, or none, changes nothing', async (t) => {
  const server = await secureFor(t);
  for (const Host of ['tls', 'default', 'd', 't', 'x.default', 'localhost']) {
    for (const target of [server.target, server.plain.target]) {
      assert.equal((await request({ ...target, servername: 'localhost' }, '/healthz', { headers: { Host } })).status, 200, Host);
    }
  }
});

test('every mistake is told in one line before anything is served: 2', async (t) => {
  const folder = directory(t);
  const file = (name) => join(folder, name);
  const good = certificate(folder, NAMES);
  const other = certificate(folder, NAMES, { name: 'other' });
  const rsa = certificate(folder, NAMES, { name: 'rsa', kind: 'rsa' });
  const short = certificate(folder, NAMES, { name: 'short', kind: 'short' });
  const old = certificateBetween(file('old'), -9, -1);
  const early = certificateBetween(file('early'), 2, 9);
  execFileSync('openssl', ['pkey', '-in', good.key_path, '-aes128', '-passout', 'pass:x', '-out', file('locked.pem')]);
  writeFileSync(file('empty.pem'), '');
  writeFileSync(file('text.pem'), 'my certificate\n');
  writeFileSync(file('damaged.pem'), good.cert.toString().replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA'));
  writeFileSync(file('chain.pem'), good.cert + old.cert);
  const listen = ['--listen', 'tls:127.0.0.1:0'];
  const mistakes = [
    [listen, /listen: .*certificate: add tls-certificate FILE/],
    [['--tls-certificate', good.path], /add listen tls:HOST:PORT/],
    [['--hsts', '100'], /add listen tls:HOST:PORT/],
    [['--listen', 'tls:'], /--listen.*tls:/],
    [['--listen', 'tls:8080'], /--listen.*tls:/],
    [[...listen, ...files({ ...good, path: file('nowhere.pem') })], /--tls-certificate \S*nowhere.pem: No such file.*check/],
    [[...listen, ...files({ ...good, key_path: file('nowhere.pem') })], /--tls-key \S*nowhere.pem: No such file.*check/],
    [[...listen, ...files({ ...good, path: folder })], /--tls-certificate.*directory/i],
    [[...listen, ...files({ ...good, path: file('empty.pem') })], /--tls-certificate.*empty/],
    [[...listen, ...files({ ...good, path: file('text.pem') })], /--tls-certificate.*no certificate.*BEGIN CERTIFICATE/],
    [[...listen, ...files({ ...good, path: good.key_path })], /--tls-certificate.*no certificate/],
    [[...listen, ...files({ ...good, path: file('damaged.pem') })], /--tls-certificate.*cannot be used/],
    [[...listen, ...files({ ...good, path: file('chain.pem') })], /--tls-certificate.*chain expired.*renew/],
    [[...listen, '--tls-certificate', good.path], /--tls-key.*no private key/],
    [[...listen, ...files({ ...good, key_path: file('text.pem') })], /--tls-key.*no private key.*BEGIN PRIVATE KEY/],
    [[...listen, ...files({ ...good, key_path: file('locked.pem') })], /--tls-key.*encrypted.*openssl pkey -in/],
    [[...listen, ...files({ ...good, key_path: other.key_path })], /--tls-key.*not the key of the certificate/],
    [[...listen, ...files({ ...good, key_path: rsa.key_path })], /--tls-key.*not the key of the certificate/],
    [[...listen, ...files(short)], /--tls-certificate.*key too small/],
    [[...listen, ...files(old)], /--tls-certificate.*expired at \d{4}-\d\d-\d\d \d\d:\d\d UTC; renew/],
    [[...listen, ...files(early)], /--tls-certificate.*not valid before \d{4}-\d\d-\d\d.*clock/],
  ];
  for (const [args, wanted] of mistakes) {
    const { code, errors } = await runProgram(['serve', ...args]);
    assert.equal(code, 2, `${args.join(' ')}: ${errors}`);
    assert.match(errors, wanted);
    assert.match(errors, /^whilst: [^\n]+\n$/);
  }
});

test('whilst config check looks at the certificate too', async (t) => {
  const folder = directory(t);
  const check = (pair) => {
    writeFileSync(join(folder, 'whilst.conf'), `listen = tls:127.0.0.1:0\ntls-certificate = ${pair.path}\ntls-key = ${pair.key_path}\n`);
    return runProgram(['config', 'check', join(folder, 'whilst.conf')]);
  };
  const good = certificate(folder, NAMES);
  assert.equal((await check(good)).code, 0);
  for (const [pair, wanted] of [
    [certificateBetween(join(folder, 'old'), -9, -1), /whilst.conf:2: tls-certificate: .*expired/],
    [{ ...good, key_path: certificate(folder, NAMES, { name: 'other' }).key_path }, /whilst.conf:3: tls-key: .*not the key/],
  ]) {
    const { code, errors } = await check(pair);
    assert.equal(code, 2);
    assert.match(errors, wanted);
  }
});

test('a key that may not be read: 2', { skip: process.getuid() === 0 && 'root may read everything' }, async (t) => {
  const pair = certificate(directory(t), NAMES);
  chmodSync(pair.key_path, 0);
  const { code, errors } = await runProgram(['serve', '--listen', 'tls:127.0.0.1:0', ...files(pair)]);
  assert.equal(code, 2);
  assert.match(errors, /--tls-key.*Permission denied.*let the user/);
});

test('certificate and key in one file', async (t) => {
  const folder = directory(t);
  const pair = certificate(folder, NAMES);
  writeFileSync(join(folder, 'both.pem'), pair.key.toString() + pair.cert);
  const server = await serverFor(t, { listen: ['tls:127.0.0.1:0'], args: ['--tls-certificate', join(folder, 'both.pem')] });
  assert.equal((await request({ ...server.target, ca: pair.cert }, '/healthz')).status, 200);
});

const untilLogged = (server, pattern) => until(() => pattern.test(server.errors), () => `${pattern} in ${server.errors}`);
const times = (server, pattern) => server.errors.match(pattern)?.length ?? 0;

test('a new certificate: read when it changes and at SIGHUP, and whoever is there stays', async (t) => {
  const folder = directory(t);
  const first = certificate(folder, NAMES);
  const server = await secureFor(t, { pair: first });
  const old = await shake(server);
  const client = await connectClient(server.url, { ca: first.cert });
  const made = (name) => {
    const pair = certificate(folder, NAMES, { name });
    server.target.ca = pair.cert;
    return pair;
  };
  const replace = (pair) => {
    for (const [from, to] of [[pair.path, first.path], [pair.key_path, first.key_path]]) {
      copyFileSync(from, `${to}.new`);
      renameSync(`${to}.new`, to);
    }
  };

  // Both files of a pair may be told of, and read twice: it is in force when it is shown.
  const untilShown = ({ cert }) => until(async () => (await shake(server)).fingerprint === new X509Certificate(cert).fingerprint256, 'the new certificate');

  assert.equal(old.fingerprint, new X509Certificate(first.cert).fingerprint256);
  const second = made('second');
  replace(second);
  await untilShown(second);
  await untilLogged(server, /info certificate_read expires_seconds=\d+/);
  assert.equal((await request(server.target, '/healthz')).status, 200);
  assert.equal((await client.call('phoenix', 'heartbeat')).status, 'ok');

  // A key of another kind, written into the files and told by a signal.
  const third = certificate(folder, NAMES, { name: 'third', kind: 'rsa' });
  server.target.ca = third.cert;
  replace(third);
  server.program.child.kill('SIGHUP');
  await untilShown(third);
  assert.equal((await request(server.target, '/healthz')).status, 200);
  assert.match((await shake(server, { maxVersion: 'TLSv1.2' })).cipher, /RSA/);

  // One that cannot be used.
  writeFileSync(first.key_path, second.key);
  await untilLogged(server, /warn certificate_refused file=\S*key.pem reason="it is not the key/);
  assert.equal((await request(server.target, '/healthz')).status, 200);
  const metrics = await server.metrics();
  assert.ok(metrics.whilst_tls_certificate_refused_total >= 1);
  assert.ok(metrics.whilst_tls_certificate_end_seconds > Date.now() / 1000 + 86_400);
  assert.equal((await client.call('phoenix', 'heartbeat')).status, 'ok');
  await client.close();
});

test('SIGHUP takes a certificate from another path; what cannot be used there changes nothing until it can', async (t) => {
  const [here, there] = [directory(t), directory(t)];
  const config = join(here, 'whilst.conf');
  const [first, second, third] = [certificate(here, NAMES), certificate(there, NAMES), certificate(there, NAMES, { name: 'third' })];
  const write = (path, key_path) => writeFileSync(config, `listen = tls:127.0.0.1:0\ntls-certificate = ${path}\ntls-key = ${key_path}\n`);
  write(first.path, first.key_path);
  const server = await serverFor(t, { listen: [], addresses: 1, args: ['--config', config] });
  const { fingerprint: old } = await shake(server);
  const reload = async (wanted) => {
    const seen = server.errors.length;
    server.program.child.kill('SIGHUP');
    await until(() => wanted.test(server.errors.slice(seen)), () => server.errors);
  };

  write(second.path, second.key_path);
  await reload(/info config_changed option=tls-certificate [^]*info config_changed option=tls-key [^]*info certificate_read /);
  const { fingerprint: newer } = await shake(server);
  assert.notEqual(newer, old);
  assert.doesNotMatch(server.errors, /config_needs_restart/);

  const missing = join(here, 'later.pem');
  write(missing, third.key_path);
  await reload(/warn certificate_refused file=\S*later.pem reason="No such file/);
  assert.equal((await shake(server)).fingerprint, newer);
  const seen = times(server, /certificate_read/g);
  copyFileSync(third.path, `${missing}.new`);
  renameSync(`${missing}.new`, missing);
  await until(() => times(server, /certificate_read/g) > seen, 'the certificate at the new path');
  const { fingerprint: latest } = await shake(server);
  assert.notEqual(latest, newer);

  writeFileSync(config, 'listen = 127.0.0.1:0\n');
  await reload(/warn config_needs_restart option=listen [^]*warn certificate_refused file="" reason="the configuration names none any more; the old one stays"/);
  assert.equal((await shake(server)).fingerprint, latest);
  server.target.ca = third.cert;
});

test('a certificate behind links, as certbot and Kubernetes keep it, is read when they change', async (t) => {
  const folder = directory(t);
  const [a, b] = ['a', 'b'].map((name) => {
    mkdirSync(join(folder, name));
    return certificate(join(folder, name), NAMES);
  });
  symlinkSync('a', join(folder, '..data'));
  for (const name of ['cert.pem', 'key.pem']) symlinkSync(join('..data', name), join(folder, name));
  const pair = { path: join(folder, 'cert.pem'), key_path: join(folder, 'key.pem'), cert: a.cert };
  const server = await secureFor(t, { pair });
  const { fingerprint } = await shake(server);
  symlinkSync('b', join(folder, '..new'));
  renameSync(join(folder, '..new'), join(folder, '..data'));
  await untilLogged(server, /certificate_read/);
  assert.notEqual((await shake(server)).fingerprint, fingerprint);
  server.target.ca = b.cert;
});

test('tickets spare a handshake, but not past a new certificate', async (t) => {
  const server = await secureFor(t);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    const { session, resumed } = await shake(server, { maxVersion });
    assert.equal(resumed, false);
    const again = await shake(server, { maxVersion, session });
    assert.equal(again.resumed, true, maxVersion);
    const seen = times(server, /certificate_read/g);
    server.program.child.kill('SIGHUP');
    await until(() => times(server, /certificate_read/g) > seen, 'a new certificate');
    assert.equal((await shake(server, { maxVersion, session })).resumed, false, maxVersion);
  }
  assert.equal((await server.metrics()).whilst_tls_resumed_total, 2);
});

test('HTTP in the clear is told where it is; not_tls counts', async (t) => {
  const server = await secureFor(t);
  const target = { host: '127.0.0.1', port: server.port };
  const { status, body } = await request(target, '/', { headers: { Cookie: 'x'.repeat(3000) } });
  assert.equal(status, 400);
  assert.match(body.toString(), /begins with https\n$/);
  assert.equal((await handshake(target, '/ws/websocket?vsn=2.0.0')).status, 400);
  assert.equal(refusals(await server.metrics()).not_tls, 2);
});

test('handshakes that stall are cut, those given up and what is none end; each is counted', async (t) => {
  const begun = await firstFlight();
  const server = await secureFor(t, { args: ['--header-timeout', '4'] });
  const target = { host: '127.0.0.1', port: server.port };
  // The beginning of a ClientHello, byte by byte; nothing at all; and a handshake that stops half-way.
  const stalled = [new Wire(target), new Wire(target), new Wire(target)];
  const hello = Buffer.from('1603010200010001', 'hex');
  const trickle = setInterval(() => stalled[0].done || stalled[0].send(Buffer.from([0])), 100);
  stalled[0].send(hello);
  stalled[2].send(begun);
  for (const wire of stalled) await wire.untilClosed('a handshake that stalls');
  clearInterval(trickle);
  assert.ok(stalled[2].received.length > 500, 'the server had said its part');

  const strange = new Wire(target);
  strange.send('\x00\x01SSH-2.0-OpenSSH_9.2\r\n');
  await strange.untilClosed('something that is no TLS');
  const distrusting = await shake(server, { rejectUnauthorized: true });
  assert.match(distrusting.code, /SELF_SIGNED/);
  const short = connect(server.port, '127.0.0.1');
  short.end();
  const counted = async () => {
    const metrics = await server.metrics();
    return metrics.whilst_tls_abandoned_total === 2 && metrics;
  };
  const metrics = await until(counted, 'two who gave up');
  const { tls_timeout, bad_tls } = refusals(metrics);
  assert.deepEqual({ tls_timeout, bad_tls }, { tls_timeout: 3, bad_tls: 1 });
});

// The bytes with which a client begins.
async function firstFlight() {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const client = tls.connect({ host: '127.0.0.1', port: listener.address().port });
  client.on('error', () => {});
  const [socket] = await once(listener, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  listener.close();
  return bytes;
}

// {server, holders, seeker}: one who seeks all that the holders have, and reads nothing of it.
async function stoppedAt(t, write_timeout_ms) {
  const server = await secureFor(t, { args: ['--write-timeout', String(write_timeout_ms)] });
  const ca = server.pair.cert;
  const pages = Array.from({ length: 4 }, () => randomBytes(1 << 20));
  const holders = await Promise.all(pages.map((page) => holdPage(server.url, page, { ca })));
  const seeker = await connectClient(server.url, { ca });
  seeker.socket.pause();
  for (const { hash } of holders) seeker.send([hash, hash, `want:${hash}`, 'phx_join', { binary: true }]);
  return { server, holders, seeker };
}

test('one who stops reads on where they stopped', async (t) => {
  const { server, holders, seeker } = await stoppedAt(t, 600_000);
  await until(async () => (await server.metrics()).whilst_queued_bytes > 0, 'pages that wait');
  seeker.socket.resume();
  const got = new Set();
  while (got.size < holders.length) got.add(sha256((await seeker.event('content'))[4]));
  assert.deepEqual([...got].sort(), holders.map(({ hash }) => hash).sort());
});

test('one who stops and does not read on goes', async (t) => {
  const { server, holders, seeker } = await stoppedAt(t, 1_000);
  await until(async () => refusals(await server.metrics()).slow_reader === 1, 'the sloth to go');
  assert.equal((await holders[0].client.call('phoenix', 'heartbeat')).status, 'ok');
  seeker.socket.terminate();
});

test('in a browser: a page is made and seen, and the context is a secure one', async (t) => {
  const server = await secureFor(t, { args: ['--hsts', '60'] });
  const browser = await startBrowser([trust(server.pair.cert)]);
  t.after(() => browser.close());
  const author = await Visitor.open(t, browser, `${server.url}/`);
  const hash = await author.putUp('Written over TLS.\n');
  const reader = await Visitor.open(t, browser, `${server.url}/${hash}`);
  await reader.untilState('showing');
  assert.equal(await reader.text(), 'Written over TLS.\n');
  await author.untilCount(2);
  const digest = await reader.page.evaluate(async () => {
    const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('Written over TLS.\n')));
    return isSecureContext && [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  });
  assert.equal(digest, hash);
  for (const visitor of [author, reader]) visitor.assertNoErrors();
});

test('a unix socket that speaks TLS', async (t) => {
  const path = join(directory(t), 'socket');
  const pair = certificate(directory(t), NAMES);
  const server = await serverFor(t, { listen: [`tls:unix:${path}`], args: files(pair) });
  assert.equal(server.addresses[0], `tls:unix:${path}`);
  const answer = await request({ socketPath: path, secure: true, ca: pair.cert, servername: 'localhost' }, '/healthz');
  assert.equal(answer.status, 200);
  assert.ok(existsSync(path));
});
