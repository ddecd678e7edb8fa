// The words that people read, in the language in use. English is built in, for the case that nothing else can be loaded; every
// other language is a file of its own, loaded when it is asked for.
//
// A catalogue (strings.*.js) is data: a text, or the plural forms of a text (Intl.PluralRules) told apart by {count}. Compiled, a
// text without a {placeholder} is a string and every other one a function of its values.

import english from "./strings.en.js";
import { CATALOGUES } from "./languages.js";

const PLACEHOLDER = /\{(\w+)\}/g;

/** @type {Record<string, any>} the catalogue in use; its contents change with the language */
export const t = {};

/**
 * @param {object} catalogue
 * @param {string} language BCP 47
 * @returns {Record<string, any>}
 */
export function compile(catalogue, language) {
  const numbers = new Intl.NumberFormat(language);
  const plurals = new Intl.PluralRules(language);
  const fill = (text, values) =>
    text.replace(PLACEHOLDER, (_, name) => (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]));
  const compiled = { languageCode: language };
  for (const [key, text] of Object.entries(catalogue)) {
    if (typeof text === "object") compiled[key] = (values) => fill(text[plurals.select(values.count)] ?? text.other, values);
    else compiled[key] = text.includes("{") ? (values) => fill(text, values) : text;
  }
  return compiled;
}

/**
 * From now on `t` speaks this language.
 * @param {string} language one of LANGUAGES
 * @returns {Promise<void>} rejects when it cannot be loaded; then nothing has changed
 */
export async function useLanguage(language) {
  const catalogue = language === "en" ? english : (await CATALOGUES[language]()).default;
  Object.assign(t, compile(catalogue, language));
}

Object.assign(t, compile(english, "en"));
