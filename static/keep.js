// What outlives a document: a tab that is reloaded holds its pages on.
//
// A tab is known by a secret id in sessionStorage, which a reload keeps and a duplicated tab copies; whoever has the Web
// Lock of that name is the tab, everybody else takes a new id. The id is also the token by which the server gives the
// reloaded tab its old place. Facts about each page lie beside the id, its bytes in IndexedDB under id and hash. Bytes of
// tabs that are no more (nobody has their lock, no sign of life for LEFT_MS) are swept by the next tab that comes.
//
// Where one of these is missing (http: without a secure context there are no locks) or fails, there is no continuity:
// every call still works, and `token` is null.

import { randomToken } from "./hold.js";

const DATABASE = "whilst";
const LOCK = "whilst-tab:";
// A discarded tab has no lock, and its person may still come back to it.
const LEFT_MS = 60 * 60_000;
// The lock of the document before us may be on its way back when we ask for it.
const LOCK_TRIES = 8;
const LOCK_WAIT_MS = 40;

/**
 * @typedef {object} Environment
 * @property {LockManager} [locks]
 * @property {IDBFactory} [indexedDB]
 * @property {Storage} [storage] of the tab
 * @property {string} [entry_name] of what is kept there; documents that share the storage, as frames do, each have their own
 * @property {Crypto} crypto
 * @property {import("./channel.js").Clock} clock
 *
 * @typedef {object} Keep
 * @property {string|null} token the tab's secret, for the server; null: a reload would lose what the tab holds
 * @property {(hash: string) => Promise<void>} enter becomes the tab that this was before, or a new one; a duplicate takes the
 *   page on its screen along, and no other
 * @property {(hash: string) => boolean} mayHave whether the tab, or the one it was duplicated from, held this page; before enter()
 * @property {() => void} leave the document may be no more in a moment; enter() is the way back
 * @property {() => Record<string, any>} pages the facts of the pages that this tab holds, by hash
 * @property {(hash: string, facts: object) => void} note keeps facts about a page
 * @property {(hash: string) => Promise<Uint8Array|null>} load the bytes of a page of this tab
 * @property {(hash: string, bytes: Uint8Array) => Promise<boolean>} save whether a reload will find them
 * @property {(hash: string) => void} forget a page, its facts and its bytes
 * @property {() => void} touch a sign of life
 */

/**
 * @param {Environment} environment
 * @returns {Keep}
 */
export function createKeep({ locks, indexedDB, storage, crypto, clock, entry_name = "whilst-tab" }) {
  /** @type {{id: string, pages: Record<string, any>}|null} as in the storage */
  let entry = null;
  /** @type {(() => void)|null} */
  let unlock = null;
  /** @type {Promise<IDBDatabase>|null} */
  let database = null;
  /** @type {Promise<unknown>} what was last told to the database: one after the other */
  let last = Promise.resolve();

  /** @param {string} id @returns {Promise<boolean>} */
  async function lock(id) {
    for (let i = 0; i < LOCK_TRIES; i++) {
      if (i > 0) await new Promise((resolve) => clock.setTimeout(() => resolve(null), LOCK_WAIT_MS));
      unlock = await takeLock(/** @type {LockManager} */ (locks), LOCK + id);
      if (unlock) return true;
    }
    return false;
  }

  function write() {
    try {
      storage?.setItem(entry_name, JSON.stringify(entry));
    } catch {
      entry = null; // full, or forbidden
    }
  }

  function read() {
    try {
      const { id, pages } = JSON.parse(storage?.getItem(entry_name) ?? "");
      return typeof id === "string" && typeof pages === "object" && pages ? { id, pages } : null;
    } catch {
      return null;
    }
  }

  /**
   * One transaction, after those before it.
   * @param {(stores: {tabs: IDBObjectStore, pages: IDBObjectStore}) => IDBRequest} act
   * @returns {Promise<any>} the result of the request, once all is written
   */
  function transact(act) {
    const result = last.then(async () => {
      const transaction = (await open()).transaction(["tabs", "pages"], "readwrite");
      return done(transaction, act({ tabs: transaction.objectStore("tabs"), pages: transaction.objectStore("pages") }));
    });
    last = result.catch(() => {});
    return result;
  }

  function open() {
    database ??= openDatabase(/** @type {IDBFactory} */ (indexedDB), () => (database = null));
    database.catch(() => (database = null));
    return database;
  }

  function touch() {
    const id = entry?.id;
    if (id) transact(({ tabs }) => tabs.put({ id, seen_ms: clock.now() })).catch(() => {});
  }

  /** Takes the bytes of tabs that are no more. */
  async function sweep() {
    const { held = [] } = await /** @type {LockManager} */ (locks).query();
    const names = new Set(held.map(({ name }) => name));
    const seen = new Map((await transact(({ tabs }) => tabs.getAll())).map((/** @type {any} */ tab) => [tab.id, tab.seen_ms]));
    const isLeft = (/** @type {string} */ id) =>
      id !== entry?.id && !names.has(LOCK + id) && clock.now() - (seen.get(id) ?? 0) >= LEFT_MS;
    for (const key of await transact(({ pages }) => pages.getAllKeys())) {
      if (isLeft(key[0])) await transact(({ pages }) => pages.delete(key));
    }
    for (const id of seen.keys()) if (isLeft(id)) await transact(({ tabs }) => tabs.delete(id));
  }

  /**
   * The page on the screen of a duplicate is its own from here on.
   * @param {{id: string, pages: Record<string, any>}} before
   * @param {string} hash
   */
  async function copyPage(before, hash) {
    const page = hash in before.pages && (await transact(({ pages }) => pages.get([before.id, hash])));
    if (!page || !entry) return;
    const { id } = entry;
    await transact(({ pages }) => pages.put({ ...page, tab: id }));
    entry.pages[hash] = before.pages[hash];
  }

  return {
    get token() {
      return entry?.id ?? null;
    },

    async enter(hash) {
      entry = null;
      if (!locks || !indexedDB || !storage) return;
      try {
        const before = read();
        if (before && (await lock(before.id))) {
          entry = before;
        } else {
          const id = randomToken(crypto);
          if (!(await lock(id))) return;
          entry = { id, pages: {} };
          if (before) await copyPage(before, hash);
          write();
        }
        touch();
        sweep().catch(() => {});
      } catch {
        entry = null;
      }
    },

    mayHave: (hash) => hash in (read()?.pages ?? {}),

    leave() {
      unlock?.();
      unlock = null;
    },

    pages: () => ({ ...entry?.pages }),

    note(hash, facts) {
      if (!entry) return;
      entry.pages[hash] = facts;
      write();
    },

    async load(hash) {
      const id = entry?.id;
      const page = id && (await transact(({ pages }) => pages.get([id, hash])).catch(() => null));
      return page ? page.bytes : null;
    },

    async save(hash, bytes) {
      const id = entry?.id;
      if (!id) return false;
      return transact(({ pages }) => pages.put({ tab: id, hash, bytes })).then(
        () => true,
        () => false,
      );
    },

    forget(hash) {
      const id = entry?.id;
      if (!entry || !id) return;
      delete entry.pages[hash];
      write();
      transact(({ pages }) => pages.delete([id, hash])).catch(() => {});
    },

    touch,
  };
}

/**
 * @param {LockManager} locks
 * @param {string} name
 * @returns {Promise<(() => void)|null>} the way to give it back; null: somebody has it
 */
function takeLock(locks, name) {
  return new Promise((resolve, reject) => {
    const take = (/** @type {Lock|null} */ lock) => {
      if (lock === null) return resolve(null);
      return new Promise((release) => resolve(() => release(null)));
    };
    locks.request(name, { ifAvailable: true }, take).catch(reject);
  });
}

/**
 * @param {IDBFactory} factory
 * @param {() => void} onGone it has to be opened again
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(factory, onGone) {
  return new Promise((resolve, reject) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("tabs", { keyPath: "id" });
      request.result.createObjectStore("pages", { keyPath: ["tab", "hash"] });
    };
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      request.result.onclose = onGone;
      request.result.onversionchange = () => (request.result.close(), onGone());
      resolve(request.result);
    };
  });
}

/**
 * @param {IDBTransaction} transaction
 * @param {IDBRequest} request its last one
 * @returns {Promise<any>}
 */
function done(transaction, request) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}
