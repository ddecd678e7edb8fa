// What the server keeps of what its start needed: whom it becomes when root starts it, what it can read then, and that
// nobody reads its memory.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { certificate } from './certificate.js';
import { holdPage } from './client.js';
import { request } from './http.js';
import { managedFor } from './manager.js';
import { runProgram, serverFor, spawnCommand } from './server.js';
import { until } from './wait.js';

const isRoot = process.getuid() === 0;
const NOBODY = Number(execFileSync('id', ['-u', 'nobody']));
const NOGROUP = Number(execFileSync('id', ['-g', 'nobody']));
const nobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOGROUP}`, '--clear-groups'];
const asNobody = (...words) => spawnSync(nobody[0], [...nobody.slice(1), ...words], { encoding: 'utf8' });

// The program where everybody can reach it.
let home;
before(() => {
  home = mkdtempSync(join(tmpdir(), 'whilst-privileges-'));
  chmodSync(home, 0o777);
  const path = join(home, 'whilst');
  copyFileSync(process.env.WHILST_BINARY, path);
  chmodSync(path, 0o755);
  process.env.WHILST_BINARY = path;
  delete process.env.WHILST_USER;
  delete process.env.WHILST_CORE_DUMPS;
});
after(() => rmSync(home, { recursive: true }));

const status = (pid) => {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (name) => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(text)[1].split(/\s+/).join(' ');
};
const four = (number) => Array(4).fill(number).join(' ');

function assertIsNobody(pid) {
  const of = status(pid);
  assert.equal(of('Uid'), four(NOBODY));
  assert.equal(of('Gid'), four(NOGROUP));
  assert.equal(of('Groups'), String(NOGROUP));
  for (const set of ['CapPrm', 'CapEff', 'CapAmb']) assert.match(of(set), /^0+$/);
  assert.equal(of('NoNewPrivs'), '1');
}

const assertOneLine = ({ code, errors }, wanted_code, wanted) => {
  assert.equal(code, wanted_code, errors);
  assert.match(errors, /^whilst: [^\n]+\n$/);
  assert.match(errors, wanted);
};

test('a user or group that there is not: one line, 2; check says it with its line', async () => {
  for (const user of ['nobdy', 'nobody:nogruop', '77', ':nogroup', 'nobody:', '4294967295:1', 'x'.repeat(100)]) {
    assertOneLine(await runProgram(['serve', '--user', user]), 2, /^whilst: --user: '.*' is not a user of this machine/);
  }
  const file = join(home, 'whilst.conf');
  writeFileSync(file, 'user = nobdy\n');
  assertOneLine(await runProgram(['config', 'check', file]), 2, /whilst.conf:1: user: 'nobdy' is not a user/);
  writeFileSync(file, 'user = nobody:nogroup\n');
  assert.equal((await runProgram(['config', 'check', file])).code, 0);
});

test('whoever is not root becomes nobody else', async (t) => {
  const start = (...args) => spawnCommand([...(isRoot ? nobody : []), process.env.WHILST_BINARY, 'serve', '--listen', '127.0.0.1:0', ...args]);
  const wrong = start('--user', 'daemon');
  const { code } = await wrong.exited;
  assertOneLine({ code, errors: wrong.errors }, 2, /--user daemon: only root can/);
  const user = execFileSync('id', ['-un', ...(isRoot ? ['nobody'] : [])], { encoding: 'utf8' }).trim();
  for (const args of [[], ['--user', user]]) {
    const right = start(...args);
    t.after(() => right.child.kill('SIGKILL'));
    await until(() => /^listening on/m.test(right.errors), () => right.errors);
    assert.doesNotMatch(right.errors, / became /);
    assert.equal(status(right.child.pid)('NoNewPrivs'), '1');
  }
});

describe('started by root', { skip: !isRoot && 'needs root' }, () => {
  test('without a word it becomes nobody before it serves, and its sockets are that user\'s', async (t) => {
    const path = join(home, 'socket');
    const admin = join(home, 'admin');
    const server = await serverFor(t, { listen: ['127.0.0.1:0', `unix:${path}`], args: ['--unix-mode', '660', '--admin', `unix:${admin}`] });
    assertIsNobody(server.program.child.pid);
    assert.match(server.errors, new RegExp(`^\\S+ info became user=nobody uid=${NOBODY} gid=${NOGROUP}\n`));
    assert.ok(server.errors.indexOf(' became ') < server.errors.indexOf('listening on'));
    for (const [file, mode] of [[path, 0o660], [admin, 0o600]]) {
      const { uid, gid, mode: had } = statSync(file);
      assert.deepEqual([uid, gid, had & 0o777], [NOBODY, NOGROUP, mode], file);
    }
    const { hash } = await holdPage(server.url, 'served by nobody');
    assert.equal((await request({ socketPath: path }, `/raw/${hash}`)).body.toString(), 'served by nobody');
    const told = (await request({ socketPath: admin }, '/metrics', { headers: { Host: 'localhost' } })).body.toString();
    for (const name of ['process_resident_memory_bytes', 'process_open_fds']) assert.match(told, new RegExp(`^${name} [1-9]`, 'm'));
  });

  test('--user names another, with another group, by name or by number; root stays', async (t) => {
    const daemon = execFileSync('id', ['-u', 'daemon'], { encoding: 'utf8' }).trim();
    for (const [user, uid, gid] of [['daemon', daemon, daemon], ['daemon:nogroup', daemon, NOGROUP], [`${NOBODY}:${NOGROUP}`, NOBODY, NOGROUP], ['54321:54322', 54321, 54322], ['root', 0, 0]]) {
      const server = await serverFor(t, { args: ['--user', user] });
      const of = status(server.program.child.pid);
      assert.deepEqual([of('Uid'), of('Gid')], [four(uid), four(gid)], user);
      assert.equal(/ info became /.test(server.errors), user !== 'root');
      assert.equal((await request(server.target, '/healthz')).status, 200);
    }
  });

  test('a key that only root reads is in force; that it cannot be read again is said at once', async (t) => {
    const folder = mkdtempSync(join(home, 'tls-'));
    const pair = certificate(folder, 'IP:127.0.0.1');
    chmodSync(folder, 0o755);
    chmodSync(pair.key_path, 0o600);
    const server = await serverFor(t, { listen: ['tls:127.0.0.1:0'], args: ['--tls-certificate', pair.path, '--tls-key', pair.key_path] });
    const about = [...server.errors.matchAll(/ warn file_out_of_reach file=(\S+) user=nobody reason="Permission denied"/g)].map(([, file]) => file);
    assert.deepEqual(about, [pair.key_path]);
    server.target.ca = pair.cert;
    assert.equal((await request(server.target, '/healthz')).status, 200);
    const reload = async (wanted) => {
      const seen = server.errors.length;
      server.program.child.kill('SIGHUP');
      await until(() => wanted.test(server.errors.slice(seen)), () => server.errors);
    };
    await reload(/ warn certificate_refused file=\S+key.pem reason="Permission denied; let the user that whilst runs as read it"/);
    assert.equal((await request(server.target, '/healthz')).status, 200);
    execFileSync('chown', ['nobody', pair.key_path]);
    await reload(/ info certificate_read /);
    assert.equal((await request(server.target, '/healthz')).status, 200);
  });

  test('a program that only root reaches is said, because it has no successor', async (t) => {
    const folder = mkdtempSync(join(home, 'roots-')); // mode 700
    const path = join(folder, 'whilst');
    copyFileSync(process.env.WHILST_BINARY, path);
    chmodSync(path, 0o755);
    const server = await serverFor(t, { path });
    assert.match(server.errors, new RegExp(` warn file_out_of_reach file=${path} user=nobody reason="Permission denied" advice="put the program where`));
    server.program.child.kill('SIGUSR2');
    await until(() => / warn hand_over_failed /.test(server.errors), () => server.errors);
    assert.equal((await request(server.target, '/healthz')).status, 200);
  });

  test('a port below 1024 is open before', async (t) => {
    // Where nothing listens yet, if it is but one of these.
    const ports = [1019, 1013, 1009, 997, 991];
    for (const port of ports) {
      const program = spawnCommand([process.env.WHILST_BINARY, 'serve', '--listen', `127.0.0.1:${port}`]);
      t.after(() => program.child.kill('SIGKILL'));
      let ended = false;
      program.exited.then(() => (ended = true));
      await until(() => ended || /^listening on/m.test(program.errors), () => program.errors);
      if (ended) continue;
      assertIsNobody(program.child.pid);
      assert.equal((await request({ host: '127.0.0.1', port }, '/healthz')).status, 200);
      return;
    }
    assert.fail(`all of these are taken: ${ports}`);
  });

  test('a successor has the sockets from it, and is the same user', async (t) => {
    const config = join(home, 'hand-over.conf');
    const path = join(home, 'handed');
    writeFileSync(config, '');
    const server = await managedFor(t, { listen: [], args: ['--listen', '127.0.0.1:0', '--listen', `unix:${path}`, '--config', config] });
    assertIsNobody(server.pid);
    const holder = await holdPage(server.url, 'before');
    const first = server.pid;
    process.kill(first, 'SIGUSR2');
    await until(() => server.all('ended').length === 1, () => server.errors);
    assert.notEqual(server.pid, first);
    assertIsNobody(server.pid);
    await holder.client.closed;
    const { hash } = await holdPage(server.url, 'after');
    assert.equal((await request({ socketPath: path }, `/raw/${hash}`)).body.toString(), 'after');

    // One that is to be another user cannot be, and is none.
    const second = server.pid;
    writeFileSync(config, 'user = daemon\n');
    process.kill(second, 'SIGHUP');
    await until(() => / warn config_needs_restart option=user from="" to=daemon\n/.test(server.errors), () => server.errors);
    process.kill(second, 'SIGUSR2');
    await until(() => / warn hand_over_failed status=2 /.test(server.errors), () => server.errors);
    assert.match(server.errors, /^whilst: --user daemon: only root can become another user/m);
    assert.equal((await request({ socketPath: path }, `/raw/${hash}`)).body.toString(), 'after');
  });

  test('where root may not become another user, it serves nobody', { skip: spawnSync('unshare', ['-Ur', 'true']).status !== 0 && 'no user namespaces here' }, async () => {
    const program = spawnCommand(['unshare', '-Ur', process.env.WHILST_BINARY, 'serve', '--listen', '127.0.0.1:0']);
    const { code } = await program.exited;
    assertOneLine({ code, errors: program.errors }, 1, /--user nobody: .*; start it as that user, or with --user root/);
  });

  test('its memory is nobody\'s to read, not even the same user\'s, unless core dumps were asked for', async (t) => {
    for (const [args, reads] of [[[], false], [['--core-dumps'], true]]) {
      const server = await serverFor(t, { args });
      const { pid } = server.program.child;
      const read = asNobody('head', '-c', '1', `/proc/${pid}/environ`);
      assert.equal(read.status === 0, reads, read.stderr);
      const [, soft, hard] = /^Max core file size +(\S+) +(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'));
      if (reads) assert.equal(soft, hard);
    }
  });
});
