// The client of NATS against real servers: logins, TLS, losses, moves, floods, and those who
// are no NATS server. A program without a hub (tests/nats) stands in the node's place.

import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { certificates, directoryFor, meshFor, NatsClient, natsFor, natsJwt, natsKey, NatsServer } from './nats.js';
import { freePorts } from './ports.js';
import { SOAK, until } from './wait.js';

const END = (reason) => `whilst_bus_ends_total{reason="${reason}"}`;

// Two clients that hear each other on "a".
async function pairFor(t, servers, args) {
  const [one, other] = [new NatsClient(t, servers, args), new NatsClient(t, servers, args)];
  await Promise.all([one.printed('up'), other.printed('up')]);
  one.say('sub 1 a');
  await heard(one, other, 'a');
  return [one, other];
}

// Says something until it is heard: a subscription takes its time through a mesh.
async function heard(listener, speaker, subject) {
  const text = `ping-${Math.random()}`;
  const before = listener.output.length;
  await until(() => {
    speaker.say(`pub ${subject} - ${text}`);
    return listener.output.indexOf(text, before) > 0;
  }, () => `${text} to be heard: ${listener.output.slice(-300)}${listener.errors.slice(-1000)}`);
}

// Most of the time is spent waiting, so several run at once.
describe('the client of NATS', { concurrency: 4 }, () => {
  test('messages both ways, replies, groups, ends of subscriptions, nobody there, and no echo', async (t) => {
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server);
    one.say('pub a - to myself');
    one.say('pub nobody i.1.2 is anybody there');
    one.say('sub 2 i.1.*');
    one.say('pub nobody i.1.2 again');
    assert.equal(await one.printed('message i.1.2'), 'message i.1.2 - 503 0 ');
    assert.doesNotMatch(one.output, /myself/);
    other.say('pub a r.1 with a reply');
    assert.equal(await one.printed('message a r.1'), 'message a r.1 0 12 with a reply');
    one.say('sub 3 g h');
    other.say('sub 3 g h');
    await heard(one, other, 'g'); // no echo: of two in a group, the other one has it
    await heard(other, one, 'g');
    one.say('unsub 1');
    one.say('pub x - x');
    one.say('sub 4 b');
    await heard(one, other, 'b');
    other.say('pub a r.2 too late');
    other.say('pub b - last');
    await one.printed('message b - 0 4 last');
    assert.doesNotMatch(one.output, /too late/);
    const metrics = await one.metrics();
    assert.equal(metrics.whilst_bus_up, 1);
    assert.equal(metrics.whilst_bus_connections_total, 1);
    assert.ok(metrics.whilst_bus_round_trip_seconds > 0 && metrics.whilst_bus_round_trip_seconds < 10);
    assert.match(server.log, /^$|Server is ready/);
    await Promise.all([one.stop(), other.stop()]);
  });

  test('payloads of every size, those too large for the server or for us', async (t) => {
    const server = await natsFor(t, 'max_payload: 70000');
    const [one, other] = await pairFor(t, server);
    for (const size of [0, 1, 4095, 65_536, 70_000]) {
      other.say(`flood a 3 ${size}`);
      for (let i = 0; i < 3; i += 1) await one.printed(`message a - 0 ${size} `);
    }
    other.say('flood a 1 70001');
    assert.equal((await other.metrics())['whilst_bus_dropped_total{reason="size"}'], 1);
    await heard(one, other, 'a');
    await server.kill();
    const roomy = new NatsServer(t, server.port);
    await roomy.start();
    await Promise.all([one.printed('up'), other.printed('up')]);
    await heard(one, other, 'a');
    other.say('flood a 2 200000');
    await heard(one, other, 'a');
    assert.equal((await one.metrics()).whilst_bus_too_large_total, 2, 'passed over, and the connection goes on');
  });

  // ---- logins ----

  const SECRETS = 'p%@: "\\word';
  const LOGINS = {
    'user and password': (folder) => {
      writeFileSync(join(folder, 'password'), `${SECRETS}\n`);
      return { config: `authorization { user: me, password: '${SECRETS}' }`, args: ['--user', 'me', '--password', join(folder, 'password')] };
    },
    'user and password in the address': () => ({
      config: `authorization { user: me, password: '${SECRETS}' }`, prefix: `me:${encodeURIComponent(SECRETS)}@`,
    }),
    token: (folder) => {
      writeFileSync(join(folder, 'token'), 's3cret\r\n');
      return { config: 'authorization { token: s3cret }', args: ['--token', join(folder, 'token')] };
    },
    'a token in the address': () => ({ config: 'authorization { token: s3cret }', prefix: 's3cret@' }),
    nkey: (folder) => {
      const user = natsKey('user');
      writeFileSync(join(folder, 'seed'), `${user.seed}\n`);
      return { config: `authorization { users: [ { nkey: ${user.publicKey} } ] }`, args: ['--credentials', join(folder, 'seed')] };
    },
    'credentials of an operator': (folder) => {
      const [operator, account, user] = ['operator', 'account', 'user'].map(natsKey);
      const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
      const jwts = { operator: natsJwt(operator, operator, 'operator'), account: natsJwt(operator, account, 'account', { limits: unlimited }),
        user: natsJwt(account, user, 'user', { subs: -1, data: -1, payload: -1 }) };
      writeFileSync(join(folder, 'creds'), `-----BEGIN NATS USER JWT-----\n${jwts.user}\n------END NATS USER JWT------\n
  ************************* IMPORTANT *************************\nNKEY Seed printed below can be used to sign and prove identity.\n
  -----BEGIN USER NKEY SEED-----\n${user.seed}\n------END USER NKEY SEED------\n`);
      return { config: `operator: ${jwts.operator}\nresolver: MEMORY\nresolver_preload: { ${account.publicKey}: ${jwts.account} }`,
        args: ['--credentials', join(folder, 'creds')] };
    },
  };

  for (const [name, make] of Object.entries(LOGINS)) {
    test(`login: ${name}; and without it one line, and it goes on trying`, async (t) => {
      const { config, args = [], prefix = '' } = make(directoryFor(t));
      const server = await natsFor(t, config);
      const [one, other] = await pairFor(t, server.url.replace('//', `//${prefix}`), args);
      const stranger = new NatsClient(t, server);
      assert.match(await stranger.printed('unreachable'), /Authorization Violation/);
      await stranger.logged(/warn bus_failed /);
      await until(async () => (await stranger.metrics())[END('refused')] >= 3, 'more attempts');
      assert.equal(stranger.errors.match(/warn bus_failed /g).length, 1, stranger.errors);
      assert.match(stranger.errors, /reason=refused message="Authorization Violation"/);
      await Promise.all([one, other, stranger].map((client) => client.stop()));
    });
  }

  test('secrets that cannot be read are refused in one line', async (t) => {
    const folder = directoryFor(t);
    const path = join(folder, 'x');
    writeFileSync(path, 'SUX\n');
    for (const [args, words] of [
      [['--credentials', path], /--bus-credentials: .*x has no user's seed/],
      [['--credentials', join(folder, 'none')], /--bus-credentials: .*none cannot be read/],
      [['--token', folder], /--bus-token-file: .* cannot be read/],
      [['--ca', path], /--bus-ca: .*x has no certificates in PEM form/],
    ]) {
      const client = new NatsClient(t, 'nats://127.0.0.1:1', args);
      assert.equal(await client.child.ended, 1);
      assert.match(client.errors, words);
      assert.equal(client.errors.split('\n').length, 2, client.errors);
    }
    for (const wrong of ['', 'http://a', 'nats://', 'nats://a,', 'nats://a:0', 'nats://a b', 'nats://%zz@a', 'nats://:p@a']) {
      const client = new NatsClient(t, wrong);
      assert.equal(await client.child.ended, 1);
      assert.match(client.errors, /^whilst: --bus: '.*' is not a server of the bus: nats:.*\n$/);
    }
  });

  // ---- TLS ----

  test('TLS: wanted by us, by the server, by nobody we trust, and by a server that has none', async (t) => {
    const files = certificates(directoryFor(t), 'IP:127.0.0.1');
    const others = certificates(directoryFor(t), 'DNS:other.example');
    const tls = ({ cert, key }, more = '') => `tls { cert_file: "${cert}", key_file: "${key}", ${more} }`;
    const server = await natsFor(t, tls(files));
    const secure = server.url.replace('nats:', 'tls:');
    for (const url of [secure, server.url]) {
      const [one, other] = await pairFor(t, url, ['--ca', files.ca]);
      await one.logged(/info bus_up .* tls=yes/);
      other.say('flood a 50 60000');
      for (let i = 0; i < 50; i += 1) await one.printed('message a - 0 60000 ');
      await Promise.all([one.stop(), other.stop()]);
    }
    const untrusting = new NatsClient(t, secure, ['--ca', others.ca]);
    assert.match(await untrusting.printed('unreachable'), /self.signed certificate|unable to get local issuer|signature failure/i);
    const misnamed = new NatsClient(t, (await natsFor(t, tls(others))).url, ['--ca', others.ca]);
    assert.match(await misnamed.printed('unreachable'), /mismatch/i);
    const plain = await natsFor(t);
    const wanting = new NatsClient(t, plain.url.replace('nats:', 'tls:'), ['--ca', files.ca]);
    assert.match(await wanting.printed('unreachable'), /the server has no TLS/);
    assert.equal((await wanting.metrics())[END('unreachable')] >= 1, true);
  });

  // ---- those who are no server ----

  test('no server, an HTTP server, one that says nothing, one that says too much: said once, tried again', async (t) => {
    const [port] = await freePorts(1);
    const listen = (server) => {
      const sockets = new Set();
      server.on('connection', (socket) => sockets.add(socket));
      t.after(() => {
        server.close();
        for (const socket of sockets) socket.destroy();
      });
      return new Promise((done) => server.listen(0, '127.0.0.1', () => done(`nats://127.0.0.1:${server.address().port}`)));
    };
    const http = createHttpServer((_, answer) => answer.end('hello'));
    const endings = (words) => createServer((socket) => socket.on('error', () => {}).end(words));
    const silent = createServer(() => {});
    const endless = createServer((socket) => {
      socket.on('error', () => {});
      const more = (error) => error || socket.write('x'.repeat(1 << 16), (failed) => setImmediate(more, failed));
      socket.write('INFO {', more);
    });
    const greeting = 'INFO {"headers":true,"max_payload":1000}\r\n';
    for (const [url, reason, words] of [
      [`nats://127.0.0.1:${port}`, 'unreachable', /connection refused/],
      ['nats://does-not-exist.invalid', 'unreachable', /./],
      [await listen(http), 'foreign', /no NATS server answers|hung up/],
      [await listen(endings('HTTP/1.1 400 Bad Request\r\n\r\n')), 'foreign', /no NATS server answers/],
      [await listen(endings('INFO []\r\n')), 'foreign', /INFO cannot be read/],
      [await listen(endings('INFO {"headers":false}\r\n')), 'foreign', /older than 2.2/],
      [await listen(endings('INFO {"headers":true,"tls_required":true}\r\nPING\r\n')), 'foreign', /before TLS begins/],
      [await listen(endings(`${greeting}-ERR 'go away'\r\n`)), 'refused', /go away/],
      [await listen(silent), 'foreign', /no NATS server answers within 5 s/],
      [await listen(endless), 'foreign', /a line is too long|no NATS server answers/],
    ]) {
      const client = new NatsClient(t, url);
      assert.match(await client.printed('unreachable'), words, url);
      await client.logged(new RegExp(`warn bus_failed server=\\S+ reason=${reason} `));
      const metrics = await client.metrics();
      assert.ok(metrics[END(reason)] >= 1 && metrics.whilst_bus_up === 0, url);
      client.say('pub a - b');
      assert.equal((await client.metrics())['whilst_bus_dropped_total{reason="down"}'], 1);
      if (reason !== 'foreign') await until(async () => (await client.metrics())[END(reason)] >= 2, 'another attempt');
      await client.stop();
    }
  });

  test('a server that comes late is found', async (t) => {
    const [port] = await freePorts(1);
    const server = new NatsServer(t, port);
    const client = new NatsClient(t, server);
    await client.printed('unreachable');
    await server.start();
    await client.printed('up');
    await client.stop();
  });

  // ---- losses ----

  test('killed and back: subscriptions are made again, and it is said once', async (t) => {
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server);
    for (let i = 0; i < 3; i += 1) {
      await server.kill();
      await Promise.all([one.printed('down'), other.printed('down')]);
      await server.start();
      await Promise.all([one.printed('up'), other.printed('up')]);
      await heard(one, other, 'a');
    }
    await until(() => (one.errors.match(/warn bus_down /g) ?? []).length >= 3, () => one.errors);
    assert.equal(one.errors.match(/warn bus_down /g).length, 3, one.errors);
    assert.ok((one.errors.match(/warn bus_failed /g) ?? []).length <= 3, one.errors);
    const metrics = await one.metrics();
    assert.equal(metrics[END('lost')], 3);
    assert.equal(metrics.whilst_bus_connections_total, 4);
  });

  test('a server that stands still is given up, and taken again', async (t) => {
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server);
    server.signal('SIGSTOP');
    await Promise.all([one.printed('down'), other.printed('down')]);
    assert.match((await one.logged(/bus_down .*/))[0], /reason=silent/);
    server.signal('SIGCONT');
    await Promise.all([one.printed('up'), other.printed('up')]);
    await heard(one, other, 'a');
  });

  test('a client that stands still for longer than that keeps its connection', async (t) => {
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server);
    one.child.kill('SIGSTOP');
    await new Promise((done) => setTimeout(done, 7_000));
    one.child.kill('SIGCONT');
    await heard(one, other, 'a');
    assert.equal((await one.metrics()).whilst_bus_connections_total, 1);
    assert.doesNotMatch(one.errors, /bus_down/);
  });

  test('a mesh: each killed in turn, all restarted; others are learnt and used', async (t) => {
    const servers = await meshFor(t);
    const [one, other] = await pairFor(t, servers[0]); // the others are only learnt
    await until(async () => (await one.metrics()).whilst_bus_servers >= 3, 'three servers to be known');
    for (const server of servers) {
      await server.kill();
      await heard(one, other, 'a');
      await server.start();
    }
    for (const server of servers) await server.kill();
    await Promise.all([one.printed('down'), other.printed('down')]);
    await Promise.all(servers.map((server) => server.start()));
    await heard(one, other, 'a');
    const metrics = await one.metrics();
    assert.equal(metrics.whilst_bus_up, 1);
    await Promise.all([one.stop(), other.stop()]);
  });

  test('a lame duck: the client moves before it stops', async (t) => {
    const servers = await meshFor(t);
    const clients = [new NatsClient(t, servers), new NatsClient(t, servers)];
    for (const client of clients) {
      await client.printed('up');
      client.say('sub 1 a');
    }
    await heard(clients[0], clients[1], 'a');
    const name = () => [...clients[0].errors.matchAll(/bus_up .* name=(s\d) /g)].at(-1)?.[1];
    const first = await until(name, 'the name of the server');
    const lame = servers[Number(first.slice(1))];
    lame.leave();
    await clients[0].logged(/info bus_moves /);
    await until(() => name() !== first, 'the name of another server');
    await heard(clients[0], clients[1], 'a');
    assert.equal(await lame.child.ended, 0, 'the server stops when it is empty');
    await heard(clients[0], clients[1], 'a');
    const metrics = await clients[0].metrics();
    assert.equal(metrics.whilst_bus_moves_total, 1);
    assert.equal(metrics[END('lost')], 0, 'nothing was lost');
    assert.doesNotMatch(clients[0].errors, /bus_down/);
  });

  test('a lame duck that is alone is used until it ends, and found again', async (t) => {
    const config = 'lame_duck_duration: "30s", lame_duck_grace_period: "1s"';
    const server = await natsFor(t, config);
    const [one, other] = await pairFor(t, server);
    server.leave();
    await Promise.all([one.printed('down'), other.printed('down')]);
    await server.child.ended;
    await server.start();
    await Promise.all([one.printed('up'), other.printed('up')]);
    await heard(one, other, 'a');
  });

  // ---- floods ----

  test('a slow consumer is cut off by the server, and comes back', async (t) => {
    const server = await natsFor(t, 'max_pending: 2000000, write_deadline: "500ms"');
    const [one, other] = await pairFor(t, server);
    one.child.kill('SIGSTOP');
    await until(async () => {
      other.say('flood a 100 60000');
      return /Slow Consumer/.test(server.log);
    }, () => `the server to lose patience: ${server.log}`);
    one.child.kill('SIGCONT');
    await one.printed('down');
    await one.printed('up');
    await heard(one, other, 'a');
  });

  test('a server that does not read: what waits is bounded, the rest is dropped and counted', async (t) => {
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server, ['--waiting', '1000000']);
    server.signal('SIGSTOP');
    other.say('flood a 200 100000');
    const metrics = await other.metrics();
    assert.ok(metrics.whilst_bus_waiting_bytes <= 1_000_000);
    assert.ok(metrics['whilst_bus_dropped_total{reason="full"}'] > 50);
    server.signal('SIGCONT');
    await heard(one, other, 'a');
    assert.equal((await other.metrics()).whilst_bus_connections_total, 1);
  });

  test('what a server must be told and does not read ends the connection', async (t) => {
    const server = await natsFor(t);
    const client = new NatsClient(t, server, ['--waiting', '200000']);
    await client.printed('up');
    server.signal('SIGSTOP');
    client.say('many 400000');
    await client.printed('down');
    assert.match((await client.logged(/bus_down .*/))[0], /reason=(full|silent)/);
    server.signal('SIGCONT');
    await client.printed('up');
    await client.stop();
  });

  test(`${SOAK ? 300_000 : 100_000} subscriptions over a restart of the server, and messages meanwhile`, async (t) => {
    const count = SOAK ? 300_000 : 100_000;
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server);
    one.say(`many ${count}`);
    await one.printed(`subscribed ${count}`);
    await heard(one, other, `w.${count - 1}`);
    await server.kill();
    await one.printed('down');
    await server.start();
    await one.printed(`subscribed ${count}`);
    await other.printed('up');
    await heard(one, other, `w.${count - 1}`);
    await heard(one, other, 'w.0');
    assert.equal((await one.metrics()).whilst_bus_subscriptions_total, 2 * count + 2);
    await one.stop();
  });

  test('what a server refuses is said, and the rest goes on', async (t) => {
    const server = await natsFor(t, 'authorization { users: [ { user: a, password: b, permissions: { publish: ["a"], subscribe: ["a"] } } ] }');
    const [one, other] = await pairFor(t, server.url.replace('//', '//a:b@'));
    one.say('sub 2 secret');
    one.say('pub secret - x');
    await one.logged(/warn bus_error .*Permissions Violation for Subscription to \\?x?2?2?/);
    await one.logged(/warn bus_error .*Permissions Violation for Publish/);
    await heard(one, other, 'a');
    assert.equal((await one.metrics()).whilst_bus_errors_total, 2);
    assert.equal((await one.metrics()).whilst_bus_connections_total, 1);
  });

  test('what strangers publish does not end a connection', async (t) => {
    const server = await natsFor(t);
    const [one, other] = await pairFor(t, server);
    one.say('sub 2 i.1.*');
    await heard(one, other, 'i.1.9');
    const stranger = connect(server.port, '127.0.0.1');
    stranger.on('error', () => {});
    stranger.write('CONNECT {"verbose":false,"headers":true}\r\n');
    for (const headers of ['', 'x', 'NATS/1.0 999999\r\n\r\n', 'NATS/1.0\r\nbroken', '\r\n\r\n', '\0\0'])
      stranger.write(`HPUB i.1.2 ${headers.length} ${headers.length + 2}\r\n${headers}ab\r\n`);
    stranger.write(`PUB i.1.\xff\xfe 1\r\nx\r\nPUB i.1.${'y'.repeat(900)} r.${'z'.repeat(900)} 0\r\n\r\n`, 'latin1');
    stranger.write(`PUB a ${1 << 20}\r\n${'a'.repeat(1 << 20)}\r\nPUB a 4\r\nlast\r\n`);
    await one.printed('message a - 0 4 last');
    const metrics = await one.metrics();
    assert.equal(metrics.whilst_bus_too_large_total, 1);
    assert.equal(metrics.whilst_bus_connections_total, 1);
    stranger.destroy();
  });
});
