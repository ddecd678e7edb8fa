// A bare WebSocket to the server, with everything it received kept in order until asked for.

import { createHash } from 'node:crypto';
import { WebSocket } from 'ws';
import { within } from './wait.js';

export const PATH = '/ws/websocket?vsn=2.0.0';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const describe = ({ binary, data }) =>
  binary ? `binary ${data.toString('hex').slice(0, 200)}` : data.toString().slice(0, 400);

export class Client {
  constructor(socket) {
    this.socket = socket;
    this.inbox = [];
    this.waiting = [];
    this.end = null;
    this.refs = 0;
    socket.on('message', (data, binary) => this.#arrived({ binary, data }));
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.end = { code, reason: reason.toString() };
        for (const { reject } of this.waiting.splice(0)) reject(this.#ended());
        resolve(this.end);
      });
    });
    // A server that hangs up without a closing handshake is told by 'close' as 1006.
    socket.on('error', () => {});
  }

  #arrived(message) {
    const waiter = this.waiting.shift();
    if (waiter) waiter.resolve(message);
    else this.inbox.push(message);
  }

  #ended() {
    return new Error(`closed with ${this.end.code} ${this.end.reason}`);
  }

  // The next message: {binary, data}.
  next(what = 'a message', patience_ms = undefined) {
    if (this.inbox.length > 0) return Promise.resolve(this.inbox.shift());
    if (this.end) return Promise.reject(this.#ended());
    const arrival = new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    return within(arrival, what, patience_ms);
  }

  // The next message, which must be text, as a JSON value.
  async json(what) {
    const message = await this.next(what);
    if (message.binary) throw new Error(`binary instead of text: ${describe(message)}`);
    return JSON.parse(message.data.toString());
  }

  // The next message of this event; others are passed over.
  async event(name) {
    for (;;) {
      const message = await this.next(`the event ${name}`);
      if (message.binary) {
        const broadcast = readBroadcast(message.data);
        if (broadcast.event === name) return [null, null, ...Object.values(broadcast)];
      } else {
        const frame = JSON.parse(message.data.toString());
        if (frame[3] === name) return frame;
      }
    }
  }

  // A JSON value is sent as text; a Buffer as a binary message.
  send(message) {
    this.socket.send(Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  // Sends an event, and gives back its reply's payload; other messages are passed over.
  async call(topic, event, payload = {}, join_ref = null) {
    const ref = `c${++this.refs}`;
    this.send([event === 'phx_join' ? ref : join_ref, ref, topic, event, payload]);
    for (;;) {
      const frame = await this.event('phx_reply');
      if (frame[1] === ref) return frame[4];
    }
  }

  async join(topic, payload = {}) {
    const reply = await this.call(topic, 'phx_join', payload);
    if (reply.status !== 'ok') throw new Error(`join ${topic}: ${JSON.stringify(reply)}`);
    return `c${this.refs}`;
  }

  // Proves that nothing is on its way here: the answer to a heartbeat is the next message.
  async quiet() {
    const ref = `q${++this.refs}`;
    this.send([null, ref, 'phoenix', 'heartbeat', {}]);
    const message = await this.next('the answer to a heartbeat');
    const answer = message.binary ? null : JSON.parse(message.data.toString());
    if (answer?.[1] !== ref) throw new Error(`not left in quiet: ${describe(message)}`);
  }

  // The connection drops, with neither a leave nor a closing handshake.
  drop() {
    this.socket.terminate();
    return within(this.closed, 'the end of a dropped connection');
  }

  close() {
    this.socket.close(1000);
    return within(this.closed, 'the end of a closed connection');
  }
}

function readBroadcast(bytes) {
  if (bytes[0] !== 2) throw new Error(`not a broadcast: ${bytes.toString('hex', 0, 100)}`);
  const [, topic_size, event_size] = bytes;
  const payload_start = 3 + topic_size + event_size;
  return {
    topic: bytes.toString('utf8', 3, 3 + topic_size),
    event: bytes.toString('utf8', 3 + topic_size, payload_start),
    payload: bytes.subarray(payload_start),
  };
}

// A client's binary push, as in the protocol's section 2.2.
export function binaryPush(join_ref, ref, topic, event, payload) {
  const strings = [join_ref ?? '', ref ?? '', topic, event].map((text) => Buffer.from(text));
  return Buffer.concat([Buffer.from([0, ...strings.map((s) => s.length)]), ...strings, payload]);
}

// `address`: "http://host:port", or a whole ws: address. `options` are those of `ws`.
export async function connectClient(address, options = {}) {
  const url = address.startsWith('http') ? `ws${address.slice(4)}${PATH}` : address;
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  const client = new Client(socket);
  await within(
    new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    }),
    `a connection to ${url}`,
  );
  return client;
}

// A client that holds a page and answers every request for it, as binary. `asked` counts
// the requests; `answer` may be changed, to null for a silent holder, to other bytes for a liar.
export async function holdPage(address, bytes, options = {}) {
  const page = Buffer.from(bytes);
  const hash = sha256(page);
  const client = await connectClient(address, options);
  const topic = `have:${hash}`;
  const holder = { client, hash, topic, asked: 0, answer: page };
  // Listened for before joining: the request may come with the reply.
  client.socket.on('message', (data, binary) => {
    const [join_ref, , to, event] = binary ? [] : JSON.parse(data.toString());
    if (to !== topic || event !== 'content_request') return;
    holder.asked += 1;
    holder.join_ref = join_ref; // for one who answers later
    if (holder.answer === null) return;
    client.send(binaryPush(join_ref, `a${holder.asked}`, topic, 'content', holder.answer));
  });
  await client.join(topic);
  return holder;
}
