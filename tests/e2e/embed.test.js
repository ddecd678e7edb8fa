// Other sites: what they may do is what the operator says they may.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pagesKept, screenshot, startBrowser, Visitor } from './browser.js';
import { holdPage, PATH, sha256 } from './client.js';
import { handshake, request } from './http.js';
import { startServer } from './server.js';
import { startSite } from './site.js';
import { until } from './wait.js';

const HTML = { headers: { Accept: 'text/html' } };
const TEXT = 'a page in another page\n';
const HASH = sha256(TEXT);
const PARTS = ['/-/client/whilst.js', '/-/client/element.js'];

let browser;
let site;
let stranger;
let closed;
let open;
before(async () => {
  browser = await startBrowser();
  [site, stranger] = await Promise.all([startSite(), startSite()]);
  closed = await startServer();
  const sites = ['https://blog.example', site.url, site.near_url].flatMap((origin) => ['--embed-origin', origin]);
  open = await startServer({ args: [...sites, '--grace', '1000'] });
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), stranger?.close(), closed?.stop(), open?.stop()]);
});

const post = (server, hash) => `<!doctype html><meta charset="utf-8"><title>A blog</title>
<style>body { font-family: sans-serif; margin: 2rem } whilst-page { border: 1px solid #ccc; margin-block: 1rem }</style>
<h1>A post</h1><p>It shows a page:</p>
<script type="module" src="${server.url}/-/client/element.js"></script>
<script>addEventListener('statechange', ({ detail }) => (globalThis.told ??= []).push(detail), true)</script>
<whilst-page hash="${hash}"></whilst-page><p>And goes on.</p>`;

async function visit(t, from, server, hash = HASH) {
  from.documents['/post'] = post(server, hash);
  return Visitor.open(t, browser, `${from.url}/post`);
}
const told = (visitor) => visitor.page.evaluate(() => globalThis.told ?? []);
const stateOf = (visitor) => visitor.page.evaluate(() => document.querySelector('whilst-page')?.state);
const inside = (visitor) => visitor.page.locator('whilst-page').locator('iframe').first().contentFrame();

describe('headers', () => {
  const ancestors = async (server, path) => {
    const policy = (await request(server.target, path, HTML)).headers['content-security-policy'];
    return /frame-ancestors ([^;]*)/.exec(policy)[1];
  };
  const cors = async (server, path, origin) => {
    const { headers } = await request(server.target, path, { headers: { Origin: origin } });
    return [headers['cross-origin-resource-policy'], headers['access-control-allow-origin']];
  };

  test('by default nobody may frame a document, and no other site may load the client', async () => {
    assert.equal(await ancestors(closed, '/'), "'none'");
    assert.equal(await ancestors(closed, `/${HASH}`), "'none'");
    assert.equal(await ancestors(closed, '/-/frame/static'), "'self'");
    for (const path of PARTS) assert.deepEqual(await cors(closed, path, site.url), ['same-origin', undefined]);
  });

  test('--embed-origin: the sites it names, and no other', async () => {
    const sites = `https://blog.example ${site.url} ${site.near_url}`;
    assert.equal(await ancestors(open, '/'), sites);
    assert.equal(await ancestors(open, `/${HASH}`), sites);
    for (const kind of ['static', 'scripted']) assert.equal(await ancestors(open, `/-/frame/${kind}`), `'self' ${sites}`);
    for (const path of PARTS) {
      for (const origin of ['https://blog.example', site.url]) assert.deepEqual(await cors(open, path, origin), ['cross-origin', origin]);
      for (const origin of [stranger.url, 'null', 'https://blog.example.evil']) assert.deepEqual(await cors(open, path, origin), ['cross-origin', undefined]);
      assert.match((await request(open.target, path)).headers.vary, /\bOrigin\b/);
    }
  });

  test('what is not for others stays closed to them', async () => {
    const html = (await request(open.target, '/')).body.toString();
    for (const [, path] of html.matchAll(/(?:src|href)="(-\/[^"]+)"/g)) {
      assert.deepEqual(await cors(open, `/${path}`, site.url), ['same-origin', undefined], path);
    }
  });

  test('who may show pages may not therefore connect: the frame does, with the server\'s own origin', async () => {
    const connect = async (Origin) => (await handshake(open.target, PATH, { Origin })).status;
    assert.equal(await connect(site.url), 403);
    assert.equal(await connect(open.url), 101);
  });
});

describe('<whilst-page>', () => {
  test('shows a page as soon as somebody holds it, says how it stands, and holds it', async (t) => {
    const text = `waited for, ${Date.now()}`;
    const visitor = await visit(t, site, open, sha256(text));
    await until(async () => (await stateOf(visitor)) === 'nobody', 'word that nobody has it');
    await screenshot(visitor.page, 'embed-nobody');
    const { client } = await holdPage(open.url, text);
    await until(async () => (await stateOf(visitor)) === 'showing', 'the page');
    assert.equal(await inside(visitor).locator('#text').textContent(), text);
    await until(async () => (await told(visitor)).at(-1)?.count === 2, 'both to be counted');
    assert.deepEqual([...new Set((await told(visitor)).map(({ state }) => state))], ['searching', 'nobody', 'showing']);
    await until(async () => /You are holding this page/.test(await inside(visitor).locator('#sentence').textContent()), 'the sentence');
    assert.ok(await inside(visitor).locator('#sentence').isVisible(), 'who holds a page is told so');
    await screenshot(visitor.page, 'embed-showing');
    await client.close();
    await until(async () => (await told(visitor)).at(-1)?.count === 1, 'the visitor alone to be counted');
    assert.equal((await request(open.target, `/raw/${sha256(text)}`)).body.toString(), text);
    visitor.assertNoErrors();
  });

  test('shows HTML in the frame within the frame', async (t) => {
    const html = '<!doctype html><title>Inner</title><h1 id="inner">Inside both frames</h1>';
    await holdPage(open.url, html);
    const visitor = await visit(t, site, open, sha256(html));
    const heading = inside(visitor).frameLocator('#frame').locator('#inner');
    await until(async () => (await heading.textContent().catch(() => '')) === 'Inside both frames', 'the inner page');
    await until(async () => (await told(visitor)).at(-1)?.title === 'Inner', 'its title');
  });

  test('turns to another page, and lets go of one that is removed', async (t) => {
    const { client } = await holdPage(open.url, TEXT);
    const other = `the other, ${Date.now()}`;
    await holdPage(open.url, other);
    const visitor = await visit(t, site, open);
    await until(async () => (await stateOf(visitor)) === 'showing', 'the page');
    await visitor.page.evaluate((hash) => (document.querySelector('whilst-page').hash = hash), sha256(other));
    await until(async () => (await stateOf(visitor)) === 'showing' && (await inside(visitor).locator('#text').textContent()) === other, 'the other page');
    await visitor.page.evaluate(() => document.querySelector('whilst-page').remove());
    await client.close();
    await until(async () => (await open.metrics()).whilst_away === 0 && (await request(open.target, `/raw/${HASH}`)).status === 404, 'the first page to be gone');
  });

  test('two of them outlive the reload of the document around them, where the browser gives frames storage', async (t) => {
    const texts = ['left', 'right'].map((side) => `the ${side} one, ${Date.now()}`);
    const holders = await Promise.all(texts.map((text) => holdPage(open.url, text)));
    site.documents['/two'] = post(open, sha256(texts[0])).replace('And goes on.', `<whilst-page hash="${sha256(texts[1])}"></whilst-page>`);
    const visitor = await Visitor.open(t, browser, `${site.near_url}/two`);
    const counts = () => visitor.page.evaluate(() => Array.from(document.querySelectorAll('whilst-page'), ({ count }) => count).join());
    await until(async () => (await counts()) === '2,2', 'both pages');
    await Promise.all(holders.map(({ client }) => client.close()));
    await until(async () => (await counts()) === '1,1', 'the visitor alone to hold both');
    // Who reloads before the browser has stored a page loses it, and is told so.
    await until(() => inside(visitor).locator('body').evaluate(pagesKept).then((kept) => kept === 2), 'both to be stored');
    await visitor.page.reload({ waitUntil: 'commit' });
    let seen;
    await until(async () => (seen = await counts()) === '1,1', () => `both to be held again, not ${seen}`);
    for (const text of texts) assert.equal((await request(open.target, `/raw/${sha256(text)}`)).body.toString(), text);
  });

  test('shows nothing for what is no hash', async (t) => {
    const visitor = await visit(t, site, open, 'nonsense');
    await until(() => visitor.page.evaluate(() => customElements.get('whilst-page') !== undefined), 'the element');
    assert.deepEqual(await visitor.page.evaluate(() => {
      const { hash, state, shadowRoot } = document.querySelector('whilst-page');
      return [hash, state, shadowRoot];
    }), ['', 'loading', null]);
  });

  for (const [what, from, server] of [['by default', () => site, () => closed], ['on a site that is not named', () => stranger, () => open]]) {
    test(`${what} the browser refuses the module`, async (t) => {
      const visitor = await visit(t, from(), server());
      await visitor.untilLogged(/CORS/);
      assert.equal(await visitor.page.evaluate(() => customElements.get('whilst-page')), undefined);
    });

    test(`${what} the browser refuses the frame`, async (t) => {
      await holdPage(server().url, TEXT);
      from().documents['/frame'] = `<!doctype html><iframe src="${server().url}/${HASH}"></iframe>`;
      const visitor = await Visitor.open(t, browser, `${from().url}/frame`);
      await visitor.untilLogged(/frame-ancestors/);
      assert.equal((await server().metrics()).whilst_seekers, 0);
    });
  }
});

test('--origin: a site that may connect may load the library, and share and get with it', async (t) => {
  const server = await startServer({ args: ['--origin', site.url] });
  t.after(() => server.stop());
  site.documents['/'] = '<!doctype html><title>A site with the library</title>';
  const visitor = await Visitor.open(t, browser, `${site.url}/`);
  const hash = await visitor.page.evaluate(async (url) => {
    const { connect } = await import(`${url}/-/client/whilst.js`);
    globalThis.whilst = connect(url);
    return (await whilst.share(new TextEncoder().encode('from another site'))).hash;
  }, server.url);
  assert.equal(hash, sha256('from another site'));
  assert.equal((await request(server.target, `/raw/${hash}`)).body.toString(), 'from another site');
  const { hash: here } = await holdPage(server.url, 'to another site');
  const got = await visitor.page.evaluate(async (name) => new TextDecoder().decode(await whilst.get(name)), here);
  assert.equal(got, 'to another site');
});
