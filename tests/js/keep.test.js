// What outlives a document, on a real IndexedDB in memory and on stand-ins for the tab's storage and the browser's locks.
import { test } from "node:test";
import assert from "node:assert/strict";
import { webcrypto as crypto } from "node:crypto";
import { IDBFactory } from "fake-indexeddb";
import { createKeep } from "../../static/keep.js";

const HASH = "a".repeat(64);
const OTHER = "b".repeat(64);
const BYTES = Uint8Array.of(1, 2, 3);
const HOUR_MS = 3_600_000;

/** The locks of a browser, as far as they are used here. */
function createLocks() {
  const held = new Set();
  return {
    held,
    async request(name, { ifAvailable }, fn) {
      assert.ok(ifAvailable);
      if (held.has(name)) return fn(null);
      held.add(name);
      await fn({ name });
      held.delete(name);
    },
    query: async () => ({ held: [...held].map((name) => ({ name })) }),
  };
}

/** sessionStorage; a copy is what a duplicated tab gets. */
function createStorage(items = {}) {
  return {
    items,
    getItem: (key) => items[key] ?? null,
    setItem: (key, value) => void (items[key] = value),
    copy: () => createStorage({ ...items }),
  };
}

function createBrowser() {
  const clock = { now_ms: 0, now: () => clock.now_ms, setTimeout: (fn) => setImmediate(fn), clearTimeout: clearImmediate };
  const browser = { locks: createLocks(), indexedDB: new IDBFactory(), clock, crypto };
  return { ...browser, keep: (storage, more) => createKeep({ ...browser, storage, ...more }) };
}

/** A tab that holds HASH. */
async function setUp() {
  const browser = createBrowser();
  const storage = createStorage();
  const tab = browser.keep(storage);
  await tab.enter("");
  tab.note(HASH, { is_maker: true });
  assert.equal(await tab.save(HASH, BYTES), true);
  return { browser, storage, tab };
}

/** Everything that the database has, as a tab that has just come sees it. */
async function stored(browser) {
  const database = await new Promise((resolve) => {
    const request = browser.indexedDB.open("whilst", 1);
    request.onsuccess = () => resolve(request.result);
  });
  const request = database.transaction("pages").objectStore("pages").getAllKeys();
  return new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

test("a reloaded tab is the same tab, with its pages and what it knew of them", async () => {
  const { browser, storage, tab } = await setUp();
  const { token } = tab;
  assert.match(token, /^[A-Za-z0-9_-]{8,64}$/, "a token of the protocol");
  for (let i = 0; i < 3; i++) {
    tab.leave();
    const again = browser.keep(storage);
    assert.equal(again.mayHave(HASH), true);
    assert.equal(again.mayHave(OTHER), false);
    await again.enter(HASH);
    assert.equal(again.token, token);
    assert.deepEqual(again.pages(), { [HASH]: { is_maker: true } });
    assert.deepEqual(await again.load(HASH), BYTES);
    assert.equal(await again.load(OTHER), null);
    again.leave();
  }
});

test("a reload that asks before the old document has given its lock back waits for it", async () => {
  const { browser, storage, tab } = await setUp();
  const again = browser.keep(storage);
  const entered = again.enter(HASH);
  setImmediate(() => tab.leave());
  await entered;
  assert.equal(again.token, tab.token);
});

test("a duplicated tab is a tab of its own, with the page on its screen and no other", async () => {
  const { browser, storage, tab } = await setUp();
  tab.note(OTHER, {});
  await tab.save(OTHER, BYTES);
  const twin = browser.keep(storage.copy());
  await twin.enter(HASH);
  assert.notEqual(twin.token, tab.token);
  assert.deepEqual(twin.pages(), { [HASH]: { is_maker: true } });
  assert.deepEqual(await twin.load(HASH), BYTES);
  twin.forget(HASH);
  assert.equal(await twin.load(HASH), null);
  assert.deepEqual(await tab.load(HASH), BYTES, "what the twin forgets is its own");
});

test("a document that comes back from the cache is the tab again, and sees what was let go of meanwhile", async () => {
  const { browser, storage, tab } = await setUp();
  const { token } = tab;
  tab.leave();
  const next = browser.keep(storage);
  await next.enter(OTHER);
  next.forget(HASH);
  next.leave();
  await tab.enter(HASH);
  assert.equal(tab.token, token);
  assert.deepEqual(tab.pages(), {});
});

test("frames in one tab do not disturb each other", async () => {
  const browser = createBrowser();
  const storage = createStorage();
  const frames = () => [HASH, OTHER].map((hash) => browser.keep(storage, { entry_name: `frame:${hash}` }));
  const enter = ([one, two]) => Promise.all([one.enter(HASH), two.enter(OTHER)]);
  const before = frames();
  await enter(before);
  before.forEach((frame, i) => frame.note([HASH, OTHER][i], {}));
  before.forEach((frame) => frame.leave());
  const again = frames();
  await enter(again);
  assert.deepEqual(again.map(({ token }) => token), before.map(({ token }) => token));
  assert.deepEqual(again.map((frame) => Object.keys(frame.pages())), [[HASH], [OTHER]]);
});

test("two tabs are two", async () => {
  const { browser, tab } = await setUp();
  const other = browser.keep(createStorage());
  await other.enter(HASH);
  assert.notEqual(other.token, tab.token);
  assert.deepEqual(other.pages(), {});
  assert.equal(await other.load(HASH), null);
});

test("the bytes of a tab that is no more are swept, not at once, and not those of one that lives", async () => {
  const { browser, tab } = await setUp();
  const gone = browser.keep(createStorage());
  await gone.enter("");
  await gone.save(OTHER, BYTES);
  const keys = { living: [tab.token, HASH], gone: [gone.token, OTHER] };
  gone.leave();
  const visit = async () => {
    const visitor = browser.keep(createStorage());
    await visitor.enter("");
    await settle();
    visitor.leave();
    return (await stored(browser)).sort();
  };
  browser.clock.now_ms = HOUR_MS - 1;
  assert.deepEqual(await visit(), [keys.living, keys.gone].sort(), "its person may come back");
  browser.clock.now_ms = 100 * HOUR_MS;
  assert.deepEqual(await visit(), [keys.living]);
});

test("a sign of life is one", async () => {
  const { browser, tab } = await setUp();
  browser.clock.now_ms = 5 * HOUR_MS;
  tab.touch();
  tab.leave();
  const visitor = browser.keep(createStorage());
  await visitor.enter("");
  await settle();
  assert.equal((await stored(browser)).length, 1);
});

test("without locks, database or storage every call works, and nothing is promised", async () => {
  const whole = createBrowser();
  const forbidding = { getItem: () => null, setItem: () => { throw new Error("QuotaExceededError"); } };
  const failing = { open: () => { throw new Error("SecurityError"); } };
  const poor = [
    { crypto, clock: whole.clock },
    { ...whole, storage: createStorage(), locks: undefined },
    { ...whole, storage: createStorage(), indexedDB: undefined },
    { ...whole, storage: undefined },
    { ...whole, storage: forbidding },
    { ...whole, storage: createStorage(), indexedDB: failing },
  ];
  for (const environment of poor) {
    const keep = createKeep(environment);
    await keep.enter(HASH);
    keep.note(HASH, {});
    assert.equal(await keep.save(HASH, BYTES), false);
    assert.equal(await keep.load(HASH), null);
    keep.touch();
    keep.forget(HASH);
    keep.leave();
    assert.equal(keep.mayHave(HASH), false);
  }
  const locked = createKeep({ ...whole, storage: createStorage(), locks: { request: async () => { throw new Error(); } } });
  await locked.enter("");
  assert.equal(locked.token, null);
});

test("an entry that nobody here wrote is no entry", async () => {
  for (const value of ["", "{", "null", '{"id": 7, "pages": {}}', '{"id": "x"}']) {
    const keep = createBrowser().keep(createStorage({ "whilst-tab": value }));
    assert.equal(keep.mayHave(HASH), false);
    await keep.enter(HASH);
    assert.match(keep.token, /^[0-9a-f]{32}$/);
  }
});
