// A socket that comes back by itself, and the channels (joined topics) on it. No DOM: the WebSocket constructor, the
// clock and the dice are injected.
//
// Life of a connection. The server drives it: it pings, and browsers answer without telling us. Our own heartbeat is
// scheduled from the reply to the last one, so a hidden tab whose timers sleep stays connected, and no deadline of ours
// counts while the tab is hidden. After a loss we come back with growing, random delays, and slowly once we have been both
// hidden and away for HIDDEN_SLOW_MS; at once on wake(); never after close code 1000 or close(). suspend() gives the
// connection up without leaving a topic, for a document that may be no more in a moment: wake() is the way back.
//
// Life of a channel: joining -> joined, and over when it was left, or when the server refused it with a reason that
// asking again cannot change. Every other loss ends in another join.

import { decodeBinary, decodeText, encodeBinary, encodeText } from "./wire.js";

/** @typedef {import("./wire.js").Frame} Frame @typedef {import("./wire.js").Ref} Ref */

/**
 * @typedef {object} Clock
 * @property {(fn: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now milliseconds since 1970
 *
 * @typedef {new (url: string) => any} WebSocketClass of the browser's kind: the browser's, Node's, or that of the package ws
 *
 * @typedef {object} ConnectionState
 * @property {"connecting"|"open"|"away"|"closed"} state away: lost, and coming back; closed: for good
 * @property {number|null} retry_at_ms away: when the next attempt is made, as Clock.now; null: not before wake()
 * @property {string} reason of the loss: the server's word, or "silent"; else ""
 *
 * @typedef {object} ChannelHandler
 * @property {(response: any) => void} joined after every join, so also after each reconnect
 * @property {(event: string, payload: any) => void} message an object, or bytes when the frame was binary
 * @property {(reason: string) => void} over not called after leave(); "phx_close" when the server closed the topic
 */

const HEARTBEAT_MS = 30_000;
// Timers of a hidden tab may come once a minute: nothing that one could meet is judged in less than 90 s.
const SILENCE_MS = 90_000;
const PROBE_MS = 10_000;
const HIDDEN_SLOW_MS = 30 * 60_000;
const SLOW_MS = [10 * 60_000];
// The server keeps a lost holder's place for 10 s: the first five attempts fall into it.
const BACK_OFF_MS = [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000];
const REJOIN_MS = [1000, 2000, 5000, 10_000];
// A full or annoyed server wants to be left alone. One that restarts (1012) sends its clients away one after the other.
/** @type {Record<number, number>} by close code */
const LEAST_DELAY_MS = { 1008: 5000, 1013: 5000 };
const PASSING = new Set(["busy", "join_rate", "ask_rate", "timeout", ""]);

/** A push that was refused, was not answered, or could not be sent. `reason` is the server's word, "timeout" or "not_joined". */
export class PushError extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.name = "PushError";
    this.reason = reason;
  }
}

/** One connection after the other to one server. */
export class Socket {
  /**
   * @param {string} url of the WebSocket end point, with its query
   * @param {object} options
   * @param {WebSocketClass} options.WebSocket
   * @param {Clock} options.clock
   * @param {() => number} options.random from 0 up to 1
   * @param {(state: ConnectionState) => void} options.onState
   */
  constructor(url, { WebSocket, clock, random, onState }) {
    this.url = url;
    this.WebSocket = WebSocket;
    this.clock = clock;
    this.random = random;
    this.onState = onState;
    /** @type {WebSocket|null} */
    this.ws = null;
    /** @type {Map<string, Channel>} by topic */
    this.channels = new Map();
    /** @type {Map<string, {done: (error: PushError|null, response: any) => void, timer: any}>} by ref */
    this.pending = new Map();
    /** @type {{retry?: any, beat?: any, deadline?: any}} */
    this.timers = {};
    this.last_ref = 0;
    this.tries = 0;
    this.heard_at_ms = 0;
    /** @type {ConnectionState["state"]} */
    this.state = "closed";
    /** @type {number|null} */
    this.hidden_since_ms = null;
    /** @type {number|null} */
    this.away_since_ms = null;
  }

  /** Connects. Also the way back after the state "closed". */
  open() {
    this.clearTimers();
    this.detach();
    this.setState("connecting");
    /** @type {WebSocket} */
    const ws = new this.WebSocket(this.url);
    ws.binaryType = "arraybuffer";
    ws.onopen = () => this.opened();
    ws.onmessage = (event) => this.received(event.data);
    ws.onclose = (event) => this.lost(event.code, event.reason);
    this.ws = ws;
    this.expect(SILENCE_MS);
  }

  /**
   * Joins a topic, now or as soon as there is a connection, and again after every loss.
   * @param {string} topic
   * @param {object} params join payload
   * @param {ChannelHandler} handler
   * @returns {Channel}
   */
  channel(topic, params, handler) {
    const channel = new Channel(this, topic, params, handler);
    this.channels.set(topic, channel);
    if (this.state === "open") channel.join();
    return channel;
  }

  /** Something happened that makes a connection likely or its loss visible: the tab is back, the network is back. */
  wake() {
    if (this.state === "away") this.open();
    else if (this.state === "connecting") this.expect(PROBE_MS);
    else if (this.state === "open" && this.clock.now() - this.heard_at_ms > HEARTBEAT_MS) this.beat(PROBE_MS);
  }

  /** @param {boolean} hidden whether the tab is; becoming visible wakes */
  setHidden(hidden) {
    if (!hidden) this.hidden_since_ms = null;
    else if (this.hidden_since_ms === null) this.hidden_since_ms = this.clock.now();
    if (!hidden) this.wake();
  }

  /**
   * Ends the connection without leaving a topic: the server keeps the places of those who hold with a token for its grace
   * time. Comes back at wake(), not before.
   */
  suspend() {
    if (this.state === "closed") return;
    this.clearTimers();
    this.drop();
    this.setState("away", null, "suspended");
  }

  /** Leaves every topic and ends the connection for good. */
  close() {
    for (const channel of [...this.channels.values()]) channel.leave();
    this.clearTimers();
    this.rejectPending("closed");
    this.detach();
    this.setState("closed");
  }

  /** @returns {string} the number of the next message */
  nextRef() {
    return String(++this.last_ref);
  }

  /** @param {Frame} frame dropped when there is no connection */
  send(frame) {
    if (this.state !== "open") return;
    this.ws?.send(frame.payload instanceof Uint8Array ? encodeBinary(frame, "client") : encodeText(frame));
  }

  /**
   * Sends a push and waits for its reply. Not a promise: the next message may come before a promise would be told, and
   * what it means can depend on this one.
   * @param {Frame} frame with a ref
   * @param {(error: PushError|null, response: any) => void} done
   */
  request(frame, done) {
    const timer = this.clock.setTimeout(() => this.settle(frame.ref, new PushError("timeout")), SILENCE_MS);
    this.pending.set(String(frame.ref), { done, timer });
    this.send(frame);
  }

  /**
   * A random share of a step of a ladder, so that a crowd does not come back at once.
   * @param {number[]} steps in ms
   * @param {number} tries so far
   * @param {number} [least_ms]
   * @returns {number} ms
   */
  delay(steps, tries, least_ms = 0) {
    const step_ms = Math.max(steps[Math.min(tries, steps.length - 1)], least_ms);
    return step_ms * (0.5 + this.random() / 2);
  }

  // The rest is the socket's own.

  opened() {
    this.away_since_ms = null;
    this.heard_at_ms = this.clock.now();
    this.clearTimers();
    this.setState("open");
    this.scheduleBeat();
    for (const channel of this.channels.values()) channel.join();
  }

  /** @param {string|ArrayBuffer} data */
  received(data) {
    this.heard_at_ms = this.clock.now();
    this.tries = 0; // not in opened(): a full server accepts, says 1013 and hangs up
    let frame;
    try {
      frame = typeof data === "string" ? decodeText(data, "server") : decodeBinary(new Uint8Array(data), "server");
    } catch {
      return; // a later version of the server may say more than we know
    }
    if (frame.kind === "reply") this.settle(frame.ref, errorOf(frame), frame.payload);
    else this.channels.get(frame.topic)?.receive(frame);
  }

  /**
   * @param {Ref} ref
   * @param {PushError|null} error
   * @param {object} [response]
   */
  settle(ref, error, response = {}) {
    const waiting = this.pending.get(String(ref));
    if (!waiting) return;
    this.pending.delete(String(ref));
    this.clock.clearTimeout(waiting.timer);
    waiting.done(error, response);
  }

  /** @param {string} reason */
  rejectPending(reason) {
    for (const ref of [...this.pending.keys()]) this.settle(ref, new PushError(reason));
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  lost(code, reason) {
    this.clearTimers();
    this.drop();
    if (code === 1000) this.setState("closed", null, reason);
    else this.scheduleRetry(code, reason);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  scheduleRetry(code, reason) {
    const steps = this.isForgotten() ? SLOW_MS : BACK_OFF_MS;
    const delay_ms = this.delay(steps, this.tries++, LEAST_DELAY_MS[code]);
    this.timers.retry = this.clock.setTimeout(() => this.open(), delay_ms);
    this.setState("away", this.clock.now() + delay_ms, reason);
  }

  isForgotten() {
    if (this.hidden_since_ms === null || this.away_since_ms === null) return false;
    const since_ms = Math.max(this.hidden_since_ms, this.away_since_ms);
    return this.clock.now() - since_ms >= HIDDEN_SLOW_MS;
  }

  /** A timer that comes far too late has slept with the machine: then the connection is probed. */
  scheduleBeat() {
    const due_ms = this.clock.now() + HEARTBEAT_MS;
    this.timers.beat = this.clock.setTimeout(() => {
      const has_slept = this.clock.now() - due_ms > SILENCE_MS;
      this.beat(has_slept ? PROBE_MS : SILENCE_MS);
    }, HEARTBEAT_MS);
  }

  /** @param {number} patience_ms */
  beat(patience_ms) {
    this.clock.clearTimeout(this.timers.beat);
    this.expect(patience_ms);
    /** @type {Frame} */
    const frame = { kind: "push", join_ref: null, ref: this.nextRef(), topic: "phoenix", event: "heartbeat", payload: {} };
    this.request(frame, (error) => error || this.beaten());
  }

  beaten() {
    this.clock.clearTimeout(this.timers.deadline);
    this.clock.clearTimeout(this.timers.beat);
    this.scheduleBeat();
  }

  /**
   * Gives the connection up unless clearTimers or a reply comes first; not while hidden.
   * @param {number} patience_ms
   */
  expect(patience_ms) {
    this.clock.clearTimeout(this.timers.deadline);
    this.timers.deadline = this.clock.setTimeout(() => {
      if (this.hidden_since_ms !== null) this.expect(patience_ms);
      else this.lost(1006, "silent");
    }, patience_ms);
  }

  clearTimers() {
    for (const timer of Object.values(this.timers)) this.clock.clearTimeout(timer);
    this.timers = {};
  }

  /** Lets go of the present WebSocket, and makes the channels wait for the next. */
  drop() {
    this.detach();
    this.away_since_ms ??= this.clock.now();
    for (const channel of this.channels.values()) channel.interrupt();
    this.rejectPending("not_joined");
  }

  /** Whatever the present WebSocket still does concerns nobody. */
  detach() {
    const ws = this.ws;
    if (!ws) return;
    this.ws = null;
    ws.onopen = ws.onmessage = ws.onclose = null;
    ws.close();
  }

  /**
   * @param {ConnectionState["state"]} state
   * @param {number|null} [retry_at_ms]
   * @param {string} [reason]
   */
  setState(state, retry_at_ms = null, reason = "") {
    this.state = state;
    this.onState({ state, retry_at_ms, reason });
  }
}

/** @param {Frame} reply */
function errorOf({ status, payload }) {
  return status === "ok" ? null : new PushError(reasonOf(payload));
}

/** @param {object|Uint8Array} payload */
const reasonOf = (payload) => ("reason" in payload ? String(payload.reason) : "");

/** One topic on a socket. */
export class Channel {
  /**
   * @param {Socket} socket
   * @param {string} topic
   * @param {object} params
   * @param {ChannelHandler} handler
   */
  constructor(socket, topic, params, handler) {
    this.socket = socket;
    this.topic = topic;
    this.params = params;
    this.handler = handler;
    /** @type {"waiting"|"joining"|"joined"|"over"} */
    this.state = "waiting";
    /** @type {string|null} the ref of the join that counts */
    this.join_ref = null;
    /** @type {any} until the next join */
    this.timer = undefined;
    this.tries = 0;
  }

  /**
   * @param {string} event
   * @param {object|Uint8Array} payload
   * @returns {Promise<object>} the response
   * @throws {PushError}
   */
  push(event, payload) {
    if (this.state !== "joined") return Promise.reject(new PushError("not_joined"));
    const frame = this.frame(this.socket.nextRef(), event, payload);
    return new Promise((resolve, reject) => {
      this.socket.request(frame, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  /**
   * Sends an event whose reply does not matter.
   * @param {string} event
   * @param {object|Uint8Array} payload dropped when the topic is not joined
   */
  tell(event, payload) {
    if (this.state === "joined") this.socket.send(this.frame(null, event, payload));
  }

  /** Ends the channel; the handler hears nothing more. */
  leave() {
    if (this.state === "joined" || this.state === "joining") {
      this.socket.send(this.frame(this.socket.nextRef(), "phx_leave", {}));
    }
    this.finish();
  }

  /** Joins again after a while, longer each time. */
  joinLater() {
    this.interrupt();
    const delay_ms = this.socket.delay(REJOIN_MS, this.tries++);
    this.timer = this.socket.clock.setTimeout(() => this.socket.state === "open" && this.join(), delay_ms);
  }

  // The rest is for the socket.

  join() {
    this.socket.clock.clearTimeout(this.timer);
    const join_ref = this.socket.nextRef();
    this.join_ref = join_ref;
    this.state = "joining";
    this.socket.request(this.frame(join_ref, "phx_join", this.params), (error, response) => {
      if (this.join_ref !== join_ref || this.state !== "joining") return;
      if (error) this.ended(error.reason);
      else this.accepted(response);
    });
  }

  /** @param {Frame} frame a push or a broadcast */
  receive({ join_ref, event = "", payload }) {
    if (this.state === "over" || (join_ref !== null && join_ref !== this.join_ref)) return;
    if (event === "phx_error") this.ended(reasonOf(payload));
    else if (event === "phx_close") this.ended(event);
    else this.handler.message(event, payload);
  }

  interrupt() {
    this.socket.clock.clearTimeout(this.timer);
    this.state = "waiting";
  }

  /** @param {object} response */
  accepted(response) {
    this.state = "joined";
    this.tries = 0;
    this.handler.joined(response);
  }

  /** @param {string} reason */
  ended(reason) {
    if (!PASSING.has(reason)) {
      this.finish();
      return this.handler.over(reason);
    }
    this.joinLater();
  }

  finish() {
    this.socket.clock.clearTimeout(this.timer);
    this.state = "over";
    if (this.socket.channels.get(this.topic) === this) this.socket.channels.delete(this.topic);
  }

  /**
   * @param {Ref} ref
   * @param {string} event
   * @param {object|Uint8Array} payload
   * @returns {Frame}
   */
  frame(ref, event, payload) {
    return { kind: "push", join_ref: this.join_ref, ref, topic: this.topic, event, payload };
  }
}
