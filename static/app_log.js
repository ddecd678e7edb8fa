// The folded log: what happened, in the order it happened.

import { $, create } from "./dom.js";
import t from "./strings.en.js";

const LINES_MAX = 500;

/**
 * @param {{at_ms: number, what: string}} entry an event of the library or of the app; those without words are left out
 */
export function writeLog(entry) {
  const words = t.log[entry.what]?.(entry);
  if (!words) return;
  const log = $("log");
  const at = new Date(entry.at_ms);
  const time = create("time", { dateTime: at.toISOString(), textContent: at.toTimeString().slice(0, 8) });
  log.append(create("p", {}, time, ` ${words}`));
  while (log.childElementCount > LINES_MAX) log.firstElementChild.remove();
  if ($("log-console").open) log.scrollTop = log.scrollHeight;
}
