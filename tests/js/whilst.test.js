// The library against a small server.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { connect, hashOf, WhilstError } from "../../static/whilst.js";
import { FakeClock, settle } from "./fakes.js";
import { createFakeServer, PAGE_BYTES_MAX } from "./fake_server.js";

const bytesOf = (text) => new TextEncoder().encode(text);
const HELLO = bytesOf("hello");
const HASH = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const isReason = (reason) => (error) => error instanceof WhilstError && error.reason === reason;

async function setUp(clients = 1) {
  const server = createFakeServer();
  const clock = new FakeClock();
  const options = { WebSocket: server.world.WebSocket, clock, random: () => 1, crypto: webcrypto };
  const made = Array.from({ length: clients }, () => connect("https://whilst.test/pages/", options));
  const events = [];
  made[0].on("log", (entry) => events.push(entry));
  await clock.advance(1);
  return { server, clock, clients: made, client: made[0], events };
}

/** Waits for a promise whose making needs hashing in another thread and frames on the way. */
async function eventually(promise) {
  let result = null;
  promise.then((value) => (result = { value }), (error) => (result = { error }));
  for (let i = 0; i < 2000 && !result; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  if (!result) throw new Error("still pending");
  if (result.error) throw result.error;
  return result.value;
}

test("the end point lies beside the page, and has the page's security", () => {
  const urls = [];
  class FakeSocket {
    constructor(url) {
      urls.push(url);
    }
  }
  const clock = { ...new FakeClock(), setTimeout: (fn, ms) => void (ms === 0 && fn()) };
  const options = { WebSocket: FakeSocket, clock };
  for (const url of ["https://a.test/", "http://a.test:4000/pages/", `wss://a.test/pages/${HASH}`]) connect(url, options);
  assert.deepEqual(urls, [
    "wss://a.test/ws/websocket?vsn=2.0.0",
    "ws://a.test:4000/pages/ws/websocket?vsn=2.0.0",
    "wss://a.test/pages/ws/websocket?vsn=2.0.0",
  ]);
  assert.throws(() => connect("not a url", options), TypeError);
});

test("hashes agree with another implementation, with and without the browser's own", async () => {
  for (const bytes of [new Uint8Array(0), HELLO, new Uint8Array(100_000).fill(7)]) {
    const expected = createHash("sha256").update(bytes).digest("hex");
    assert.equal(await hashOf(bytes, webcrypto), expected);
    assert.equal(await hashOf(bytes, {}), expected);
  }
});

test("limits come with the connection", async () => {
  const { client, events } = await setUp();
  assert.equal(client.limits.page_bytes_max, PAGE_BYTES_MAX);
  assert.deepEqual(events.map(({ what }) => what), ["connection", "connection", "limits"]);
});

test("a page goes from one client to another, in binary, and both hear the count", async () => {
  const { server, clients: [maker, viewer] } = await setUp(2);
  const hold = await eventually(maker.share(HELLO));
  assert.equal(hold.hash, HASH);
  const counts = [];
  hold.on("count", ({ count }) => counts.push(count));
  assert.deepEqual(await eventually(viewer.get(HASH)), HELLO);
  const [answer] = server.toldOf("content", `have:${HASH}`);
  assert.deepEqual(answer.payload, HELLO);
  assert.deepEqual(server.toldOf("phx_join", `want:${HASH}`)[0].payload, { binary: true, status: true });
  assert.equal(server.toldOf("phx_leave", `want:${HASH}`).length, 1);
  const second = await eventually(viewer.share(HELLO));
  await settle();
  assert.deepEqual([counts, hold.count, second.count], [[2], 2, 2]);
  second.release();
  await settle();
  assert.deepEqual([counts, hold.count], [[2, 1], 1]);
});

test("what others claim is told apart from the count", async () => {
  const { server, client, events } = await setUp();
  const hold = await eventually(client.share(HELLO));
  await settle();
  assert.equal(server.toldOf("phx_join", `have:${HASH}`)[0].payload.claims, true);
  const claims = [{ by: "beta", count: 3 }];
  const heard = [];
  hold.on("claims", (detail) => heard.push(detail));
  server.claim(HASH, claims);
  server.claim(HASH, [...claims, { by: 7, count: 1 }, { by: "gamma", count: "many" }]);
  server.claim(HASH, "nonsense");
  await settle();
  assert.deepEqual([heard, hold.claims, hold.count], [[{ claims }, { claims }], claims, 1]);
  assert.deepEqual(events.filter(({ what }) => what === "claims").map(({ hash }) => hash), [HASH, HASH]);
});

test("on() returns the function that undoes it", async () => {
  const { clients: [maker, viewer] } = await setUp(2);
  const hold = await eventually(maker.share(HELLO));
  const heard = [];
  const undo = [hold.on("count", (detail) => heard.push(detail)), maker.on("count", (detail) => heard.push(detail))];
  undo.forEach((fn) => fn());
  await eventually(viewer.share(HELLO));
  await settle();
  assert.deepEqual(heard, []);
});

test("what was shared does not change when the caller's array does", async () => {
  const { clients: [maker, viewer] } = await setUp(2);
  const bytes = HELLO.slice();
  await eventually(maker.share(bytes));
  bytes.fill(0);
  assert.deepEqual(await eventually(viewer.get(HASH)), HELLO);
});

test("the same page is shared once", async () => {
  const { server, client } = await setUp();
  const [one, two] = await eventually(Promise.all([client.share(HELLO), client.share(HELLO)]));
  assert.equal(one, two);
  assert.equal(server.toldOf("phx_join", `have:${HASH}`).length, 1);
});

test("wrong bytes are refused", async () => {
  const { server, client, events } = await setUp();
  const got = client.get(HASH);
  got.catch(() => {});
  await settle();
  server.deliver(HASH, bytesOf("hullo"));
  await assert.rejects(eventually(got), isReason("wrong_bytes"));
  assert.ok(events.some(({ what, hash, size_bytes }) => what === "wrong_bytes" && hash === HASH && size_bytes === 5));
  assert.equal(server.toldOf("phx_leave", `want:${HASH}`).length, 1);
});

test("content as JSON is taken too", async () => {
  const { server, client } = await setUp();
  const got = client.get(HASH);
  await settle();
  server.deliver(HASH, { content: "hello" });
  assert.deepEqual(await eventually(got), HELLO);
});

test("a seeker hears where the search stands, waits, and is served when a holder appears", async () => {
  const { clients: [viewer, maker], events } = await setUp(2);
  const got = viewer.get(HASH);
  await settle();
  const { reason, holders } = events.find(({ what, state }) => what === "status" && state === "nobody");
  assert.deepEqual([reason, holders], ["no_holder", 0]);
  await eventually(maker.share(HELLO));
  assert.deepEqual(await eventually(got), HELLO);
});

test("holders that did not answer are asked again, more and more seldom, as long as there are any", async () => {
  const { server, clock, client } = await setUp();
  const got = client.get(HASH);
  await settle();
  const silent = (holders) => {
    const [socket] = server.topics.get(`want:${HASH}`).keys();
    const payload = { state: "nobody", holders, asked: holders, reason: "silent" };
    socket.say({ kind: "broadcast", topic: `want:${HASH}`, event: "status", payload });
  };
  const asked = () => server.toldOf("content_request", `want:${HASH}`).length;
  await clock.advance(600_000);
  assert.equal(asked(), 0, "there is nobody to ask");
  for (const [i, wait_ms] of [5000, 10_000, 30_000, 60_000, 60_000].entries()) {
    silent(2);
    await clock.advance(wait_ms - 1);
    assert.equal(asked(), i);
    await clock.advance(1);
    assert.equal(asked(), i + 1);
  }
  assert.deepEqual(server.toldOf("content_request", `want:${HASH}`)[0].payload, { hash: HASH });
  silent(1);
  server.deliver(HASH, HELLO);
  await eventually(got);
  await clock.advance(600_000);
  assert.equal(asked(), 5, "it has come");
});

test("a search that the server was too busy for is joined again", async () => {
  const { server, clock, client } = await setUp();
  const got = client.get(HASH);
  await settle();
  const [socket] = server.topics.get(`want:${HASH}`).keys();
  socket.say({ kind: "broadcast", topic: `want:${HASH}`, event: "error", payload: { reason: "busy" } });
  await clock.advance(1000);
  assert.equal(server.toldOf("phx_join", `want:${HASH}`).length, 2);
  server.deliver(HASH, HELLO);
  assert.deepEqual(await eventually(got), HELLO);
});

test("get gives up with its signal, and can be asked again at once", async () => {
  const { server, client } = await setUp();
  const search = new AbortController();
  const got = client.get(HASH, { signal: search.signal });
  got.catch(() => {});
  await settle();
  search.abort();
  const again = client.get(HASH);
  await assert.rejects(got, { name: "AbortError" });
  await settle();
  const wanted = server.told.filter(({ topic }) => topic === `want:${HASH}`).map(({ event }) => event);
  assert.deepEqual(wanted, ["phx_join", "phx_leave", "phx_join"]);
  server.deliver(HASH, HELLO);
  assert.deepEqual(await eventually(again), HELLO);
  await assert.rejects(client.get(HASH, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("two who want the same page share one search; one of them may give up", async () => {
  const { server, client } = await setUp();
  const search = new AbortController();
  const first = client.get(HASH, { signal: search.signal });
  first.catch(() => {});
  const second = client.get(HASH);
  await settle();
  search.abort();
  await settle();
  server.deliver(HASH, HELLO);
  assert.deepEqual(await eventually(second), HELLO);
  await assert.rejects(first, { name: "AbortError" });
  assert.equal(server.toldOf("phx_join", `want:${HASH}`).length, 1);
});

test("a name that is no hash is the caller's mistake", async () => {
  const { client } = await setUp();
  await assert.rejects(client.get("hello"), TypeError);
  await assert.rejects(client.get(HASH.toUpperCase()), TypeError);
});

test("after a reconnect the page is held again, with the same token", async () => {
  const { server, clock, client, events } = await setUp();
  await eventually(client.share(HELLO));
  server.world.sockets[0].hangUp(1006);
  assert.equal(client.connection.state, "away");
  await clock.advance(1000);
  const [before, after] = server.toldOf("phx_join", `have:${HASH}`);
  assert.match(before.payload.token, /^[A-Za-z0-9_-]{8,64}$/);
  assert.deepEqual(after.payload, before.payload);
  assert.equal(events.filter(({ what }) => what === "holding").length, 2);
});

test("a suspended client keeps its pages, and holds them again when it wakes, with a new token if it was given one", async () => {
  const { server, clock, client } = await setUp();
  const hold = await eventually(client.share(HELLO, { token: "tab_0001" }));
  client.suspend();
  await clock.advance(60_000);
  assert.equal(server.toldOf("phx_leave", `have:${HASH}`).length, 0);
  hold.token = "tab_0002";
  client.wake();
  await clock.advance(1);
  assert.deepEqual(server.toldOf("phx_join", `have:${HASH}`).map(({ payload }) => payload.token), ["tab_0001", "tab_0002"]);
});

test("two pages have two tokens, and a given token is used", async () => {
  const { server, client } = await setUp();
  await eventually(client.share(HELLO));
  const other = await eventually(client.share(bytesOf("other"), { token: "tab_0123" }));
  const [first] = server.toldOf("phx_join", `have:${HASH}`);
  const [second] = server.toldOf("phx_join", `have:${other.hash}`);
  assert.equal(second.payload.token, "tab_0123");
  assert.notEqual(first.payload.token, second.payload.token);
});

test("a page that is too large is refused before it is sent", async () => {
  const { client, server } = await setUp();
  await assert.rejects(client.share(new Uint8Array(PAGE_BYTES_MAX + 1)), isReason("page_size"));
  assert.equal(server.told.length, 1);
});

test("a hold that the server ends is over, and is not tried again", async () => {
  for (const [event, payload, reason] of [["phx_error", { reason: "wrong_bytes" }, "wrong_bytes"], ["phx_close", {}, "phx_close"]]) {
    const { server, clock, client } = await setUp();
    const hold = await eventually(client.share(HELLO));
    const heard = [];
    hold.on("over", (detail) => heard.push(detail.reason));
    client.on("over", (detail) => heard.push(detail.hash));
    server.end(`have:${HASH}`, event, payload);
    await clock.advance(60_000);
    assert.deepEqual(heard, [reason, HASH]);
    assert.equal(server.toldOf("phx_join", `have:${HASH}`).length, 1);
  }
});

test("a refused share rejects with the server's word", async () => {
  const { server, client } = await setUp();
  server.world.onFrame = (socket, frame) => socket.reply(frame, { reason: "too_many_topics" }, "error");
  await assert.rejects(eventually(client.share(HELLO)), isReason("too_many_topics"));
});

test("release leaves the topic; a later share holds it anew", async () => {
  const { server, client } = await setUp();
  (await eventually(client.share(HELLO))).release();
  await settle();
  assert.equal(server.toldOf("phx_leave", `have:${HASH}`).length, 1);
  await eventually(client.share(HELLO));
  assert.equal(server.toldOf("phx_join", `have:${HASH}`).length, 2);
});

test("close() lets go of everything and refuses what comes after", async () => {
  const { server, client, clock } = await setUp();
  await eventually(client.share(HELLO));
  const got = client.get(HASH.replace("2", "3"));
  got.catch(() => {});
  await settle();
  client.close();
  await assert.rejects(got, isReason("closed"));
  await assert.rejects(client.get(HASH), isReason("closed"));
  await assert.rejects(client.share(HELLO), isReason("closed"));
  client.reconnect();
  await clock.advance(60_000);
  assert.equal(server.world.sockets.length, 1);
  assert.equal(client.connection.state, "closed");
});
