// What everybody must be able to use: axe's rules for WCAG 2.2 AA, and the width of a small screen.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// 1280 pixels at a zoom of 400 %, as in WCAG's success criterion 1.4.10.
export const SMALLEST = { width: 320, height: 256 };

// No violation in a document. What a stranger's page has in its frame is the stranger's.
export async function assertAccessible(frame, where, { except = [] } = {}) {
  await frame.evaluate(AXE);
  const violations = await frame.evaluate(async ({ values, except }) => {
    const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
    const { violations } = await axe.run({ exclude: [['iframe']] }, { runOnly: { type: 'tag', values }, rules, iframes: false });
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }));
  }, { values: RULES, except });
  assert.deepEqual(violations, [], `axe: ${where}`);
}

// Nothing is cut off or has to be scrolled sideways.
export async function assertReflows(page, where) {
  const wide = await page.evaluate(() => {
    const { scrollWidth } = document.scrollingElement;
    if (scrollWidth <= innerWidth) return null;
    const beyond = [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
    return { scrollWidth, innerWidth, beyond: beyond.slice(0, 5).map((e) => e.outerHTML.slice(0, 120)) };
  });
  assert.equal(wide, null, `${where}: ${JSON.stringify(wide)}`);
}
