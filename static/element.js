// <whilst-page hash="…">: a page of Whilst inside a page of another site.
//
//   <script type="module" src="https://whilst.example/-/client/element.js"></script>
//   <whilst-page hash="2cf24dba…"></whilst-page>
//
// The element is a frame with the server's own view of the page, and word from it about how it stands. The frame has the
// server's origin: nothing of the page, and nothing of the server, can touch the document around it. The operator names the
// sites that may do this (--embed-origin); on every other site the browser refuses the frame.

const HASH = /^[0-9a-f]{64}$/i;
const PLACE = "/-/client/element.js";
const STYLE = ":host{display:block;block-size:24rem}:host([hidden]){display:none}iframe{border:0;inline-size:100%;block-size:100%}";

/**
 * What the frame tells of its page; the states are those of docs/client.md.
 * @typedef {object} PageState
 * @property {"loading"|"searching"|"nobody"|"away"|"showing"|"bad"|"refused"|"gone"} state loading: the frame has not said
 *   anything yet
 * @property {number|null} count the holders, this one included; null: not known
 * @property {string} title that the page gave itself, or ""
 */

/**
 * @fires WhilstPage#statechange a CustomEvent with the PageState as its detail, whenever that changes
 */
export class WhilstPage extends HTMLElement {
  static observedAttributes = ["hash", "server"];

  /** @type {HTMLIFrameElement|null} */ #frame = null;
  /** @type {PageState} */ #told = { state: "loading", count: null, title: "" };
  #hear = (/** @type {MessageEvent} */ event) => this.#heard(event);

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
  #heard(/** @type {MessageEvent} */ { source, origin, data }) {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== new URL(this.server).origin) return;
    const { hash, state, count, title } = data?.whilst ?? {};
    if (hash === this.hash && typeof state === "string") this.#tell({ state: /** @type {any} */ (state), count, title });
  }

  #tell(/** @type {PageState} */ told) {
    const is_news = JSON.stringify(told) !== JSON.stringify(this.#told);
    this.#told = told;
    if (is_news) this.dispatchEvent(new CustomEvent("statechange", { detail: told }));
  }
}

/** @param {string} module */
function serverOf(module) {
  return module.endsWith(PLACE) ? module.slice(0, -PLACE.length + 1) : "";
}

customElements.define("whilst-page", WhilstPage);
