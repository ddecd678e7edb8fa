// The program under a service manager (tests/manager), which opens its sockets, hears what it says, and starts it
// again when it dies.

import assert from 'node:assert/strict';
import { announcements, commandLine, OPEN_LIMITS, Server, spawnCommand } from './server.js';
import { until, within } from './wait.js';

export class Managed extends Server {
  // What the manager saw: [["notify", "READY=1"], …]
  get events() {
    return [...this.program.output.matchAll(/^(\S+) (.*)$/gm)].map((match) => match.slice(1));
  }

  all(kind) {
    return this.events.filter(([word]) => word === kind).map(([, text]) => text);
  }

  // The process that serves now.
  get pid() {
    const main = this.events.findLast(([kind, text]) => kind === 'started' || text.startsWith('MAINPID='));
    return Number(main[1].replace('MAINPID=', ''));
  }

  hasEnded(pid) {
    return this.all('ended').some((text) => text.startsWith(`${pid} `));
  }

  heard(line) {
    return this.all('notify').filter((text) => text === line).length;
  }

  // Waits until the program has said so often that it is ready.
  async untilReady(times) {
    await until(() => this.heard('READY=1') >= times,
      () => `READY=1, ${times} times: ${this.program.output} ${this.errors}`);
  }

  // The manager ends with its program.
  async stop(signal = 'SIGTERM') {
    const { child, exited } = this.program;
    child.kill(signal);
    try {
      const end = await within(exited, () => `the end of all; the server printed: ${this.errors}`);
      assert.deepEqual(end, { code: 0, signal: null }, this.errors);
    } finally {
      child.kill('SIGKILL');
    }
  }
}

// `listen`: addresses that the manager opens, and names web0, web1, …; none: the program opens its own. `args`: options
// of the program.
export async function startManaged({ listen = ['127.0.0.1:0'], args = [], watchdog_ms = 0, env = {} } = {}) {
  const sockets = listen.flatMap((address) => ['--listen', address]);
  const manager = [process.env.WHILST_MANAGER_BINARY, ...sockets, '--watchdog', String(watchdog_ms), '--'];
  const program = spawnCommand([...manager, ...commandLine(['serve', ...OPEN_LIMITS, ...args])], env);
  // What the program says itself comes on another way, maybe later than what the manager says of it.
  const opened = () => [...program.output.matchAll(/^socket (.*)$/gm)].map((match) => match[1]);
  const addresses = () => (listen.length > 0 ? opened() : announcements(program));
  const count = listen.length || args.filter((arg) => arg === '--listen').length || 1;
  await until(() => program.output.includes('notify READY=1') && addresses().length >= count,
    () => `READY=1: ${program.output} ${program.errors}`);
  return new Managed(program, addresses());
}

export async function managedFor(test, options) {
  const server = await startManaged(options);
  test.after(() => server.stop());
  return server;
}
