/**
 * @param {Uint8Array} bytes
 * @param {Pick<CryptoLike, "subtle">} [environment] crypto, or a stand-in without `subtle`
 * @returns {Promise<string>} 64 lower-case hexadecimal digits
 */
export function hashOf(bytes: Uint8Array, environment?: Pick<CryptoLike, "subtle">): Promise<string>;
/**
 * @param {Uint8Array} bytes
 * @returns {string} two lower-case hexadecimal digits for each
 */
export function toHex(bytes: Uint8Array): string;
/**
 * What is used of the global `crypto`.
 * @typedef {object} CryptoLike
 * @property {(bytes: Uint8Array) => any} getRandomValues
 * @property {{digest: (name: string, bytes: any) => Promise<ArrayBuffer>}} [subtle]
 */
/** 64 lower-case hexadecimal digits. */
export const HASH: RegExp;
/**
 * What is used of the global `crypto`.
 */
export type CryptoLike = {
    getRandomValues: (bytes: Uint8Array) => any;
    subtle?: {
        digest: (name: string, bytes: any) => Promise<ArrayBuffer>;
    } | undefined;
};
