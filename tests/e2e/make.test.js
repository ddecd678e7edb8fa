// Making pages in a real browser: by every way that content comes in, as every kind.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { sha256 } from './client.js';
import { startServer } from './server.js';
import { until } from './wait.js';

const MARKDOWN = '# The garden opens at nine\n\nBring a **lantern**.\n';
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function visit(t, url = `${server.url}/`) {
  const visitor = await Visitor.open(t, browser, url);
  await visitor.begun();
  return visitor;
}

const labelled = (line, content) => Buffer.concat([Buffer.from(`${line}\n`), Buffer.from(content)]);
const file = (name, content) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });

// The kind that is chosen, by its words.
const kind = ({ page }) => page.locator('#kinds label:has(input:checked)').innerText();

async function untilKind(visitor, words) {
  let seen;
  await until(async () => (seen = await kind(visitor)) === words, () => `the kind ${words}, instead of ${seen}`);
}

async function pick(visitor, ...files) {
  await visitor.untilState('making');
  await visitor.page.setInputFiles('#pick', files[0]);
  await visitor.page.locator('#file-name', { hasText: files[0].name }).waitFor();
}

// Puts up what the form has: the hash in the address.
async function send(visitor, act = () => visitor.press('#put-up')) {
  await act();
  await visitor.page.waitForURL(/\/[0-9a-f]{64}$/);
  await visitor.untilState('showing');
  return new URL(visitor.page.url()).pathname.slice(1);
}

test('before the program of the document has come, nothing is put up and nothing lost', async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const author = new Visitor(context, await context.newPage());
  let release;
  const held = new Promise((resolve) => (release = resolve));
  t.after(() => release());
  await author.page.route(/\/app[^/]*\.js/, async (route) => {
    await held;
    await route.continue();
  });
  await author.page.goto(`${server.url}/`, { waitUntil: 'commit' });
  await author.page.fill('#content', 'written early');
  assert.ok(await author.page.locator('#put-up').isDisabled());
  release();
  assert.equal(await send(author), sha256('written early'));
  author.assertNoErrors();
});

describe('typing', () => {
  test('the kind follows what is typed, until somebody chooses', async (t) => {
    const author = await visit(t);
    await untilKind(author, 'Text');
    await author.write('only words');
    await untilKind(author, 'Text');
    await author.write(MARKDOWN);
    await untilKind(author, 'Markdown');
    await author.write('<h1>x</h1>');
    await untilKind(author, 'HTML');
    await author.page.getByRole('radio', { name: 'Text' }).check();
    await author.write(MARKDOWN);
    await untilKind(author, 'Text');
    const text = labelled('%whilst 1 text/plain', '<b>as it is</b>');
    await author.write('<b>as it is</b>');
    assert.equal(await send(author), sha256(text));
    assert.equal(await author.text(), '<b>as it is</b>');
    author.assertNoErrors();
  });

  test('Markdown has a label, and is shown as what it means', async (t) => {
    const author = await visit(t);
    await author.write(MARKDOWN);
    const hash = await send(author);
    assert.equal(hash, sha256(labelled('%whilst 1 text/markdown', MARKDOWN)));
    const reader = await visit(t, `${server.url}/${hash}`);
    const frame = await reader.frame('h1');
    assert.equal(await frame.locator('strong').textContent(), 'lantern');
    await until(async () => (await reader.page.title()).includes('The garden opens'), 'the title');
    reader.assertNoErrors();
  });

  test('Ctrl and Enter put it up', async (t) => {
    const author = await visit(t);
    await author.write('by the keyboard alone');
    assert.equal(await send(author, () => author.page.press('#content', 'Control+Enter')), sha256('by the keyboard alone'));
  });

  test('nothing at all is not put up', async (t) => {
    const author = await visit(t);
    await author.press('#put-up');
    await until(async () => (await author.page.locator('#meter').textContent()).includes('nothing'), 'a word about it');
    assert.equal(await author.page.evaluate(() => document.activeElement.id), 'content');
    assert.equal(await author.state(), 'making');
  });

  test('the preview shows what viewers will get, in the same frame', async (t) => {
    const author = await visit(t);
    await author.write('<h1 id="seen">first</h1><script>document.title = "ran"; seen.textContent = "ran"</script>');
    const heading = author.page.frameLocator('#preview-frame').locator('#seen');
    await heading.waitFor();
    const element = await author.page.locator('#preview-frame').elementHandle();
    assert.match((await element.contentFrame()).url(), /\/-\/frame\/static$/);
    assert.equal(await heading.textContent(), 'first');
    await author.write('<h1 id="seen">second</h1>');
    const second = author.page.frameLocator('#preview-frame').locator('#seen', { hasText: 'second' });
    await until(async () => (await author.page.locator('#preview-frame').count()) === 1 && (await second.count()) === 1, 'the new version');
    await author.write('plain');
    await until(async () => (await author.page.locator('#preview-text').textContent()) === 'plain', 'text');
    await author.write('');
    await author.page.locator('#preview').waitFor({ state: 'hidden' });
    author.assertNoErrors();
  });

  test('a draft outlives a reload of the tab, and nothing else', async (t) => {
    const author = await visit(t);
    await author.write('half a thought');
    await author.page.getByRole('radio', { name: 'Markdown' }).check();
    await author.page.reload();
    await untilKind(author, 'Markdown');
    assert.equal(await author.page.inputValue('#content'), 'half a thought');
    assert.deepEqual(await author.page.evaluate(() => [document.cookie, localStorage.length]), ['', 0]);
    await send(author);
    await author.press('#home');
    await author.untilState('making');
    assert.equal(await author.page.inputValue('#content'), '');
    assert.equal(await author.page.evaluate(() => sessionStorage.getItem('whilst-draft')), null);
  });
});

describe('files', () => {
  test('a picture keeps its bytes, so its address is its own SHA-256', async (t) => {
    const author = await visit(t);
    await pick(author, file('dot.png', PIXEL));
    await untilKind(author, 'Picture');
    assert.ok(!(await author.page.isChecked('#keep-name')));
    await author.page.locator('#preview-picture').waitFor();
    assert.equal(await send(author), sha256(PIXEL));
    await until(() => author.page.locator('#picture').evaluate((picture) => picture.naturalWidth === 1), 'the picture');
    author.assertNoErrors();
  });

  test('with its name it has a label, and saves under that name', async (t) => {
    const author = await visit(t);
    await pick(author, file('my dot.png', PIXEL));
    await author.page.check('#keep-name');
    const hash = await send(author);
    assert.equal(hash, sha256(labelled('%whilst 1 image/png my dot.png', PIXEL)));
    const reader = await visit(t, `${server.url}/${hash}`);
    await reader.untilState('showing');
    const [download] = await Promise.all([reader.page.waitForEvent('download'), reader.press('#download')]);
    assert.equal(download.suggestedFilename(), 'my dot.png');
    assert.deepEqual(readFileSync(await download.path()), PIXEL);
    assert.match(await reader.page.title(), /my dot\.png/);
  });

  test('a file that no browser shows keeps its name by itself', async (t) => {
    const content = Uint8Array.of(80, 75, 3, 4, 0, 255);
    const author = await visit(t);
    await pick(author, file('things.zip', content));
    await untilKind(author, 'File');
    assert.ok(await author.page.isChecked('#keep-name'));
    assert.equal(await send(author), sha256(labelled('%whilst 1 application/octet-stream things.zip', content)));
    assert.equal(await author.page.locator('#stage h2').textContent(), 'things.zip');
    await screenshot(author.page, 'view-file');
  });

  test('a source is text with a name, and can be something else', async (t) => {
    const content = '// <br>\nlet x = 1;\n';
    const author = await visit(t);
    await pick(author, file('x.js', content));
    await untilKind(author, 'Text');
    await author.page.getByRole('radio', { name: 'HTML' }).check();
    await author.page.frameLocator('#preview-frame').locator('br').waitFor({ state: 'attached' });
    await author.page.getByRole('radio', { name: 'Text' }).check();
    assert.equal(await send(author), sha256(labelled('%whilst 1 text/plain x.js', content)));
    await author.page.locator('#text .in-kwd').waitFor();
    assert.equal(await author.text(), content);
  });

  test('a name that turns the direction of text is made harmless', async (t) => {
    const author = await visit(t);
    await author.page.setInputFiles('#pick', file('photo\u202egpj.exe', 'MZ\0'));
    await author.page.locator('#file-name', { hasText: 'photo gpj.exe' }).waitFor();
    assert.equal(await send(author), sha256(labelled('%whilst 1 application/octet-stream photo gpj.exe', 'MZ\0')));
  });

  test('"Write instead" gives the text back', async (t) => {
    const author = await visit(t);
    await author.write('was here before');
    await pick(author, file('a.txt', 'from a file'));
    await author.press('#remove-file');
    assert.equal(await author.page.inputValue('#content'), 'was here before');
    assert.equal(await send(author), sha256('was here before'));
  });

  test('the largest page is told by the server, and files above it are not even read', async (t) => {
    const small = await startServer({ args: ['--max-page', '2000'] });
    t.after(() => small.stop());
    const author = await visit(t, `${small.url}/`);
    const meter = () => author.page.locator('#meter').textContent();
    await until(async () => /of 2 KiB/.test(await meter()), 'the limit');
    await author.write('kept');
    await author.page.setInputFiles('#pick', file('large.bin', Buffer.alloc(2001)));
    await until(async () => /Too large: 2,001 bytes/.test(await meter()), 'a word about the size');
    assert.equal(await author.page.inputValue('#content'), 'kept');
    // The label counts.
    await author.page.setInputFiles('#pick', file('nearly.bin', Buffer.alloc(1990)));
    await author.page.locator('#file-name', { hasText: 'nearly.bin' }).waitFor();
    await until(async () => /Too large: 2 KiB|Too large: 2,0\d\d bytes/.test(await meter()), 'a word about the label');
    await author.page.uncheck('#keep-name');
    await until(async () => /1\.9 KiB of 2 KiB/.test(await meter()), 'the size without the label');
    assert.equal(await send(author), sha256(Buffer.alloc(1990)));
  });
});

// What a person does with a mouse or a clipboard, as the browser tells it to a document.
function transfer(visitor, type, target, { files = [], text }) {
  return visitor.page.locator(target).evaluate(
    (element, { type, files, text }) => {
      const data = new DataTransfer();
      for (const { name, bytes } of files) data.items.add(new File([Uint8Array.from(bytes)], name));
      if (text !== undefined) data.setData('text/plain', text);
      const init = { bubbles: true, cancelable: true };
      const event =
        type === 'paste'
          ? new ClipboardEvent(type, { ...init, clipboardData: data })
          : new DragEvent(type, { ...init, dataTransfer: data });
      return !element.dispatchEvent(event);
    },
    { type, files, text },
  );
}

const PICTURE = { name: 'image.png', bytes: [...PIXEL] };

describe('dropping and pasting', () => {
  test('a file may be dropped anywhere', async (t) => {
    const author = await visit(t);
    await author.untilState('making');
    await transfer(author, 'dragover', '#log-console', { files: [PICTURE] });
    assert.ok(await author.page.locator('#form').evaluate((form) => form.classList.contains('dropping')));
    assert.ok(await transfer(author, 'drop', '#log-console', { files: [PICTURE, { name: 'second', bytes: [1] }] }));
    await untilKind(author, 'Picture');
    await until(async () => /first one/.test(await author.page.locator('#announcer').textContent()), 'a word about the second file');
    assert.ok(await author.page.locator('#form').evaluate((form) => !form.classList.contains('dropping')));
    assert.equal(await send(author), sha256(PIXEL));
  });

  test('a picture is pasted, wherever the focus is', async (t) => {
    const author = await visit(t);
    await author.untilState('making');
    assert.ok(await transfer(author, 'paste', '#content', { files: [PICTURE] }));
    await untilKind(author, 'Picture');
    assert.equal(await send(author), sha256(PIXEL));
  });

  test('text is pasted without the text field having the focus', async (t) => {
    const author = await visit(t);
    await author.untilState('making');
    assert.ok(await transfer(author, 'paste', 'body', { text: 'pasted ' }));
    assert.ok(await transfer(author, 'paste', 'body', { text: 'twice', files: [PICTURE] }), 'text wins over its picture');
    assert.equal(await author.page.inputValue('#content'), 'pasted twice');
    // In the field the browser does it by itself.
    assert.ok(!(await transfer(author, 'paste', '#content', { text: 'x' })));
  });
});
