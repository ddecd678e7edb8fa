// The program as a client: how it finds a server, what it makes of one that is none, and TLS.
// The load driver serves as the client, with two visitors.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { runProgram, serverFor, startServer } from './server.js';

const visit = (server, ...args) =>
  runProgram(['bench', 'idle', '--visitors', '2', '--seconds', '1', '--server', server, ...args]);

async function assertReached(server, ...args) {
  const { code, output, errors } = await visit(server, ...args);
  assert.deepEqual([code, errors], [0, ''], errors + output);
  assert.match(output, /^come, to 1000 +2 visitors/m);
}

// The visit fails: with a line of this on standard error, or as a fault in the report.
async function assertFails(server, wanted, ...args) {
  const { code, output, errors } = await visit(server, ...args);
  assert.notEqual(code, 0, output);
  assert.match(errors + output, wanted);
}

// A server of TCP whose connections are given to `serve`.
async function listen(t, serve, create = createServer, options = {}) {
  const sockets = new Set();
  const server = create(options, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return server.address().port;
}

const pipeTo = (port) => (socket) => {
  const behind = connect(port, '127.0.0.1');
  behind.on('error', () => socket.destroy());
  socket.pipe(behind).pipe(socket);
};

describe('finding the server', () => {
  test('by name, at whichever of its addresses answers', async (t) => {
    const server = await serverFor(t);
    await assertReached(`http://localhost:${server.port}`);
    await assertReached(`ws://localhost:${server.port}`);
  });

  test('at a unix socket, and below a path', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'whilst-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'socket');
    await serverFor(t, { listen: [`unix:${path}`], args: ['--base-path', '/pages'] });
    await assertReached(`unix:${path}:/pages`);
    await assertFails(`unix:${path}`, /HTTP status 404/);
    await assertFails(`unix:${path}.not`, /no such file/);
  });

  test('a name that nobody has', () => assertFails('http://nobody.invalid', /nobody\.invalid/));

  test('a name whose addresses all refuse', () => assertFails('http://localhost:1', /connection refused/));
});

describe('a server that is none', () => {
  const accept = (request) => {
    const key = /^Sec-WebSocket-Key: (.*)$/im.exec(request)[1].trim();
    const digest = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    return (
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${digest.digest('base64')}\r\n\r\n`
    );
  };
  // Answers the request with these bytes; then hangs up if `end`.
  const answering = (answer, end = false) => (socket) =>
    socket.once('data', (request) => {
      socket.write(typeof answer === 'function' ? answer(request.toString()) : answer);
      if (end) socket.end();
    });
  const frames = (...bytes) => (request) =>
    Buffer.concat([Buffer.from(accept(request)), Buffer.from(bytes)]);

  const CASES = [
    ['another status', answering('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'), /HTTP status 403/],
    ['no HTTP', answering('SSH-2.0-OpenSSH_9.2\r\n\r\n'), /no WebSocket server answers/],
    ['a wrong accept key', answering((request) => accept(request).replace(/Accept: ./, 'Accept: !')), /no WebSocket server answers/],
    ['an end in the middle of the answer', answering('HTTP/1.1 101 Swi', true), /hung up/],
    ['an end without an answer', (socket) => socket.end(), /hung up/],
    ['frames that are broken', answering(frames(0xc1, 0x00)), /broken WebSocket frames/],
    ['a message without an end', answering(frames(0x82, 0x7f, 0, 1, 0, 0, 0, 0, 0, 0)), /a message is too large/],
    ['a close with a code and a reason', answering(frames(0x88, 0x06, 0x0f, 0xa0, 0x6e, 0x6f, 0x1b, 0x21)), /4000 no\?!/],
    ['a close without a code', answering(frames(0x88, 0x00)), /1005/],
    ['an end after a ping', answering(frames(0x89, 0x02, 0x68, 0x69, 0x8a, 0x00), true), /hung up/],
    ['text that is no frame of ours', answering(frames(0x81, 0x02, 0x7b, 0x7d, 0x88, 0x00)), /wrong bytes or frames|1005/],
  ];
  for (const [what, serve, wanted] of CASES) {
    test(what, async (t) => assertFails(`http://127.0.0.1:${await listen(t, serve)}`, wanted));
  }
});

describe('TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-tls-'));
  const file = (name) => join(directory, name);
  let server;
  let options;

  // A certificate of its own for these names, in two files.
  function certify(name, names) {
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', '/CN=whilst', '-addext', `subjectAltName=${names}`,
      '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`),
    ], { stdio: 'ignore' });
    return { key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)) };
  }

  before(async () => {
    options = certify('cert', 'DNS:localhost,IP:127.0.0.1');
    server = await startServer();
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await server?.stop();
  });

  test('a server with a certificate that we trust, by name and by address', async (t) => {
    const port = await listen(t, pipeTo(server.port), createTlsServer, options);
    for (const address of [`https://localhost:${port}`, `wss://127.0.0.1:${port}`]) {
      await assertReached(address, '--ca-file', file('cert.pem'));
    }
  });

  test('large pages go through it', async (t) => {
    const port = await listen(t, pipeTo(server.port), createTlsServer, options);
    const { code, errors } = await runProgram([
      'bench', 'fanout', '--visitors', '3', '--rounds', '2', '--size', '1M',
      '--server', `https://localhost:${port}`, '--ca-file', file('cert.pem'),
    ]);
    assert.deepEqual([code, errors], [0, '']);
  });

  test('a certificate that nobody vouches for', async (t) => {
    const port = await listen(t, pipeTo(server.port), createTlsServer, options);
    await assertFails(`https://localhost:${port}`, /certificate/);
  });

  test('a certificate for another name, and one for another address', async (t) => {
    const other = certify('other', 'DNS:other.example,IP:127.0.0.2');
    const port = await listen(t, pipeTo(server.port), createTlsServer, other);
    for (const host of ['localhost', '127.0.0.1']) {
      await assertFails(`https://${host}:${port}`, /mismatch/, '--ca-file', file('other.pem'));
    }
  });

  test('a server that speaks no TLS', () =>
    assertFails(`https://127.0.0.1:${server.port}`, /wrong version number|TLS|hung up/, '--ca-file', file('cert.pem')));

  test('one that hangs up in the handshake, and one that does later', async (t) => {
    const rude = await listen(t, (socket) => socket.once('data', () => socket.end()));
    await assertFails(`https://127.0.0.1:${rude}`, /hung up/, '--ca-file', file('cert.pem'));
    const later = await listen(t, (socket) => socket.once('data', () => socket.end()), createTlsServer, options);
    await assertFails(`https://127.0.0.1:${later}`, /hung up/, '--ca-file', file('cert.pem'));
  });

  test('authorities that are none', async () => {
    writeFileSync(file('empty.pem'), '');
    for (const name of ['empty.pem', 'missing.pem']) {
      await assertFails('https://localhost:1', /--ca-file: .* holds no certificate/, '--ca-file', file(name));
    }
  });
});
