// What a shell's user meets: the manual page, help, and completions in a real bash and a real zsh, all made of the program's
// own tables and installed where they are looked for.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './cli.js';
import { install } from './installed.js';
import { runProgram } from './server.js';
import { until } from './wait.js';

const COMMANDS = ['serve', 'config', 'share', 'get', 'keep', 'watch', 'admin', 'bench'];

let prefix;
before(() => {
  prefix = mkdtempSync(join(tmpdir(), 'whilst-shell-'));
  install(prefix, 'program');
});
after(() => rmSync(prefix, { recursive: true, force: true }));

// The flags that a command tells with --help.
async function flagsOf(command) {
  const { code, output } = await runProgram([command, '--help']);
  assert.equal(code, 0);
  return [...output.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
}

describe('help', () => {
  test('of a command is what its --help says', async () => {
    for (const command of COMMANDS) {
      const asked = await runProgram(['help', command]);
      assert.deepEqual([asked.code, asked.errors], [0, '']);
      assert.equal(asked.output, (await runProgram([command, '--help'])).output);
    }
  });

  test('names every command; one that there is not is told', async () => {
    const { output } = await runProgram(['help']);
    for (const command of [...COMMANDS, 'version', 'help']) assert.match(output, new RegExp(`^  ${command} `, 'm'));
    assert.equal(output, (await runProgram(['--help'])).output);
    const { code, errors } = await runProgram(['help', 'nothing']);
    assert.deepEqual([code, errors], [2, "whilst: there is no command 'nothing' to help with; see whilst help\n"]);
  });
});

describe('the manual page', () => {
  const read = () => {
    const source = execFileSync('gzip', ['-dc', join(prefix, 'share/man/man1/whilst.1.gz')]);
    const { status, stdout, stderr } = spawnSync('groff', ['-ww', '-man', '-Kutf8', '-Tutf8', '-P-cbou', '-rLL=100n'], { input: source, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    return stdout;
  };

  test('has no fault that groff knows, every command and every option', async () => {
    const text = read();
    for (const command of COMMANDS) {
      assert.match(text, new RegExp(`^ +whilst ${command}$`, 'm'));
      if (command === 'config') continue; // its options are those of serve
      for (const flag of await flagsOf(command)) assert.match(text, new RegExp(`${flag}(?![a-z-])`), `${command} ${flag}`);
    }
    assert.match(text, /--max-page BYTES\n +the largest page that is relayed \[1048576\]\n/);
    assert.match(text, /-o, --output FILE\n/);
    assert.match(text, /^ +3 +Nobody holds the page now/m);
    assert.doesNotMatch(text, /\\|\.(PP|TP|SH)\b/);
  });
});

describe('bash', () => {
  // What the shell would offer for the last of these words.
  function offers(words, cwd = prefix) {
    const script =
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _whilst "$1" "${@: -1}" "${@: -2:1}"; printf "%s\\n" "${COMPREPLY[@]}"';
    const file = join(prefix, 'share/bash-completion/completions/whilst');
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', file, 'whilst', ...words], { cwd, encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout.split('\n').filter(Boolean);
  }

  test('offers commands, flags, words and files', async () => {
    assert.deepEqual(offers(['']), [...COMMANDS, 'version', 'help']);
    assert.deepEqual(offers(['s']), ['serve', 'share']);
    for (const command of COMMANDS.filter((name) => name !== 'config')) {
      assert.deepEqual(offers([command, '--']), ['--help', ...await flagsOf(command)], command);
    }
    assert.deepEqual(offers(['serve', '--log-level', 'd']), ['debug']);
    assert.deepEqual(offers(['serve', '--log-level', '=', 'w']), ['warn']);
    assert.deepEqual(offers(['serve', '--log-level', '=']), ['error', 'warn', 'info', 'debug']);
    assert.deepEqual(offers(['bench', 'f']), ['fetch', 'fanout', 'frontpage']);
    assert.deepEqual(offers(['config', '']), ['check', 'show', 'defaults']);
    assert.deepEqual(offers(['serve', '--max-page', '']), []);
    writeFileSync(join(prefix, 'a file'), '');
    assert.deepEqual(offers(['share', 'a']), ['a file']);
    assert.deepEqual(offers(['get', '-o', 'a']), ['a file']);
    assert.deepEqual(offers(['config', 'check', 'a']), ['a file']);
    assert.deepEqual(offers(['get', 'a']), []);
    assert.deepEqual(offers(['help', 'k']), ['keep']);
  });

  test('on a terminal: one way on is written out', async (t) => {
    const command = launch(t, ['script', '-qec', 'bash --norc --noprofile -i', '/dev/null'], { input: undefined, cwd: prefix, env: { TERM: 'dumb' } });
    command.child.stdin.write(`source share/bash-completion/completions/whilst; PATH=$PWD/bin:$PATH\nwhilst ver\t\n`);
    await until(() => /^whilst \d+\.\d+\.\d+\r?$/m.test(command.text), () => `the version: ${command.text}`);
    command.child.stdin.end('exit\n');
    await command.exit();
  });
});

describe('zsh', () => {
  test('on a terminal: commands, flags, words and files', async (t) => {
    const command = launch(t, ['script', '-qec', 'zsh -f -i', '/dev/null'], { input: undefined, cwd: prefix, env: { TERM: 'dumb' } });
    const type = async (keys, wanted) => {
      const from = command.text.length;
      command.child.stdin.write(keys);
      await until(() => wanted.test(command.text.slice(from)), () => `${wanted} after ${JSON.stringify(keys)}: ${JSON.stringify(command.text.slice(from))}`);
      command.child.stdin.write('\x15'); // the line is given up
    };
    await type('fpath=($PWD/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; echo rea""dy\n', /ready\r?\n/);
    await type('whilst \t', /bench +-- put load[^]*watch +-- /);
    await type('whilst ver\t', /version/);
    await type('whilst serve --log-l\t', /--log-level=/);
    await type('whilst serve --log-level=d\t', /debug/);
    await type('whilst bench fr\t', /frontpage/);
    await type('whilst get --outp\t', /--output +-- write there/);
    await type('whilst config sh\t', /show/);
    writeFileSync(join(prefix, 'a-long-name'), '');
    await type('whilst share a-lo\t', /a-long-name/);
    command.child.stdin.end('exit\n');
    await command.exit();
  });
});
