// What `cmake --install` puts into a prefix, and programs that are built with it as a stranger would.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const BUILD = dirname(resolve(process.env.WHILST_BINARY));

const cache = readFileSync(join(BUILD, 'CMakeCache.txt'), 'utf8');
const setting = (name) => new RegExp(`^${name}:[A-Z]+=(.*)$`, 'm').exec(cache)?.[1];
const isOn = (name) => /^(on|1|true|yes)$/i.test(setting(name) ?? '');

const compiler = setting('CMAKE_C_COMPILER');
// What is linked with an instrumented library must be instrumented too.
const instruments = [
  ...(isOn('SANITIZE') ? ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'] : []),
  ...(isOn('COVERAGE') ? ['--coverage'] : []),
];

// Installs into a prefix: all, or these components.
export function install(prefix, ...components) {
  const parts = components.length ? components.map((name) => ['--component', name]) : [[]];
  for (const part of parts) {
    execFileSync('cmake', ['--install', BUILD, '--prefix', prefix, ...part], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

// Everything below a directory that is no directory, by its path from there.
export const files = (root) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();

export const pkgConfig = (prefix, ...args) => {
  const folder = files(prefix).find((file) => file.endsWith('/whilst.pc'));
  const env = { ...process.env, PKG_CONFIG_PATH: dirname(join(prefix, folder)) };
  return execFileSync('pkg-config', [...args, 'whilst'], { env, encoding: 'utf8' }).trim().split(/\s+/);
};

// Compiles one file against what is installed there; gives the program's path.
export function compile(prefix, source, program, { linkStatic = false } = {}) {
  const libraries = linkStatic
    ? pkgConfig(prefix, '--static', '--libs').map((word) => (word === '-lwhilst' ? '-l:libwhilst.a' : word))
    : [...pkgConfig(prefix, '--libs'), `-Wl,-rpath,${pkgConfig(prefix, '--variable=libdir')[0]}`];
  const warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  const words = ['-std=gnu17', '-g', ...warnings, ...instruments, ...pkgConfig(prefix, '--cflags'), source, '-o', program, ...libraries];
  execFileSync(compiler, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  return program;
}
