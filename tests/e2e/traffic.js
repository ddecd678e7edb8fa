// Pages held by clients that come back, and requests for them without a pause.

import http from 'node:http';
import { webcrypto } from 'node:crypto';
import { WebSocket } from 'ws';
import { connect } from '../../static/whilst.js';
import { launch } from './cli.js';
import { sha256 } from './client.js';
import { within } from './wait.js';

const PER_CLIENT = 100;

export const bytesOf = (i) => Buffer.from(`page ${i} of those that outlive the server`);

class Socket extends WebSocket {
  constructor(...args) {
    super(...args);
    this.on('error', () => {}); // in a browser, an error that nobody listens to harms nobody
  }
}

// Clients of our library, each with many pages.
export async function hold(t, server, count, per_client = PER_CLIENT) {
  const hashes = [];
  for (let first = 0; first < count; first += per_client) {
    const client = connect(server.url, { WebSocket: Socket, crypto: webcrypto });
    t.after(() => client.close());
    for (let i = first; i < Math.min(count, first + per_client); i += 1) {
      const { hash } = await client.share(bytesOf(i));
      hashes.push(hash);
    }
  }
  return hashes;
}

// The same by a program, in which each page has a connection of its own.
export async function holdAlone(t, server, count) {
  await launch(t, [process.env.WHILST_HOLDERS_BINARY, server.url, String(count)], { input: undefined }).printed(1);
  return Array.from({ length: count }, (_, i) => sha256(bytesOf(i)));
}

// Asks for pages without a pause, over `kept` connections as browsers keep them or a new one for each, until `stop`: what failed.
export function startTraffic(server, hashes, agents = 4, kept = true) {
  const traffic = { asked: 0, failed: [], worst_ms: 0, stopped: false };
  const ask = (agent, i) => new Promise((resolve) => {
    const began = Date.now();
    const end = (fault) => {
      if (fault) traffic.failed.push(fault);
      traffic.asked += 1;
      traffic.worst_ms = Math.max(traffic.worst_ms, Date.now() - began);
      resolve();
    };
    http.get({ ...server.target, path: `/raw/${hashes[i]}`, agent }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', (error) => end(`${i}: ${error.message}`));
      answer.on('end', () => end(answer.statusCode !== 200 ? `${i}: ${answer.statusCode}`
        : !Buffer.concat(chunks).equals(bytesOf(i)) && `${i}: wrong bytes`));
    }).on('error', (error) => end(`${i}: ${error.message}`));
  });
  const running = Array.from({ length: agents }, async () => {
    const agent = new http.Agent({ keepAlive: kept, maxSockets: 1 });
    while (!traffic.stopped) await ask(agent, Math.floor(Math.random() * hashes.length));
    agent.destroy();
  });
  traffic.stop = async () => {
    traffic.stopped = true;
    await within(Promise.all(running), 'the last answers');
  };
  return traffic;
}
