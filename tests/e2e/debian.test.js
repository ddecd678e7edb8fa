// The Debian packages, made by cpack and installed by dpkg into a root of its own: they bring what they say, start, are upgraded
// without the loss of a configuration, and leave nothing when they are purged.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { connect } from '../../static/whilst.js';
import { request } from './http.js';
import { BUILD, files } from './installed.js';
import { managedFor } from './manager.js';
import { serverFor, spawnCommand, spawnProgram } from './server.js';
import { until, within } from './wait.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const CONFIGURATION = 'etc/whilst/whilst.conf';

let scratch;
let root;
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whilst-debian-'));
  chmodSync(scratch, 0o755); // for nobody
  root = join(scratch, 'root');
  mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true });
  mkdirSync(join(root, 'var/lib/dpkg/updates'));
});
after(() => rmSync(scratch, { recursive: true, force: true }));

// Packages of this version, which are made once; their files by name.
function pack(version) {
  const folder = join(scratch, version);
  if (!existsSync(folder)) {
    const words = ['-G', 'DEB', '-B', folder, '-D', `CPACK_PACKAGE_VERSION=${version}`];
    execFileSync('cpack', words, { cwd: BUILD, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const names = files(folder).filter((file) => /^[^/]+\.deb$/.test(file));
  return new Map(names.map((file) => [file.split('_')[0], join(folder, file)]));
}

const field = (file, name) => execFileSync('dpkg-deb', ['-f', file, name], { encoding: 'utf8' }).trim();

// What this machine has of that which the packages need: dependencies are judged by it, as they would be in its own root.
function adoptDependencies(packages) {
  const names = [...packages.values()].flatMap((file) => field(file, 'Depends').split(', ')).map((word) => word.split(' ')[0]);
  const wanted = new Set(names);
  const stanzas = readFileSync('/var/lib/dpkg/status', 'utf8').split('\n\n');
  const adopted = stanzas.filter((stanza) => wanted.has(/^Package: (\S+)/.exec(stanza)?.[1]));
  writeFileSync(join(root, 'var/lib/dpkg/status'), `${adopted.join('\n\n')}\n`);
}

function dpkg(...args) {
  const words = [`--root=${root}`, `--log=${scratch}/dpkg.log`, '--force-script-chrootless', '--force-confold', '--force-not-root', ...args];
  const { status, stdout, stderr } = spawnSync('dpkg', words, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  assert.equal(status, 0, `dpkg ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const status = (name) => dpkg('-s', name).match(/^Status: (.*)$/m)[1];
const installed = () => files(root).filter((file) => !file.startsWith('var/lib/dpkg/') && !file.startsWith('var/log/'));

async function assertServes(t) {
  const server = await serverFor(t, { path: join(root, 'usr/bin/whilst'), args: ['--config', join(root, CONFIGURATION)] });
  assert.equal((await request(server.target, '/')).status, 200);
}

test('install, serve, upgrade, remove and purge', async (t) => {
  const first = pack('0.1.0');
  assert.deepEqual([...first.keys()].sort(), ['libwhilst-dev', 'libwhilst0', 'whilst']);
  for (const name of ['libwebsockets17', 'libwebsockets-evlib-uv', 'libssl3', 'libuv1', 'libjansson4']) {
    assert.match(field(first.get('whilst'), 'Depends'), new RegExp(`(^| )${name}\\b`));
  }
  assert.match(field(first.get('libwhilst-dev'), 'Depends'), /libwhilst0 \(= 0\.1\.0\)/);

  adoptDependencies(first);
  dpkg('--install', ...first.values());
  for (const name of first.keys()) assert.equal(status(name), 'install ok installed');
  const there = installed();
  for (const file of [
    'usr/bin/whilst', CONFIGURATION, 'etc/default/whilst', 'usr/lib/systemd/system/whilst.service', 'usr/lib/systemd/system/whilst.socket',
    'usr/lib/systemd/system/whilst@.service', 'usr/lib/systemd/system/whilst@.service.d/whilst.conf',
    'usr/share/man/man1/whilst.1.gz', 'usr/share/bash-completion/completions/whilst', 'usr/share/zsh/vendor-completions/_whilst',
    'usr/share/doc/whilst/copyright', 'usr/share/doc/whilst/changelog.gz', 'usr/include/whilst/whilst.h',
  ]) assert.ok(there.includes(file), file);
  assert.match(readFileSync(join(root, 'usr/lib/systemd/system/whilst.service'), 'utf8'), /^ExecStart=\/usr\/bin\/whilst serve$/m);
  assert.match(readFileSync(join(root, 'etc/default/whilst'), 'utf8'), /^WHILST_CONFIG=\/etc\/whilst\/whilst\.conf$/m);
  assert.ok(there.includes('etc/systemd/system/sockets.target.wants/whilst.socket'), 'it is enabled');
  assert.match(readFileSync(join(root, 'usr/share/doc/whilst/copyright'), 'utf8'), /^MIT License[^]*code of these packages:\n\n\S/);
  await assertServes(t);

  appendFileSync(join(root, CONFIGURATION), '\nmax-page = 3M\n');
  const second = pack('0.1.1');
  assert.match(dpkg('--install', ...second.values()), /Unpacking whilst .*0\.1\.1.* over .*0\.1\.0/);
  assert.match(readFileSync(join(root, CONFIGURATION), 'utf8'), /^max-page = 3M$/m);
  await assertServes(t);

  dpkg('--remove', 'whilst');
  assert.equal(status('whilst'), 'deinstall ok config-files');
  assert.ok(installed().includes(CONFIGURATION), 'a configuration outlives the program');
  dpkg('--purge', ...second.keys());
  assert.deepEqual(installed(), []);
});

test('cmake --install below a prefix: paths are whole, and a configuration that is there stays', async () => {
  const prefix = join(scratch, 'local');
  const install = () => execFileSync('cmake', ['--install', BUILD, '--prefix', relative(BUILD, prefix)], { cwd: BUILD, stdio: ['ignore', 'ignore', 'inherit'] });
  install();
  const read = (path) => readFileSync(join(prefix, path), 'utf8');
  const unit = read('lib/systemd/system/whilst.service');
  assert.match(unit, new RegExp(`^ExecStart=${prefix}/bin/whilst serve$`, 'm'));
  assert.match(unit, new RegExp(`^EnvironmentFile=-${prefix}/etc/default/whilst$`, 'm'));
  assert.match(read('etc/default/whilst'), new RegExp(`^WHILST_CONFIG=${prefix}/${CONFIGURATION}$`, 'm'));
  for (const path of [CONFIGURATION, 'etc/default/whilst']) appendFileSync(join(prefix, path), '# our own\n');
  install();
  for (const path of [CONFIGURATION, 'etc/default/whilst']) assert.match(read(path), /\n# our own\n$/);
});

test('lintian has nothing to say', () => {
  const { status, stdout, stderr } = spawnSync('lintian', ['--allow-root', '--fail-on', 'error,warning', ...pack('0.1.0').values()], { encoding: 'utf8' });
  assert.equal(stdout + stderr, '');
  assert.equal(status, 0);
});

// The postinst as dpkg would run it where systemd runs. `on` is asked what comes of each call of systemctl, and of what speaks to
// it for packages: a text to print, or undefined for a failure. `policy`: what policy-rc.d answers. The calls.
async function configure(t, on, { before = '0.0.9', policy } = {}) {
  const folder = mkdtempSync(join(scratch, 'configure-'));
  execFileSync('dpkg-deb', ['--control', pack('0.1.0').get('whilst'), join(folder, 'control')]);
  const calls = [];
  const manager = createServer((asked, answer) => {
    const call = new URL(asked.url, 'http://localhost').searchParams.get('call');
    calls.push(call);
    const text = on(call);
    answer.writeHead(text === undefined ? 500 : 200).end(text);
  }).listen(0, '127.0.0.1');
  await once(manager, 'listening');
  t.after(() => manager.close());
  const script = (path, text) => writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  for (const name of ['systemctl', 'deb-systemd-invoke', 'deb-systemd-helper']) {
    script(join(folder, name), `exec curl -sf --get --data-urlencode "call=${name} $*" http://127.0.0.1:${manager.address().port}/`);
  }
  const steps = ['mount -t tmpfs none /run', 'mkdir -p /run/systemd/system'];
  if (policy !== undefined) {
    script(join(folder, 'policy-rc.d'), `exit ${policy}`);
    steps.push('mount -t tmpfs none /usr/sbin', `cp ${folder}/policy-rc.d /usr/sbin`);
  }
  const command = [...steps, `exec ${folder}/control/postinst configure ${before}`].join(' && ');
  const program = spawnCommand(['unshare', '-rm', 'sh', '-c', command], { PATH: `${folder}:${process.env.PATH}` });
  const { code } = await within(program.exited, 'the postinst');
  assert.equal(code, 0, program.errors);
  return calls.filter((call) => !call.startsWith('deb-systemd-helper'));
}

describe('the postinst', () => {
  const RELOAD = ['systemctl --system daemon-reload', 'deb-systemd-invoke start whilst.socket'];
  const KILL = 'systemctl kill --signal=USR2 --kill-who=main whilst.service';
  const SHOW = 'systemctl show --property=MainPID --value whilst.service';
  const RESTART = 'deb-systemd-invoke restart whilst.service';
  const LIST = 'systemctl list-units --plain --no-legend whilst@*.service';

  test('an upgrade hands the running server over to the new program, and its pages outlive that', async (t) => {
    const server = await managedFor(t);
    const first = server.pid;
    const holder = connect(server.url, { WebSocket, crypto: webcrypto });
    t.after(() => holder.close());
    const { hash } = await holder.share(Buffer.from('held through apt upgrade'));
    const calls = await configure(t, (call) => {
      if (call === KILL) process.kill(server.pid, 'SIGUSR2');
      return call === SHOW ? `${server.pid}\n` : '';
    });
    assert.deepEqual(calls.slice(0, 4), [...RELOAD, SHOW, KILL]);
    assert.ok(calls.slice(4, -1).every((call) => call === SHOW), calls.join('\n'));
    assert.equal(calls.at(-1), LIST);
    assert.notEqual(server.pid, first);
    assert.equal((await request(server.target, `/raw/${hash}`)).body.toString(), 'held through apt upgrade');
  });

  test('a service that does not run, cannot be told, or ends by it is started anew', async (t) => {
    assert.deepEqual(await configure(t, (call) => (call === SHOW ? '0\n' : '')), [...RELOAD, SHOW, RESTART, LIST]);
    assert.deepEqual(await configure(t, (call) => (call === SHOW ? '77\n' : call === KILL ? undefined : '')), [...RELOAD, SHOW, KILL, RESTART, LIST]);
    let pid = 77;
    const dies = (call) => {
      if (call === KILL) pid = 0;
      return call === SHOW ? `${pid}\n` : '';
    };
    assert.deepEqual(await configure(t, dies), [...RELOAD, SHOW, KILL, SHOW, RESTART, LIST]);
  });

  test('processes that share a port are handed over one after the other', async (t) => {
    let pid = 77;
    const on = (call) => {
      if (call === LIST) return 'whilst@1.service loaded active running\nwhilst@2.service loaded active running\n';
      if (call.includes(' kill ')) pid += 1;
      return call.includes(' show ') ? `${call === SHOW ? 0 : pid}\n` : '';
    };
    const of = (unit) => [SHOW, KILL, SHOW].map((call) => call.replace('whilst.service', unit));
    assert.deepEqual(await configure(t, on), [...RELOAD, SHOW, RESTART, LIST, ...of('whilst@1.service'), ...of('whilst@2.service')]);
  });

  test('at the first time it is started; where the administrator forbids it, nothing is handed over', async (t) => {
    assert.deepEqual(await configure(t, () => '', { before: '' }), [...RELOAD, 'deb-systemd-invoke start whilst.service', LIST]);
    assert.deepEqual(await configure(t, (call) => (call === SHOW ? '77\n' : ''), { policy: 101 }), [...RELOAD, RESTART, LIST]);
    let pid = 77;
    assert.ok(!(await configure(t, (call) => (call === SHOW ? `${pid++}\n` : ''), { policy: 104 })).includes(RESTART));
  });
});

// No engine runs it here: its steps are run as far as they can be.
describe('the Dockerfile', () => {
  const source = readFileSync(join(ROOT, 'docs/Dockerfile'), 'utf8').replace(/\\\n\s*/g, '');
  const [build, final] = source.split(/^(?=FROM )/m).slice(1);
  const runs = (stage) => [...stage.matchAll(/^RUN (.*)$/gm)].map(([, step]) => step);

  test('every step is a command that a shell can read', () => {
    for (const step of [...runs(build), ...runs(final)]) {
      const { status, stderr } = spawnSync('sh', ['-n', '-c', step], { encoding: 'utf8' });
      assert.equal(status, 0, `${step}: ${stderr}`);
    }
  });

  test('the second stage has the libraries that the program needs', () => {
    const has = /apt-get install (.*?) +&&/.exec(final)[1].split(/\s+/).filter((word) => !word.startsWith('-'));
    const wanted = field(pack('0.1.0').get('whilst'), 'Depends').split(', ').map((word) => word.split(' ')[0]);
    for (const name of wanted) if (!['libc6', 'libcap2'].includes(name)) assert.ok(has.includes(name), name); // those are in every image
  });

  test('what it installs serves as nobody, and its health can be asked for', async (t) => {
    const out = join(scratch, 'image');
    const step = runs(build).find((each) => each.includes('cmake --install'));
    execFileSync('sh', ['-ec', step.replace('DESTDIR=/out', `DESTDIR=${out}`).replace('build/release', BUILD)], { stdio: ['ignore', 'ignore', 'inherit'] });
    assert.ok(files(out).every((file) => /^(usr|etc)\//.test(file)));
    const [path, ...args] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(final)[1]);
    assert.match(final, /^USER nobody$/m);
    const asNobody = process.getuid() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];
    const program = spawnProgram([...asNobody.slice(1), join(out, path), ...args.map((word) => word.replace(/^0\.0\.0\.0:4000$/, '127.0.0.1:0'))], `/usr/bin/${asNobody[0]}`, { WHILST_USER: '' });
    t.after(() => program.child.kill('SIGKILL'));
    await until(() => /^listening on http/m.test(program.errors), () => program.errors);
    const address = /^listening on (\S+?)\/?$/m.exec(program.errors)[1];
    const [, ...health] = JSON.parse(/^HEALTHCHECK .*? CMD (.*)$/m.exec(final)[1]).map((word) => word.replace('http://127.0.0.1:4000', address));
    execFileSync('curl', health);
    program.child.kill('SIGTERM');
    assert.equal((await program.exited).code, 0);
  });
});
