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
    static observedAttributes: string[];
    set hash(hash: string);
    /** @returns {string} the page's name, 64 hexadecimal digits in lower case; "" while the attribute is none */
    get hash(): string;
    set server(server: string);
    /** @returns {string} the address of the server's front page: the attribute's, or where this module was loaded from; "" if neither */
    get server(): string;
    /** How the page stands. */
    get state(): "away" | "nobody" | "searching" | "loading" | "showing" | "bad" | "refused" | "gone";
    get count(): number | null;
    connectedCallback(): void;
    disconnectedCallback(): void;
    attributeChangedCallback(): void;
    #private;
}
/**
 * What the frame tells of its page; the states are those of docs/client.md.
 */
export type PageState = {
    /**
     * loading: the frame has not said
     * anything yet
     */
    state: "loading" | "searching" | "nobody" | "away" | "showing" | "bad" | "refused" | "gone";
    /**
     * the holders, this one included; null: not known
     */
    count: number | null;
    /**
     * that the page gave itself, or ""
     */
    title: string;
};
