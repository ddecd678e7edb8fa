// static/element.js
var HASH = /^[0-9a-f]{64}$/i;
var PLACE = "/-/client/element.js";
var STYLE = ":host{display:block;block-size:24rem}:host([hidden]){display:none}iframe{border:0;inline-size:100%;block-size:100%}";
var WhilstPage = class extends HTMLElement {
  static observedAttributes = ["hash", "server"];
  /** @type {HTMLIFrameElement|null} */
  #frame = null;
  /** @type {PageState} */
  #told = { state: "loading", count: null, title: "" };
  #hear = (event) => this.#heard(event);
  /** @returns {string} the page's name, 64 hexadecimal digits in lower case; "" while the attribute is none */
  get hash() {
    const hash = this.getAttribute("hash") ?? "";
    return HASH.test(hash) ? hash.toLowerCase() : "";
  }
  set hash(hash) {
    this.setAttribute("hash", hash);
  }
  /** @returns {string} the address of the server's front page: the attribute's, or where this module was loaded from; "" if neither */
  get server() {
    try {
      return new URL(this.getAttribute("server") ?? serverOf(import.meta.url)).href;
    } catch {
      return "";
    }
  }
  set server(server) {
    this.setAttribute("server", server);
  }
  /** How the page stands. */
  get state() {
    return this.#told.state;
  }
  get count() {
    return this.#told.count;
  }
  connectedCallback() {
    addEventListener("message", this.#hear);
    this.#draw();
  }
  disconnectedCallback() {
    removeEventListener("message", this.#hear);
    this.#frame?.remove();
    this.#frame = null;
  }
  attributeChangedCallback() {
    if (this.isConnected) this.#draw();
  }
  #draw() {
    const { hash, server } = this;
    const src = hash && server && new URL(hash, server).href;
    if (this.#frame && this.#frame.src === src) return;
    this.#frame?.remove();
    this.#frame = null;
    this.#tell({ state: "loading", count: null, title: "" });
    if (!src) return;
    const frame = document.createElement("iframe");
    Object.assign(frame, { src, title: this.title || "Whilst", allow: "clipboard-write; fullscreen; web-share" });
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    root.replaceChildren(style, frame);
    this.#frame = frame;
  }
  /** Only the frame itself is believed, and only while it shows the server. */
  #heard({ source, origin, data }) {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== new URL(this.server).origin) return;
    const { hash, state, count, title } = data?.whilst ?? {};
    if (hash === this.hash && typeof state === "string") this.#tell({ state: (
      /** @type {any} */
      state
    ), count, title });
  }
  #tell(told) {
    const is_news = JSON.stringify(told) !== JSON.stringify(this.#told);
    this.#told = told;
    if (is_news) this.dispatchEvent(new CustomEvent("statechange", { detail: told }));
  }
};
function serverOf(module) {
  return module.endsWith(PLACE) ? module.slice(0, -PLACE.length + 1) : "";
}
customElements.define("whilst-page", WhilstPage);
export {
  WhilstPage
};
