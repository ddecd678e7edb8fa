// The dashboard's numbers: how they are written, and what is kept of the server's history.

import assert from "node:assert/strict";
import test from "node:test";
import { Samples, bytes, bytesPerSecond, duration, percent, perSecond, plain, seconds } from "../../static/admin_numbers.js";

test("numbers as people read them", () => {
  assert.deepEqual([0, 7, 0.126, 12.34, 123.4, 12345].map(plain), ["0", "7", "0.13", "12.3", "123", "12,345"]);
  assert.deepEqual([0, 1, 1023, 1024, 1536, 1 << 20, 5e12].map(bytes), ["0 bytes", "1 bytes", "1,023 bytes", "1 KiB", "1.5 KiB", "1 MiB", "4.55 TiB"]);
  assert.deepEqual([0, 0.0005, 0.25, 2.5, 60].map(seconds), ["0 ms", "0.5 ms", "250 ms", "2.5 s", "60 s"]);
  assert.deepEqual([0, 59, 60, 3600 + 120, 86_400 * 3].map(duration), ["0 s", "59 s", "1 min", "1 h 2 min", "3 days"]);
  assert.deepEqual([percent(0.5), perSecond(2.5), bytesPerSecond(2048)], ["50 %", "2.5/s", "2 KiB/s"]);
});

const answer = (next, time, more = {}, refusals = {}) => ({ next, step_s: 5, span_s: 20, columns: { time, ...more, refusals } });

test("samples are joined, and no more are kept than the server has", () => {
  const samples = new Samples();
  samples.add(answer(3, [10, 15, 20], { served: [1, 2, 10] }));
  assert.deepEqual(samples.rate("served"), [0.2, 0.4, 2]);
  samples.add(answer(5, [25, 30], { served: [5, 5] }));
  assert.deepEqual(samples.columns.time, [15, 20, 25, 30]);
  assert.deepEqual(samples.columns.served, [2, 10, 5, 5]);
  samples.add(answer(5, [], { served: [] }));
  assert.equal(samples.length, 4);
  assert.deepEqual(samples.rate("unknown"), []);
});

test("a server that began anew begins a history anew", () => {
  const samples = new Samples();
  samples.add(answer(9, [10, 15], { served: [1, 2] }, { busy: [1, 1] }));
  samples.add(answer(1, [100], { served: [7] }));
  assert.deepEqual(samples.columns, { time: [100], served: [7], refusals: {} });
});

test("a reason that comes later was 0 before, one that is over goes", () => {
  const samples = new Samples();
  samples.add(answer(2, [10, 15], {}, { busy: [5, 0] }));
  samples.add(answer(4, [20, 25], {}, { silent: [0, 10] }));
  assert.deepEqual(samples.refusals(6), [["silent", [0, 0, 0, 2]], ["busy", [1, 0, 0, 0]]]);
  samples.add(answer(5, [30]));
  assert.deepEqual(samples.refusals(6).map(([reason]) => reason), ["silent"]);
});

test("rare reasons are added up", () => {
  const samples = new Samples();
  samples.add(answer(1, [10], {}, { a: [5], b: [10], c: [15], d: [20] }));
  assert.deepEqual(samples.refusals(3), [["d", [4]], ["c", [3]], ["others", [3]]]);
  assert.deepEqual(samples.refusals(4).map(([reason]) => reason), ["d", "c", "b", "a"]);
});
