// A real nginx in front of the server, run from docs/nginx.conf as a user would copy it, with
// nothing changed but addresses and the name.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accepts } from './server.js';
import { until, within } from './wait.js';

const PROGRAM = process.env.WHILST_NGINX || '/usr/sbin/nginx';
const CONFIGURATION = new URL('../../docs/nginx.conf', import.meta.url);

// What the distribution's own nginx.conf puts around a file in conf.d, as far as it matters,
// with all that is written kept inside the prefix.
const AROUND = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    default_type application/octet-stream;
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    gzip on;
    include whilst.conf;
}
`;

function replaceOnce(text, from, to) {
  assert.equal(text.split(from).length, 2, `"${from}" once in docs/nginx.conf`);
  return text.replace(from, to);
}

function configuration(port, server) {
  let text = readFileSync(CONFIGURATION, 'utf8');
  text = replaceOnce(text, '    server 127.0.0.1:4000;', `    server ${server.host};`);
  text = replaceOnce(text, '    listen 80;', `    listen 127.0.0.1:${port};`);
  text = replaceOnce(text, '    listen [::]:80;', '');
  return replaceOnce(text, '    server_name whilst.example;', '    server_name 127.0.0.1;');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

class Nginx {
  constructor(child, prefix, port) {
    this.child = child;
    this.prefix = prefix;
    this.host = `127.0.0.1:${port}`;
    this.url = `http://${this.host}`;
    this.port = port;
    this.target = { host: '127.0.0.1', port };
    this.websocket = `ws://${this.host}/ws`;
    this.errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    this.exited = new Promise((resolve) => child.on('close', resolve));
  }

  get requests() {
    return readFileSync(join(this.prefix, 'access.log'), 'utf8');
  }

  async stop() {
    this.child.kill('SIGTERM');
    await within(this.exited, 'the end of nginx');
    rmSync(this.prefix, { recursive: true, force: true });
  }
}

export async function startNginx(server) {
  assert.ok(existsSync(PROGRAM), `${PROGRAM}: install nginx, or set WHILST_NGINX`);
  const prefix = mkdtempSync(join(tmpdir(), 'whilst-nginx-'));
  mkdirSync(join(prefix, 'conf'));
  const port = await freePort();
  writeFileSync(join(prefix, 'conf', 'nginx.conf'), AROUND);
  writeFileSync(join(prefix, 'conf', 'whilst.conf'), configuration(port, server));

  const child = spawn(PROGRAM, ['-p', prefix, '-e', 'stderr', '-c', 'conf/nginx.conf'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const nginx = new Nginx(child, prefix, port);
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  nginx.exited.then(() => process.off('exit', kill));
  let ended = false;
  nginx.exited.then(() => (ended = true));
  await until(async () => ended || (await accepts(port)), 'nginx to accept connections');
  if (ended) throw new Error(`nginx ended at its start: ${nginx.errors}`);
  return nginx;
}
