// Real proxies in front of the server, run from the files in docs as a user would copy them, with
// nothing changed but addresses, names and paths.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './ports.js';
import { accepts } from './server.js';
import { until, within } from './wait.js';

// What the distribution's own nginx.conf puts around a file in conf.d, as far as it matters,
// with all that is written kept inside the prefix.
const AROUND_NGINX = `
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

// Caddy would listen on ports, and keep things in places, of its own.
const AROUND_CADDY = `{
	admin off
	auto_https disable_redirects
	default_sni 127.0.0.1
}
`;

// The text of a file in docs with each change made, which must be there so many times.
function adapted(name, changes) {
  let text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  for (const [from, to, count = 1] of changes) {
    assert.equal(text.split(from).length - 1, count, `"${from}" in docs/${name}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

function nginx({ upstream, socket, base, port, plain_port, pair }) {
  const tls = pair
    ? [
      ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
      ['/etc/letsencrypt/live/whilst.example/fullchain.pem', pair.path],
      ['/etc/letsencrypt/live/whilst.example/privkey.pem', pair.key_path],
    ]
    : [
      ['listen 443 ssl http2;', `listen 127.0.0.1:${port};`],
      ['    ssl_certificate     /etc/letsencrypt/live/whilst.example/fullchain.pem;', ''],
      ['    ssl_certificate_key /etc/letsencrypt/live/whilst.example/privkey.pem;', ''],
    ];
  const server = socket
    ? [['    server 127.0.0.1:4000;', ''], ['# server unix:/run/whilst/whilst.sock;', `server unix:${socket};`]]
    : [['    server 127.0.0.1:4000;', `    server ${upstream};`]];
  return {
    program: '/usr/sbin/nginx',
    args: (prefix) => ['-p', prefix, '-e', 'stderr', '-c', 'nginx.conf'],
    files: {
      'nginx.conf': AROUND_NGINX,
      'whilst.conf': adapted('nginx.conf', [
        ['    listen [::]:80;', ''],
        ['    listen [::]:443 ssl http2;', ''],
        ['    listen 80;', `    listen 127.0.0.1:${plain_port};`],
        ['server_name whilst.example;', 'server_name 127.0.0.1;', 2],
        ['    location / {\n        proxy_pass', `    location ${base}/ {\n        proxy_pass`],
        ...server,
        ...tls,
      ]),
    },
  };
}

function haproxy({ upstream, socket, base, port, plain_port, pair }) {
  return {
    program: '/usr/sbin/haproxy',
    args: (prefix) => ['-db', '-f', join(prefix, 'haproxy.cfg')],
    files: {
      'both.pem': `${pair.cert}${pair.key}`,
      'haproxy.cfg': adapted('haproxy.cfg', [
        ['bind :80\n', `bind 127.0.0.1:${plain_port}\n`],
        ['bind :443 ssl', `bind 127.0.0.1:${port} ssl`],
        ['crt /etc/haproxy/whilst.pem', 'crt both.pem'],
        ...(base ? [['# http-request deny', 'http-request deny'], ['path_beg /pages/', `path_beg ${base}/`]] : []),
        ['httpchk GET /healthz', `httpchk GET ${base}/healthz`],
        ...(socket
          ? [['    server whilst 127.0.0.1:4000', '    # server tcp'], ['# server whilst unix@/run/whilst/whilst.sock', `server whilst unix@${socket}`]]
          : [['server whilst 127.0.0.1:4000', `server whilst ${upstream}`]]),
      ]),
    },
  };
}

function caddy({ upstream, socket, base, port, pair }) {
  const to = socket ? `unix/${socket}` : upstream;
  return {
    program: '/usr/bin/caddy',
    args: (prefix) => ['run', '--adapter', 'caddyfile', '--config', join(prefix, 'Caddyfile')],
    files: {
      Caddyfile: AROUND_CADDY + adapted('Caddyfile', [
        ['\nwhilst.example {', `\nhttps://127.0.0.1:${port} {\n\ttls ${pair.path} ${pair.key_path}`],
        ['\treverse_proxy 127.0.0.1:4000 {', `\treverse_proxy ${base ? `${base}/* ` : ''}${to} {`],
      ]),
    },
  };
}

const KINDS = { nginx, haproxy, caddy };

class Proxy {
  constructor(child, prefix, { port, plain_port, base, pair }) {
    this.child = child;
    this.prefix = prefix;
    this.host = `127.0.0.1:${port}`;
    this.url = `${pair ? 'https' : 'http'}://${this.host}${base}`;
    this.port = port;
    this.target = { host: '127.0.0.1', port, secure: Boolean(pair), ca: pair?.cert };
    this.plain_target = { host: '127.0.0.1', port: plain_port };
    this.websocket = `${pair ? 'wss' : 'ws'}://${this.host}${base}/ws`;
    this.errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    this.exited = new Promise((resolve) => child.on('close', resolve));
  }

  get requests() {
    return readFileSync(join(this.prefix, 'access.log'), 'utf8');
  }

  async stop() {
    this.child.kill('SIGTERM');
    await within(this.exited, 'the end of the proxy');
    rmSync(this.prefix, { recursive: true, force: true });
  }
}

// Starts `kind`: nginx, haproxy or caddy. `pair`: the certificate, without which only nginx can do;
// `base`: the path below which the server is; `socket`: the server's unix socket, instead of its port.
export async function startProxy(kind, server, { pair = null, base = '', socket = null } = {}) {
  const [port, plain_port] = await freePorts(2);
  const places = { pair, base, socket, upstream: server.host, port, plain_port };
  const { program, args, files } = KINDS[kind](places);
  assert.ok(existsSync(program), `${program}: install ${kind}`);
  const prefix = mkdtempSync(join(tmpdir(), `whilst-${kind}-`));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(prefix, name), text);
  const child = spawn(program, args(prefix), {
    cwd: prefix,
    env: { ...process.env, HOME: prefix, XDG_DATA_HOME: prefix, XDG_CONFIG_HOME: prefix },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const proxy = new Proxy(child, prefix, places);
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  proxy.exited.then(() => process.off('exit', kill));
  let ended = false;
  proxy.exited.then(() => (ended = true));
  await until(async () => ended || (await accepts(places.port)), `${kind} to accept connections`);
  if (ended) throw new Error(`${kind} ended at its start: ${proxy.errors}`);
  return proxy;
}

export const startNginx = (server) => startProxy('nginx', server);
