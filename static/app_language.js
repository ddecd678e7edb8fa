// The language: the browser's, unless the person chose another one here.

import { $, announce, create, setText } from "./dom.js";
import { LANGUAGES, rememberLanguage, wantedLanguage } from "./languages.js";
import { t, useLanguage } from "./words.js";

const RIGHT_TO_LEFT = new Set(["ar"]);

/**
 * @param {() => void} onChange the words that the app itself has written are to be written anew
 * @returns {Promise<void>} when the words are there; they stay English when they cannot be loaded
 */
export async function startLanguage(onChange) {
  const select = $("language");
  select.replaceChildren(...Object.entries(LANGUAGES).map(([value, name]) => create("option", { value, lang: value, textContent: name })));
  select.addEventListener("change", async () => {
    await speak(select.value);
    rememberLanguage(t.languageCode);
    onChange();
  });
  await speak(wantedLanguage());
}

async function speak(language) {
  try {
    await useLanguage(language);
  } catch {
    announce(t.languageFailed); // the server is away
  }
  const { languageCode } = t;
  Object.assign(document.documentElement, { lang: languageCode, dir: RIGHT_TO_LEFT.has(languageCode) ? "rtl" : "ltr" });
  $("language").value = languageCode;
  for (const element of document.querySelectorAll("[data-t]")) setText(element, t[element.dataset.t]);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t[element.dataset.tLabel]);
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t[element.dataset.tPlaceholder];
  delete document.documentElement.dataset.waiting; // first.js
}
