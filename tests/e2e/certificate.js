// Certificates, made by OpenSSL as an operator would make them.

import { execFileSync } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });

// What names such a file, and what it holds.
const pair = (path, key_path) => ({ path, key_path, cert: readFileSync(path), key: readFileSync(key_path) });

export const KEYS = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  rsa: ['-newkey', 'rsa:2048'],
  short: ['-newkey', 'rsa:1024'],
};

// A certificate that signs itself, for these names: {path, key_path, cert, key}.
export function certificate(folder, names, { name = '', kind = 'ec' } = {}) {
  const [key, cert] = [join(folder, `${name}key.pem`), join(folder, `${name}cert.pem`)];
  openssl(
    'req', '-x509', ...KEYS[kind], '-nodes', '-days', '2',
    '-keyout', key, '-out', cert, '-subj', '/CN=test', '-addext', `subjectAltName=${names}`,
  );
  return pair(cert, key);
}

const date = (days) => `${new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`;

// The same, valid from so many days from now until so many days from now.
export function certificateBetween(folder, from, to) {
  const file = (name) => join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file('index'), '');
  writeFileSync(file('ca.cnf'), `[ca]\ndefault_ca=own\n[own]\ndatabase=${file('index')}\nnew_certs_dir=${folder}\n`
    + 'rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n');
  openssl('req', '-new', ...KEYS.ec, '-nodes', '-keyout', file('key.pem'), '-out', file('request.pem'), '-subj', '/CN=test');
  openssl(
    'ca', '-batch', '-selfsign', '-config', file('ca.cnf'), '-keyfile', file('key.pem'), '-in', file('request.pem'),
    '-out', file('cert.pem'), '-notext', '-startdate', date(from), '-enddate', date(to),
  );
  return pair(file('cert.pem'), file('key.pem'));
}

// How Chromium is told to trust a key: --ignore-certificate-errors-spki-list.
export function fingerprint(cert) {
  const key = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
