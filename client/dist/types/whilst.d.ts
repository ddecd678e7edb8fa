/**
 * Connects to a server, and stays connected until close().
 * @param {string|URL} url of the server's front page, or of any page beside it: http, https, ws or wss
 * @param {Options} [options]
 * @returns {Client}
 * @throws {TypeError} not a URL
 */
export function connect(url: string | URL, options?: Options): Client;
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
 * @property {"searching"|"nobody"} state
 * @property {number} holders of the page
 * @property {number} asked of them, now or before
 * @property {null|"no_holder"|"silent"|"wrong_bytes"} reason why nobody can be asked now
 *
 * @typedef {object} Events by name, what a listener is given
 * @property {ConnectionState} connection
 * @property {{page_bytes_max: number}} limits
 * @property {{hash: string, holders: number}} seeking the server took up the search
 * @property {Status} status
 * @property {{hash: string, size_bytes: number}} received a page, and it matches its name
 * @property {{hash: string, size_bytes: number}} wrong_bytes what came does not match its name
 * @property {{hash: string, count: number}} count the holders of a page this client holds, itself included
 * @property {{hash: string}} holding the server counts this client among the holders; again after each reconnect
 * @property {{hash: string}} asked the server asks for a page this client holds
 * @property {{hash: string, size_bytes: number}} sent it was handed over to the server
 * @property {{hash: string, reason: string}} over the server ended a hold
 * @property {{at_ms: number, what: string} & Record<string, any>} log every event above: its name as `what`, with its details
 */
/** A refusal. `reason`: page_size, wrong_bytes, released, closed, or another word of docs/protocol.md section 4. */
export class WhilstError extends Error {
    /** @param {string} reason */
    constructor(reason: string);
    reason: string;
}
/** One connection after the other to one server. Made by connect(). */
export class Client {
    /**
     * @param {string} endpoint
     * @param {Options} options
     */
    constructor(endpoint: string, options: Options);
    /**
     * Listens to an event.
     * @type {<E extends keyof Events>(event: E, fn: (detail: Events[E]) => void) => (() => void)} returns the undo function
     */
    on: <E extends keyof Events>(event: E, fn: (detail: Events[E]) => void) => (() => void);
    /** @type {ConnectionState} */
    connection: ConnectionState;
    /** @type {{page_bytes_max: number|null}} null: the server has not told yet */
    limits: {
        page_bytes_max: number | null;
    };
    /**
     * Holds a page: others can get it as long as this client stays connected.
     * @param {Uint8Array} bytes copied
     * @param {object} [options]
     * @param {string} [options.token] 8 to 64 of A-Z a-z 0-9 _ -, to take the place of an earlier connection; default: random
     * @returns {Promise<Hold>} once the server counts this client as a holder; the same Hold when it already is one
     * @throws {WhilstError} page_size, released, closed, or the server's word
     */
    share(bytes: Uint8Array, { token }?: {
        token?: string | undefined;
    }): Promise<Hold>;
    /**
     * Gets a page. Waits for a holder as long as it takes: watch "status", and give up with the signal.
     * @param {string} hash 64 lower-case hexadecimal digits
     * @param {object} [options]
     * @param {AbortSignal} [options.signal] gives the search up
     * @returns {Promise<Uint8Array>} bytes whose SHA-256 is `hash`
     * @throws {WhilstError} wrong_bytes, closed, or the server's word; TypeError: not a hash; the signal's reason
     */
    get(hash: string, { signal }?: {
        signal?: AbortSignal | undefined;
    }): Promise<Uint8Array>;
    /** Looks at the connection now: call it when the page is shown again, restored, or back on line. */
    wake(): void;
    /**
     * Disconnects without letting go of anything, until wake(): for a document that may be no more in a moment. The server
     * keeps the places of its holds for the grace time.
     */
    suspend(): void;
    /** @param {boolean} hidden whether the tab is: a hidden one judges nothing dead, and after long tries more seldom */
    setHidden(hidden: boolean): void;
    /** Connects again after the state "closed", or before the next attempt is due. */
    reconnect(): void;
    /** Lets go of every page, gives up every search, and disconnects for good. */
    close(): void;
    #private;
}
/**
 * waiting: how many do
 */
export type Search = import("./seek.js").Seek & {
    hash: string;
    waiting: number;
};
export type Hold = import("./hold.js").Hold;
export type ConnectionState = import("./channel.js").ConnectionState;
export type Options = {
    /**
     * default: the global one, which Node has from 22 on
     */
    WebSocket?: import("./channel.js").WebSocketClass | undefined;
    /**
     * default: the real one
     */
    clock?: import("./channel.js").Clock | undefined;
    /**
     * from 0 up to 1, for delays; default: Math.random
     */
    random?: (() => number) | undefined;
    /**
     * for tokens and hashes; default: the global one, which Node has from 20 on
     */
    crypto?: import("./hash.js").CryptoLike | undefined;
};
/**
 * where the search for a page stands
 */
export type Status = {
    hash: string;
    state: "searching" | "nobody";
    /**
     * of the page
     */
    holders: number;
    /**
     * of them, now or before
     */
    asked: number;
    /**
     * why nobody can be asked now
     */
    reason: null | "no_holder" | "silent" | "wrong_bytes";
};
/**
 * by name, what a listener is given
 */
export type Events = {
    connection: ConnectionState;
    limits: {
        page_bytes_max: number;
    };
    /**
     * the server took up the search
     */
    seeking: {
        hash: string;
        holders: number;
    };
    status: Status;
    /**
     * a page, and it matches its name
     */
    received: {
        hash: string;
        size_bytes: number;
    };
    /**
     * what came does not match its name
     */
    wrong_bytes: {
        hash: string;
        size_bytes: number;
    };
    /**
     * the holders of a page this client holds, itself included
     */
    count: {
        hash: string;
        count: number;
    };
    /**
     * the server counts this client among the holders; again after each reconnect
     */
    holding: {
        hash: string;
    };
    /**
     * the server asks for a page this client holds
     */
    asked: {
        hash: string;
    };
    /**
     * it was handed over to the server
     */
    sent: {
        hash: string;
        size_bytes: number;
    };
    /**
     * the server ended a hold
     */
    over: {
        hash: string;
        reason: string;
    };
    /**
     * every event above: its name as `what`, with its details
     */
    log: {
        at_ms: number;
        what: string;
    } & Record<string, any>;
};
import { HASH } from "./hash.js";
import { hashOf } from "./hash.js";
export { HASH, hashOf };
