// SHA-256, the name of a page. Browsers offer it only to secure contexts (https, localhost); elsewhere a library is
// loaded, and only there.

/**
 * What is used of the global `crypto`.
 * @typedef {object} CryptoLike
 * @property {(bytes: Uint8Array) => any} getRandomValues
 * @property {{digest: (name: string, bytes: any) => Promise<ArrayBuffer>}} [subtle]
 */

/** 64 lower-case hexadecimal digits. */
export const HASH = /^[0-9a-f]{64}$/;

/**
 * @param {Uint8Array} bytes
 * @param {Pick<CryptoLike, "subtle">} [environment] crypto, or a stand-in without `subtle`
 * @returns {Promise<string>} 64 lower-case hexadecimal digits
 */
export async function hashOf(bytes, environment = globalThis.crypto ?? {}) {
  const { subtle } = environment;
  const digest = subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : await digestByLibrary(bytes);
  return toHex(digest);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} two lower-case hexadecimal digits for each
 */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array} bytes */
async function digestByLibrary(bytes) {
  const { sha256 } = await import("./sha256.js");
  return sha256(bytes);
}
