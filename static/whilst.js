// Whilst for programs: share pages and get pages over one connection to one server. No DOM.
//
//   const client = connect("https://whilst.example/");
//   const hold = await client.share(new TextEncoder().encode("hello"));   // held until hold.release()
//   const bytes = await client.get(hash, { signal });                     // checked against its name

import { Socket } from "./channel.js";
import { createEvents } from "./events.js";
import { createHold, randomToken } from "./hold.js";
import { createSeek } from "./seek.js";
import { HASH, hashOf } from "./hash.js";

export { HASH, hashOf };

/**
 * @typedef {import("./seek.js").Seek & {hash: string, waiting: number}} Search waiting: how many do
 * @typedef {import("./hold.js").Hold} Hold
 * @typedef {import("./channel.js").ConnectionState} ConnectionState
 *
 * @typedef {object} Options
 * @property {import("./channel.js").WebSocketClass} [WebSocket] default: the global one, which Node has from 22 on
 * @property {import("./channel.js").Clock} [clock] default: the real one
 * @property {() => number} [random] from 0 up to 1, for delays; default: Math.random
 * @property {import("./hash.js").CryptoLike} [crypto] for tokens and hashes; default: the global one, which Node has from 20 on
 *
 * @typedef {object} Status where the search for a page stands
 * @property {string} hash
 * @property {"searching"|"waiting"|"nobody"} state waiting: until this client has read the pages that it was sent before
 * @property {number} holders of the page
 * @property {number} asked of them, now or before
 * @property {null|"no_holder"|"silent"|"wrong_bytes"|"busy"} reason why nobody can be asked now
 *
 * @typedef {object} Events by name, what a listener is given
 * @property {ConnectionState} connection
 * @property {{page_bytes_max: number}} limits
 * @property {{hash: string, holders: number}} seeking the server took up the search
 * @property {Status} status
 * @property {{hash: string, size_bytes: number}} received a page, and it matches its name
 * @property {{hash: string, size_bytes: number}} wrong_bytes what came does not match its name
 * @property {{hash: string, count: number, away: number}} count the holders of a page this client holds, itself included; away: of
 *   which have lost their connection, and may come back
 * @property {{hash: string, claims: {by: string, count: number}[]}} claims what other organisations say of how many hold it there
 * @property {{hash: string}} holding the server counts this client among the holders; again after each reconnect
 * @property {{hash: string}} asked the server asks for a page this client holds
 * @property {{hash: string, size_bytes: number}} sent it was handed over to the server
 * @property {{hash: string, reason: string}} over the server ended a hold
 * @property {{at_ms: number, what: string} & Record<string, any>} log every event above: its name as `what`, with its details
 */

/** A refusal. `reason`: page_size, wrong_bytes, released, closed, or another word of docs/protocol.md section 4. */
export class WhilstError extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(`whilst: ${reason}`);
    this.name = "WhilstError";
    this.reason = reason;
  }
}

/**
 * Connects to a server, and stays connected until close().
 * @param {string|URL} url of the server's front page, or of any page beside it: http, https, ws or wss
 * @param {Options} [options]
 * @returns {Client}
 * @throws {TypeError} not a URL
 */
export function connect(url, options = {}) {
  const endpoint = new URL("ws/websocket?vsn=2.0.0", url).href.replace(/^http/, "ws");
  return new Client(endpoint, options);
}

/** One connection after the other to one server. Made by connect(). */
export class Client {
  /** @type {Socket} */ #socket;
  /** @type {import("./channel.js").Clock} */ #clock;
  /** @type {import("./hash.js").CryptoLike} */ #crypto;
  /** @type {(event: string, detail: object) => void} */ #report;
  #is_closed = false;
  /** @type {any} */ #start_timer;
  /** @type {Map<string, {hold: Hold, joined: Promise<void>}>} by hash */ #holds = new Map();
  /** @type {Map<string, Search>} by hash */ #seeks = new Map();

  /**
   * @param {string} endpoint
   * @param {Options} options
   */
  constructor(endpoint, options) {
    const { WebSocket, clock, random, crypto } = { ...defaults(), ...options };
    const { on, emit } = createEvents();
    /**
     * Listens to an event.
     * @type {<E extends keyof Events>(event: E, fn: (detail: Events[E]) => void) => (() => void)} returns the undo function
     */
    this.on = on;
    this.#report = (event, detail) => {
      emit(event, detail);
      emit("log", { at_ms: clock.now(), what: event, ...detail });
    };
    /** @type {ConnectionState} */
    this.connection = { state: "connecting", retry_at_ms: null, reason: "" };
    /** @type {{page_bytes_max: number|null}} null: the server has not told yet */
    this.limits = { page_bytes_max: null };
    this.#clock = clock;
    this.#crypto = crypto;
    this.#socket = new Socket(endpoint, { WebSocket, clock, random, onState: (state) => this.#connected(state) });
    this.#socket.channel("all", { limits: true }, {
      joined: (response) => this.#limited(response),
      message: () => {},
      over: () => {},
    });
    // The caller gets to add its listeners before the first event.
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
      (error) => Promise.reject(toWhilstError(error)),
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
    held.joined.catch(() => {}); // told to those who wait in share()
    this.#holds.set(page.hash, held);
    return held;
  }

  /**
   * @param {string} hash
   * @returns {Search}
   */
  #seek(hash) {
    /** @param {Uint8Array} bytes */
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
      /** @type {<T>(fn: (value: T) => void) => (value: T) => void} */
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
}

/** @param {any} error */
function toWhilstError(error) {
  return error.reason ? new WhilstError(error.reason) : error;
}

function defaults() {
  /** @type {import("./channel.js").Clock} */
  const clock = {
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    now: () => Date.now(),
  };
  return { WebSocket: globalThis.WebSocket, clock, random: Math.random, crypto: globalThis.crypto };
}
