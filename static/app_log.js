// The folded log: what happened, in the order it happened.

import { $, create } from "./dom.js";
import { formatSize } from "./format.js";
import { t } from "./words.js";

const LINES_MAX = 500;

const because = (reason) => (reason ? ` (${reason})` : "");
const size = ({ size_bytes }) => ({ size: formatSize(size_bytes, t) });

/** The words of each event of the library and of the app; what is not here is not shown. */
const WORDS = {
  connection({ state, reason }) {
    const words = { connecting: t.logConnecting, open: t.logConnected, away: t.logAway, closed: t.logClosed };
    return words[state] + because(reason);
  },
  limits: ({ page_bytes_max }) => t.logLimits({ size: formatSize(page_bytes_max, t) }),
  seeking: ({ holders }) => t.logSeeking({ count: holders }),
  status({ state, asked, holders, reason }) {
    if (state === "searching" && !asked) return t.searchingTitle;
    return (state === "nobody" ? t.logNobody : t.logAsked({ asked, count: holders })) + because(reason);
  },
  received: (entry) => t.logReceived(size(entry)),
  wrong_bytes: (entry) => t.logWrongBytes(size(entry)),
  holding: () => t.logHolding,
  count: ({ count }) => t.logCount({ count }),
  asked: () => t.logAskedForIt,
  sent: (entry) => t.logSent(size(entry)),
  over: ({ reason }) => t.logOver + because(reason),
  scripts: ({ running }) => (running ? t.logScriptsStarted : t.logScriptsStopped),
  revived: () => t.logRevived,
  released: () => t.logReleased,
};

let entries = [];

/**
 * @param {{at_ms: number, what: string}} entry an event of the library or of the app
 */
export function writeLog(entry) {
  if (!WORDS[entry.what]) return;
  entries = [...entries, entry].slice(-LINES_MAX);
  const log = $("log");
  log.append(lineOf(entry));
  while (log.childElementCount > LINES_MAX) log.firstElementChild.remove();
  if ($("log-console").open) log.scrollTop = log.scrollHeight;
}

/** After a change of the language. */
export function rewriteLog() {
  $("log").replaceChildren(...entries.map(lineOf));
}

function lineOf(entry) {
  const at = new Date(entry.at_ms);
  const time = create("time", { dateTime: at.toISOString(), textContent: at.toTimeString().slice(0, 8) });
  return create("p", {}, time, ` ${WORDS[entry.what](entry)}`);
}
