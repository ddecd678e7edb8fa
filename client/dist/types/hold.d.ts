/**
 * A page this client holds. Ask for one with `share`.
 * @typedef {object} Hold
 * @property {string} hash the page's name, 64 hexadecimal digits
 * @property {number} size_bytes
 * @property {string} token the secret by which a later connection takes this holder's place; what is written here counts from
 *   the next connection on
 * @property {number|null} count the holders as the server last told, this one included; null: not told yet
 * @property {(event: "holding"|"count"|"asked"|"sent"|"over", fn: (detail: any) => void) => (() => void)} on
 *   holding: {}, after every join; count: {count}; asked: {}; sent: {size_bytes}; over: {reason}, not after release(). Returns the undo function.
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
export function createHold(socket: import("./channel.js").Socket, { hash, bytes, token }: {
    hash: string;
    bytes: Uint8Array;
    token: string;
}, report: (event: string, detail: object) => void): {
    hold: Hold;
    joined: Promise<void>;
};
/**
 * @param {import("./hash.js").CryptoLike} crypto
 * @returns {string} a token that nobody guesses
 */
export function randomToken(crypto: import("./hash.js").CryptoLike): string;
/**
 * A page this client holds. Ask for one with `share`.
 */
export type Hold = {
    /**
     * the page's name, 64 hexadecimal digits
     */
    hash: string;
    size_bytes: number;
    /**
     * the secret by which a later connection takes this holder's place; what is written here counts from
     * the next connection on
     */
    token: string;
    /**
     * the holders as the server last told, this one included; null: not told yet
     */
    count: number | null;
    /**
     *   holding: {}, after every join; count: {count}; asked: {}; sent: {size_bytes}; over: {reason}, not after release(). Returns the undo function.
     */
    on: (event: "holding" | "count" | "asked" | "sent" | "over", fn: (detail: any) => void) => (() => void);
    /**
     * lets go of the page; the server is told
     */
    release: () => void;
};
