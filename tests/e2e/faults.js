// The server with an allocator that fails when it is told to (tests/faults): what it is told is
// in a file that both have mapped.

import assert from 'node:assert/strict';
import { mkdtempSync, openSync, closeSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startServer } from './server.js';

const FIELDS = ['armed', 'calls', 'first', 'last', 'failed'];
export const NEVER = 2n ** 64n - 1n;

export class Faults {
  constructor(directory) {
    this.path = join(directory, 'faults');
    writeFileSync(this.path, Buffer.alloc(8 * FIELDS.length));
    this.file = openSync(this.path, 'r+');
  }

  // Refuses the allocations numbered from first to last, counted from now on.
  refuse(first, last = first) {
    this.#write([0n, 0n, BigInt(first), BigInt(last), 0n]);
    this.#write([1n]);
  }

  // No more; gives what was counted: {calls, failed}.
  relent() {
    this.#write([0n]);
    const bytes = Buffer.alloc(8 * FIELDS.length);
    readSync(this.file, bytes, 0, bytes.length, 0);
    const field = (name) => Number(bytes.readBigUInt64LE(8 * FIELDS.indexOf(name)));
    return { calls: field('calls'), failed: field('failed') };
  }

  #write(values) {
    const bytes = Buffer.alloc(8 * values.length);
    values.forEach((value, i) => bytes.writeBigUInt64LE(value, 8 * i));
    writeSync(this.file, bytes, 0, bytes.length, 0);
  }
}

// {server, faults}, for one test.
export async function faultyServerFor(test, options = {}) {
  const path = process.env.WHILST_FAULTS_BINARY;
  assert.ok(path, 'WHILST_FAULTS_BINARY is not set: build/…/tests/e2e/whilst_faults');
  const directory = mkdtempSync(join(tmpdir(), 'whilst-faults-'));
  const faults = new Faults(directory);
  const env = { WHILST_FAULTS: faults.path };
  const server = await startServer({ ...options, path: resolve(path), env });
  test.after(async () => {
    faults.relent();
    await server.stop();
    closeSync(faults.file);
    rmSync(directory, { recursive: true });
  });
  return { server, faults };
}
