// The socket and its channels on a fake WebSocket and a fake clock.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Socket } from "../../static/channel.js";
import { FakeClock, createWorld, sentOf, settle } from "./fakes.js";

function setUp({ answers = true } = {}) {
  const clock = new FakeClock();
  const world = createWorld();
  const states = [];
  if (answers) world.onFrame = (socket, frame) => socket.reply(frame);
  const socket = new Socket("ws://test/ws", {
    WebSocket: world.WebSocket,
    clock,
    random: () => 1,
    onState: (state) => states.push(state),
  });
  const last = () => world.sockets[world.sockets.length - 1];
  return { clock, world, states, socket, last };
}

function recorder() {
  const heard = [];
  return {
    heard,
    joined: (response) => heard.push(["joined", response]),
    message: (event, payload) => heard.push([event, payload]),
    over: (reason) => heard.push(["over", reason]),
  };
}

async function joinedChannel(setting) {
  const handler = recorder();
  setting.socket.open();
  const channel = setting.socket.channel("have:x", { token: "t" }, handler);
  await settle();
  return { channel, handler };
}

test("a join uses its own ref as join_ref, and its response reaches the handler", async () => {
  const setting = setUp({ answers: false });
  setting.world.onFrame = (socket, frame) => socket.reply(frame, { holders: 2 });
  const { handler } = await joinedChannel(setting);
  const [join] = setting.last().sent;
  assert.deepEqual([join.join_ref, join.ref, join.event, join.payload], ["1", "1", "phx_join", { token: "t" }]);
  assert.deepEqual(handler.heard, [["joined", { holders: 2 }]]);
});

test("a push resolves with its response, and rejects with the server's word", async () => {
  const setting = setUp();
  const { channel } = await joinedChannel(setting);
  setting.world.onFrame = (socket, frame) => socket.reply(frame, { n: 1 });
  assert.deepEqual(await channel.push("ask", {}), { n: 1 });
  setting.world.onFrame = (socket, frame) => socket.reply(frame, { reason: "busy" }, "error");
  await assert.rejects(channel.push("ask", {}), { reason: "busy" });
});

test("a push on a topic that is not joined is refused at once", async () => {
  const { socket } = setUp();
  await assert.rejects(socket.channel("all", {}, recorder()).push("ask", {}), { reason: "not_joined" });
});

test("a push without an answer gives up, but not before 90 s", async () => {
  const setting = setUp();
  const { channel } = await joinedChannel(setting);
  setting.world.onFrame = (socket, frame) => frame.event === "heartbeat" && socket.reply(frame);
  let reason = null;
  channel.push("ask", {}).catch((error) => (reason = error.reason));
  await setting.clock.advance(89_000);
  assert.equal(reason, null);
  await setting.clock.advance(2000);
  assert.equal(reason, "timeout");
});

test("the next heartbeat is scheduled from the reply to the last", async () => {
  const setting = setUp({ answers: false });
  setting.socket.open();
  await setting.clock.advance(31_000);
  const [beat] = sentOf(setting.last(), "heartbeat");
  assert.deepEqual([beat.topic, beat.join_ref], ["phoenix", null]);
  await setting.clock.advance(40_000);
  assert.equal(sentOf(setting.last(), "heartbeat").length, 1);
  setting.last().reply(beat);
  await setting.clock.advance(29_000);
  assert.equal(sentOf(setting.last(), "heartbeat").length, 1);
  await setting.clock.advance(2000);
  assert.equal(sentOf(setting.last(), "heartbeat").length, 2);
});

test("a visible tab gives up a connection that does not answer for 90 s", async () => {
  const setting = setUp({ answers: false });
  setting.socket.open();
  await setting.clock.advance(119_000);
  assert.equal(setting.socket.state, "open");
  await setting.clock.advance(2000);
  assert.equal(setting.states.find(({ state }) => state === "away").reason, "silent");
  assert.ok(setting.world.sockets.length > 1);
});

test("a hidden tab judges no connection dead, and probes it when it is looked at again", async () => {
  const setting = setUp({ answers: false });
  setting.socket.open();
  await settle();
  setting.socket.setHidden(true);
  await setting.clock.advance(3_600_000);
  assert.equal(setting.socket.state, "open");
  setting.socket.setHidden(false);
  await settle();
  assert.equal(sentOf(setting.last(), "heartbeat").length, 2);
  await setting.clock.advance(11_000);
  assert.equal(setting.world.sockets.length, 2);
});

test("after a loss it comes back with growing delays, and joins again", async () => {
  const setting = setUp();
  const { handler } = await joinedChannel(setting);
  setting.world.accepts = false;
  setting.last().hangUp(1006);
  const delays = [];
  for (let i = 0; i < 8; i++) {
    const away = setting.states[setting.states.length - 1];
    assert.equal(away.state, "away");
    delays.push(away.retry_at_ms - setting.clock.now());
    await setting.clock.advance(delays[i]);
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000]);
  setting.world.accepts = true;
  await setting.clock.advance(30_000);
  assert.equal(setting.socket.state, "open");
  assert.deepEqual(handler.heard, [["joined", {}], ["joined", {}]]);
});

test("delays have jitter: half of each is random", async () => {
  const setting = setUp();
  setting.socket.random = () => 0;
  setting.socket.open();
  await settle();
  setting.last().hangUp(1006);
  assert.equal(setting.states[setting.states.length - 1].retry_at_ms - setting.clock.now(), 125);
});

test("a restarting or full server is given time", async () => {
  for (const [code, least_ms] of [[1012, 250], [1013, 5000], [1008, 5000]]) {
    const setting = setUp();
    setting.socket.open();
    await settle();
    setting.last().hangUp(code, "word");
    const { retry_at_ms, reason } = setting.states[setting.states.length - 1];
    assert.deepEqual([retry_at_ms - setting.clock.now(), reason], [least_ms, "word"]);
  }
});

test("a server that accepts, says nothing and hangs up does not reset the delays", async () => {
  const setting = setUp({ answers: false });
  setting.socket.open();
  await settle();
  setting.last().hangUp(1006);
  await setting.clock.advance(250);
  setting.last().hangUp(1006);
  assert.equal(setting.states[setting.states.length - 1].retry_at_ms - setting.clock.now(), 500);
});

test("1000 is a wanted end: no other attempt, until open()", async () => {
  const setting = setUp();
  setting.socket.open();
  await settle();
  setting.last().hangUp(1000);
  setting.socket.wake();
  await setting.clock.advance(3_600_000);
  assert.equal(setting.socket.state, "closed");
  assert.equal(setting.world.sockets.length, 1);
  setting.socket.open();
  await settle();
  assert.equal(setting.socket.state, "open");
});

test("close() leaves every topic and ends for good", async () => {
  const setting = setUp();
  const { handler } = await joinedChannel(setting);
  const socket = setting.last();
  setting.socket.close();
  assert.equal(sentOf(socket, "phx_leave").length, 1);
  assert.equal(socket.closed.by, "client");
  setting.socket.wake();
  await setting.clock.advance(3_600_000);
  assert.equal(setting.world.sockets.length, 1);
  assert.equal(setting.clock.timers.size, 0);
  assert.deepEqual(handler.heard, [["joined", {}]]);
});

test("wake() tries at once instead of waiting", async () => {
  const setting = setUp();
  setting.socket.open();
  await settle();
  setting.last().hangUp(1013);
  setting.socket.wake();
  await settle();
  assert.equal(setting.socket.state, "open");
  assert.equal(setting.world.sockets.length, 2);
});

test("a tab that is hidden and away for long tries seldom, until it is looked at", async () => {
  const setting = setUp();
  setting.socket.open();
  await settle();
  setting.socket.setHidden(true);
  await setting.clock.advance(7_200_000);
  assert.equal(setting.socket.state, "open", "hidden for long alone is no reason");
  setting.world.accepts = false;
  setting.last().hangUp(1006);
  await setting.clock.advance(29 * 60_000);
  const tried = setting.world.sockets.length;
  assert.ok(tried > 30);
  await setting.clock.advance(3_600_000);
  assert.ok(setting.world.sockets.length > tried + 4, "it does not give up: it may be the last who has a page");
  assert.ok(setting.world.sockets.length <= tried + 10);
  setting.world.accepts = true;
  setting.socket.setHidden(false);
  await settle();
  assert.equal(setting.socket.state, "open");
});

test("suspend() ends the connection without leaving a topic; only wake() brings it back, with every topic", async () => {
  const setting = setUp();
  const { handler } = await joinedChannel(setting);
  const socket = setting.last();
  setting.socket.suspend();
  assert.deepEqual(setting.states.at(-1), { state: "away", retry_at_ms: null, reason: "suspended" });
  assert.equal(socket.closed.by, "client");
  assert.equal(sentOf(socket, "phx_leave").length, 0);
  await setting.clock.advance(3_600_000);
  assert.equal(setting.world.sockets.length, 1);
  setting.socket.wake();
  await settle();
  assert.equal(setting.socket.state, "open");
  assert.deepEqual(handler.heard, [["joined", {}], ["joined", {}]]);
  setting.socket.close();
  setting.socket.suspend();
  assert.equal(setting.socket.state, "closed", "what was closed stays closed");
});

test("a machine that slept looks at its connection at once, and does not wait as long as usual", async () => {
  const setting = setUp({ answers: false });
  setting.socket.open();
  await settle();
  setting.clock.now_ms += 3_600_000;
  await setting.clock.advance(1);
  assert.equal(sentOf(setting.last(), "heartbeat").length, 1);
  await setting.clock.advance(10_000);
  assert.equal(setting.states.find(({ state }) => state === "away").reason, "silent");
});

test("what is told goes without a ref, and only where it is joined", async () => {
  const setting = setUp();
  const { channel } = await joinedChannel(setting);
  channel.tell("ask", { n: 1 });
  await settle();
  const [told] = sentOf(setting.last(), "ask");
  assert.deepEqual([told.ref, told.join_ref, told.payload], [null, "1", { n: 1 }]);
  assert.equal(setting.socket.pending.size, 0);
  channel.leave();
  channel.tell("ask", {});
  assert.equal(sentOf(setting.last(), "ask").length, 1);
});

test("messages of an earlier join are dropped, broadcasts are not", async () => {
  const setting = setUp();
  const { handler } = await joinedChannel(setting);
  setting.last().say({ kind: "push", join_ref: "0", topic: "have:x", event: "content_request", payload: {} });
  setting.last().say({ kind: "push", join_ref: "1", topic: "have:x", event: "content_request", payload: {} });
  setting.last().say({ kind: "broadcast", topic: "have:x", event: "visitors_count", payload: { count: 1 } });
  setting.last().say({ kind: "push", join_ref: "0", ref: "0", topic: "have:x", event: "phx_close", payload: {} });
  assert.deepEqual(handler.heard.map(([what]) => what), ["joined", "content_request", "visitors_count"]);
});

test("a topic that crashed is joined again, later each time", async () => {
  const setting = setUp();
  const { handler } = await joinedChannel(setting);
  const crash = () => {
    const { ref } = sentOf(setting.last(), "phx_join").pop();
    setting.last().say({ kind: "push", join_ref: ref, ref, topic: "have:x", event: "phx_error", payload: {} });
  };
  crash();
  await setting.clock.advance(999);
  assert.equal(handler.heard.length, 1);
  await setting.clock.advance(1);
  assert.equal(handler.heard.length, 2);
});

test("a refused join is tried again when the reason passes, and is over when it does not", async () => {
  for (const [reason, joins] of [["join_rate", 2], ["busy", 2], ["bad_token", 1], ["unmatched topic", 1]]) {
    const setting = setUp({ answers: false });
    setting.world.onFrame = (socket, frame) => socket.reply(frame, { reason }, "error");
    const { handler } = await joinedChannel(setting);
    await setting.clock.advance(1500);
    assert.equal(sentOf(setting.last(), "phx_join").length, joins, reason);
    assert.deepEqual(handler.heard, joins === 1 ? [["over", reason]] : [], reason);
  }
});

test("phx_error with a word, and phx_close, end the topic and are not answered by another join", async () => {
  for (const [event, payload, word] of [["phx_error", { reason: "wrong_bytes" }, "wrong_bytes"], ["phx_close", {}, "phx_close"]]) {
    const setting = setUp();
    const { handler } = await joinedChannel(setting);
    setting.last().say({ kind: "push", join_ref: "1", ref: "1", topic: "have:x", event, payload });
    await setting.clock.advance(60_000);
    assert.deepEqual(handler.heard[1], ["over", word]);
    assert.equal(sentOf(setting.last(), "phx_join").length, 1);
  }
});

test("a message nobody can read is passed over", async () => {
  const setting = setUp();
  const { handler } = await joinedChannel(setting);
  setting.last().onmessage({ data: "[]" });
  setting.last().onmessage({ data: new Uint8Array([9, 9]).buffer });
  setting.last().say({ kind: "broadcast", topic: "have:x", event: "visitors_count", payload: { count: 1 } });
  assert.equal(handler.heard.length, 2);
});
