// HTTP, one connection per request, nothing followed and nothing decoded. A target is {host, port}
// or {socketPath}; with `secure` it is spoken to through TLS, with whatever options of TLS it has.

import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import tls from 'node:tls';
import { within } from './wait.js';

const ask = (target, options) => (target.secure ? https : http).request({ ...target, ...options, agent: false });

// {status, headers, body}.
export function request(target, path, { method = 'GET', headers = {}, body = null } = {}) {
  const answer = new Promise((resolve, reject) => {
    const outgoing = ask(target, { path, method, headers });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode,
          headers: incoming.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    outgoing.end(body);
  });
  return within(answer, `an answer to ${method} ${path}`);
}

// Asks for a WebSocket and tells only what the server made of it: {status, headers}; status
// 0 stands for a connection that was closed without an answer.
export function handshake(target, path, headers = {}) {
  const answer = new Promise((resolve) => {
    const outgoing = ask(target, {
      path,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'd2hpbHN0IHNvbWVib2R5IQ==',
        ...headers,
      },
    });
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy();
      resolve({ status: incoming.statusCode, headers: incoming.headers });
    });
    outgoing.on('response', (incoming) => {
      incoming.resume();
      incoming.on('close', () =>
        resolve({ status: incoming.statusCode, headers: incoming.headers }),
      );
    });
    outgoing.on('error', () => resolve({ status: 0, headers: {} }));
    outgoing.end();
  });
  return within(answer, `an answer to the handshake ${path}`);
}

// A connection to speak anything over: `received` grows, `ended` resolves at its end.
export class Wire {
  constructor(target) {
    this.received = Buffer.alloc(0);
    const address = target.socketPath ? { path: target.socketPath } : { host: '127.0.0.1', ...target };
    this.socket = target.secure ? tls.connect(address) : connect(address);
    this.readers = new Set();
    this.done = false;
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      for (const look of this.readers) look();
    });
    this.socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.done = true;
        for (const look of this.readers) look();
        resolve();
      });
    });
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  text() {
    return this.received.toString('latin1');
  }

  // Waits until what came satisfies `test`, a function of this Wire.
  until(test, what) {
    const satisfied = new Promise((resolve, reject) => {
      const look = () => {
        if (test(this)) resolve();
        else if (this.done) reject(new Error(`${what}: closed after ${this.text()}`));
        else return;
        this.readers.delete(look);
      };
      this.readers.add(look);
      look();
    });
    return within(satisfied, () => `${what}, but only: ${this.text().slice(0, 400)}`);
  }

  untilClosed(what) {
    return within(this.ended, () => `${what}: not closed after ${this.text().slice(0, 400)}`);
  }

  destroy() {
    this.socket.destroy();
    return this.ended;
  }
}
