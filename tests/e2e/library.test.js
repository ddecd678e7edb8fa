// libwhilst as a stranger's program meets it: installed into a prefix, found by pkg-config, linked both ways, run against a
// real server that goes away and comes back.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './cli.js';
import { connectClient, holdPage, sha256 } from './client.js';
import { compile, files, install, pkgConfig } from './installed.js';
import { commandLine, serverFor, startServer } from './server.js';
import { until } from './wait.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PUBLIC = ['address', 'close', 'find_hash', 'get', 'hash', 'hold', 'leave', 'open', 'result_text', 'version', 'watch'];
const page = (size) => 'x'.repeat(size);
const hashOf = (size) => sha256(page(size));

let prefix;
let clipboard;
let probe;
before(() => {
  prefix = mkdtempSync(join(tmpdir(), 'whilst-library-'));
  install(prefix, 'library', 'development');
  clipboard = compile(prefix, join(ROOT, 'docs/examples/clipboard.c'), join(prefix, 'clipboard'));
  probe = compile(prefix, join(ROOT, 'tests/library/probe.c'), join(prefix, 'probe'), { linkStatic: true });
});
after(() => rmSync(prefix, { recursive: true, force: true }));

const start = (t, program, args, options) => launch(t, commandLine(args, program), options);

// A probe that is told what to do line by line.
function probeFor(t, ...args) {
  const command = start(t, probe, args, { input: undefined });
  const lines = (pattern) => command.lines.filter((line) => pattern.test(line));
  command.say = (text) => command.child.stdin.write(`${text}\n`);
  command.until = (pattern, count = 1) =>
    until(() => lines(pattern).length >= count, () => `${pattern} from the probe, which printed: ${command.text}${command.errors}`);
  command.finish = async () => {
    command.child.stdin.end();
    assert.equal(await command.exit(), 0, command.errors);
    assert.equal(command.lines.at(-1), 'closed - 0 0 []  []', 'nothing is told after the end');
  };
  return command;
}

// A server of TCP that says this to everybody and hangs up, or nothing at all.
async function stranger(t, words) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (words !== undefined) socket.end(words);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

describe('what is installed', () => {
  test('the library, one header, what finds them, and the example', () => {
    const version = /project\(whilst VERSION (\S+)/.exec(readFileSync(join(ROOT, 'CMakeLists.txt'), 'utf8'))[1];
    const names = files(prefix).filter((file) => !/^(clipboard|probe)$/.test(file)).map((file) => file.replace(/^lib\/[^/]+-linux-gnu\//, 'lib/'));
    assert.deepEqual(names, [
      'include/whilst/whilst.h',
      'lib/libwhilst.a', 'lib/libwhilst.so', 'lib/libwhilst.so.0', `lib/libwhilst.so.${version}`,
      'lib/pkgconfig/whilst.pc',
      'share/doc/whilst/examples/clipboard.c',
    ]);
    assert.deepEqual(pkgConfig(prefix, '--modversion'), [version]);
    const [command, ...args] = commandLine(['version'], probe);
    assert.equal(execFileSync(command, args, { encoding: 'utf8' }), `${version}\n`);
  });

  test('the public names are all that can be seen', () => {
    for (const [file, option] of [['libwhilst.so', '-D'], ['libwhilst.a', '-g']]) {
      const path = join(pkgConfig(prefix, '--variable=libdir')[0], file);
      const table = execFileSync('nm', [option, '--defined-only', '-P', path], { encoding: 'utf8' });
      const names = table.split('\n').filter((line) => / [TDBRVW] /.test(line)).map((line) => line.split(/[ @]/)[0]);
      assert.deepEqual(names.sort(), PUBLIC.map((name) => `whilst_${name}`), file);
    }
  });

  test('it needs libuv and OpenSSL, and is found by its soname', () => {
    const table = execFileSync('readelf', ['-d', join(pkgConfig(prefix, '--variable=libdir')[0], 'libwhilst.so')], { encoding: 'utf8' });
    assert.match(table, /SONAME.*\[libwhilst\.so\.0\]/);
    const needed = [...table.matchAll(/NEEDED.*\[(\S+?)\.so/g)].map(([, name]) => name);
    assert.deepEqual(needed.filter((name) => !/^(lib(asan|ubsan|c|gcc_s)|ld-linux.*)$/.test(name)).sort(), ['libcrypto', 'libssl', 'libuv']);
  });

  test('the header compiles alone, as C and as C++', () => {
    for (const [compiler, language, standard] of [['cc', 'c', 'c99'], ['clang', 'c++', 'c++11']]) {
      const words = ['-x', language, `-std=${standard}`, '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', ...pkgConfig(prefix, '--cflags'), '-'];
      const { status, stderr } = spawnSync(compiler, words, { input: '#include <whilst/whilst.h>\n#include <whilst/whilst.h>\n', encoding: 'utf8' });
      assert.equal(status, 0, `${compiler}: ${stderr}`);
    }
  });
});

describe('the clipboard of docs/examples', () => {
  test('copies, pastes and watches', async (t) => {
    const server = await serverFor(t);
    const copy = start(t, clipboard, ['copy', server.url], { input: 'some text\n' });
    const [address] = await copy.printed(1);
    assert.equal(address, `${server.url}/${sha256('some text\n')}`);
    const watch = start(t, clipboard, ['watch', address]);
    await until(() => watch.lines.includes('2 have it'), () => `two: ${watch.text}${watch.errors}`);
    const paste = start(t, clipboard, ['paste', address]);
    assert.equal(await paste.exit(), 0, paste.errors);
    assert.equal(paste.text, 'some text\n');
    await until(() => /somebody took it/.test(copy.errors), 'word of it');
    assert.equal(await copy.end(), 0, copy.errors);
    await until(() => watch.lines.at(-1) === '1 have it', () => `one: ${watch.text}`);
    assert.equal(await watch.end('SIGTERM'), 0, watch.errors);
  });

  test('paste waits for somebody who has it', async (t) => {
    const server = await serverFor(t);
    const paste = start(t, clipboard, ['paste', `${server.url}/${sha256('late')}`]);
    await until(() => /nobody has it now/.test(paste.errors), 'nobody');
    const { client } = await holdPage(server.url, 'late');
    assert.equal(await paste.exit(), 0, paste.errors);
    assert.equal(paste.text, 'late');
    await client.close();
  });

  test('what it holds is got by a client that knows nothing of it', async (t) => {
    const server = await serverFor(t);
    const copy = start(t, clipboard, ['copy', server.url], { input: 'for a stranger' });
    await copy.printed(1);
    const client = await connectClient(server.url);
    await client.join(`want:${sha256('for a stranger')}`);
    const [, , , , payload] = await client.event('content');
    assert.equal(payload.content, 'for a stranger');
    await client.close();
    assert.equal(await copy.end(), 0, copy.errors);
  });

  test('bad addresses are told in one line', async (t) => {
    for (const [args, wanted] of [
      [['copy', 'gopher://a.example'], "clipboard: 'gopher://a.example' is not an address: https://HOST[:PORT][/PATH] or unix:PATH\n"],
      [['copy', 'http://me@a.example'], "clipboard: 'http://me@a.example' is not an address without a user\n"],
      [['paste', 'http://a.example/b'], "clipboard: 'http://a.example/b' is not a page's address\n"],
    ]) {
      const command = start(t, clipboard, args);
      assert.equal(await command.exit(), 2);
      assert.equal(command.errors, wanted);
    }
  });
});

describe('every call and event', () => {
  test('hold, get, watch, leave and close', async (t) => {
    const server = await serverFor(t);
    const one = probeFor(t, server.url);
    one.say('hold 3');
    one.say(`address ${hashOf(3)}`);
    await one.until(new RegExp(`^address: done ${server.url}/${hashOf(3)}$`));
    await one.until(new RegExp(`^holding ${hashOf(3)} `));
    const two = probeFor(t, server.url);
    two.say(`get ${hashOf(3).toUpperCase()}`);
    await two.until(new RegExp(`^found ${hashOf(3)} 0 3 `));
    await one.until(new RegExp(`^handed ${hashOf(3)} `));
    two.say(`watch ${hashOf(3)}`);
    await one.until(new RegExp(`^count ${hashOf(3)} 2 `));
    two.say(`leave ${hashOf(3)}`);
    await one.until(new RegExp(`^count ${hashOf(3)} 1 `), 2);
    two.say('hold 0');
    one.say(`get ${hashOf(0)}`);
    await one.until(new RegExp(`^found ${hashOf(0)} 0 0 `));
    two.say(`get ${hashOf(0)}`); // its own
    await two.until(new RegExp(`^found ${hashOf(0)} 0 0 `));
    one.say('get 123');
    await one.until(/^get: a hash has 64 hexadecimal digits/);
    two.child.stdin.write('close\nhold 1\n');
    await two.until(/^hold: the connection is being closed/);
    await one.finish();
    await two.finish();
    await until(async () => (await server.metrics()).whilst_pages === 0, 'nothing to be held any more');
  });

  test('over the limit of the server, before and after it is known; then nobody, then a mebibyte', async (t) => {
    const server = await serverFor(t, { args: ['--max-page', '2M'] });
    server.program.child.kill('SIGSTOP');
    const one = probeFor(t, server.url);
    one.say('hold 3000000');
    one.say('hold 8388609');
    await one.until(/^hold: the page is larger than the server relays/);
    server.program.child.kill('SIGCONT');
    await one.until(new RegExp(`^refused ${hashOf(3_000_000)} 0 0 \\[page_size\\]`));
    one.say('hold 2097153');
    await one.until(/^hold: the page is larger than the server relays/, 2);
    one.say(`get ${hashOf(1 << 20)}`);
    await one.until(new RegExp(`^nobody ${hashOf(1 << 20)} `));
    const { client } = await holdPage(server.url, page(1 << 20));
    await one.until(new RegExp(`^found ${hashOf(1 << 20)} 0 1048576 `));
    await client.close();
    await one.finish();
  });

  test('a page that the operator has blocked', async (t) => {
    const list = join(prefix, 'deny');
    writeFileSync(list, `${hashOf(5)}\n`);
    const server = await serverFor(t, { args: ['--deny-file', list] });
    const one = probeFor(t, server.url);
    one.say('hold 5');
    await one.until(new RegExp(`^refused ${hashOf(5)} 0 0 \\[blocked\\]`));
    await one.finish();
  });
});

describe('servers that are lost', () => {
  test('what is held and sought is taken up again', async (t) => {
    const first = await startServer({ returns: true });
    const one = probeFor(t, first.url);
    const two = probeFor(t, first.url);
    one.say('hold 7');
    two.say(`get ${hashOf(8)}`);
    await one.until(/^holding /);
    await two.until(/^nobody /);
    await first.kill();
    await one.until(/^lost - 0 0 \[\] (broken|closed|unreachable) \[[^\]]+\]$/);
    const second = await serverFor(t, { listen: [first.host] });
    await one.until(/^holding /, 2);
    two.say(`get ${hashOf(7)}`);
    await two.until(new RegExp(`^found ${hashOf(7)} `));
    one.say('hold 8');
    await two.until(new RegExp(`^found ${hashOf(8)} `));
    await one.finish();
    await two.finish();
    await until(async () => (await second.metrics()).whilst_pages === 0, 'nothing to be left');
  });

  test('nobody there, somebody else there, and one who cannot be trusted', async (t) => {
    const http = await stranger(t, 'HTTP/1.1 418 no\r\n\r\n');
    for (const [server, wanted] of [
      ['http://127.0.0.1:1', /^lost - 0 0 \[\] unreachable \[connection refused\]$/],
      ['unix:/no/such/socket', /^lost - 0 0 \[\] unreachable \[no such file or directory\]$/],
      [`http://${http}`, /^lost - 0 0 \[\] foreign \[.*HTTP status 418\]$/],
      [`https://${http}`, /^lost - 0 0 \[\] unreachable \[.+\]$/],
    ]) {
      const one = probeFor(t, server);
      one.say('hold 1');
      await one.until(wanted);
      await one.finish();
    }
  });

  test('an authority that cannot be read', async (t) => {
    const one = probeFor(t, 'https://a.example', '/no/such/file');
    assert.equal(await one.exit(), 2);
    assert.equal(one.errors, "'/no/such/file' holds no certificate that can be used\n");
  });

  test('closed whilst it is being connected', async (t) => {
    const one = probeFor(t, `http://${await stranger(t)}`);
    one.say('close');
    await one.until(/^closed /);
    await one.finish();
  });
});

test('four loops in four threads', async (t) => {
  const server = await serverFor(t);
  const all = start(t, probe, ['threads', server.url]);
  assert.equal(await all.exit(), 0, all.errors);
  assert.deepEqual(all.lines, Array(4).fill('found 20'));
});
