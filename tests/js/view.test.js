// What the app says and shows, as far as it needs no document.
import { test } from "node:test";
import assert from "node:assert/strict";
import { cleanTitle, formatDuration, formatSize } from "../../static/format.js";
import { holdSentence, isLast, livesOnlyHere, panelWords, retryWords, stateOf } from "../../static/view_state.js";
import { t } from "../../static/words.js";

const bytes = (text) => new TextEncoder().encode(text);
const OPEN = { state: "open", retry_at_ms: null, is_lost: false };
const AWAY = { state: "away", retry_at_ms: 5000, is_lost: true };
const PAGE = {
  hash: "a",
  bytes: null,
  is_maker: false,
  is_holder: false,
  is_released: false,
  count: null,
  away: 0,
  last_count: null,
  had_others: false,
  is_kept: null,
  is_told_of: false,
  hold_refusal: null,
  failure: null,
  status: null,
  started_ms: 0,
  hold: null,
};
const held = (properties) => ({ ...PAGE, bytes: bytes("x"), is_holder: true, ...properties });
const nobody = (reason, asked = 0) => ({ ...PAGE, status: { state: "nobody", reason, asked, holders: asked } });

test("each situation has its state", () => {
  const cases = [
    ["making", null, AWAY],
    ["searching", PAGE, OPEN],
    ["searching", PAGE, { ...OPEN, state: "connecting" }],
    ["nobody", nobody("no_holder"), OPEN],
    ["searching", nobody("busy"), OPEN],
    ["searching", { ...PAGE, status: { state: "waiting", asked: 0, holders: 1, reason: null } }, OPEN],
    ["away", PAGE, AWAY],
    ["away", PAGE, { state: "connecting", retry_at_ms: null, is_lost: true }],
    ["showing", held(), OPEN],
    ["away", held(), AWAY],
    ["bad", { ...PAGE, failure: "wrong_bytes" }, OPEN],
    ["refused", { ...PAGE, failure: "too_many_topics" }, OPEN],
    ["gone", { ...PAGE, is_released: true }, OPEN],
  ];
  for (const [state, page, connection] of cases) assert.equal(stateOf(page, connection), state);
});

test("each state without a page has its words", () => {
  const words = (page, connection = OPEN) => panelWords(stateOf(page, connection), page, connection, 3000, t);
  const searching = { ...PAGE, status: { state: "searching", asked: 1, holders: 2, reason: null } };
  assert.equal(words(searching).words, "3 sec · 1 of 2 holders asked");
  assert.equal(words(PAGE).words, "3 sec");
  assert.equal(words(nobody("no_holder")).title, t.nobodyTitle);
  assert.equal(words({ ...PAGE, status: { state: "nobody", reason: "no_holder", asked: 0, holders: 1 } }).title, t.allAwayTitle);
  assert.equal(words(nobody("silent", 2)).title, "2 holders did not answer.");
  assert.equal(words(nobody("wrong_bytes", 1)).title, t.wrongBytesTitle);
  assert.match(words(PAGE, AWAY).words, /Reconnecting in 2 sec\.$/);
  assert.match(words({ ...PAGE, failure: "too_many_topics" }).words, /too_many_topics/);
});

test("the way back is told", () => {
  assert.equal(retryWords({ state: "connecting" }, 0, t), t.retrying);
  assert.equal(retryWords({ state: "away", retry_at_ms: null }, 0, t), t.retryPaused);
  assert.equal(retryWords({ state: "away", retry_at_ms: 900 }, 1000, t), "Reconnecting in 1 sec.");
  assert.equal(retryWords({ state: "closed" }, 0, t), t.closedForGood);
});

test("the sentence turns from keeping the tab open to closing it, and to being the last", () => {
  const maker = (properties) => holdSentence(held({ is_maker: true, ...properties }), t);
  assert.equal(maker({ is_holder: false }), t.puttingUp);
  assert.equal(maker({ count: 1 }), t.livesHere);
  assert.equal(maker({ count: 2 }), "1 other holds it now: you may close this tab.");
  assert.equal(maker({ count: 3, had_others: true }), "2 others hold it now: you may close this tab.");
  assert.equal(maker({ count: 1, had_others: true }), t.last);
  assert.equal(maker({ count: 3, away: 1 }), "1 other holds it now: you may close this tab.");
  assert.equal(maker({ count: 2, away: 1 }), t.othersAway);
  assert.equal(holdSentence(held({ count: 3, away: 2 }), t), t.othersAway);
  assert.equal(holdSentence(held({ count: null }), t), t.holding);
  assert.equal(holdSentence(held({ count: 3 }), t), "You are holding this page. 2 others hold it too.");
  assert.equal(holdSentence(held({ count: 1 }), t), t.last);
  assert.equal(holdSentence(held({ hold_refusal: "phx_close" }), t), t.takenOver);
  assert.match(holdSentence(held({ hold_refusal: "page_size" }), t), /page_size/);
});

test("only a holder that once had company, or found the page, is the last", () => {
  assert.equal(isLast(held({ count: 1 })), true);
  assert.equal(isLast(held({ count: 1, is_maker: true })), false);
  assert.equal(isLast(held({ count: 1, is_holder: false })), false);
  assert.equal(isLast(held({ count: 2 })), false);
});

test("numbers are written for people", () => {
  const sizes = [0, 1023, 1024, 1536, 20_480, 1_048_576, 8_388_608];
  assert.deepEqual(sizes.map((size) => formatSize(size, t)), ["0 bytes", "1,023 bytes", "1 KiB", "1.5 KiB", "20 KiB", "1 MiB", "8 MiB"]);
  assert.deepEqual([-5, 59_000, 60_000, 7_199_000, 7_200_000, 90_000_000].map((ms) => formatDuration(ms, t)), ["0 sec", "59 sec", "1 min", "1 hr", "2 hr", "1 day"]);
});

test("a title cannot turn the text around it, nor fill it", () => {
  assert.equal(cleanTitle(" photo\u202egnp.exe\n\u0007 "), "photo gnp.exe");
  assert.equal([...cleanTitle("🕯".repeat(300))].length, 200);
});
