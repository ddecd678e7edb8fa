// The languages there are, and which of them somebody wants. No words.

/** Each language by its own name, in the order they are offered. */
export const LANGUAGES = {
  en: "English",
  es: "Español",
  de: "Deutsch",
  fr: "Français",
  ar: "العربية",
  "zh-Hans": "简体中文",
};

/** Where the words of the others are; English is built in. */
export const CATALOGUES = {
  es: () => import("./strings.es.js"),
  de: () => import("./strings.de.js"),
  fr: () => import("./strings.fr.js"),
  ar: () => import("./strings.ar.js"),
  "zh-Hans": () => import("./strings.zh-Hans.js"),
};

const CHOICE = "whilst-language"; // in localStorage

/**
 * @param {readonly string[]} preferred as in navigator.languages
 * @returns {string} the first of them that there is, or English
 */
export function chooseLanguage(preferred) {
  const known = preferred.map((tag) => {
    const [language] = tag.toLowerCase().split("-");
    return language === "zh" ? `zh-${new Intl.Locale(tag).maximize().script}` : language;
  });
  return known.find((language) => Object.hasOwn(LANGUAGES, language)) ?? "en";
}

/** @returns {string} what the person has chosen here, or else the browser's */
export function wantedLanguage() {
  try {
    const chosen = localStorage.getItem(CHOICE);
    if (Object.hasOwn(LANGUAGES, chosen)) return chosen;
  } catch {
    // no storage here
  }
  return chooseLanguage(navigator.languages);
}

/** @param {string} language */
export function rememberLanguage(language) {
  try {
    localStorage.setItem(CHOICE, language);
  } catch {
    // Then it is chosen until the tab is closed.
  }
}
