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
export function createSeek(socket: import("./channel.js").Socket, { hash, hashOf }: {
    hash: string;
    hashOf: (bytes: Uint8Array) => Promise<string>;
}, report: (event: string, detail: object) => void): Seek;
export type Seek = {
    bytes: Promise<Uint8Array>;
    stop: (reason: string) => void;
};
