// From what is known about a page to what a person is told about it. Pure: no DOM, no clock.

import { formatDuration } from "./format.js";

/**
 * @typedef {object} PageModel what one tab knows about one page
 * @property {string} hash
 * @property {Uint8Array|null} bytes checked; null until they came, and after letting go
 * @property {boolean} is_maker this tab put the page up
 * @property {boolean} is_holder the server counts this tab as a holder (it may be away for the moment)
 * @property {boolean} is_released the person let go of it
 * @property {number|null} count holders, this tab included
 * @property {number} away of which have lost their connection, and may come back
 * @property {number|null} last_count what count last was, before the connection was lost
 * @property {boolean|null} is_kept a reload of this tab would find the page again; null: not known yet
 * @property {boolean} is_told_of the person wants to be told when the page is back, and has not been told yet
 * @property {boolean} had_others somebody else has held it while this tab did
 * @property {object|null} hold this tab holds the page, or is about to
 * @property {string|null} hold_refusal why the server does not take the page from this tab
 * @property {string|null} failure why the search ended
 * @property {import("./whilst.js").Status|null} status of the search
 * @property {number} started_ms when the search, and later the holding, began
 *
 * @typedef {object} Connection
 * @property {"connecting"|"open"|"away"|"closed"} state
 * @property {number|null} retry_at_ms
 * @property {boolean} is_lost no connection, after there was one or an attempt failed
 *
 * @typedef {"making"|"searching"|"nobody"|"away"|"showing"|"bad"|"refused"|"gone"} StateName
 */

/**
 * @param {PageModel|null} page null: a page is being made
 * @param {Connection} connection
 * @returns {StateName}
 */
export function stateOf(page, connection) {
  if (!page) return "making";
  if (page.is_released) return "gone";
  if (page.failure) return page.failure === "wrong_bytes" ? "bad" : "refused";
  if (connection.is_lost) return "away";
  if (page.bytes) return "showing";
  const { state, reason } = page.status ?? {};
  return state === "nobody" && reason !== "busy" ? "nobody" : "searching"; // busy: it is asked again soon
}

/**
 * The words in place of the page.
 * @param {StateName} state
 * @param {PageModel} page
 * @param {Connection} connection
 * @param {number} now_ms
 * @param {object} t the catalogue
 * @returns {{title: string, words: string}}
 */
export function panelWords(state, page, connection, now_ms, t) {
  const { status } = page;
  switch (state) {
    case "nobody": {
      const { title, words } = nobodyWords(status, t);
      return { title, words: page.is_told_of ? `${words} ${t.tellingMe}` : words };
    }
    case "away":
      return { title: t.awayTitle, words: `${t.awaySearching} ${retryWords(connection, now_ms, t)}` };
    case "bad":
      return { title: t.badTitle, words: t.bad };
    case "refused":
      if (page.failure === "blocked") return { title: t.blockedTitle, words: t.blocked };
      return { title: t.refusedTitle, words: t.refused({ reason: page.failure }) };
    case "gone":
      return { title: t.goneTitle, words: t.gone };
    default: {
      const elapsed = formatDuration(now_ms - page.started_ms, t);
      const { asked = 0, holders = 0 } = status ?? {};
      return { title: t.searchingTitle, words: holders ? t.searching({ elapsed, asked, count: holders }) : elapsed };
    }
  }
}

function nobodyWords({ reason, asked, holders }, t) {
  if (reason === "no_holder" && holders > 0) return { title: t.allAwayTitle, words: t.allAway };
  if (reason === "silent") return { title: t.silentTitle({ count: Math.max(asked, 1) }), words: t.keepsWaiting };
  if (reason === "wrong_bytes") return { title: t.wrongBytesTitle, words: t.keepsWaiting };
  return { title: t.nobodyTitle, words: t.nobody };
}

/**
 * When the connection comes back.
 * @param {Connection} connection
 * @param {number} now_ms
 * @param {object} t
 * @returns {string}
 */
export function retryWords({ state, retry_at_ms }, now_ms, t) {
  if (state === "closed") return t.closedForGood;
  if (state !== "away") return t.retrying;
  return retry_at_ms === null ? t.retryPaused : t.retryIn({ duration: formatDuration(Math.max(1000, retry_at_ms - now_ms), t) });
}

/**
 * Whether this tab is the only place the page lives in, after it had been in others.
 * @param {PageModel} page
 * @returns {boolean}
 */
export function isLast({ is_holder, is_maker, had_others, count }) {
  return is_holder && count === 1 && (had_others || !is_maker);
}

/**
 * Whether closing this tab would, for all that is known, end the page.
 * @param {PageModel} page
 * @returns {boolean}
 */
export function livesOnlyHere({ hold, count, away, last_count }) {
  return Boolean(hold) && (count ?? last_count ?? 1) - away <= 1;
}

/**
 * The sentence of somebody who has the page.
 * @param {PageModel} page
 * @param {object} t
 * @returns {string}
 */
export function holdSentence(page, t) {
  const sentence = holdWords(page, t);
  return livesOnlyHere(page) && page.is_kept === false ? `${sentence} ${t.reloadLoses}` : sentence;
}

function holdWords(page, t) {
  const others = (page.count ?? 1) - 1 - page.away;
  if (page.hold_refusal === "blocked") return t.blockedTitle;
  if (page.hold_refusal) return page.hold_refusal === "phx_close" ? t.takenOver : t.refusedHold({ reason: page.hold_refusal });
  if (isLast(page)) return t.last;
  if (others > 0) return page.is_maker ? t.mayClose({ count: others }) : t.holdingToo({ count: others });
  if (page.away > 0) return t.othersAway;
  if (page.is_maker) return page.is_holder ? t.livesHere : t.puttingUp;
  return t.holding;
}
