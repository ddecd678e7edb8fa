// Another site: a few documents of a stranger's, at an origin that is not the server's.

import { createServer } from 'node:http';

// `documents`: HTML by path; it may be changed at any time.
export function startSite(documents = {}) {
  const listener = createServer((incoming, outgoing) => {
    const html = documents[incoming.url];
    outgoing.writeHead(html === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8' });
    outgoing.end(html);
  });
  return new Promise((resolve, reject) => {
    listener.on('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      resolve({
        documents,
        // Another name than the server's 127.0.0.1, and a secure context all the same.
        url: `http://localhost:${port}`,
        // The server's own name at another port: another origin, but not another site, as a subdomain would be.
        near_url: `http://127.0.0.1:${port}`,
        close: () => new Promise((done) => (listener.close(done), listener.closeAllConnections())),
      });
    });
  });
}
