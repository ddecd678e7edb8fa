// Ports for those who must be told one before they listen, or who come back to theirs.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

// The system gives ports from here on to whoever asks for any: servers and connections of other tests, too.
const RANGE = '/proc/sys/net/ipv4/ip_local_port_range';
const GIVEN_FROM = Number(readFileSync(RANGE, 'utf8').split(/\s+/)[0]);
const FIRST = 10_081; // browsers refuse 10080

function listenAt(port) {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function listenSomewhere() {
  for (;;) {
    const port = GIVEN_FROM > FIRST ? FIRST + Math.floor(Math.random() * (GIVEN_FROM - FIRST)) : 0;
    const server = await listenAt(port).catch((error) => {
      if (error.code !== 'EADDRINUSE') throw error;
    });
    if (server) return server;
  }
}

// So many that are free now, and are given to nobody else who does not ask here.
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, listenSomewhere));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
