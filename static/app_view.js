// Draws what view_state.js says. Everything here may be called at any time and changes only what has changed.

import { $, announce, create, setText, show } from "./dom.js";
import { drawShare } from "./app_share.js";
import { drawSpark } from "./app_spark.js";
import { formatDuration, formatSize } from "./format.js";
import { holdSentence, isLast, panelWords, retryWords, stateOf } from "./view_state.js";
import { t } from "./words.js";

/** @typedef {import("./view_state.js").PageModel} PageModel @typedef {import("./view_state.js").Connection} Connection */

const COUNT_ANNOUNCED_MS = 30_000;
const PANEL_STATES = new Set(["searching", "nobody", "bad", "refused", "gone"]);
let announced = { state: "", count: null, at_ms: 0 };

/**
 * @param {PageModel|null} page the page of this address; null: one is being made
 * @param {Connection} connection
 */
export function drawView(page, connection) {
  const state = stateOf(page, connection);
  const has_panel = PANEL_STATES.has(state) || (state === "away" && !page.bytes);
  $("state").dataset.state = state;
  $("state").toggleAttribute("data-last", page !== null && isLast(page));
  drawNotice(page, connection, has_panel);
  show($("panel"), has_panel);
  show($("stage"), Boolean(page?.bytes));
  if (has_panel) drawPanel(state, page, connection);
  if (page) drawBar(page);
  document.title = titleOf(page);
  announceChanges(state, page, has_panel);
}

/**
 * What of the bar and the panel changes with the time alone.
 * @param {PageModel|null} page
 * @param {Connection} connection
 */
export function drawTime(page, connection) {
  const state = stateOf(page, connection);
  if (!$("notice").hidden) setText($("notice-words"), noticeWords(page, connection));
  if (!$("panel").hidden) setText($("panel-words"), panelWords(state, page, connection, Date.now(), t).words);
  if (!page?.bytes) return;
  setText($("age"), t.held({ age: formatDuration(Date.now() - page.started_ms, t) }));
  drawSpark(page, Date.now());
}

/**
 * The pages that this tab holds while another one is on the screen.
 * @param {PageModel[]} pages
 * @param {(hash: string) => void} open
 */
export function drawStillHolding(pages, open) {
  show($("still-holding"), pages.length > 0);
  setText($("still-holding-words"), t.stillHolding({ count: pages.length }));
  $("still-holding-pages").replaceChildren(
    ...pages.map((page) => {
      const { hash } = page;
      const link = create("a", { href: hash, textContent: nameOf(page) });
      link.addEventListener("click", (event) => {
        event.preventDefault(); // a reload would lose them
        open(hash);
      });
      return create("li", {}, link);
    }),
  );
}

function drawNotice(page, connection, has_panel) {
  show($("notice"), connection.is_lost && !has_panel);
  if (!$("notice").hidden) setText($("notice-words"), noticeWords(page, connection));
}

function noticeWords(page, connection) {
  const held = page?.bytes ? `${t.stillHeld} ` : "";
  return `${t.serverOffline} ${held}${retryWords(connection, Date.now(), t)}`;
}

function drawPanel(state, page, connection) {
  const { title, words } = panelWords(state, page, connection, Date.now(), t);
  setText($("panel-title"), title);
  setText($("panel-words"), words);
  setText($("panel-hash"), page.hash);
  show($("retry"), state !== "searching" && state !== "away");
  show($("reconnect"), state === "away");
  show($("tell-me"), state === "nobody");
  $("tell-me").setAttribute("aria-pressed", String(page.is_told_of));
  const can_revive = state !== "searching" && page.failure !== "blocked";
  for (const id of ["have-file", "revive-hint"]) show($(id), can_revive);
  if (!can_revive) show($("revive-words"), false);
}

function drawBar(page) {
  const { bytes, count } = page;
  const has_bytes = bytes !== null;
  const holders = count ?? page.status?.holders ?? null;
  show($("count"), holders !== null && !page.is_released);
  if (holders !== null) setText($("count"), t.count({ count: holders }));
  drawSpark(page, Date.now());
  drawShare(page.hash, bytes);
  for (const id of ["page-title", "verified", "size", "age", "share", "download", "let-go", "hold"]) show($(id), has_bytes);
  show($("claimed"), has_bytes && page.claims.length > 0);
  if (!has_bytes) return;
  setText($("page-title"), nameOf(page));
  setText($("size"), formatSize(bytes.length, t));
  setText($("age"), t.held({ age: formatDuration(Date.now() - page.started_ms, t) }));
  setText($("claimed"), page.claims.map((claim) => t.claimed(claim)).join(" · "));
  setText($("sentence"), holdSentence(page, t));
}

const nameOf = ({ title, hash }) => title || t.pageName({ hash: hash.slice(0, 8) });

function titleOf(page) {
  if (!page) return t.makeDocumentTitle;
  const title = nameOf(page);
  if (page.is_told_of) return page.bytes ? t.backTitle({ title }) : t.waitingTitle({ title });
  if (isLast(page)) return t.lastTitle({ title });
  return page.bytes && page.count !== null ? t.viewTitleCounted({ title, count: page.count }) : t.viewTitle({ title });
}

/** A change of state at once, a change of the count at most every COUNT_ANNOUNCED_MS. */
function announceChanges(state, page, has_panel) {
  const now_ms = Date.now();
  const is_last = page !== null && isLast(page);
  const key = `${state} ${is_last} ${page?.is_holder}`;
  if (key !== announced.state) {
    announced.state = key;
    if (has_panel) announce($("panel-title").textContent);
    else if (!$("notice").hidden) announce($("notice-words").textContent);
    else if (page?.bytes) announce($("sentence").textContent);
  } else if (page?.bytes && page.count !== announced.count && now_ms - announced.at_ms >= COUNT_ANNOUNCED_MS) {
    announced.count = page.count;
    announced.at_ms = now_ms;
    if (page.count !== null) announce(t.countAnnounced({ count: page.count }));
  }
}
