// Several processes at one port of one host: whoever comes is at one of them by chance, and who leaves turns nobody away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectClient } from './client.js';
import { request } from './http.js';
import { freePorts } from './nats.js';
import { runProgram, serverFor, startServer } from './server.js';
import { until } from './wait.js';

const PROCESSES = 3;
const VISITORS = 300;

// Each has an address of its own before the one that all share, so that a test can ask it alone.
const shares = (listen, args = []) => ({ listen: ['127.0.0.1:0', listen], args: ['--reuse-port', ...args] });

async function addressFor(host = '127.0.0.1') {
  const [port] = await freePorts(1);
  const name = host.includes(':') ? `[${host}]` : host;
  return { listen: `${name}:${port}`, url: `http://${name}:${port}`, target: { host, port } };
}

test('who comes is dealt to all processes', async (t) => {
  const { listen, url } = await addressFor();
  const all = await Promise.all(Array.from({ length: PROCESSES }, () => serverFor(t, shares(listen))));
  const clients = await Promise.all(Array.from({ length: VISITORS }, () => connectClient(url)));
  for (const one of all) assert.ok((await one.metrics()).whilst_sessions > VISITORS / PROCESSES / 2, 'a fair share');
  await Promise.all(clients.map((client) => client.close()));
});

for (const host of ['127.0.0.1', '::1']) {
  test(`processes that end one after the other turn nobody away, at ${host}`, async (t) => {
    const { listen, target } = await addressFor(host);
    const all = await Promise.all(Array.from({ length: PROCESSES }, () => startServer(shares(listen))));
    t.after(() => Promise.all(all.map((one) => one.stop())));
    const failed = [];
    let [asked, ending] = [0, false];
    const asking = Array.from({ length: 8 }, async () => {
      for (; !ending; asked += 1) {
        await request(target, '/').then(({ status }) => status !== 200 && failed.push(status), (error) => failed.push(error.message));
      }
    });
    for (let i = 0; i < PROCESSES; i += 1) {
      await all[i].stop();
      all[i] = await startServer(shares(listen));
      const before = asked;
      await until(() => asked > before + 50 || failed.length > 0, 'more requests');
    }
    ending = true;
    await Promise.all(asking);
    assert.deepEqual(failed, []);
    t.diagnostic(`${asked} requests, each on a connection of its own`);
  });
}

test('who waits in the socket of a process that is told to end is served', async (t) => {
  const { listen, target } = await addressFor();
  const [, late] = [await serverFor(t, shares(listen)), await startServer(shares(listen))];
  late.program.child.kill('SIGSTOP');
  const answers = Array.from({ length: VISITORS }, () => request(target, '/'));
  let served = 0;
  for (const answer of answers) answer.then(() => (served += 1), () => {});
  await until(() => served > VISITORS / 4, 'the answers of the other');
  late.program.child.kill('SIGTERM');
  late.program.child.kill('SIGCONT');
  for (const answer of answers) assert.equal((await answer).status, 200);
  assert.equal((await late.program.exited).code, 0);
});

test('a second signal ends a process whose socket still takes callers', async (t) => {
  const { listen } = await addressFor();
  const one = await startServer(shares(listen, ['--drain', '3600000']));
  t.after(() => one.kill());
  const client = await connectClient(one.url);
  one.program.child.kill('SIGTERM');
  await until(() => one.errors.includes(' stopping '), 'the drain');
  await one.stop();
  await client.closed;
});

test('a port is shared only by those who all say so, and the operator\'s address never is', async (t) => {
  const { listen } = await addressFor();
  const admin = (await addressFor()).listen;
  await serverFor(t, shares(listen, ['--admin', admin]));
  const alone = await runProgram(['serve', '--listen', listen]);
  assert.equal(alone.code, 1);
  assert.match(alone.errors, /Address already in use; stop the other server or choose another --listen$/m);
  const operator = await runProgram(['serve', '--listen', listen, '--reuse-port', '--admin', admin]);
  assert.equal(operator.code, 1);
  assert.ok(operator.errors.includes(`cannot listen on ${admin}: Address already in use`), operator.errors);
  const own = await addressFor();
  await serverFor(t, { listen: [own.listen] });
  const shared = await runProgram(['serve', '--listen', own.listen, '--reuse-port']);
  assert.equal(shared.code, 1);
  assert.match(shared.errors, /Address already in use; the other server must have --reuse-port and the same user$/m);
});
