// Prometheus' text format, read strictly: whatever a scraper could stumble over is an error.

import assert from 'node:assert/strict';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/;
const LABELS = /^\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,(?=[a-z])|(?=\})))+\}$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

function readComment(line, types, helps) {
  const [, keyword, name, ...rest] = line.split(' ');
  assert.match(name ?? '', NAME, `name in: ${line}`);
  if (keyword === 'HELP') {
    assert.ok(!helps.has(name), `second HELP of ${name}`);
    helps.add(name);
  } else if (keyword === 'TYPE') {
    assert.ok(!types.has(name), `second TYPE of ${name}`);
    assert.ok(TYPES.includes(rest.join(' ')), `type in: ${line}`);
    types.set(name, rest[0]);
  } else {
    assert.fail(`neither HELP nor TYPE: ${line}`);
  }
}

function readSample(line, types, values) {
  const match = SAMPLE.exec(line);
  assert.ok(match, `not a sample: ${line}`);
  const [, name, labels = '', value] = match;
  if (labels) assert.match(labels, LABELS, `labels in: ${line}`);
  const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
  assert.ok(types.has(family), `a sample before its TYPE: ${line}`);
  assert.ok(!values.has(name + labels), `twice: ${name}${labels}`);
  values.set(name + labels, Number(value.replace('Inf', 'Infinity')));
}

// {types, helps, values}: by name, and for values by name with its labels.
export function readExposition(text) {
  const types = new Map();
  const helps = new Set();
  const values = new Map();
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('#')) readComment(line, types, helps);
    else readSample(line, types, values);
  }
  return { types, helps, values };
}

// {'whilst_refusals_total{reason="bad_json"}': 3, …}
export function parseMetrics(text) {
  return Object.fromEntries(readExposition(text).values);
}

// {bad_json: 3, …}, those that are 0 left out.
export function refusals(metrics) {
  const found = {};
  for (const [name, value] of Object.entries(metrics)) {
    const match = /^whilst_refusals_total\{reason="(\w+)"\}$/.exec(name);
    if (match && value !== 0) found[match[1]] = value;
  }
  return found;
}

// What grew from `before` to `after`, by how much.
export function growth(before, after) {
  const grown = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const by = (after[name] ?? 0) - (before[name] ?? 0);
    if (by !== 0) grown[name] = by;
  }
  return grown;
}
