// The app: one client, one page on the screen, and the pages this tab holds. It uses the public calls of whilst.js only.
//
// An address is either the directory (a page is made) or a hash beside it (a page is shown). Going from one to the other
// never reloads: the pages that this tab holds live in its memory.

import { connect, HASH, hashOf } from "./whilst.js";
import { $, announce, setText } from "./dom.js";
import { createMaker } from "./app_make.js";
import { createStage } from "./app_stage.js";
import { drawStillHolding, drawTime, drawView } from "./app_view.js";
import { writeLog } from "./app_log.js";
import { isLast } from "./view_state.js";
import { t } from "./words.js";

const client = connect(document.baseURI);
const pages = new Map(); // hash -> PageModel, with `hold`, `search` and `title`
const connection = { ...client.connection, is_lost: false };
let current = null; // the page on the screen

const maker = createMaker({ putUp, limit: () => client.limits.page_bytes_max });
const stage = createStage({
  onTitle(title) {
    current.title = title;
    draw();
  },
});

function draw() {
  if (current?.bytes) stage.put(current.hash, current.bytes);
  else stage.empty();
  drawView(current, connection);
}

const heldPages = () => [...pages.values()].filter((page) => page.hold);

// Pages

function newPage(hash, properties) {
  const page = {
    hash,
    bytes: null,
    title: "",
    is_maker: false,
    is_holder: false,
    is_released: false,
    count: null,
    had_others: false,
    hold_refusal: null,
    failure: null,
    status: null,
    started_ms: Date.now(),
    hold: null,
    search: null,
    ...properties,
  };
  pages.set(hash, page);
  return page;
}

async function putUp(bytes) {
  const hash = await hashOf(bytes);
  const page = pages.get(hash)?.hold ? pages.get(hash) : newPage(hash, { bytes, is_maker: true });
  if (!page.hold) hold(page);
  maker.clear();
  go(hash);
  $("copy").focus();
}

async function seek(page) {
  page.search?.abort();
  const search = new AbortController();
  Object.assign(page, { search, status: null, failure: null, is_released: false, started_ms: Date.now() });
  draw();
  try {
    page.bytes = await client.get(page.hash, { signal: search.signal });
    page.started_ms = Date.now();
    hold(page);
  } catch (error) {
    if (search.signal.aborted) return;
    page.failure = error.reason ?? String(error);
  }
  draw();
}

async function hold(page) {
  page.hold = client.share(page.bytes);
  try {
    page.hold = await page.hold;
    page.is_holder = true;
  } catch (error) {
    page.hold = null;
    if (!page.is_released) page.hold_refusal = error.reason ?? String(error);
  }
  if (page.is_released) {
    page.hold?.release(); // let go of before the server had agreed
    Object.assign(page, { hold: null, is_holder: false });
  }
  draw();
}

function letGo(page) {
  page.hold?.release?.();
  Object.assign(page, { bytes: null, hold: null, is_maker: false, is_holder: false, had_others: false });
  Object.assign(page, { is_released: true, count: null, title: "", hold_refusal: null });
  writeLog({ at_ms: Date.now(), what: "released" });
  draw();
  $("retry").focus();
}

// Addresses

function go(hash) {
  history.pushState(null, "", hash ?? "./");
  route();
}

function route() {
  if (current && !current.bytes) current.search?.abort();
  const name = location.pathname.split("/").pop().toLowerCase();
  current = HASH.test(name) ? (pages.get(name) ?? newPage(name)) : null;
  stage.empty();
  if (current && !current.bytes && !current.is_released) return seek(current);
  draw();
  if (!current) drawStillHolding(heldPages(), go);
}

// What the client tells

client.on("log", writeLog);
client.on("limits", () => maker.refresh());
client.on("connection", (state) => {
  const is_lost = state.state === "away" || state.state === "closed" || (connection.is_lost && state.state !== "open");
  Object.assign(connection, state, { is_lost });
  // Without the server nobody knows how many there are; it tells again after each join.
  if (is_lost) for (const page of pages.values()) Object.assign(page, { count: null, status: null });
  draw();
});
client.on("status", (status) => change(status.hash, { status }));
client.on("holding", ({ hash }) => change(hash, { is_holder: true, hold_refusal: null }));
client.on("count", ({ hash, count }) => change(hash, { count, ...(count > 1 && { had_others: true }) }));
client.on("over", ({ hash, reason }) => change(hash, { hold: null, is_holder: false, hold_refusal: reason, count: null }));

function change(hash, properties) {
  const page = pages.get(hash);
  if (!page) return;
  Object.assign(page, properties);
  draw();
}

// What a person does

async function copyLink() {
  const link = $("link");
  try {
    await navigator.clipboard.writeText(link.value);
  } catch {
    link.select(); // no clipboard outside https
    if (!document.execCommand("copy")) return announce(t.copyFailed);
    $("copy").focus();
  }
  setText($("copy"), t.copied);
  announce(t.copiedAnnounced);
  setTimeout(() => setText($("copy"), t.copy), 2000);
}

function setScripted(scripted) {
  stage.setScripted(scripted);
  writeLog({ at_ms: Date.now(), what: "scripts", running: scripted });
  $(scripted ? "stop-scripts" : "run-scripts").focus();
}

const CLICKS = {
  home(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (current) go(null);
  },
  retry: () => seek(current),
  reconnect: () => client.reconnect(),
  "reconnect-here": () => client.reconnect(),
  copy: copyLink,
  link: () => $("link").select(),
  source: () => stage.toggleSource(),
  download: () => stage.download(),
  "let-go": () => letGo(current),
  "run-scripts": () => setScripted(true),
  "stop-scripts": () => setScripted(false),
};
for (const [id, act] of Object.entries(CLICKS)) $(id).addEventListener("click", act);

// The life of the tab

addEventListener("popstate", route);
addEventListener("online", () => client.wake());
addEventListener("pageshow", (event) => event.persisted && client.wake());
addEventListener("pagehide", (event) => event.persisted || client.close());
addEventListener("beforeunload", (event) => {
  if (!heldPages().some((page) => isLast(page) || (page.is_maker && !page.had_others))) return;
  event.preventDefault();
  event.returnValue = ""; // what browsers before 2023 listen to
});
document.addEventListener("visibilitychange", () => client.setHidden(document.hidden));
client.setHidden(document.hidden);
setInterval(() => drawTime(current, connection), 1000);
route();
