// Serves the built UI the way the real server does, and passes the API on to a Prometheus, so that the UI can be
// developed and tested without building the Rust side.
//
//   API=http://127.0.0.1:9090 PORT=9091 PREFIX=/obs/bw DEMO=1 DIST=dist node dev/server.mjs
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const API = new URL(process.env.API ?? 'http://127.0.0.1:9090');
const PORT = Number(process.env.PORT ?? 9091);
const PREFIX = (process.env.PREFIX ?? '').replace(/\/+$/, '');
const DEMO = process.env.DEMO === '1';
const DIST = process.env.DIST ?? fileURLToPath(new URL('../dist/', import.meta.url));

const TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

function policy(nonce) {
  return (
    `default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; ` +
    `style-src 'self' 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'`
  );
}

async function page(response) {
  const nonce = randomBytes(16).toString('hex');
  const html = (await readFile(join(DIST, 'index.html'), 'utf8'))
    .replaceAll('__BW_NONCE__', nonce)
    .replaceAll('__BW_BASE__', PREFIX)
    .replaceAll('"./assets/', `"${PREFIX}/assets/`);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy(nonce),
    'cache-control': 'no-store',
  });
  response.end(html);
}

async function asset(path, response) {
  const file = join(DIST, normalize(path));
  try {
    const body = gzipSync(await readFile(file));
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, {
      'content-type': type,
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    response.end(body);
  } catch {
    response.writeHead(404).end('no such file\n');
  }
}

function passOn(path, incoming, response) {
  const { host, hostname, port } = API;
  const options = { hostname, port, path, method: incoming.method, headers: { ...incoming.headers, host } };
  const onward = request(options, (answer) => {
    if (DEMO && path.startsWith('/api/v1/status/runtimeinfo')) return demoInfo(answer, response);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => {
    if (!response.headersSent) response.writeHead(502);
    response.end('the API does not answer\n');
  });
  // Cancelling in the browser cancels on the server.
  response.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

/** Plain Prometheus has no demo fleet, so its answer is completed here. */
async function demoInfo(answer, response) {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  const body = JSON.parse(text);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...body, data: { ...body.data, demo: true } }));
}

createServer((incoming, response) => {
  const url = incoming.url ?? '/';
  if (!url.startsWith(`${PREFIX}/`)) return void response.writeHead(302, { location: `${PREFIX}/` }).end();
  const path = url.slice(PREFIX.length);
  if (path.startsWith('/api/') || path === '/metrics') return passOn(path, incoming, response);
  if (path.startsWith('/assets/')) return void asset(path.replace(/\?.*$/, ''), response);
  return void page(response).catch((error) => response.writeHead(503).end(`${error.message}\n`));
}).listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}${PREFIX}/ in front of ${API.origin}`));
