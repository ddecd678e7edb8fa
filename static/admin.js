// The operator's dashboard: asks the server every five seconds, and shows the last hour.

import { Board } from "./admin_charts.js";
import { Samples, bytes, bytesPerSecond, duration, percent, perSecond, plain, seconds } from "./admin_numbers.js";
import { $, create, setText } from "./dom.js";

const ASK_MS = 5000;
const AGAIN_MS = 1000;
const HASH_SHOWN = 12;
const REASONS_SHOWN = 6;

const samples = new Samples();
const column = (name) => (from) => from.columns[name] ?? [];
const rows = (names) => (from) => Object.entries(names).map(([name, source]) => [name, column(source)(from)]);
const rates = (names) => (from) => Object.entries(names).map(([name, source]) => [name, from.rate(source)]);

const board = new Board($("charts"))
  .add("Visitors", plain, rows({ visitors: "visitors", holders: "holders", seekers: "seekers" }))
  .add("Pages", plain, rows({ pages: "pages", fetches: "fetches" }))
  .add("Time to content", seconds, rows({ "half of all within": "content_p50_s", "99 % within": "content_p99_s" }))
  .add("Relayed", bytesPerSecond, rates({ "to seekers": "served_bytes", "from holders": "received_bytes" }))
  .add("Memory", bytes, rows({ process: "memory_bytes", "waiting to be read": "queued_bytes" }))
  .add("Processor", percent, rows({ "of one processor": "cpu" }))
  .add("Messages", perSecond, rates({ received: "messages_received", sent: "messages_sent" }))
  .add("Refusals", perSecond, (from) => {
    const refusals = from.refusals(REASONS_SHOWN);
    return refusals.length > 0 ? refusals : [["none", from.columns.time.map(() => 0)]];
  });

/** @returns {Promise<any>} */
async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(ASK_MS) });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

function showTiles(status) {
  const most = (name) => Math.max(0, ...column(name)(samples));
  const now = (values, format) => format(values.at(-1) ?? 0);
  const delay = (name) => now(column(name)(samples), (value) => value === 0 ? "–" : seconds(value)); // 0: there was nothing to measure
  const tiles = [
    ["Visitors", plain(status.visitors), `at most ${plain(most("visitors"))} in an hour`],
    ["Pages", plain(status.pages), `${plain(status.holders)} holders, ${plain(status.away)} away`],
    ["Relayed", now(samples.rate("served_bytes"), bytesPerSecond), `${now(samples.rate("served"), perSecond)} pages`],
    ["Time to content", delay("content_p50_s"), `99 % within ${delay("content_p99_s")}`],
    ["Memory", bytes(status.memory_bytes), `${plain(status.descriptors)} descriptors`],
    ["Processor", now(column("cpu")(samples), percent), `a turn within ${now(column("loop_p99_s")(samples), seconds)}`],
  ];
  const say = (tag) => (textContent) => create(tag, { textContent });
  $("tiles").replaceChildren(...tiles.map(([name, ...values]) => create("div", {}, say("dt")(name), ...values.map(say("dd")))));
}

function showStatus({ version, state, began_s, log_level }) {
  $("server").textContent = `${version}, ${state} for ${duration(Date.now() / 1000 - began_s)}, log level ${log_level}`;
}

function showTop(pages) {
  $("no-pages").hidden = pages.length > 0;
  document.querySelector("#top .scroller").hidden = pages.length === 0;
  $("pages").replaceChildren(...pages.map((page) => {
    const hash = create("th", { scope: "row", textContent: `${page.hash.slice(0, HASH_SHOWN)}…`, title: page.hash });
    const cells = [page.holders + page.seekers, page.holders, page.seekers].map(plain);
    cells.push(page.bytes === null ? "–" : bytes(page.bytes), duration(page.age_s));
    return create("tr", {}, hash, ...cells.map((textContent) => create("td", { textContent })));
  }));
}

// This node and those that it hears; nothing without a bus.
function showNodes(nodes) {
  $("cluster").hidden = nodes.length === 0;
  $("nodes").replaceChildren(...nodes.map((node) => {
    const cells = [plain(node.pages), plain(node.holders), node.here ? "here" : `${node.heard_s.toFixed(1)} s ago`, duration(node.age_s)];
    cells.push(node.server ?? "–", node.server === null ? "–" : seconds(node.round_trip_s));
    return create("tr", {}, create("th", { scope: "row", textContent: node.node }), ...cells.map((textContent) => create("td", { textContent })));
  }));
}

async function refresh() {
  const [history, status, top, cluster] = await Promise.all(
    [`history?after=${samples.next}`, "status", "top", "nodes"].map((path) => ask(`api/${path}`)));
  samples.add(history);
  board.show(samples);
  showStatus(status);
  showTiles(status);
  showTop(top.pages);
  showNodes(cluster.nodes);
  document.body.dataset.samples = String(samples.length);
  return top.whole && samples.length > 0;
}

async function live() {
  for (;;) {
    let whole = true;
    try {
      whole = await refresh();
      setText($("trouble"), "");
    } catch (error) {
      setText($("trouble"), `The server does not answer (${error.message.trim()}). What is shown is old; asking again…`);
    }
    await new Promise((resolve) => setTimeout(resolve, whole ? ASK_MS : AGAIN_MS));
  }
}

for (const input of document.querySelectorAll("input[name=range]")) {
  input.addEventListener("change", () => board.show(samples, Number(input.value)));
}
live();
