// Nodes of one cluster, and what is seen of them from outside.

import { holdPage } from './client.js';
import { serverFor } from './server.js';
import { until } from './wait.js';

const url = (buses) => [buses].flat().map((bus) => bus.url).join(',');

// A node at one server of NATS, or at several.
export const node = (t, bus, name, args = []) => serverFor(t, { args: ['--bus', url(bus), '--node', name, ...args] });

// So many others are heard by each of them.
export async function together(nodes) {
  for (const one of nodes) {
    await until(async () => (await one.metrics()).whilst_bus_nodes === nodes.length - 1, () => `the others: ${one.errors}`);
  }
}

// One more holder, who is told the page's count.
export async function watcher(server, page) {
  const { client } = await holdPage(server.url, page);
  const seen = { client, count: 0 };
  const hear = ({ binary, data }) => {
    const [, , , event, payload] = binary ? [] : JSON.parse(data.toString());
    if (event === 'visitors_count') seen.count = payload.count;
  };
  client.inbox.forEach(hear);
  client.socket.on('message', (data, binary) => hear({ data, binary }));
  return seen;
}

export const shows = (seen, count) => until(() => seen.count === count, () => `a count of ${count}, not ${seen.count}`);
