// curl, as anybody would use it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { PATIENCE_MS, within } from './wait.js';

// Many may wait at the same time for what comes to one after the other.
const CURL_PATIENCE_MS = 4 * PATIENCE_MS;

// {code, output, errors} of a curl command; `output` is a Buffer.
export function curl(...args) {
  const answer = new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: 1 << 24, timeout: CURL_PATIENCE_MS };
    execFile('curl', ['--silent', '--show-error', ...args], options, (error, output, errors) =>
      resolve({ code: error ? error.code : 0, output, errors: errors.toString() }),
    );
  });
  return within(answer, `curl ${args.join(' ')}`, CURL_PATIENCE_MS + 1_000);
}

// {status, headers, body} of what curl prints with --include; "100 Continue" is no answer.
export async function answerOf(...args) {
  const { code, output: all, errors } = await curl('--include', ...args);
  assert.equal(code, 0, errors);
  const output = all.subarray(/^(HTTP\/1.1 1[^]*?\r\n\r\n)*/.exec(all.toString('latin1'))[0].length);
  const end = output.indexOf('\r\n\r\n');
  const [first, ...lines] = output.toString('latin1', 0, end).split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(first.split(' ')[1]), headers, body: output.subarray(end + 4) };
}

// {status, headers, body} of the last answer to `curl -T`; rejects if there is none.
export function put(path, url, ...args) {
  return answerOf('--upload-file', path, ...args, url);
}
