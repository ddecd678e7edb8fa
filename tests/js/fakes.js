// Stand-ins for the world around the client: a clock that is advanced by hand, and a WebSocket whose other end is the test.

import { decodeBinary, decodeText, encodeBinary, encodeText } from "../../static/wire.js";

/** Lets everything that is already decided happen: promises, and what they lead to. */
export async function settle() {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeClock {
  constructor() {
    this.now_ms = 1_000_000;
    this.timers = new Map(); // id -> {at_ms, fn}
    this.last_id = 0;
    this.setTimeout = (fn, ms) => {
      this.timers.set(++this.last_id, { at_ms: this.now_ms + ms, fn });
      return this.last_id;
    };
    this.clearTimeout = (id) => void this.timers.delete(id);
    this.now = () => this.now_ms;
  }

  /** Fires what is due, in order, and lets promises run after each. */
  async advance(ms) {
    const end_ms = this.now_ms + ms;
    for (;;) {
      await settle();
      const due = [...this.timers].filter(([, { at_ms }]) => at_ms <= end_ms).sort((a, b) => a[1].at_ms - b[1].at_ms)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now_ms = Math.max(this.now_ms, due[1].at_ms);
      due[1].fn();
    }
    this.now_ms = end_ms;
    await settle();
  }
}

/**
 * A constructor for fake sockets; `world.sockets` has those made so far, `world.onFrame` sees what they send.
 * @returns {{sockets: object[], WebSocket: Function, onFrame: (socket: object, frame: object) => void, accepts: boolean}}
 */
export function createWorld() {
  const world = { sockets: [], onFrame: () => {}, accepts: true };

  world.WebSocket = class {
    constructor(url) {
      Object.assign(this, { url, readyState: 0, sent: [], closed: null });
      world.sockets.push(this);
      if (world.accepts === null) return; // answers nothing at all
      setImmediate(() => (world.accepts ? this.accept() : this.hangUp(1006)));
    }

    accept() {
      if (this.closed) return;
      this.readyState = 1;
      this.onopen?.();
    }

    /** From the client: decoded, kept, shown to the server. */
    send(data) {
      const frame = typeof data === "string" ? decodeText(data, "client") : decodeBinary(data, "client");
      this.sent.push(frame);
      setImmediate(() => this.closed || world.onFrame(this, frame));
    }

    close(code) {
      this.closed ??= { by: "client", code };
    }

    /** From the server. */
    say(frame) {
      const whole = { join_ref: null, ref: null, ...frame };
      const is_binary = frame.payload instanceof Uint8Array;
      this.onmessage?.({ data: is_binary ? encodeBinary(whole, "server").buffer : encodeText(whole) });
    }

    reply({ join_ref, ref, topic }, payload = {}, status = "ok") {
      this.say({ kind: "reply", join_ref, ref, topic, status, payload });
    }

    hangUp(code, reason = "") {
      if (this.closed) return;
      this.closed = { by: "server", code };
      this.onclose?.({ code, reason });
    }
  };
  return world;
}

/** The frames of one event, in the order they were sent. */
export const sentOf = (socket, event) => socket.sent.filter((frame) => frame.event === event);
