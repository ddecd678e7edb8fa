// Every word a person reads, in English. The plain strings are put into the HTML at build time, by their key.

const others = (count) => (count === 1 ? "1 other holds" : `${count} others hold`);
const holders = (count) => (count === 1 ? "1 holder" : `${count} holders`);
const because = (reason) => (reason ? ` (${reason})` : "");
const connectionWords = { connecting: "Connecting", open: "Connected", away: "Connection lost", closed: "Disconnected" };

export default {
  name: "Whilst",
  bytes: "bytes",

  // Making a page
  makeDocumentTitle: "Whilst: pages that exist only whilst somebody is looking",
  makeTitle: "A page that exists only whilst somebody is looking at it.",
  makeLead: "Put it up, send the link. It is kept by no server: it lives in the tabs that show it, and is gone with the last of them.",
  contentLabel: "Your page",
  contentHint: "Text or HTML",
  contentPlaceholder: "Write something, or drop a file here…",
  pickFile: "Choose a file",
  removeFile: "Write instead",
  putUp: "Put it up",
  putUpKeys: "Ctrl + Enter",
  meter: (size, limit) => (limit ? `${size} of ${limit}` : size),
  tooLarge: (size, limit) => `Too large: ${size}. This server relays pages up to ${limit}.`,
  nothingYet: "There is nothing to put up yet.",
  fileUnreadable: "This file could not be read.",
  stillHolding: (count) => (count === 1 ? "This tab still holds a page:" : `This tab still holds ${count} pages:`),
  makeNoScript: "A page lives in the browser that made it, so putting one up needs JavaScript. Reading one does not: curl -s followed by its link prints it.",

  // The bar of a page
  viewDocumentTitle: "A page on Whilst",
  viewTitle: (title, count) => `${count === null ? "" : `(${count}) `}${title} · Whilst`,
  lastTitle: (title) => `Last holder · ${title} · Whilst`,
  pageName: (hash) => `Page ${hash.slice(0, 8)}…`,
  frameTitle: (hash) => `Content of page ${hash.slice(0, 4)}…`,
  count: (count) => `${count} here`,
  countAnnounced: (count) => (count === 1 ? "1 holder is here" : `${count} holders are here`),
  verified: "matches its address",
  held: (age) => `held for ${age}`,
  source: "Source",
  download: "Download",
  letGo: "Let go",
  newPage: "Whilst: make a page",

  // The sentence under the bar
  puttingUp: "Putting it up…",
  livesHere: "This page lives in this tab. Keep it open until somebody else has it.",
  mayClose: (count) => `${others(count)} it now: you may close this tab.`,
  holding: "You are holding this page.",
  holdingToo: (count) => `You are holding this page. ${others(count)} it too.`,
  last: "You are the last one holding this page. Keep this tab open, or it is gone.",
  takenOver: "Another tab holds this page in place of this one.",
  refusedHold: (reason) => `You have this page, but the server does not take it from this tab (${reason}).`,
  linkLabel: "Link to this page",
  copy: "Copy",
  copied: "Copied",
  copiedAnnounced: "The link is copied.",
  copyFailed: "The link could not be copied: it is selected, copy it by hand.",

  // Scripts
  scriptsOff: "This page's scripts are off. Scripts on this page can use your processor and could reveal your IP address to whoever wrote it.",
  scriptsOn: "This page's scripts are running. Scripts on this page can use your processor and could reveal your IP address to whoever wrote it.",
  runScripts: "Run this page's scripts",
  stopScripts: "Stop",

  // States without a page
  searchingTitle: "Looking for someone who has this page…",
  searching: (elapsed, asked, count) => (count ? `${elapsed} · ${asked} of ${holders(count)} asked` : elapsed),
  nobodyTitle: "Nobody is holding this page right now.",
  nobody: "It may come back if someone who has it opens it again. This tab keeps waiting.",
  silentTitle: (count) => `${holders(count)} did not answer.`,
  wrongBytesTitle: "A holder sent something else; refused it.",
  keepsWaiting: "This tab keeps waiting for the page.",
  badTitle: "What came is not this page.",
  bad: "Its bytes do not match the address, so they are not shown.",
  goneTitle: "You let it go.",
  gone: "If nobody else has it, it is gone.",
  blockedTitle: "The operator of this server does not relay this page.",
  blocked: "Nobody can get it or hand it on here.",
  refusedTitle: "The server did not take up the search.",
  refused: (reason) => `Its reason: ${reason}.`,
  awayTitle: "The server is away.",
  awaySearching: "The search goes on as soon as it is back.",
  retry: "Look again",

  // The connection
  serverOffline: "Server offline.",
  stillHeld: "You still hold the page.",
  retryIn: (duration) => `Reconnecting in ${duration}.`,
  retrying: "Reconnecting…",
  retryPaused: "Waiting for this tab to be looked at.",
  closedForGood: "The server ended the connection.",
  reconnect: "Reconnect now",

  // What cannot be shown
  fileTitle: "A file",
  file: (size) => `${size} that browsers do not show. Download it to open it.`,
  picture: (size) => `Picture, ${size}`,
  viewNoScript: "This page is fetched from the browsers that hold it, which needs JavaScript here. Without it, curl -s followed by this address prints the page.",

  // The log; the keys are the library's event names
  logTitle: "Log",
  log: {
    connection: ({ state, reason }) => connectionWords[state] + because(reason),
    limits: ({ page_bytes_max }) => `This server relays pages up to ${page_bytes_max} bytes`,
    seeking: ({ holders: count }) => `Looking for the page: ${holders(count)}`,
    status: ({ state, asked, holders: count, reason }) =>
      (state === "nobody" ? "Nobody can be asked now" : `Asked ${asked} of ${holders(count)}`) + because(reason),
    received: ({ size_bytes }) => `Received ${size_bytes} bytes: they match the address`,
    wrong_bytes: ({ size_bytes }) => `Refused ${size_bytes} bytes that do not match the address`,
    holding: () => "Holding the page",
    count: ({ count }) => `${holders(count)} now`,
    asked: () => "Asked for the page",
    sent: ({ size_bytes }) => `Sent ${size_bytes} bytes`,
    over: ({ reason }) => `No longer a holder (${reason})`,
    scripts: ({ running }) => (running ? "Scripts started" : "Scripts stopped"),
    released: () => "Let go of the page",
  },
};
