// What an answer costs, in system calls; and that requests are answered in turn however they come.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Wire } from './http.js';
import { serverFor } from './server.js';
import { until } from './wait.js';

const PAGE = `GET /${'0'.repeat(64)} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n`;
const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
const answers = (wire) => wire.text().split('HTTP/1.1 200 OK').length - 1;

// {server, calls(): the lines of the trace}.
async function traced(t) {
  const directory = mkdtempSync(join(tmpdir(), 'whilst-costs-'));
  const trace = join(directory, 'trace');
  const before = process.env.WHILST_WRAPPER;
  process.env.WHILST_WRAPPER = `strace -D -f -q -o ${trace}`;
  t.after(() => rmSync(directory, { recursive: true }));
  try {
    const server = await serverFor(t, { env: { ASAN_OPTIONS: 'detect_leaks=0' } });
    return { server, calls: () => readFileSync(trace, 'utf8').split('\n') };
  } finally {
    before === undefined ? delete process.env.WHILST_WRAPPER : (process.env.WHILST_WRAPPER = before);
  }
}

test('an answer to a connection that is kept: one recv, one send, and nothing to tell the loop', async (t) => {
  const { server, calls } = await traced(t);
  const wire = new Wire(server.target);
  const rounds = 50;
  for (let round = 1; round <= rounds; round += 1) {
    wire.send(PAGE);
    await wire.until(() => answers(wire) === round && wire.text().endsWith('</html>'), `answer ${round}`);
  }
  const sent = (line) => / sendto\(\d+, "HTTP\/1\.1 200/.test(line);
  await until(() => calls().filter(sent).length === rounds, 'the trace');
  const lines = calls();
  const last = lines.findLastIndex(sent);
  const [, descriptor] = lines[last].match(/sendto\((\d+),/);
  const during = lines.slice(lines.findIndex(sent), last);
  const about = (call) => during.filter((line) => new RegExp(` ${call}\\((\\d+, EPOLL_CTL_\\w+, )?${descriptor},`).test(line)).length;
  assert.equal(about('recvfrom'), rounds - 1);
  assert.equal(about('sendto'), rounds - 1);
  assert.equal(about('epoll_ctl'), 0);
  assert.equal(during.filter((line) => / poll\(/.test(line)).length, 0);
});

test('requests that come together, whole or in pieces, are answered in turn', async (t) => {
  const server = await serverFor(t);
  const wires = Array.from({ length: 10 }, () => new Wire(server.target));
  const all = `${HEALTH}${PAGE}`.repeat(20);
  for (const [i, wire] of wires.entries()) {
    wire.send(all.slice(0, 100 * i + 7));
    setImmediate(() => wire.send(all.slice(100 * i + 7)));
  }
  for (const wire of wires) {
    await wire.until(() => answers(wire) === 40 && wire.text().endsWith('</html>'), 'forty answers');
    const kinds = wire.text().match(/Content-Type: text\/\w+/g);
    assert.deepEqual(kinds, Array.from({ length: 20 }, () => ['Content-Type: text/plain', 'Content-Type: text/html']).flat());
  }
});
