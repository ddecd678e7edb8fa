// Before anything is seen: the documents are in English. Who wants another language shall not see English first, so it stays
// hidden until app_language.js has put the other words in their places; their catalogue is under way from here on.

import { CATALOGUES, wantedLanguage } from "./languages.js";

const load = CATALOGUES[wantedLanguage()];
if (load) {
  document.documentElement.dataset.waiting = "";
  load().catch(() => {}); // the app tries too, and tells
}
