// The npm package as a stranger would use it: packed, installed from its tarball without a network, and run; and every
// example of docs/client.md.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBrowser, Visitor } from './browser.js';
import { holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { startServer } from './server.js';
import { startSite } from './site.js';
import { until, within } from './wait.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUIDE = readFileSync(join(ROOT, 'docs/client.md'), 'utf8');
const EXAMPLE_SERVER = 'https://whilst.example';

// The examples in the guide's order; programs by the name in their first line.
const blocks = (language) => [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code]) => code);
const programs = new Map(blocks('js').map((code) => [/^\/\/ (\S+\.mjs)\n/.exec(code)[1], code]));
const documents = blocks('html');

let server;
let scratch;
before(async () => {
  server = await startServer();
  scratch = mkdtempSync(join(tmpdir(), 'whilst-package-'));
  const npm = (...args) => execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: scratch, encoding: 'utf8' });
  const tarball = npm('pack', join(ROOT, 'static/client'), '--pack-destination', scratch).trim().split('\n').at(-1);
  writeFileSync(join(scratch, 'package.json'), '{"name": "scratch", "private": true, "type": "module"}');
  npm('install', join(scratch, tarball));
  symlinkSync(join(ROOT, 'node_modules/ws'), join(scratch, 'node_modules/ws'));
  for (const [name, code] of programs) writeFileSync(join(scratch, name), code);
});
after(async () => {
  await server?.stop();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

// An example that runs: {child, output, errors, exited}.
function run(t, name, ...args) {
  const child = spawn(process.execPath, [name, ...args], { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const program = { child, output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (program.output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (program.errors += text));
  program.exited = new Promise((resolve) => child.on('close', resolve));
  return program;
}

async function outcome(t, name, ...args) {
  const program = run(t, name, ...args);
  const code = await within(program.exited, () => `the end of ${name}; it printed: ${program.output}${program.errors}`);
  return { code, output: program.output, errors: program.errors };
}

const bytesNow = async (hash) => (await request(server.target, `/raw/${hash}`)).body.toString();

describe('programs', () => {
  test('one shares, another gets', async (t) => {
    const text = 'Held by a program.\n';
    const holder = run(t, 'share.mjs', server.url);
    await until(() => holder.output.endsWith('\n'), () => `the name of the page; it printed: ${holder.errors}`);
    assert.equal(holder.output, `${sha256(text)}\n`);
    const { code, output, errors } = await outcome(t, 'get.mjs', server.url, sha256(text));
    assert.deepEqual([code, output], [0, text], errors);
    assert.match(errors, /^searching: 1 of 1 holders asked$/m);
    const other = await holdPage(server.url, text);
    await until(() => holder.errors.includes('2 hold it now'), 'the count');
    await other.client.close();
    holder.child.kill();
    await until(async () => (await request(server.target, `/raw/${sha256(text)}`)).status === 404, 'the page to be gone');
  });

  test('one is restarted, and its page lives until it is let go of', async (t) => {
    const before_count = (await server.metrics()).whilst_take_overs_total;
    const { code, output, errors } = await outcome(t, 'restart.mjs', server.url);
    assert.deepEqual([code, output], [0, `${sha256("Older than its holder's process.\n")}\n`], errors);
    const now = await server.metrics();
    assert.equal(now.whilst_take_overs_total, before_count + 1);
    await until(async () => (await server.metrics()).whilst_holders === 0 && (await server.metrics()).whilst_away === 0, 'it to be let go of');
  });

  test('no program of the guide is left untried', () => {
    assert.deepEqual([...programs.keys()], ['share.mjs', 'get.mjs', 'restart.mjs']);
    assert.equal(documents.length, 2);
  });
});

describe('in a browser', () => {
  let browser;
  let site;
  let open;
  before(async () => {
    browser = await startBrowser();
    site = await startSite();
    open = await startServer({ args: ['--origin', site.url, '--embed-origin', site.url] });
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await open?.stop();
  });

  async function visit(t, code) {
    assert.ok(code.includes(EXAMPLE_SERVER));
    site.documents['/'] = code.replaceAll(EXAMPLE_SERVER, open.url);
    const visitor = await Visitor.open(t, browser, `${site.url}/`);
    return { visitor, words: () => visitor.page.locator('#words').textContent() };
  }

  test('the element', async (t) => {
    await holdPage(open.url, 'hello');
    const { words } = await visit(t, documents[0]);
    await until(async () => (await words()) === 'showing, 2 here', 'the page and its count');
  });

  test('the library', async (t) => {
    const { visitor, words } = await visit(t, documents[1]);
    await until(async () => (await words()) === `${sha256('from another site')}: from another site`, 'the page');
    visitor.assertNoErrors();
  });
});

describe('types', () => {
  const compile = (code) => {
    const folder = join(scratch, 'typed');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'program.ts'), code);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom,dom.iterable'];
    try {
      execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, 'program.ts'], { cwd: folder, encoding: 'utf8' });
      return '';
    } catch (error) {
      return error.stdout;
    }
  };

  test('what the guide says compiles', () => {
    assert.equal(compile(`
      import { connect, hashOf, WhilstError, type Client, type Hold, type Status } from "whilst-client";
      import { WhilstPage } from "whilst-client/element.js";
      const client: Client = connect(new URL("https://whilst.example/"), { random: () => 0.5 });
      const undo: () => void = client.on("status", ({ state, reason }: Status) => state === "nobody" && reason?.length);
      client.on("count", ({ count, hash }) => count + hash.length);
      const hold: Hold = await client.share(new Uint8Array(1), { token: "0123456789" });
      const bytes: Uint8Array = await client.get(await hashOf(new Uint8Array(1)), { signal: AbortSignal.timeout(1) });
      const reason: string = new WhilstError("closed").reason;
      const element: WhilstPage = document.querySelector("whilst-page") as WhilstPage;
      element.hash = hold.hash;
      export { undo, bytes, reason };
    `), '');
  });

  test('what is wrong does not', () => {
    const wrong = [
      'client.on("nonsense", () => {});',
      'client.share("hello");',
      'client.on("count", ({ visitors }) => visitors);',
      'client.connection.state === "broken";',
      'client.socket;',
    ];
    const said = compile(['import { connect } from "whilst-client"; const client = connect("");', ...wrong].join('\n'));
    const lines = [...said.matchAll(/^program\.ts\((\d+),/gm)].map(([, line]) => wrong[line - 2]);
    assert.deepEqual(lines, wrong, said);
  });
});

test('the package has the licences of all that is in it', () => {
  const installed = join(scratch, 'node_modules/whilst-client');
  assert.equal(readFileSync(join(installed, 'LICENSE'), 'utf8'), readFileSync(join(ROOT, 'LICENSE'), 'utf8'));
  assert.match(readFileSync(join(installed, 'dist/licences.txt'), 'utf8'), /^@noble\/hashes\n[^]*Permission is hereby granted/);
});

test('the package and the server have one version', () => {
  const version = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8')).version;
  assert.equal(version('static/client/package.json'), version('package.json'));
});
