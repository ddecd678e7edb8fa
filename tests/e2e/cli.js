// The program's client commands, as a user types them: through pipes, or on a terminal.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from './server.js';
import { until, within } from './wait.js';

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

// A command that is running. `output` and `errors` grow; `ended` resolves to its exit code.
class Command {
  // `input` is written and ended; undefined leaves that to the caller.
  constructor(words, { input, env = {}, cwd }) {
    const [program, ...args] = words;
    this.words = words.join(' ');
    this.child = spawn(program, args, {
      cwd,
      env: { ...process.env, WHILST_SERVER: '', ...env },
      stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    running.add(this.child);
    this.output = Buffer.alloc(0);
    this.errors = '';
    this.is_over = false;
    this.child.stdout.on('data', (part) => (this.output = Buffer.concat([this.output, part])));
    this.child.stdout.on('error', () => {});
    this.child.stderr.setEncoding('utf8').on('data', (part) => (this.errors += part));
    this.child.stdin?.on('error', () => {}); // it may not want all of it
    if (input !== undefined) this.child.stdin?.end(input);
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        running.delete(this.child);
        this.is_over = true; // and all that it printed has been read
        resolve(code ?? signal);
      });
    });
    this.ended.catch(() => {});
  }

  get text() {
    return this.output.toString();
  }

  get lines() {
    return this.text.split('\n').slice(0, -1);
  }

  // Until it has printed so many lines, which are given back.
  async printed(count) {
    const said = () => `${count} lines from ${this.words}; it printed: ${this.text}${this.errors}`;
    await until(() => this.lines.length >= count || this.is_over, said);
    if (this.lines.length < count) throw new Error(`not: ${said()}`);
    return this.lines;
  }

  async end(signal = 'SIGINT') {
    this.child.kill(signal);
    return this.exit();
  }

  exit() {
    return within(this.ended, () => `the end of ${this.words}; it printed: ${this.errors}`);
  }
}

// Starts a program by its words; it is ended with the test.
export function launch(t, words, options = {}) {
  const command = new Command(words, { input: null, ...options });
  t.after(() => command.child.kill('SIGKILL'));
  return command;
}

// Starts `whilst` with these arguments.
export const start = (t, args, options) => launch(t, commandLine(args), options);

// Runs `whilst` to its end: {code, output, text, errors}.
export async function run(t, args, options) {
  const command = start(t, args, options);
  const code = await command.exit();
  return { code, output: command.output, text: command.text, errors: command.errors };
}

// The same on a terminal of its own: util-linux's `script` makes one. What the program
// prints to either stream is in `output`.
export function onTerminal(t, args, options) {
  const quoted = commandLine(args).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return launch(t, ['script', '-qec', quoted.join(' '), '/dev/null'], options);
}

export function directory(t) {
  const path = mkdtempSync(join(tmpdir(), 'whilst-cli-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
