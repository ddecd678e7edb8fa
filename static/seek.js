// Seeking one page: joined to want:HASH until bytes come whose hash is the page's name.

import { PushError } from "./channel.js";

const encoder = new TextEncoder();

/**
 * @param {import("./channel.js").Socket} socket
 * @param {object} page
 * @param {string} page.hash
 * @param {(bytes: Uint8Array) => Promise<string>} page.hashOf
 * @param {(event: string, detail: object) => void} report hears status, received and wrong_bytes
 * @returns {{bytes: Promise<Uint8Array>, stop: (reason: string) => void}} `bytes` rejects with a PushError
 */
export function createSeek(socket, { hash, hashOf }, report) {
  let channel, stop;
  const bytes = new Promise((resolve, reject) => {
    async function check(content) {
      channel.leave();
      if ((await hashOf(content)) === hash) {
        report("received", { hash, size_bytes: content.length });
        return resolve(content);
      }
      report("wrong_bytes", { hash, size_bytes: content.length });
      reject(new PushError("wrong_bytes"));
    }

    channel = socket.channel(`want:${hash}`, { binary: true, status: true }, {
      joined: ({ holders }) => report("seeking", { hash, holders }),
      message(event, payload) {
        if (event === "content") check(bytesOf(payload)).catch(reject);
        else if (event === "status") report("status", { ...payload, hash });
      },
      over: (reason) => reject(new PushError(reason)),
    });
    stop = (reason) => {
      channel.leave();
      reject(new PushError(reason));
    };
  });
  bytes.catch(() => {}); // told to those who wait for it
  return { bytes, stop };
}

/** A server may answer in JSON although it was asked for binary. */
function bytesOf(payload) {
  return payload instanceof Uint8Array ? payload : encoder.encode(String(payload.content ?? ""));
}
