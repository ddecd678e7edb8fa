// The part that is loaded only where the browser does not offer SHA-256: a module of its own, so that it becomes a file
// of its own.
export { sha256 } from "@noble/hashes/sha2.js";
