/**
 * Reads one text message.
 * @param {string} text
 * @param {Side} from
 * @returns {Frame}
 * @throws {WireError} bad_json
 */
export function decodeText(text: string, from: Side): Frame;
/**
 * Writes one text message, without white space, as JSON.stringify prints it.
 * @param {Frame} frame with an object as payload
 * @returns {string}
 */
export function encodeText(frame: Frame): string;
/**
 * Reads one binary message. The payload is a view into `bytes`, not a copy.
 * @param {Uint8Array} bytes
 * @param {Side} from
 * @returns {Frame}
 * @throws {WireError} bad_binary
 */
export function decodeBinary(bytes: Uint8Array, from: Side): Frame;
/**
 * Writes one binary message.
 * @param {Frame} frame with bytes as payload
 * @param {Side} from
 * @returns {Uint8Array}
 * @throws {RangeError} a kind this side does not send, or a string longer than 255 bytes
 */
export function encodeBinary(frame: Frame, from: Side): Uint8Array;
/**
 * @typedef {"client"|"server"} Side who sends the frame
 * @typedef {null|string|number} Ref null, at most 64 characters without escapes, or an integer
 * @typedef {object} Frame
 * @property {"push"|"reply"|"broadcast"} kind
 * @property {Ref} join_ref the ref of the join this frame belongs to
 * @property {Ref} ref the number of the message; in a reply, of the message it answers
 * @property {string} topic 1 to 255 bytes of UTF-8
 * @property {string} [event] 1 to 255 bytes of UTF-8; not in a binary reply
 * @property {string} [status] replies only: "ok" or "error"
 * @property {Object<string, any>|Uint8Array} payload an object in a text frame, bytes in a binary one
 */
/** A frame that breaks the protocol. `reason` is the word of docs/protocol.md section 4. */
export class WireError extends Error {
    /** @param {"bad_json"|"bad_binary"} reason */
    constructor(reason: "bad_json" | "bad_binary");
    reason: "bad_json" | "bad_binary";
}
/**
 * who sends the frame
 */
export type Side = "client" | "server";
/**
 * null, at most 64 characters without escapes, or an integer
 */
export type Ref = null | string | number;
export type Frame = {
    kind: "push" | "reply" | "broadcast";
    /**
     * the ref of the join this frame belongs to
     */
    join_ref: Ref;
    /**
     * the number of the message; in a reply, of the message it answers
     */
    ref: Ref;
    /**
     * 1 to 255 bytes of UTF-8
     */
    topic: string;
    /**
     * 1 to 255 bytes of UTF-8; not in a binary reply
     */
    event?: string | undefined;
    /**
     * replies only: "ok" or "error"
     */
    status?: string | undefined;
    /**
     * an object in a text frame, bytes in a binary one
     */
    payload: {
        [x: string]: any;
    } | Uint8Array;
};
/**
 * a string in a binary frame
 */
export type Field = "join_ref" | "ref" | "topic" | "event" | "status";
