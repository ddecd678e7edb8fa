// A way to the server that can fail: a TCP proxy that is cut, or that swallows everything without a word.

import { connect, createServer } from 'node:net';

class Tunnel {
  constructor(server, listener) {
    this.server = server;
    this.listener = listener;
    this.pairs = new Set();
    this.host = `127.0.0.1:${listener.address().port}`;
    this.url = `http://${this.host}`;
    this.is_cut = false;
    listener.on('connection', (near) => this.#join(near));
  }

  #join(near) {
    if (this.is_cut) return near.destroy();
    const far = connect(this.server.port, '127.0.0.1');
    const pair = { ends: [near, far], is_deaf: false };
    this.pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (bytes) => pair.is_deaf || to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        this.pairs.delete(pair);
      });
    }
  }

  #end() {
    for (const { ends } of this.pairs) for (const socket of ends) socket.destroy();
  }

  // Every connection breaks, and nobody gets a new one until mend().
  cut() {
    this.is_cut = true;
    this.#end();
  }

  mend() {
    this.is_cut = false;
  }

  // No connection breaks, but on those that there are nothing arrives any more, either way.
  swallow() {
    for (const pair of this.pairs) pair.is_deaf = true;
  }

  close() {
    this.#end();
    return new Promise((resolve) => this.listener.close(resolve));
  }
}

export function startTunnel(server) {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.on('error', reject);
    listener.listen(0, '127.0.0.1', () => resolve(new Tunnel(server, listener)));
  });
}
