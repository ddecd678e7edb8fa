// The stock client of Phoenix Channels, over the `ws` implementation of WebSocket, with its
// callbacks as promises.

import { Socket } from 'phoenix';
import { WebSocket } from 'ws';
import { within } from './wait.js';

// A push without a reply keeps a timer for its time-out; content never gets one.
export const UNANSWERED_MS = 1_000;

// A connected socket that ends with the test. Its waits are shorter than a browser's, so that
// a test of what happens after them does not take long.
export function socketFor(test, server, options = {}) {
  const socket = new Socket(server.websocket, {
    transport: WebSocket,
    rejoinAfterMs: () => 50,
    reconnectAfterMs: () => 50,
    ...options,
  });
  test.after(() => socket.disconnect());
  socket.connect();
  return socket;
}

// The outcome of a push or join: {status, response}.
export function outcome(push, what = 'a reply') {
  const answer = new Promise((resolve) => {
    for (const status of ['ok', 'error', 'timeout']) {
      push.receive(status, (response) => resolve({ status, response }));
    }
  });
  return within(answer, what);
}

// Collects what a channel is sent under one event; `next` waits for the next one.
export function hearing(channel, event) {
  const heard = { all: [], waiting: [], taken: 0 };
  channel.on(event, (payload) => {
    heard.all.push(payload);
    heard.waiting.shift()?.();
  });
  heard.next = async () => {
    if (heard.all.length <= heard.taken) {
      const arrival = new Promise((resolve) => heard.waiting.push(resolve));
      await within(arrival, `${event} on ${channel.topic}`);
    }
    return heard.all[heard.taken++];
  };
  return heard;
}

// A promise of the next call of `subscribe`'s callback.
export function nextCall(subscribe, what) {
  return within(new Promise((resolve) => subscribe(resolve)), what);
}

// Joins a topic and expects it to work: the channel.
export async function joined(socket, topic, payload = {}) {
  const channel = socket.channel(topic, payload);
  const { status, response } = await outcome(channel.join(), `a join of ${topic}`);
  if (status !== 'ok') throw new Error(`join ${topic}: ${status} ${JSON.stringify(response)}`);
  return channel;
}
