// Reads Markdown beside the page: what takes long, or for ever, holds up nobody. A text comes, HTML goes back.

import { renderMarkdown } from "./markdown.js";

onmessage = ({ data }) => postMessage(renderMarkdown(data));
