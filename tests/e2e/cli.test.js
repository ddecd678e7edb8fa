// share, get, keep and watch: what they print, what they write, and how they end.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { directory, onTerminal, run, start } from './cli.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { request } from './http.js';
import { serverFor, startServer } from './server.js';
import { until } from './wait.js';

const MIB = 1 << 20;

const oneLine = (errors) => assert.match(errors, /^whilst: [^\n]+\n$/, `one line, not: ${errors}`);

function writeFile(folder, name, bytes) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

// Starts `whilst share` and waits for its addresses.
async function share(t, server, paths, args = []) {
  const command = start(t, ['share', '--server', server.url, ...args, ...paths]);
  await command.printed(paths.length);
  return command;
}

test('what is shared is got: through files, pipes and curl alike', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const sizes = [0, 1, 125, 126, 65535, 65536, 200_000 + Math.floor(Math.random() * 500_000), MIB];
  const paths = sizes.map((size) => writeFile(folder, `${size}.bin`, randomBytes(size)));
  const sharing = await share(t, server, paths);
  for (const [i, line] of sharing.lines.entries()) {
    const bytes = readFileSync(paths[i]);
    assert.equal(line, `${server.url}/${sha256(bytes)}  ${paths[i]}`);
    const [url] = line.split(' ');
    const copy = join(folder, 'copy');
    assert.deepEqual(await run(t, ['get', url, '-o', copy]), { code: 0, output: Buffer.alloc(0), text: '', errors: '' });
    assert.equal(sha256(readFileSync(copy)), sha256(bytes));
    const piped = await run(t, ['get', sha256(bytes).toUpperCase()], { env: { WHILST_SERVER: server.url } });
    assert.equal(piped.code, 0, piped.errors);
    assert.equal(sha256(piped.output), sha256(bytes));
    const answer = await request(server.target, `/${sha256(bytes)}`);
    assert.equal(sha256(answer.body), sha256(bytes));
  }
  assert.equal(await sharing.end(), 0);
  const left = async () => (await server.metrics()).whilst_pages === 0;
  await until(left, 'the pages to be gone at once, without grace');
});

test('standard input is shared, and standard output is only the address', async (t) => {
  const server = await serverFor(t);
  const sharing = start(t, ['share', '--server', server.url, '-'], { input: 'hello' });
  assert.deepEqual(await sharing.printed(1), [`${server.url}/${sha256('hello')}`]);
  assert.equal((await run(t, ['get', sharing.lines[0]])).text, 'hello');
  assert.equal(await sharing.end('SIGTERM'), 0);
});

test('a file that changes while it is shared stays what it was', async (t) => {
  const server = await serverFor(t);
  const path = writeFile(directory(t), 'a', 'before');
  const sharing = await share(t, server, [path]);
  writeFileSync(path, 'afterwards');
  assert.equal((await run(t, ['get', sharing.lines[0]])).text, 'before');
});

test('--until-held ends when others have it; come and go are told', async (t) => {
  const server = await serverFor(t);
  const sharing = await share(t, server, [writeFile(directory(t), 'a', 'hello')], ['--until-held', '2']);
  const [url] = sharing.lines;
  const first = start(t, ['keep', url]);
  await until(() => sharing.errors.includes('somebody came; 1 other here'), 'the first to be told');
  assert.equal(await first.end(), 0);
  await until(() => sharing.errors.includes('somebody left; 0 others here'), 'its leaving to be told');
  const keepers = [start(t, ['keep', url]), start(t, ['keep', url])];
  assert.equal(await sharing.exit(), 0);
  assert.equal((await run(t, ['get', url])).text, 'hello', 'others hold it now');
  for (const keeper of keepers) assert.equal(await keeper.end(), 0);
});

test('nobody there: 3, and no file; an old one is left alone', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const path = writeFile(folder, 'old', 'precious');
  for (const args of [[], ['-o', join(folder, 'new')], ['-o', path]]) {
    const { code, output, errors } = await run(t, ['get', `${server.url}/${sha256('nothing')}`, ...args]);
    assert.equal(code, 3);
    assert.equal(output.length, 0);
    oneLine(errors);
  }
  assert.deepEqual(readdirSync(folder), ['old']);
  assert.equal(readFileSync(path, 'utf8'), 'precious');
});

test('wrong bytes: 4, and no file', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const liar = await holdPage(server.url, 'the truth');
  liar.answer = Buffer.from('a lie');
  const { code, output, errors } = await run(t, ['get', `${server.url}/${liar.hash}`, '-o', join(folder, 'a')]);
  assert.equal(code, 4, errors);
  assert.equal(output.length, 0);
  oneLine(errors);
  assert.deepEqual(readdirSync(folder), []);
});

test('--wait waits for a holder, and for a server', async (t) => {
  const server = await startServer({ returns: true });
  const url = `${server.url}/${sha256('late')}`;
  const waiting = start(t, ['get', '--wait', url]);
  await until(async () => (await server.metrics()).whilst_seekers === 1, 'it to seek');
  await server.stop();
  await until(() => waiting.errors.includes('again in'), 'it to notice');
  await serverFor(t, { listen: [server.host] });
  start(t, ['share', '--server', server.url, '-'], { input: 'late' });
  assert.equal(await waiting.exit(), 0);
  assert.equal(waiting.text, 'late');
});

test('no server: 5, whatever is there instead', async (t) => {
  const path = writeFile(directory(t), 'a', 'hello');
  const strangers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    'SSH-2.0-OpenSSH_9.2p1\r\n',
    '',
  ];
  for (const said of strangers) {
    const stranger = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(said));
    });
    await new Promise((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    t.after(() => stranger.close());
    const url = `http://127.0.0.1:${stranger.address().port}`;
    for (const args of [['get', `${url}/${sha256('a')}`], ['share', '--server', url, path]]) {
      const { code, errors } = await run(t, args);
      assert.equal(code, 5, `${said}: ${errors}`);
      oneLine(errors);
    }
  }
  for (const url of ['http://127.0.0.1:1', 'http://nowhere.invalid', 'unix:/nowhere']) {
    // Where there is no network, the resolver is not to wait for it for longer than the test does.
    const { code, errors } = await run(t, ['share', '--server', url, path], { env: { RES_OPTIONS: 'timeout:1 attempts:1' } });
    assert.equal(code, 5, errors);
    oneLine(errors);
  }
});

test('over a limit, or against a rule: 6', async (t) => {
  const folder = directory(t);
  const deny = writeFile(folder, 'deny', sha256('refused'));
  const server = await serverFor(t, { args: ['--max-page', '1000', '--deny-file', deny] });
  const large = await run(t, ['share', '--server', server.url, writeFile(folder, 'large', randomBytes(1001))]);
  assert.equal(large.code, 6);
  assert.match(large.errors, /^whilst: .*large: 1001 bytes; this server relays pages of up to 1000\n$/);
  const huge = await run(t, ['share', '--server', server.url, '-'], { input: Buffer.alloc(8 * MIB + 1) });
  assert.equal(huge.code, 6);
  oneLine(huge.errors);
  for (const args of [['get', `${server.url}/${sha256('refused')}`], ['share', '--server', server.url, '-']]) {
    const { code, errors } = await run(t, args, { input: 'refused' });
    assert.equal(code, 6);
    assert.equal(errors, 'whilst: the server refuses: blocked\n');
  }
});

test('files that cannot be read or written: 1, with one line', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const sharing = await share(t, server, [writeFile(folder, 'a', 'hello')]);
  for (const args of [
    ['share', folder],
    ['share', join(folder, 'missing')],
    ['get', sharing.lines[0], '-o', folder],
    ['get', sharing.lines[0], '-o', join(folder, 'no', 'such', 'folder')],
    ['get', sharing.lines[0], '-o', '/dev/full'],
    ['keep', '--list', join(folder, 'missing')],
  ]) {
    const { code, output, errors } = await run(t, args, { env: { WHILST_SERVER: server.url } });
    assert.equal(code, 1, `${args}: ${errors}`);
    assert.equal(output.length, 0);
    oneLine(errors);
  }
  assert.deepEqual(readdirSync(folder), ['a']);
});

test('a broken pipe is told, not died of', async (t) => {
  const server = await serverFor(t);
  const sharing = await share(t, server, [writeFile(directory(t), 'a', Buffer.alloc(MIB, 7))]);
  server.program.child.kill('SIGSTOP'); // so that nothing is written to the pipe before it is broken
  const getting = start(t, ['get', sharing.lines[0]]);
  const broken = once(getting.child.stdout, 'close');
  getting.child.stdout.destroy();
  await broken;
  server.program.child.kill('SIGCONT');
  assert.equal(await getting.exit(), 1);
  assert.equal(getting.errors, 'whilst: standard output: Broken pipe\n');
});

test('a file that is got has the usual permissions, and replaces the old one', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const sharing = await share(t, server, [writeFile(folder, 'a', 'hello')]);
  const path = writeFile(folder, 'b', 'old');
  assert.equal((await run(t, ['get', sharing.lines[0], '-o', path])).code, 0);
  assert.equal(readFileSync(path, 'utf8'), 'hello');
  assert.equal(statSync(path).mode & 0o777, 0o666 & ~process.umask());
  assert.deepEqual(readdirSync(folder).sort(), ['a', 'b']);
});

test('keep gets pages and holds them, also through a restart of the server', async (t) => {
  const server = await startServer({ returns: true });
  const folder = directory(t);
  const sharing = await share(t, server, [writeFile(folder, 'a', 'first'), writeFile(folder, 'b', 'second')]);
  const [first, second] = sharing.lines.map((line) => line.split(' ')[0]);
  const list = writeFile(folder, 'list', `# pages\n\n${second} # the second\n  ${sha256('third')}\n${second}\n`);
  const keeping = start(t, ['keep', first, '--list', list], { env: { WHILST_SERVER: server.url } });
  await until(async () => (await server.metrics()).whilst_holders === 4, 'both pages to be held twice');
  assert.equal(await sharing.end(), 0);
  assert.equal((await run(t, ['get', first])).text, 'first');
  await server.stop();
  await until(() => keeping.errors.includes('again in'), 'the loss to be noticed');
  const again = await serverFor(t, { listen: [server.host] });
  await until(async () => (await again.metrics()).whilst_holders === 2, 'the pages to be back');
  assert.equal((await run(t, ['get', second])).text, 'second');
  assert.match(keeping.errors, /connected again/);
  assert.equal(await keeping.end(), 0);
});

test('watch prints who comes and goes, as lines and as JSON', async (t) => {
  const server = await serverFor(t);
  const sharing = await share(t, server, [writeFile(directory(t), 'a', 'hello')]);
  const [url] = sharing.lines;
  const watching = start(t, ['watch', url]);
  const reading = start(t, ['watch', '--json', url]);
  await watching.printed(2);
  const counted = () => watching.text.includes('3 here') && reading.text.includes('"here":3');
  await until(counted, 'both to know of all three');
  assert.equal(await sharing.end(), 0);
  await until(() => watching.text.includes('somebody left, 2 here'), 'the leaving to be told');
  for (const line of watching.lines) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [a-z ]+(, \d here)?$/);
  await until(() => reading.text.includes('somebody left'), () => `the leaving in JSON: ${reading.text}`);
  const events = reading.lines.map((line) => JSON.parse(line));
  for (const event of events) {
    assert.deepEqual(Object.keys(event), ['time', 'page', 'event', 'here']);
    assert.equal(event.page, sha256('hello'));
  }
  assert.equal(events.at(-1).here, 2);
  assert.equal(await watching.end(), 0);
  assert.equal(await reading.end(), 0);
});

test('below a base path, and over a unix socket', async (t) => {
  const socket = join(directory(t), 'whilst.sock');
  const server = await serverFor(t, {
    listen: ['127.0.0.1:0', `unix:${socket}`],
    args: ['--base-path', '/pages'],
  });
  const sharing = start(t, ['share', '--server', `unix:${socket}:/pages`, '-'], { input: 'hello' });
  const [local] = await sharing.printed(1);
  assert.equal(local, `unix:${socket}:/pages/${sha256('hello')}`);
  for (const url of [local, `${server.url}/${sha256('hello')}`, `${server.url}/${sha256('hello')}#part`]) {
    const { code, text, errors } = await run(t, ['get', url]);
    assert.equal(code, 0, errors);
    assert.equal(text, 'hello');
  }
});

test('a page that another client holds, and one that another client takes', async (t) => {
  const server = await serverFor(t);
  const holder = await holdPage(server.url, 'from a browser');
  assert.equal((await run(t, ['get', `${server.url}/${holder.hash}`])).text, 'from a browser');
  const sharing = await share(t, server, [writeFile(directory(t), 'a', 'to a browser')]);
  const seeker = await connectClient(server.url);
  await seeker.join(`want:${sharing.lines[0].slice(-64)}`);
  assert.equal((await seeker.event('content'))[4].content, 'to a browser');
});

test('--named and --type put a label before the file, --content takes it off', async (t) => {
  const server = await serverFor(t);
  const folder = directory(t);
  const notes = '# Notes\n';
  const path = writeFile(folder, 'notes.md', notes);
  for (const [args, label] of [
    [['--named', path], '%whilst 1 text/markdown notes.md\n'],
    [['--type', 'text/html', path], '%whilst 1 text/html\n'],
    [['--type', 'text/plain', path], ''],
    [['--named', writeFile(folder, 'a.c', '#include <stdio.h>')], '%whilst 1 text/plain a.c\n'],
    [['--named', writeFile(folder, 'x', Buffer.from([0, 1]))], '%whilst 1 application/octet-stream x\n'],
  ]) {
    const content = readFileSync(args.at(-1));
    const page = Buffer.concat([Buffer.from(label), content]);
    const sharing = start(t, ['share', '--server', server.url, ...args]);
    const [url] = await sharing.printed(1);
    assert.equal(url, `${server.url}/${sha256(page)}`);
    assert.deepEqual((await run(t, ['get', url])).output, page);
    assert.deepEqual((await run(t, ['get', '--content', url])).output, content);
    await sharing.end();
  }
});

test('on a terminal: the address, a QR code, and who is here', async (t) => {
  const server = await serverFor(t);
  const sharing = onTerminal(t, ['share', '--qr', '--server', server.url, writeFile(directory(t), 'a', 'hello')]);
  const url = `${server.url}/${sha256('hello')}`;
  await until(() => sharing.text.includes(`${url}\r\n`), 'the address');
  await until(() => sharing.text.includes('█'), 'the QR code');
  const keeping = onTerminal(t, ['keep', url]);
  await until(() => sharing.text.includes('1 other here; handed over 1 time, 5 bytes'), 'the status');
  await until(() => /5 bytes +\d+:\d\d +2 here/.test(keeping.text), 'the table');
  const got = onTerminal(t, ['get', url]);
  assert.equal(await got.exit(), 0);
  assert.ok(got.text.endsWith('hello'), got.text);
});

test('on a terminal: what is got stands there alone, without the status of its coming', async (t) => {
  const server = await serverFor(t);
  const { hash } = await holdPage(server.url, `${'x'.repeat(MIB - 7)}the end`);
  // A way to the server on which half of the page arrives only when it is let through.
  const late = [];
  let [passed, open] = [0, false];
  const slow = createServer((near) => {
    const far = connect(server.port, '127.0.0.1');
    for (const side of [near, far]) side.on('error', () => {});
    near.on('data', (bytes) => far.write(bytes)).on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    far.on('data', (bytes) => {
      passed += bytes.length;
      if (open || passed < MIB / 2) near.write(bytes);
      else late.push(() => near.write(bytes));
    });
  });
  await new Promise((resolve) => slow.listen(0, '127.0.0.1', resolve));
  t.after(() => slow.close());
  const got = onTerminal(t, ['get', `http://127.0.0.1:${slow.address().port}/${hash}`]);
  await until(() => / KB so far/.test(got.text), () => `the status: ${got.text}`);
  open = true;
  for (const pass of late) pass();
  assert.equal(await got.exit(), 0);
  assert.ok(/so far\r\x1b\[Kx{1000}/.test(got.text), JSON.stringify(got.text.slice(0, 100)));
  assert.ok(got.text.endsWith('xthe end'), JSON.stringify(got.text.slice(-100)));
});

const MISTAKES = [
  [['get'], 2],
  [['get', 'a', 'b'], 2],
  [['get', 'not-a-page'], 2],
  [['get', 'http://127.0.0.1:1/'], 2],
  [['get', '--nonsense'], 2],
  [['get', '--output'], 2],
  [['share'], 2],
  [['share', '--until-held', 'many', '-'], 2],
  [['share', '--server', 'ftp://a', '-'], 2],
  [['share', '--named', '-'], 2],
  [['share', '--type', 'Text', '-'], 2],
  [['keep'], 2],
  [['watch'], 2],
  [['watch', 'http://user@a/'], 2],
];
for (const [args, wanted] of MISTAKES) {
  test(`exit ${wanted} with one line: whilst ${args.join(' ')}`, async (t) => {
    const { code, output, errors } = await run(t, args, { input: '' });
    assert.equal(code, wanted, errors);
    assert.equal(output.length, 0);
    oneLine(errors);
  });
}

test('each command explains itself', async (t) => {
  for (const [command, option] of Object.entries({ share: '--qr', get: '-o, --output', keep: '--list', watch: '--json' })) {
    const { code, text } = await run(t, [command, '--help']);
    assert.equal(code, 0);
    assert.ok(text.startsWith(`usage: whilst ${command} `) && text.includes(option) && text.includes('--server'), text);
  }
});
