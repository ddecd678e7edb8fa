// The sparkline of those who hold a page: who was here in the last minutes. Its words are for everybody.

import { $, setText, show } from "./dom.js";
import { formatDuration } from "./format.js";
import { noteCount, pathOf, recent } from "./history.js";
import { t } from "./words.js";

const BOX = { width: 64, height: 16 };
const histories = new WeakMap(); // PageModel -> History

/**
 * @param {import("./view_state.js").PageModel} page
 * @param {number} now_ms
 */
export function drawSpark(page, now_ms) {
  const history = noteCount(histories.get(page) ?? [], page.count, now_ms);
  histories.set(page, history);
  const window = recent(history, now_ms);
  const is_telling = window !== null && window.changes.length > 1;
  show($("spark"), is_telling && page.bytes !== null);
  if (!is_telling) return;
  $("spark-line").setAttribute("d", pathOf(history, now_ms, BOX));
  const words = t.spark({ least: window.least, most: window.most, age: formatDuration(now_ms - window.from_ms, t) });
  setText($("spark-words"), words);
  $("spark").title = words;
}
