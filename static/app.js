// The app: one client, one page on the screen, and the pages this tab holds. It uses the public calls of whilst.js only.
//
// An address is either the directory (a page is made) or a hash beside it (a page is shown). Going from one to the other
// never reloads: the pages that this tab holds live in its memory. What outlives a reload is in keep.js.

import { connect, HASH, hashOf } from "./whilst.js";
import { $ } from "./dom.js";
import { is_embedded, settleIn, tellParent } from "./app_embed.js";
import { createMaker } from "./app_make.js";
import { createShare } from "./app_share.js";
import { createStage } from "./app_stage.js";
import { drawStillHolding, drawTime, drawView } from "./app_view.js";
import { watchTab } from "./app_life.js";
import { startLanguage } from "./app_language.js";
import { rewriteLog, writeLog } from "./app_log.js";
import { createReviver } from "./app_revive.js";
import { livesOnlyHere, stateOf } from "./view_state.js";

const RESTORE_MS = 5000;

const client = connect(document.baseURI);
const pages = new Map(); // hash -> PageModel, with `search` and `title`
const connection = { ...client.connection, is_lost: false };
let current = null; // the page on the screen

const maker = createMaker({ putUp, limit: () => client.limits.page_bytes_max });
const stage = createStage({
  onTitle(title) {
    current.title = title;
    draw();
  },
});

const life = watchTab({
  client,
  pageHere: () => hashHere() ?? "",
  isInDanger: () => !is_embedded && heldPages().some(livesOnlyHere),
  onReturn: comeBack,
});
const { keep } = life;
createReviver({ wanted: () => (current && !current.bytes ? current : null), revive });
createShare();

/** All that the app has written, in another language. */
function rewrite() {
  maker.refresh();
  rewriteLog();
  stage.redraw();
  draw();
  if (!current) drawStillHolding(heldPages(), go);
}

function draw() {
  if (current?.bytes) stage.put(current.hash, current.bytes);
  else stage.empty();
  drawView(current, connection);
  tellParent(current, stateOf(current, connection));
  life.guard();
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
    away: 0,
    last_count: null,
    claims: [],
    had_others: false,
    is_kept: null,
    is_told_of: false,
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
    has(page, await client.get(page.hash, { signal: search.signal }));
  } catch (error) {
    if (search.signal.aborted) return;
    page.failure = error.reason ?? String(error);
  }
  draw();
}

/** The bytes are here, and they are checked. */
function has(page, bytes) {
  page.search?.abort();
  page.is_told_of &&= document.hidden;
  Object.assign(page, { bytes, started_ms: Date.now(), failure: null, is_released: false });
  hold(page);
}

async function hold(page) {
  const { hash, bytes } = page;
  // What the tab is must be known first; meanwhile the page counts as held.
  page.hold = life.entered.then(() => client.share(bytes, keep.token ? { token: keep.token } : {}));
  life.entered.then(() => store(page));
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
    keep.forget(hash);
  }
  draw();
}

/** For a reload of this tab. */
async function store(page) {
  if (page.is_released) return;
  note(page);
  page.is_kept = await keep.save(page.hash, page.bytes);
  draw();
}

function note({ hash, is_maker, had_others, started_ms }) {
  keep.note(hash, { is_maker, had_others, started_ms });
}

/**
 * The document is back from the browser's cache. If it is the tab that it was, another document may have been it meanwhile,
 * and let go of pages; if a duplicate is that tab now, it goes on as another one.
 */
function comeBack(is_same_tab) {
  for (const page of heldPages()) {
    if (is_same_tab && !(page.hash in keep.pages())) forgo(page);
    else if (keep.token && page.is_holder) page.hold.token = keep.token;
    if (!is_same_tab) store(page);
  }
  client.wake();
  restore();
  draw();
}

/** Holds again what this tab held before its document was left. */
async function restore() {
  const kept = keep.pages();
  for (const [hash, facts] of Object.entries(kept)) {
    if (pages.get(hash)?.bytes) continue;
    const bytes = await keep.load(hash);
    if (bytes && (await hashOf(bytes)) === hash) {
      const page = pages.get(hash) ?? newPage(hash);
      has(page, bytes);
      Object.assign(page, facts);
    } else {
      keep.forget(hash);
    }
  }
  if (!current) drawStillHolding(heldPages(), go);
}

/** Somebody here has the file: what was gone is back. */
function revive(page, bytes) {
  has(page, bytes);
  writeLog({ at_ms: Date.now(), what: "revived" });
  draw();
}

function forgo(page) {
  page.hold?.release?.();
  Object.assign(page, { bytes: null, hold: null, is_maker: false, is_holder: false, had_others: false, is_kept: null });
  Object.assign(page, { is_released: true, count: null, last_count: null, title: "", hold_refusal: null });
}

/** By the tab's title; who has asked for it looks elsewhere meanwhile. */
function tellMe() {
  current.is_told_of = !current.is_told_of;
  draw();
}

function letGo(page) {
  forgo(page);
  keep.forget(page.hash);
  writeLog({ at_ms: Date.now(), what: "released" });
  draw();
  $("retry").focus();
}

// Addresses

function go(hash) {
  history.pushState(null, "", hash ?? "./");
  route();
}

function hashHere() {
  const name = location.pathname.split("/").pop().toLowerCase();
  return HASH.test(name) ? name : null;
}

function route() {
  if (current && !current.bytes) current.search?.abort();
  const hash = hashHere();
  current = hash && (pages.get(hash) ?? newPage(hash));
  stage.empty();
  if (current && !current.bytes && !current.is_released) return seek(current);
  draw();
  if (!current) drawStillHolding(heldPages(), go);
}

// What the client tells

client.on("log", writeLog);
client.on("limits", () => maker.refresh());
client.on("connection", (state) => {
  if (state.reason === "suspended") return; // nobody sees this document now
  const is_lost = state.state === "away" || state.state === "closed" || (connection.is_lost && state.state !== "open");
  Object.assign(connection, state, { is_lost });
  if (state.state !== "open") forgetCounts();
  draw();
});
client.on("status", (status) => change(status.hash, { status }));
client.on("holding", ({ hash }) => change(hash, { is_holder: true, hold_refusal: null }));
client.on("count", ({ hash, count, away }) => {
  const page = pages.get(hash);
  const is_news = page && count > 1 && !page.had_others;
  change(hash, { count, away, last_count: count, ...(count > 1 && { had_others: true }) });
  if (is_news) note(page);
});
client.on("claims", ({ hash, claims }) => change(hash, { claims }));
client.on("over", ({ hash, reason }) => {
  change(hash, { claims: [], hold: null, is_holder: false, hold_refusal: reason, count: null, last_count: null });
});

/** Without the server nobody knows how many there are; it tells again after each join. */
function forgetCounts() {
  for (const page of pages.values()) Object.assign(page, { count: null, claims: [], status: null });
}

function change(hash, properties) {
  const page = pages.get(hash);
  if (!page) return;
  Object.assign(page, properties);
  draw();
}

// What a person does

function setScripted(scripted) {
  stage.setScripted(scripted);
  writeLog({ at_ms: Date.now(), what: "scripts", running: scripted });
  $(scripted ? "stop-scripts" : "run-scripts").focus();
}

const CLICKS = {
  home(event) {
    if (is_embedded || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (current) go(null);
  },
  retry: () => seek(current),
  "tell-me": tellMe,
  reconnect: () => client.reconnect(),
  "reconnect-here": () => client.reconnect(),
  source: () => stage.toggleSource(),
  download: () => stage.download(),
  "let-go": () => letGo(current),
  "run-scripts": () => setScripted(true),
  "stop-scripts": () => setScripted(false),
};
for (const [id, act] of Object.entries(CLICKS)) $(id).addEventListener("click", act);

// The life of the tab

addEventListener("popstate", route);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && current?.bytes) change(current.hash, { is_told_of: false });
});
setInterval(() => {
  drawTime(current, connection);
  life.guard();
}, 1000);
start();

/** The page that this tab held before a reload is shown from here; another one is asked for at once. */
async function start() {
  await startLanguage(rewrite);
  maker.refresh();
  rewriteLog();
  if (life.was_here) {
    // A database that does not answer must not keep the page from being sought.
    const restored = life.entered.then(restore);
    await Promise.race([restored, new Promise((resolve) => setTimeout(resolve, RESTORE_MS))]);
  }
  settleIn();
  route();
  if (!life.was_here) life.entered.then(restore);
}
