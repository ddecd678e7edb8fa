// Every state that a visitor can meet: looked at by axe in light and dark, wide and narrow, and kept as pictures in the
// test's output.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertAccessible, assertReflows, SMALLEST } from './accessibility.js';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { startServer } from './server.js';
import { until } from './wait.js';

const BLOCKED = 'a page that is not relayed';
const MARKDOWN = `# The garden opens at nine

Bring a lantern and **somebody you like**. The gate is the small one [behind the bakery](https://example.org/).

- [x] lantern
- [ ] bread

| when  | what  |
|-------|-------|
| 21:00 | gate  |
| 22:00 | music |

> This note is on no server. It will be gone when the last of us has closed it.

\`\`\`js
console.log("until then");
\`\`\`
`;
const SIZES = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
];

let directory;
let server;
let browser;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'whilst-states-'));
  writeFileSync(join(directory, 'denied'), sha256(BLOCKED));
  server = await startServer({ args: ['--deny-file', join(directory, 'denied'), '--grace', '1000'] });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const visit = (t, url = `${server.url}/`) => Visitor.open(t, browser, url);

// Looks at a state from every side.
async function look({ page }, name) {
  const kept = page.viewportSize();
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await screenshot(page, `state-${name}-${size.width}-${colorScheme}`);
      await assertAccessible(page, `${name}, ${size.width}, ${colorScheme}`);
    }
  }
  await page.setViewportSize(SMALLEST);
  await assertReflows(page, name);
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(kept);
}

const pick = (visitor, name, content) =>
  visitor.page.setInputFiles('#pick', { name, mimeType: 'x/y', buffer: Buffer.from(content) });

describe('making', () => {
  test('empty, written, a file, too large, nothing', async (t) => {
    const author = await visit(t);
    await until(async () => /MiB/.test(await author.page.locator('#meter').textContent()), 'the limit');
    await look(author, 'make');
    await author.press('#put-up');
    await look(author, 'make-nothing');
    await author.write(MARKDOWN);
    await author.page.frameLocator('#preview-frame').locator('h1').waitFor();
    await look(author, 'make-markdown');
    const preview = await (await author.page.locator('#preview-frame').elementHandle()).contentFrame();
    for (const colorScheme of ['light', 'dark']) {
      await author.page.emulateMedia({ colorScheme });
      // Nobody but its author knows what language a page is in.
      await assertAccessible(preview, `the document of Markdown, ${colorScheme}`, { except: ['html-has-lang'] });
    }
    await pick(author, 'garden.js', 'const open = 9; // in the evening\n');
    await author.page.locator('#preview-text .in-kwd').waitFor();
    await look(author, 'make-file');
    await pick(author, 'large.bin', Buffer.alloc((1 << 20) + 1));
    await until(async () => /Too large/.test(await author.page.locator('#meter').textContent()), 'a word about the size');
    await look(author, 'make-too-large');
    author.assertNoErrors();
  });

  test('with pages that the tab still holds', async (t) => {
    const author = await visit(t);
    await author.putUp('held meanwhile');
    await author.press('#home');
    await author.untilState('making');
    await author.page.locator('#still-holding a').waitFor();
    await look(author, 'make-still-holding');
  });
});

describe('showing', () => {
  test('alone, shared, with others, as the last', async (t) => {
    const author = await visit(t);
    await author.write(MARKDOWN);
    await author.press('#put-up');
    await author.untilState('showing');
    await author.frame('h1');
    await author.untilCount(1);
    await look(author, 'view');
    await author.press('#share');
    await author.page.locator('#qr svg').waitFor();
    await look(author, 'share');
    await author.press('#share-close');
    const link = author.page.url();
    const others = [await visit(t, link), await visit(t, link)];
    await author.untilCount(3);
    await author.page.locator('#spark').waitFor();
    await author.press('#log-console summary');
    await look(author, 'view-three');
    await others[0].untilState('showing');
    await others[0].close();
    await author.close();
    await others[1].untilCount(1);
    await others[1].frame('h1');
    await look(others[1], 'view-last');
    others[1].assertNoErrors();
  });

  test('HTML with its scripts off and on, and its source', async (t) => {
    const author = await visit(t);
    await author.putUp('<!doctype html><title>Hi</title><h1 id="x">Hi</h1><script>x.textContent += " there"</script>');
    await author.frame('h1');
    await look(author, 'view-html');
    await author.press('#run-scripts');
    await author.page.frameLocator('#frame').getByText('Hi there').waitFor();
    await look(author, 'view-scripts');
    await author.press('#source');
    await author.page.locator('#source-text [class]').first().waitFor();
    await look(author, 'view-source');
  });

  test('text, a picture, a file', async (t) => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="320"><rect width="480" height="320" fill="#0b6a56"/><circle cx="240" cy="200" r="70" fill="#fdfdfa"/></svg>';
    for (const [name, content, shown] of [
      ['text.txt', 'I exist only whilst you look.\n\nوهذا سطرٌ بالعربية.\n', '#text'],
      ['picture.svg', svg, '#picture'],
      ['paper.pdf', '%PDF-1.7\n\0', '#stage h2'],
      ['tone.wav', 'RIFF\0\0\0\0WAVE', '#stage h2'],
    ]) {
      const author = await visit(t);
      await author.untilState('making');
      await pick(author, name, content);
      await author.page.locator('#file').waitFor();
      await author.press('#put-up');
      await author.page.locator(shown).waitFor();
      await author.untilCount(1);
      await look(author, `view-${name.replace('.', '-')}`);
    }
  });

  test('while the server is away', async (t) => {
    const other = await startServer();
    const author = await visit(t, `${other.url}/`);
    await author.putUp('the server goes, I stay');
    await author.untilCount(1);
    await other.kill();
    await author.untilState('away');
    await look(author, 'view-away');
    await author.press('#let-go');
    await author.untilState('gone');
    await look(author, 'gone');
  });
});

describe('without the page', () => {
  test('searching, and nobody answers', async (t) => {
    const slow = await startServer({ args: ['--answer-timeout', '600000', '--answer-total-timeout', '600000'] });
    t.after(() => slow.stop());
    const patient = await holdPage(slow.url, 'not yet');
    patient.answer = null;
    const seeker = await visit(t, `${slow.url}/${patient.hash}`);
    await until(async () => /asked/.test(await seeker.page.locator('#panel-words').textContent()), 'the holder that is asked');
    await look(seeker, 'searching');
    await patient.client.close();

    const hasty = await startServer({ args: ['--answer-timeout', '500'] });
    t.after(() => hasty.stop());
    const silent = await holdPage(hasty.url, 'never');
    silent.answer = null;
    const reader = await visit(t, `${hasty.url}/${silent.hash}`);
    await reader.untilState('nobody');
    assert.match(await reader.page.locator('#panel-title').textContent(), /1 holder did not answer/);
    await look(reader, 'silent');
  });

  test('nobody has it, and somebody has another file', async (t) => {
    const reader = await visit(t, `${server.url}/${sha256('nobody has this')}`);
    await reader.untilState('nobody');
    await look(reader, 'nobody');
    await reader.press('#tell-me');
    await reader.page.setInputFiles('#revive-pick', { name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from('another') });
    await reader.page.locator('#revive-words').waitFor();
    await look(reader, 'nobody-other-file');
  });

  test('a holder lies', async (t) => {
    const liar = await holdPage(server.url, 'the truth');
    t.after(() => liar.client.close());
    liar.answer = Buffer.from('a lie');
    const reader = await visit(t, `${server.url}/${liar.hash}`);
    await reader.untilState('nobody');
    await until(async () => /something else/.test(await reader.page.locator('#panel-title').textContent()), 'the words');
    await look(reader, 'wrong-bytes');
  });

  test('the operator does not relay it', async (t) => {
    const reader = await visit(t, `${server.url}/${sha256(BLOCKED)}`);
    await reader.untilState('refused');
    await look(reader, 'blocked');
  });

  test('the server goes away', async (t) => {
    const other = await startServer();
    const reader = await visit(t, `${other.url}/${sha256('never seen')}`);
    await reader.untilState('nobody');
    await other.kill();
    await reader.untilState('away');
    await look(reader, 'away');
  });

  test('whoever has it is away for the moment', async (t) => {
    const slow = await startServer({ args: ['--grace', '600000'] });
    t.after(() => slow.stop());
    const hash = sha256('away');
    const holder = await connectClient(slow.url);
    await holder.join(`have:${hash}`, { token: 'a-token-of-its-own' });
    await holder.drop();
    const reader = await visit(t, `${slow.url}/${hash}`);
    await reader.untilState('nobody');
    await look(reader, 'all-away');
  });
});
