// The conversations of tests/vectors/hub over real WebSockets, all against one server. The
// unit tests run the same files through the bare hub.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { connectClient } from './client.js';
import { refusals } from './metrics.js';
import { startServer } from './server.js';
import { until } from './wait.js';

const DIRECTORY = new URL('../vectors/hub/', import.meta.url);

let server;
before(async () => (server = await startServer()));
after(() => server?.stop());

function filled({ before: head, unit, times, after: tail, binary }) {
  if (!binary) return head + unit.repeat(times) + tail;
  return Buffer.from(head + unit.repeat(times) + tail, 'hex');
}

// What a step sends or expects: a Buffer if it is binary, else a string.
function bytesOf(step) {
  if (step.fill) return filled(step.fill);
  return step.hex === undefined ? step.text : Buffer.from(step.hex, 'hex');
}

const short = (value) => String(Buffer.isBuffer(value) ? value.toString('hex') : value).slice(0, 400);

function assertMessage({ binary, data }, expected) {
  const words = () => `expected ${short(expected)}, got ${short(binary ? data : data.toString())}`;
  assert.equal(binary, Buffer.isBuffer(expected), words());
  if (binary) assert.ok(data.equals(expected), words());
  else assert.deepEqual(JSON.parse(data.toString()), JSON.parse(expected), words());
}

class Conversation {
  constructor() {
    this.clients = new Map();
    this.holders = new Map();
  }

  // On a page with several holders, an older one is told the count when its interval is over,
  // which in real time is between any two of its other messages.
  #isLateCount({ binary, data }, expected) {
    if (binary || String(expected).includes('visitors_count')) return false;
    const [, , topic, event] = JSON.parse(data.toString());
    return event === 'visitors_count' && this.holders.get(topic) > 1;
  }

  #noteJoin(text) {
    const topic = /"(have:[^"]*)","phx_join"/.exec(text)?.[1];
    if (topic) this.holders.set(topic, (this.holders.get(topic) ?? 0) + 1);
  }

  async #sessions(count) {
    const gauge = async () => (await server.metrics()).whilst_sessions === count;
    await until(gauge, `${count} sessions at the server`);
  }

  async connect(name) {
    this.clients.set(name, await connectClient(server.url));
  }

  from(name, step) {
    const message = bytesOf(step);
    if (typeof message === 'string') this.#noteJoin(message);
    this.clients.get(name).socket.send(message);
  }

  async to(name, step) {
    const expected = bytesOf(step);
    const client = this.clients.get(name);
    let message = await client.next(`to ${name}: ${short(expected)}`);
    while (this.#isLateCount(message, expected)) {
      message = await client.next(`to ${name}: ${short(expected)}`);
    }
    assertMessage(message, expected);
  }

  async closed(name, { code, reason }) {
    const client = this.clients.get(name);
    await assert.rejects(client.next(`the end of ${name}`), /^Error: closed with/);
    assert.deepEqual(client.end, { code, reason });
    this.clients.delete(name);
  }

  async disconnect(name) {
    await this.clients.get(name).drop();
    this.clients.delete(name);
    await this.#sessions(this.clients.size);
  }

  leave_quiet(name) {
    return this.clients.get(name).quiet();
  }

  async end() {
    for (const client of this.clients.values()) await client.drop();
    this.clients.clear();
    await this.#sessions(0);
  }
}

const VERBS = ['connect', 'from', 'to', 'closed', 'disconnect', 'leave_quiet'];

async function play(steps) {
  const conversation = new Conversation();
  let at = 0;
  try {
    for (const step of steps) {
      at += 1;
      const verb = VERBS.find((word) => word in step);
      assert.ok(verb, `a verb in ${JSON.stringify(step)}`);
      await conversation[verb](step[verb], step);
    }
  } catch (error) {
    error.message = `step ${at} of ${steps.length}: ${error.message}`;
    throw error;
  } finally {
    await conversation.end();
  }
}

function difference(before, after) {
  const grown = {};
  for (const [reason, count] of Object.entries(after)) {
    if (count !== (before[reason] ?? 0)) grown[reason] = count - (before[reason] ?? 0);
  }
  return grown;
}

const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'));

test('there are conversations', () => assert.ok(files.length >= 60));

for (const file of files.sort()) {
  const vector = JSON.parse(readFileSync(new URL(file, DIRECTORY), 'utf8'));
  test(`${file}: ${vector.about}`, async () => {
    const earlier = refusals(await server.metrics());
    await play(vector.steps);
    assert.deepEqual(difference(earlier, refusals(await server.metrics())), vector.refusals);
  });
}
