/** A push that was refused, was not answered, or could not be sent. `reason` is the server's word, "timeout" or "not_joined". */
export class PushError extends Error {
    /** @param {string} reason */
    constructor(reason: string);
    reason: string;
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
    constructor(url: string, { WebSocket, clock, random, onState }: {
        WebSocket: WebSocketClass;
        clock: Clock;
        random: () => number;
        onState: (state: ConnectionState) => void;
    });
    url: string;
    WebSocket: WebSocketClass;
    clock: Clock;
    random: () => number;
    onState: (state: ConnectionState) => void;
    /** @type {WebSocket|null} */
    ws: WebSocket | null;
    /** @type {Map<string, Channel>} by topic */
    channels: Map<string, Channel>;
    /** @type {Map<string, {done: (error: PushError|null, response: any) => void, timer: any}>} by ref */
    pending: Map<string, {
        done: (error: PushError | null, response: any) => void;
        timer: any;
    }>;
    /** @type {{retry?: any, beat?: any, deadline?: any}} */
    timers: {
        retry?: any;
        beat?: any;
        deadline?: any;
    };
    last_ref: number;
    tries: number;
    heard_at_ms: number;
    /** @type {ConnectionState["state"]} */
    state: ConnectionState["state"];
    /** @type {number|null} */
    hidden_since_ms: number | null;
    /** @type {number|null} */
    away_since_ms: number | null;
    /** Connects. Also the way back after the state "closed". */
    open(): void;
    /**
     * Joins a topic, now or as soon as there is a connection, and again after every loss.
     * @param {string} topic
     * @param {object} params join payload
     * @param {ChannelHandler} handler
     * @returns {Channel}
     */
    channel(topic: string, params: object, handler: ChannelHandler): Channel;
    /** Something happened that makes a connection likely or its loss visible: the tab is back, the network is back. */
    wake(): void;
    /** @param {boolean} hidden whether the tab is; becoming visible wakes */
    setHidden(hidden: boolean): void;
    /**
     * Ends the connection without leaving a topic: the server keeps the places of those who hold with a token for its grace
     * time. Comes back at wake(), not before.
     */
    suspend(): void;
    /** Leaves every topic and ends the connection for good. */
    close(): void;
    /** @returns {string} the number of the next message */
    nextRef(): string;
    /** @param {Frame} frame dropped when there is no connection */
    send(frame: Frame): void;
    /**
     * Sends a push and waits for its reply. Not a promise: the next message may come before a promise would be told, and
     * what it means can depend on this one.
     * @param {Frame} frame with a ref
     * @param {(error: PushError|null, response: any) => void} done
     */
    request(frame: Frame, done: (error: PushError | null, response: any) => void): void;
    /**
     * A random share of a step of a ladder, so that a crowd does not come back at once.
     * @param {number[]} steps in ms
     * @param {number} tries so far
     * @param {number} [least_ms]
     * @returns {number} ms
     */
    delay(steps: number[], tries: number, least_ms?: number): number;
    opened(): void;
    /** @param {string|ArrayBuffer} data */
    received(data: string | ArrayBuffer): void;
    /**
     * @param {Ref} ref
     * @param {PushError|null} error
     * @param {object} [response]
     */
    settle(ref: Ref, error: PushError | null, response?: object): void;
    /** @param {string} reason */
    rejectPending(reason: string): void;
    /**
     * @param {number} code
     * @param {string} reason
     */
    lost(code: number, reason: string): void;
    /**
     * @param {number} code
     * @param {string} reason
     */
    scheduleRetry(code: number, reason: string): void;
    isForgotten(): boolean;
    /** A timer that comes far too late has slept with the machine: then the connection is probed. */
    scheduleBeat(): void;
    /** @param {number} patience_ms */
    beat(patience_ms: number): void;
    beaten(): void;
    /**
     * Gives the connection up unless clearTimers or a reply comes first; not while hidden.
     * @param {number} patience_ms
     */
    expect(patience_ms: number): void;
    clearTimers(): void;
    /** Lets go of the present WebSocket, and makes the channels wait for the next. */
    drop(): void;
    /** Whatever the present WebSocket still does concerns nobody. */
    detach(): void;
    /**
     * @param {ConnectionState["state"]} state
     * @param {number|null} [retry_at_ms]
     * @param {string} [reason]
     */
    setState(state: ConnectionState["state"], retry_at_ms?: number | null, reason?: string): void;
}
/** One topic on a socket. */
export class Channel {
    /**
     * @param {Socket} socket
     * @param {string} topic
     * @param {object} params
     * @param {ChannelHandler} handler
     */
    constructor(socket: Socket, topic: string, params: object, handler: ChannelHandler);
    socket: Socket;
    topic: string;
    params: object;
    handler: ChannelHandler;
    /** @type {"waiting"|"joining"|"joined"|"over"} */
    state: "waiting" | "joining" | "joined" | "over";
    /** @type {string|null} the ref of the join that counts */
    join_ref: string | null;
    /** @type {any} until the next join */
    timer: any;
    tries: number;
    /**
     * @param {string} event
     * @param {object|Uint8Array} payload
     * @returns {Promise<object>} the response
     * @throws {PushError}
     */
    push(event: string, payload: object | Uint8Array): Promise<object>;
    /**
     * Sends an event whose reply does not matter.
     * @param {string} event
     * @param {object|Uint8Array} payload dropped when the topic is not joined
     */
    tell(event: string, payload: object | Uint8Array): void;
    /** Ends the channel; the handler hears nothing more. */
    leave(): void;
    /** Joins again after a while, longer each time. */
    joinLater(): void;
    join(): void;
    /** @param {Frame} frame a push or a broadcast */
    receive({ join_ref, event, payload }: Frame): void;
    interrupt(): void;
    /** @param {object} response */
    accepted(response: object): void;
    /** @param {string} reason */
    ended(reason: string): void;
    finish(): void;
    /**
     * @param {Ref} ref
     * @param {string} event
     * @param {object|Uint8Array} payload
     * @returns {Frame}
     */
    frame(ref: Ref, event: string, payload: object | Uint8Array): Frame;
}
export type Frame = import("./wire.js").Frame;
export type Ref = import("./wire.js").Ref;
export type Clock = {
    setTimeout: (fn: () => void, ms: number) => any;
    clearTimeout: (timer: any) => void;
    /**
     * milliseconds since 1970
     */
    now: () => number;
};
/**
 * of the browser's kind: the browser's, Node's, or that of the package ws
 */
export type WebSocketClass = new (url: string) => any;
export type ConnectionState = {
    /**
     * away: lost, and coming back; closed: for good
     */
    state: "connecting" | "open" | "away" | "closed";
    /**
     * away: when the next attempt is made, as Clock.now; null: not before wake()
     */
    retry_at_ms: number | null;
    /**
     * of the loss: the server's word, or "silent"; else ""
     */
    reason: string;
};
export type ChannelHandler = {
    /**
     * after every join, so also after each reconnect
     */
    joined: (response: any) => void;
    /**
     * an object, or bytes when the frame was binary
     */
    message: (event: string, payload: any) => void;
    /**
     * not called after leave(); "phx_close" when the server closed the topic
     */
    over: (reason: string) => void;
};
