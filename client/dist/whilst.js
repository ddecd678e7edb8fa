// static/wire.js
var WireError = class extends Error {
  /** @param {"bad_json"|"bad_binary"} reason */
  constructor(reason) {
    super(reason);
    this.name = "WireError";
    this.reason = reason;
  }
};
var NAME_BYTES_MAX = 255;
var DEPTH_MAX = 32;
var SPACE = "[ \\t\\n\\r]*";
var TEXT_REF = 'null|-?(?:0|[1-9][0-9]*)|"[^"\\\\]{0,64}"';
var ENVELOPE = new RegExp(`^${SPACE}\\[(?:${SPACE}(?:${TEXT_REF})${SPACE},){2}`);
var BINARY_REF = /^[^"\\\u0000-\u001f]{1,64}$/;
var LONE_SURROGATE = /\p{Cs}/u;
var LAYOUTS = {
  client: { 0: { kind: "push", fields: ["join_ref", "ref", "topic", "event"] } },
  server: {
    0: { kind: "push", fields: ["join_ref", "topic", "event"] },
    1: { kind: "reply", fields: ["join_ref", "ref", "topic", "status"] },
    2: { kind: "broadcast", fields: ["topic", "event"] }
  }
};
var encoder = new TextEncoder();
var decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
function decodeText(text, from) {
  const parts = parseEnvelope(text);
  const [join_ref, ref, topic, event, payload] = parts;
  const isSound = isName(topic) && isName(event) && isObject(payload) && isSane(payload, 0);
  if (!isSound) throw new WireError("bad_json");
  if (from === "client") return { kind: "push", join_ref, ref, topic, event, payload };
  if (event === "phx_reply") return replyFrom(parts);
  const kind = join_ref === null && ref === null ? "broadcast" : "push";
  return { kind, join_ref, ref, topic, event, payload };
}
function encodeText(frame) {
  const { join_ref, ref, topic, event, status, payload } = frame;
  if (frame.kind !== "reply") return JSON.stringify([join_ref, ref, topic, event, payload]);
  return JSON.stringify([join_ref, ref, topic, "phx_reply", { status, response: payload }]);
}
function decodeBinary(bytes, from) {
  const layout = LAYOUTS[from][bytes[0]];
  if (!layout) throw new WireError("bad_binary");
  const frame = { kind: layout.kind, join_ref: null, ref: null };
  let at = 1 + layout.fields.length;
  layout.fields.forEach((field, i) => {
    const end = at + bytes[1 + i];
    if (!(end <= bytes.length)) throw new WireError("bad_binary");
    frame[field] = readField(field, bytes.subarray(at, end));
    at = end;
  });
  return { ...frame, payload: bytes.subarray(at) };
}
function encodeBinary(frame, from) {
  const entry = Object.entries(LAYOUTS[from]).find(([, layout]) => layout.kind === frame.kind);
  if (!entry) throw new RangeError(`a ${from} sends no ${frame.kind}`);
  const strings = entry[1].fields.map((field) => encoder.encode(String(frame[field] ?? "")));
  if (strings.some((string) => string.length > NAME_BYTES_MAX)) throw new RangeError("string too long");
  const payload = (
    /** @type {Uint8Array} */
    frame.payload
  );
  return concatenate([Uint8Array.of(Number(entry[0]), ...strings.map((string) => string.length)), ...strings, payload]);
}
function parseEnvelope(text) {
  if (!ENVELOPE.test(text)) throw new WireError("bad_json");
  try {
    return JSON.parse(text);
  } catch {
    throw new WireError("bad_json");
  }
}
function replyFrom([join_ref, ref, topic, event, { status, response }]) {
  if (typeof status !== "string" || !isObject(response)) throw new WireError("bad_json");
  return { kind: "reply", join_ref, ref, topic, event, status, payload: response };
}
function readField(field, bytes) {
  const isRef = field === "join_ref" || field === "ref";
  if (isRef && bytes.length === 0) return null;
  const string = readString(bytes);
  if (isRef ? !BINARY_REF.test(string) : string === "") throw new WireError("bad_binary");
  return string;
}
function readString(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new WireError("bad_binary");
  }
}
function isName(value) {
  if (typeof value !== "string" || LONE_SURROGATE.test(value)) return false;
  const size_bytes = encoder.encode(value).length;
  return size_bytes >= 1 && size_bytes <= NAME_BYTES_MAX;
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isSane(value, depth) {
  if (typeof value === "string") return !LONE_SURROGATE.test(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === DEPTH_MAX) return false;
  return Object.entries(value).every(([key, item]) => isSane(key, depth) && isSane(item, depth + 1));
}
function concatenate(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// static/channel.js
var HEARTBEAT_MS = 3e4;
var SILENCE_MS = 9e4;
var PROBE_MS = 1e4;
var HIDDEN_SLOW_MS = 30 * 6e4;
var SLOW_MS = [10 * 6e4];
var BACK_OFF_MS = [250, 500, 1e3, 2e3, 4e3, 8e3, 15e3, 3e4];
var REJOIN_MS = [1e3, 2e3, 5e3, 1e4];
var LEAST_DELAY_MS = { 1008: 5e3, 1012: 3e3, 1013: 5e3 };
var PASSING = /* @__PURE__ */ new Set(["busy", "join_rate", "ask_rate", "timeout", ""]);
var PushError = class extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.name = "PushError";
    this.reason = reason;
  }
};
var Socket = class {
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
    this.ws = null;
    this.channels = /* @__PURE__ */ new Map();
    this.pending = /* @__PURE__ */ new Map();
    this.timers = {};
    this.last_ref = 0;
    this.tries = 0;
    this.heard_at_ms = 0;
    this.state = "closed";
    this.hidden_since_ms = null;
    this.away_since_ms = null;
  }
  /** Connects. Also the way back after the state "closed". */
  open() {
    this.clearTimers();
    this.detach();
    this.setState("connecting");
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
    this.tries = 0;
    let frame;
    try {
      frame = typeof data === "string" ? decodeText(data, "server") : decodeBinary(new Uint8Array(data), "server");
    } catch {
      return;
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
    if (code === 1e3) this.setState("closed", null, reason);
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
};
function errorOf({ status, payload }) {
  return status === "ok" ? null : new PushError(reasonOf(payload));
}
var reasonOf = (payload) => "reason" in payload ? String(payload.reason) : "";
var Channel = class {
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
    this.state = "waiting";
    this.join_ref = null;
    this.timer = void 0;
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
      this.socket.request(frame, (error, response) => error ? reject(error) : resolve(response));
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
    if (this.state === "over" || join_ref !== null && join_ref !== this.join_ref) return;
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
};

// static/events.js
function createEvents() {
  const listeners = /* @__PURE__ */ new Map();
  return {
    on(event, fn) {
      const listener = (detail) => fn(detail);
      const those = listeners.get(event) ?? /* @__PURE__ */ new Set();
      listeners.set(event, those.add(listener));
      return () => void those.delete(listener);
    },
    emit(event, detail) {
      for (const listener of [...listeners.get(event) ?? []]) listener(detail);
    }
  };
}

// static/hash.js
var HASH = /^[0-9a-f]{64}$/;
async function hashOf(bytes, environment = globalThis.crypto ?? {}) {
  const { subtle } = environment;
  const digest = subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : await digestByLibrary(bytes);
  return toHex(digest);
}
function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
async function digestByLibrary(bytes) {
  const { sha256 } = await import("./sha256-SZG5AFDX.js");
  return sha256(bytes);
}

// static/hold.js
function createHold(socket, { hash, bytes, token }, report) {
  const events = createEvents();
  const emit = (event, detail = {}) => {
    events.emit(event, detail);
    report(event, { hash, ...detail });
  };
  const params = { token };
  const hold = {
    hash,
    size_bytes: bytes.length,
    get token() {
      return params.token;
    },
    set token(next) {
      params.token = next;
    },
    count: null,
    on: events.on,
    release: () => {
    }
  };
  function answer(channel) {
    emit("asked");
    channel.tell("content", bytes);
    emit("sent", { size_bytes: bytes.length });
  }
  function tell(count) {
    hold.count = count;
    emit("count", { count });
  }
  const joined = new Promise((resolve, reject) => {
    const channel = socket.channel(`have:${hash}`, params, {
      joined() {
        emit("holding");
        resolve();
      },
      message(event, payload) {
        if (event === "content_request") answer(channel);
        else if (event === "visitors_count" && Number.isSafeInteger(payload.count)) tell(payload.count);
      },
      over(reason) {
        emit("over", { reason });
        reject(new PushError(reason));
      }
    });
    hold.release = () => {
      channel.leave();
      reject(new PushError("released"));
    };
  });
  return { hold, joined };
}
function randomToken(crypto) {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

// static/seek.js
var encoder2 = new TextEncoder();
var ASK_AGAIN_MS = [5e3, 1e4, 3e4, 6e4];
function createSeek(socket, { hash, hashOf: hashOf2 }, report) {
  const { clock } = socket;
  let tries = 0;
  let timer;
  let resolve = () => {
  };
  let reject = () => {
  };
  const bytes = new Promise((...functions) => [resolve, reject] = functions);
  bytes.catch(() => {
  });
  const channel = socket.channel(`want:${hash}`, { binary: true, status: true }, {
    joined: ({ holders }) => report("seeking", { hash, holders }),
    message(event, payload) {
      if (event === "content") check(bytesOf(payload)).catch(reject);
      else if (event === "error") channel.joinLater();
      else if (event === "status") tell(payload);
    },
    over: (reason) => stop(reason)
  });
  function tell(status) {
    clock.clearTimeout(timer);
    if (status.state === "nobody" && status.holders > 0) {
      const ask = () => channel.tell("content_request", { hash });
      timer = clock.setTimeout(ask, socket.delay(ASK_AGAIN_MS, tries++));
    }
    report("status", { ...status, hash });
  }
  async function check(content) {
    leave();
    if (await hashOf2(content) === hash) {
      report("received", { hash, size_bytes: content.length });
      return resolve(content);
    }
    report("wrong_bytes", { hash, size_bytes: content.length });
    reject(new PushError("wrong_bytes"));
  }
  function leave() {
    clock.clearTimeout(timer);
    channel.leave();
  }
  function stop(reason) {
    leave();
    reject(new PushError(reason));
  }
  return { bytes, stop };
}
function bytesOf(payload) {
  return payload instanceof Uint8Array ? payload : encoder2.encode(String(payload.content ?? ""));
}

// static/whilst.js
var WhilstError = class extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(`whilst: ${reason}`);
    this.name = "WhilstError";
    this.reason = reason;
  }
};
function connect(url, options = {}) {
  const endpoint = new URL("ws/websocket?vsn=2.0.0", url).href.replace(/^http/, "ws");
  return new Client(endpoint, options);
}
var Client = class {
  /** @type {Socket} */
  #socket;
  /** @type {import("./channel.js").Clock} */
  #clock;
  /** @type {import("./hash.js").CryptoLike} */
  #crypto;
  /** @type {(event: string, detail: object) => void} */
  #report;
  #is_closed = false;
  /** @type {any} */
  #start_timer;
  /** @type {Map<string, {hold: Hold, joined: Promise<void>}>} by hash */
  #holds = /* @__PURE__ */ new Map();
  /** @type {Map<string, Search>} by hash */
  #seeks = /* @__PURE__ */ new Map();
  /**
   * @param {string} endpoint
   * @param {Options} options
   */
  constructor(endpoint, options) {
    const { WebSocket, clock, random, crypto } = { ...defaults(), ...options };
    const { on, emit } = createEvents();
    this.on = on;
    this.#report = (event, detail) => {
      emit(event, detail);
      emit("log", { at_ms: clock.now(), what: event, ...detail });
    };
    this.connection = { state: "connecting", retry_at_ms: null, reason: "" };
    this.limits = { page_bytes_max: null };
    this.#clock = clock;
    this.#crypto = crypto;
    this.#socket = new Socket(endpoint, { WebSocket, clock, random, onState: (state) => this.#connected(state) });
    this.#socket.channel("all", { limits: true }, {
      joined: (response) => this.#limited(response),
      message: () => {
      },
      over: () => {
      }
    });
    this.#start_timer = clock.setTimeout(() => this.#socket.open(), 0);
  }
  /**
   * Holds a page: others can get it as long as this client stays connected.
   * @param {Uint8Array} bytes copied
   * @param {object} [options]
   * @param {string} [options.token] 8 to 64 of A-Z a-z 0-9 _ -, to take the place of an earlier connection; default: random
   * @returns {Promise<Hold>} once the server counts this client as a holder; the same Hold when it already is one
   * @throws {WhilstError} page_size, released, closed, or the server's word
   */
  async share(bytes, { token = randomToken(this.#crypto) } = {}) {
    const { page_bytes_max } = this.limits;
    if (this.#is_closed) throw new WhilstError("closed");
    if (page_bytes_max !== null && bytes.length > page_bytes_max) throw new WhilstError("page_size");
    const copy = bytes.slice();
    const hash = await hashOf(copy, this.#crypto);
    if (this.#is_closed) throw new WhilstError("closed");
    const held = this.#holds.get(hash) ?? this.#hold({ hash, bytes: copy, token });
    return held.joined.then(
      () => held.hold,
      (error) => Promise.reject(toWhilstError(error))
    );
  }
  /**
   * Gets a page. Waits for a holder as long as it takes: watch "status", and give up with the signal.
   * @param {string} hash 64 lower-case hexadecimal digits
   * @param {object} [options]
   * @param {AbortSignal} [options.signal] gives the search up
   * @returns {Promise<Uint8Array>} bytes whose SHA-256 is `hash`
   * @throws {WhilstError} wrong_bytes, closed, or the server's word; TypeError: not a hash; the signal's reason
   */
  async get(hash, { signal } = {}) {
    if (!HASH.test(hash)) throw new TypeError("a hash is 64 lower-case hexadecimal digits");
    if (this.#is_closed) throw new WhilstError("closed");
    signal?.throwIfAborted();
    const seek = this.#seeks.get(hash) ?? this.#seek(hash);
    seek.waiting++;
    return this.#waitFor(seek, signal);
  }
  /** Looks at the connection now: call it when the page is shown again, restored, or back on line. */
  wake() {
    this.#socket.wake();
  }
  /**
   * Disconnects without letting go of anything, until wake(): for a document that may be no more in a moment. The server
   * keeps the places of its holds for the grace time.
   */
  suspend() {
    this.#clock.clearTimeout(this.#start_timer);
    this.#socket.suspend();
  }
  /** @param {boolean} hidden whether the tab is: a hidden one judges nothing dead, and after long tries more seldom */
  setHidden(hidden) {
    this.#socket.setHidden(hidden);
  }
  /** Connects again after the state "closed", or before the next attempt is due. */
  reconnect() {
    const { state } = this.connection;
    if (!this.#is_closed && (state === "away" || state === "closed")) this.#socket.open();
  }
  /** Lets go of every page, gives up every search, and disconnects for good. */
  close() {
    this.#is_closed = true;
    this.#clock.clearTimeout(this.#start_timer);
    for (const { hold } of [...this.#holds.values()]) hold.release();
    for (const seek of [...this.#seeks.values()]) seek.stop("closed");
    this.#socket.close();
  }
  /** @param {ConnectionState} state */
  #connected(state) {
    this.connection = state;
    this.#report("connection", state);
  }
  /** @param {{page_bytes_max?: unknown}} response */
  #limited({ page_bytes_max }) {
    if (typeof page_bytes_max !== "number" || !Number.isSafeInteger(page_bytes_max)) return;
    this.limits = { page_bytes_max };
    this.#report("limits", this.limits);
  }
  /** @param {{hash: string, bytes: Uint8Array, token: string}} page */
  #hold(page) {
    const held = createHold(this.#socket, page, (event, detail) => {
      if (event === "over") this.#holds.delete(page.hash);
      this.#report(event, detail);
    });
    const release = held.hold.release;
    held.hold.release = () => {
      if (this.#holds.get(page.hash) === held) this.#holds.delete(page.hash);
      release();
    };
    held.joined.catch(() => {
    });
    this.#holds.set(page.hash, held);
    return held;
  }
  /**
   * @param {string} hash
   * @returns {Search}
   */
  #seek(hash) {
    const check = (bytes) => hashOf(bytes, this.#crypto);
    const seek = { ...createSeek(this.#socket, { hash, hashOf: check }, this.#report), hash, waiting: 0 };
    this.#seeks.set(hash, seek);
    return seek;
  }
  /**
   * One of those who wait for a page; the last one to give up ends the search, at once, so that it can begin anew.
   * @param {Search} seek
   * @param {AbortSignal} [signal]
   * @returns {Promise<Uint8Array>}
   */
  #waitFor(seek, signal) {
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal?.removeEventListener("abort", onAbort);
        if (--seek.waiting > 0) return;
        if (this.#seeks.get(seek.hash) === seek) this.#seeks.delete(seek.hash);
        seek.stop("aborted");
      };
      const settle = (fn) => (value) => {
        if (signal?.aborted) return;
        leave();
        fn(value);
      };
      function onAbort() {
        leave();
        reject(signal?.reason);
      }
      signal?.addEventListener("abort", onAbort);
      seek.bytes.then(settle(resolve), settle((error) => reject(toWhilstError(error))));
    });
  }
};
function toWhilstError(error) {
  return error.reason ? new WhilstError(error.reason) : error;
}
function defaults() {
  const clock = {
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    now: () => Date.now()
  };
  return { WebSocket: globalThis.WebSocket, clock, random: Math.random, crypto: globalThis.crypto };
}
export {
  Client,
  HASH,
  WhilstError,
  connect,
  hashOf
};
