// Seeking one page: joined to want:HASH until bytes come whose hash is the page's name. Holders that did not answer may
// do so later (a tab that slept, a tunnel): as long as there are any, they are asked again, more and more seldom.

import { PushError } from "./channel.js";

const encoder = new TextEncoder();
const ASK_AGAIN_MS = [5000, 10_000, 30_000, 60_000];

/**
 * @typedef {object} Seek
 * @property {Promise<Uint8Array>} bytes
 * @property {(reason: string) => void} stop
 *
 * @param {import("./channel.js").Socket} socket
 * @param {object} page
 * @param {string} page.hash
 * @param {(bytes: Uint8Array) => Promise<string>} page.hashOf
 * @param {(event: string, detail: object) => void} report hears seeking, status, received and wrong_bytes
 * @returns {Seek} `bytes` rejects with a PushError
 */
export function createSeek(socket, { hash, hashOf }, report) {
  const { clock } = socket;
  let tries = 0;
  /** @type {any} */
  let timer;
  /** @type {(bytes: Uint8Array) => void} */
  let resolve = () => {};
  /** @type {(error: Error) => void} */
  let reject = () => {};
  /** @type {Promise<Uint8Array>} */
  const bytes = new Promise((...functions) => ([resolve, reject] = functions));
  bytes.catch(() => {}); // told to those who wait for it

  const channel = socket.channel(`want:${hash}`, { binary: true, status: true }, {
    joined: ({ holders }) => report("seeking", { hash, holders }),
    message(event, payload) {
      if (event === "content") check(bytesOf(payload)).catch(reject);
      else if (event === "error") channel.joinLater(); // the server was busy, and serves a join once
      else if (event === "status") tell(payload);
    },
    over: (reason) => stop(reason),
  });

  /** @param {{state: string, holders: number}} status */
  function tell(status) {
    clock.clearTimeout(timer);
    if (status.state === "nobody" && status.holders > 0) {
      const ask = () => channel.tell("content_request", { hash });
      timer = clock.setTimeout(ask, socket.delay(ASK_AGAIN_MS, tries++));
    }
    report("status", { ...status, hash });
  }

  /** @param {Uint8Array} content */
  async function check(content) {
    leave();
    if ((await hashOf(content)) === hash) {
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

  /** @param {string} reason */
  function stop(reason) {
    leave();
    reject(new PushError(reason));
  }

  return { bytes, stop };
}

/**
 * A server may answer in JSON although it was asked for binary.
 * @param {Uint8Array|{content?: unknown}} payload
 */
function bytesOf(payload) {
  return payload instanceof Uint8Array ? payload : encoder.encode(String(payload.content ?? ""));
}
