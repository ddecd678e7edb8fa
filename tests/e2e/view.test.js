// Viewing pages of every kind in a real browser, and what stands around them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { screenshot, startBrowser, Visitor } from './browser.js';
import { holdPage, sha256 } from './client.js';
import { startServer } from './server.js';
import { until } from './wait.js';

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

const visit = (t, url = `${server.url}/`) => Visitor.open(t, browser, url);

// Puts a file up as it is, and shows it to somebody who did not make it.
async function show(t, name, content) {
  const author = await visit(t);
  await author.untilState('making');
  await author.page.setInputFiles('#pick', { name, mimeType: 'x/y', buffer: Buffer.from(content) });
  await author.page.locator('#file').waitFor();
  await author.press('#put-up');
  await author.page.waitForURL(/\/[0-9a-f]{64}$/);
  const requests = [];
  const reader = await visit(t, 'about:blank');
  reader.page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  await reader.page.goto(author.page.url(), { waitUntil: 'commit' });
  await reader.untilState('showing');
  return Object.assign(reader, { author, requests });
}

const asked = (visitor, part) => visitor.requests.some((path) => path.startsWith(`/-/${part}-`));

// A second of a tone.
function recording() {
  const samples = 8000;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples, 40);
  return Buffer.concat([head, Buffer.from(Array.from({ length: samples }, (_, i) => 128 + 100 * Math.sin(i / 3)))]);
}

// A few frames of a moving picture, made by the browser that will show them.
async function film(t) {
  const { page } = await visit(t, `${server.url}/healthz`);
  const bytes = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: 'video/webm' });
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.start();
    const context = canvas.getContext('2d');
    for (let i = 0; i < 30; i += 1) {
      context.fillRect(i, i, 9, 9);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    recorder.stop();
    await new Promise((resolve) => recorder.addEventListener('stop', resolve));
    return [...new Uint8Array(await new Blob(pieces).arrayBuffer())];
  });
  return Buffer.from(bytes);
}

describe('kinds', () => {
  test('Markdown: through the static frame, with its HTML as text', async (t) => {
    const text = '# Title\n\n<b id="raw">raw</b> <script>document.title = "ran"</script>\n\n[out](https://example.org/) [bad](javascript:alert(1))\n';
    const reader = await show(t, 'notes.md', text);
    const frame = await reader.frame('h1');
    assert.match(frame.url(), /\/-\/frame\/static$/);
    assert.equal(await frame.locator('#raw, p script').count(), 0);
    assert.match(await frame.locator('p').first().textContent(), /<b id="raw">raw<\/b> <script>/);
    assert.deepEqual(await frame.locator('a').evaluateAll((links) => links.map((link) => [link.getAttribute('href'), link.target])), [
      ['https://example.org/', '_blank'],
      [null, ''],
    ]);
    assert.ok(asked(reader, 'markdown_worker'));
    assert.equal(await reader.page.locator('h1', { hasText: 'raw' }).count(), 0);
    await reader.press('#source');
    await until(async () => (await reader.page.locator('#source-text').textContent()) === text, 'the source');
    assert.equal(await reader.page.locator('#frame').count(), 0);
    await screenshot(reader.page, 'view-source');
    reader.assertNoErrors();
  });

  test('Markdown that would stop the tab stops nothing, and is shown as the text it is', async (t) => {
    const text = `# Heavy\n\n${'*a_'.repeat(20_000)}\n`;
    const reader = await show(t, 'heavy.md', text);
    await until(() => asked(reader, 'markdown_worker'), 'the reading to begin');
    await until(async () => (await reader.text()) === text, 'the text'); // which the tab could not show if it stood still
    assert.equal(await reader.page.locator('#frame').count(), 0);
    reader.assertNoErrors();
  });

  test('Markdown may be as long as a page', async (t) => {
    const reader = await show(t, 'long.md', `# Long\n\n${'A line of *prose*.\n\n'.repeat(8_000)}`);
    const frame = await reader.frame('h1');
    assert.equal(await frame.locator('em').count(), 8_000);
    reader.assertNoErrors();
  });

  test('text: no more is loaded than it takes', async (t) => {
    const reader = await show(t, 'plain.txt', 'plain <b>text</b>');
    assert.equal(await reader.text(), 'plain <b>text</b>');
    assert.ok(!['markdown_worker', 'highlight', 'qr', 'sha256', 'strings'].some((part) => asked(reader, part)), reader.requests.join(' '));
  });

  test('a source: its parts are told apart, its text stays', async (t) => {
    const source = '/* a <b>comment</b> */\nint main(void) { return 0; }\n';
    const reader = await show(t, 'main.c', source);
    await reader.page.locator('#text .in-cmnt').waitFor();
    assert.equal(await reader.text(), source);
    assert.ok(asked(reader, 'highlight'));
    await screenshot(reader.page, 'view-code');
    reader.assertNoErrors();
  });

  test('a recording and a film have players', async (t) => {
    for (const [id, name, content] of [['audio', 'tone.wav', recording()], ['video', 'film.webm', await film(t)]]) {
      const reader = await show(t, name, content);
      const player = reader.page.locator(`#${id}`);
      await until(() => player.evaluate((element) => element.readyState >= 1 && element.controls), `the ${id}`);
      assert.equal(reader.page.url().split('/').pop(), sha256(content));
      await screenshot(reader.page, `view-${id}`);
      reader.assertNoErrors();
    }
  });

  test('a picture that is broken is a file', async (t) => {
    const reader = await show(t, 'broken.png', Buffer.from('\x89PNG\r\n\x1a\n\0broken', 'latin1'));
    await reader.page.locator('#stage[data-kind="file"]').waitFor();
    assert.equal(await reader.page.locator('#picture').count(), 0);
  });

  test('SVG is a picture and nothing more', async (t) => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60" onload="parent.pwned=1">
      <script>top.pwned = 1; console.log('svg ran')</script><a href="javascript:top.pwned=1"><rect width="90" height="60"/></a></svg>`;
    const reader = await show(t, 'x.svg', svg);
    await until(() => reader.page.locator('#picture').evaluate((picture) => picture.naturalWidth === 90), 'the picture');
    assert.equal(await reader.page.locator('#stage svg, #stage script').count(), 0);
    assert.equal(await reader.page.evaluate(() => globalThis.pwned), undefined);
    await reader.press('#source');
    await until(async () => (await reader.page.locator('#source-text').textContent()) === svg, 'the source');
    assert.ok(!reader.console.includes('svg ran'));
  });

  test('a PDF is a file to save, under its name', async (t) => {
    const pdf = Buffer.from('%PDF-1.7\n\0\n%%EOF');
    const reader = await show(t, 'paper.pdf', pdf);
    assert.equal(await reader.page.locator('#stage h2').textContent(), 'paper.pdf');
    const [download] = await Promise.all([
      reader.page.waitForEvent('download'),
      reader.page.locator('#stage').getByRole('button').click({ noWaitAfter: true }),
    ]);
    assert.equal(download.suggestedFilename(), 'paper.pdf');
    assert.deepEqual(readFileSync(await download.path()), pdf);
    await screenshot(reader.page, 'view-pdf');
  });

  test('a label that is none makes a file of the whole', async (t) => {
    const page = '%whilst 2 text/html x.html\n<script>1</script>';
    const holder = await holdPage(server.url, page);
    const reader = await visit(t, `${server.url}/${holder.hash}`);
    await reader.untilState('showing');
    await reader.page.locator('#stage[data-kind="file"]').waitFor();
    assert.ok(!(await reader.page.locator('#stage').textContent()).includes('x.html'));
    const [download] = await Promise.all([reader.page.waitForEvent('download'), reader.press('#download')]);
    assert.equal(readFileSync(await download.path(), 'utf8'), page);
    await holder.client.close();
  });
});

describe('around the page', () => {
  test('the line of holders has words, and comes with the second change', async (t) => {
    const reader = await show(t, 'x.txt', 'watched');
    await reader.untilCount(2);
    const third = await visit(t, reader.page.url());
    await reader.untilCount(3);
    await reader.page.locator('#spark').waitFor();
    assert.match(await reader.page.locator('#spark-words').textContent(), /^At least \d and at most 3 here in the last \d+ sec/);
    assert.match(await reader.page.locator('#spark-line').getAttribute('d'), /^M0 \d+.*H64$/);
    await third.close();
    await reader.untilCount(2);
    await until(async () => (await reader.page.locator('#spark-line').getAttribute('d')).split('V').length >= 3, 'a step down');
  });

  test('the log says what happened, and is one to assistive technology', async (t) => {
    const reader = await show(t, 'x.html', '<p>x<script>1</script>');
    await reader.press('#log-console summary');
    const log = reader.page.getByRole('log');
    for (const words of [/Connected/, /Received \d+ bytes: they match the address/, /Holding the page/]) {
      await log.getByText(words).first().waitFor();
    }
    await reader.press('#run-scripts');
    await log.getByText('Scripts started').waitFor();
    await reader.press('#stop-scripts');
    await log.getByText('Scripts stopped').waitFor();
    await screenshot(reader.page, 'view-log');
  });
});
