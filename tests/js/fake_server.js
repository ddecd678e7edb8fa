// A small server for the tests of the library: topics, one page at a time relayed from holder to seeker, and a record of
// everything it was told. It checks nothing, so that a test can let it lie.

import { createWorld } from "./fakes.js";

export const PAGE_BYTES_MAX = 1000;

export function createFakeServer() {
  const world = createWorld();
  const topics = new Map(); // topic -> Map of socket -> join_ref
  const server = { ...world, world, topics, told: [], relays: true };

  const members = (topic) => topics.get(topic) ?? new Map();
  const broadcast = (topic, event, payload) => {
    for (const socket of members(topic).keys()) {
      if (!socket.closed) socket.say({ kind: "broadcast", topic, event, payload });
    }
  };

  const holdersOf = (hash) => [...members(`have:${hash}`)].filter(([socket]) => !socket.closed);
  const tellCount = (hash) => broadcast(`have:${hash}`, "visitors_count", { count: holdersOf(hash).length });

  function ask(hash) {
    const [holder] = holdersOf(hash);
    const holders = holdersOf(hash).length;
    if (!holder) return broadcast(`want:${hash}`, "status", { state: "nobody", holders, asked: 0, reason: "no_holder" });
    broadcast(`want:${hash}`, "status", { state: "searching", holders, asked: 1, reason: null });
    holder[0].say({ kind: "push", join_ref: holder[1], topic: `have:${hash}`, event: "content_request", payload: {} });
  }

  function joined(socket, frame) {
    const [kind, hash] = frame.topic.split(":");
    if (!topics.has(frame.topic)) topics.set(frame.topic, new Map());
    members(frame.topic).set(socket, frame.join_ref);
    const response = { all: { page_bytes_max: PAGE_BYTES_MAX }, want: { holders: holdersOf(hash).length }, have: {} };
    socket.reply(frame, response[kind]);
    if (kind === "have") tellCount(hash);
    if (hash && members(`want:${hash}`).size) ask(hash);
  }

  const EVENTS = {
    heartbeat: (socket, frame) => socket.reply(frame),
    phx_join: joined,
    phx_leave(socket, frame) {
      members(frame.topic).delete(socket);
      socket.reply(frame);
      if (frame.topic.startsWith("have:")) tellCount(frame.topic.slice(5));
    },
    content_request: () => {},
    content: (_, { topic, payload }) => server.relays && server.deliver(topic.slice(5), payload),
  };

  world.onFrame = (socket, frame) => {
    server.told.push(frame);
    EVENTS[frame.event](socket, frame);
  };
  server.deliver = (hash, payload) => broadcast(`want:${hash}`, "content", payload);
  server.claim = (hash, claims) => broadcast(`have:${hash}`, "visitors_claimed", { claims });
  server.end = (topic, event, payload) => {
    for (const [socket, ref] of members(topic)) socket.say({ kind: "push", join_ref: ref, ref, topic, event, payload });
    topics.delete(topic);
  };
  server.toldOf = (event, topic) => server.told.filter((frame) => frame.event === event && frame.topic === topic);
  return server;
}
