// Holding one page: joined to have:HASH, answering the server's requests with the bytes.

import { createEvents } from "./events.js";
import { PushError } from "./channel.js";
import { toHex } from "./hash.js";

/**
 * A page this client holds. Ask for one with `share`.
 * @typedef {object} Hold
 * @property {string} hash the page's name, 64 hexadecimal digits
 * @property {number} size_bytes
 * @property {string} token the secret by which a later connection takes this holder's place; what is written here counts from
 *   the next connection on
 * @property {number|null} count the holders as the server last told, this one included; null: not told yet
 * @property {number} away of which have lost their connection, and may come back
 * @property {{by: string, count: number}[]} claims what other organisations say of how many hold it there; in no count
 * @property {(event: "holding"|"count"|"claims"|"asked"|"sent"|"over", fn: (detail: any) => void) => (() => void)} on
 *   holding: {}, after every join; count: {count, away}; claims: {claims}; asked: {}; sent: {size_bytes}; over: {reason}, not after release(). Returns the undo function.
 * @property {() => void} release lets go of the page; the server is told
 */

/**
 * Joins and stays joined.
 * @param {import("./channel.js").Socket} socket
 * @param {object} page
 * @param {string} page.hash
 * @param {Uint8Array} page.bytes
 * @param {string} page.token
 * @param {(event: string, detail: object) => void} report hears every event too, with the hash
 * @returns {{hold: Hold, joined: Promise<void>}} `joined` rejects when the server refuses
 */
export function createHold(socket, { hash, bytes, token }, report) {
  const events = createEvents();
  const emit = (/** @type {string} */ event, detail = {}) => {
    events.emit(event, detail);
    report(event, { hash, ...detail });
  };
  const params = { token, away: true, claims: true }; // of every join
  /** @type {Hold} */
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
    away: 0,
    claims: [],
    on: events.on,
    release: () => {},
  };

  /** @param {import("./channel.js").Channel} channel */
  function answer(channel) {
    emit("asked");
    channel.tell("content", bytes); // a refusal would only say that another holder was faster
    emit("sent", { size_bytes: bytes.length });
  }

  /** @param {{count: number, away?: number}} news */
  function tell({ count, away = 0 }) {
    Object.assign(hold, { count, away });
    emit("count", { count, away });
  }

  /** @param {{claims: unknown}} news */
  function tellClaims({ claims }) {
    if (!Array.isArray(claims)) return;
    hold.claims = claims.filter(({ by, count }) => typeof by === "string" && Number.isSafeInteger(count));
    emit("claims", { claims: hold.claims });
  }

  /** @type {Promise<void>} */
  const joined = new Promise((resolve, reject) => {
    const channel = socket.channel(`have:${hash}`, params, {
      joined() {
        emit("holding");
        resolve();
      },
      message(event, payload) {
        if (event === "content_request") answer(channel);
        else if (event === "visitors_claimed") tellClaims(payload);
        else if (event === "visitors_count" && Number.isSafeInteger(payload.count)) tell(payload);
      },
      over(reason) {
        emit("over", { reason });
        reject(new PushError(reason));
      },
    });
    hold.release = () => {
      channel.leave();
      reject(new PushError("released"));
    };
  });
  return { hold, joined };
}

/**
 * @param {import("./hash.js").CryptoLike} crypto
 * @returns {string} a token that nobody guesses
 */
export function randomToken(crypto) {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}
