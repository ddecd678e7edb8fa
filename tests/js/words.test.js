// The catalogues: each says everything, with the same values in it, in the forms its language has.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { chooseLanguage, LANGUAGES } from "../../static/languages.js";
import { compile, t, useLanguage } from "../../static/words.js";
import { formatDuration, formatSize } from "../../static/format.js";
import english from "../../static/strings.en.js";

const COUNTS = Array.from({ length: 201 }, (_, count) => count);
// The forms that mean one number only may leave the number out: "one other", "two others".
const EXACT = new Set(["zero", "one", "two"]);

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const formsOf = (text) => (typeof text === "object" ? Object.entries(text) : [["other", text]]);

const catalogues = await Promise.all(
  Object.keys(LANGUAGES).map(async (language) => [language, (await import(`../../static/strings.${language}.js`)).default]),
);

test("each catalogue is a language that is offered", () => {
  const files = readdirSync(new URL("../../static/", import.meta.url)).flatMap((name) => /^strings\.(.+)\.js$/.exec(name)?.[1] ?? []);
  assert.deepEqual(files.sort(), Object.keys(LANGUAGES).sort());
});

for (const [language, catalogue] of catalogues) {
  test(`${language}: every text is there, with the same values`, () => {
    assert.deepEqual(Object.keys(catalogue), Object.keys(english));
    for (const [key, text] of Object.entries(catalogue)) {
      assert.equal(typeof text, typeof english[key], key);
      const expected = placeholders(formsOf(english[key]).at(-1)[1]);
      for (const [form, words] of formsOf(text)) {
        assert.ok(words.trim() === words && words !== "", key);
        const found = placeholders(words);
        const may_lack = EXACT.has(form) && !found.includes("count") ? expected.filter((name) => name !== "count") : expected;
        assert.deepEqual([...new Set(found)], may_lack, `${key}, ${form}`);
      }
    }
  });

  test(`${language}: every number has its form`, () => {
    const rules = new Intl.PluralRules(language);
    const plurals = Object.entries(catalogue).filter(([, text]) => typeof text === "object");
    for (const [key, text] of plurals) {
      for (const count of COUNTS) assert.ok(text[rules.select(count)], `${key} has no form for ${count}`);
      assert.ok(text.other, key);
      const used = new Set(COUNTS.map((count) => rules.select(count)));
      for (const form of Object.keys(text)) assert.ok(used.has(form), `${key}: ${form} is never used`);
    }
  });

  test(`${language}: numbers are written`, () => {
    const words = compile(catalogue, language);
    assert.match(words.mayClose({ count: 3 }), /3|٣/);
    assert.match(formatSize(1536, words), /KiB/);
    assert.ok(formatDuration(4000, words).length > 1);
    assert.doesNotMatch(words.meter({ size: formatSize(1, words), limit: formatSize(1 << 20, words) }), /[{}]|undefined/);
  });
}

test("the language is the first one of the browser's that there is", () => {
  const cases = [
    ["en", []],
    ["en", ["en-GB"]],
    ["de", ["de-AT", "en"]],
    ["es", ["es-419"]],
    ["fr", ["nl", "fr-CA", "en"]],
    ["ar", ["ar-EG"]],
    ["zh-Hans", ["zh"]],
    ["zh-Hans", ["zh-CN"]],
    ["zh-Hans", ["zh-SG"]],
    ["en", ["zh-TW"]],
    ["de", ["zh-Hant-HK", "de"]],
    ["en", ["nl"]],
  ];
  for (const [language, preferred] of cases) assert.equal(chooseLanguage(preferred), language, preferred.join());
});

test("the words in use change all at once", async () => {
  await useLanguage("de");
  assert.equal(t.letGo, "Loslassen");
  assert.equal(t.mayClose({ count: 1 }), "Noch jemand hält sie jetzt: Du kannst diesen Tab schließen.");
  await useLanguage("ar");
  assert.equal(t.bytes({ count: 2 }), "بايتان");
  await assert.rejects(useLanguage("xx"));
  assert.equal(t.languageCode, "ar");
  await useLanguage("en");
});
