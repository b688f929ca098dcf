// A small hub of made-up data that speaks docs/api.md, for working on the pages without a build of Drover.
//   node dev/fake-hub.mjs [PORT] [--empty]     then open http://127.0.0.1:PORT
// Serves ../dist with the real Content-Security-Policy, or stands behind `npm run dev` (DROVER_HUB).
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fleet } from './fleet.mjs';
import { accept } from './websocket.mjs';

const port = Number(process.argv[2] ?? 3079);
const world = fleet({ empty: process.argv.includes('--empty') });
const dist = new URL('../dist', import.meta.url).pathname;
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://hub');
  if (url.pathname.startsWith('/api/v1/')) return api(request, response, url);
  let path = normalize(join(dist, url.pathname));
  if (!path.startsWith(dist) || !existsSync(path) || url.pathname.endsWith('/')) path = join(dist, 'index.html');
  response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': policy });
  createReadStream(path).pipe(response);
});

function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function body_of(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

const lists = ['nodes', 'stacks', 'services', 'instances', 'tasks', 'deployments', 'operations'];

async function api(request, response, url) {
  const path = url.pathname.slice('/api/v1'.length);
  const [, topic, id, verb] = path.split('/').map(decodeURIComponent);
  if (path === '/me') return json(response, 200, { user: 'admin', role: 'admin', how: 'session' });
  if (path === '/events') return events(response);
  if (verb === 'logs') return logs(request, response, url);
  if (request.method === 'GET' && verb === 'revisions') return json(response, 200, { items: world.revisions(id), next: null });
  if (request.method === 'GET' && lists.includes(topic) && !id) {
    const { rows } = world.list(topic, url.searchParams.get('filter') ?? '', url.searchParams.get('sort') ?? '');
    return json(response, 200, { items: rows.slice(0, Number(url.searchParams.get('limit') ?? 200)), next: null });
  }
  const body = await body_of(request);
  if (path === '/operations') return json(response, 202, world.operate(body, url.searchParams.get('dry_run') === 'true'));
  if (path === '/join-tokens') {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    return json(response, 201, { id: 't', line: 'drv-join.hub:3079.pin.secret', expires_at });
  }
  world.act(topic, id, verb, request.method);
  return json(response, 200, {});
}

function events(response) {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  response.end(world.events.map((event) => JSON.stringify(event)).join('\n') + '\n');
}

function logs(request, response, url) {
  const grep = url.searchParams.get('grep') ?? '';
  const stream = url.searchParams.get('stream') ?? '';
  const since = url.searchParams.get('since') ?? '';
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  let n = 0;
  const line = (at) => {
    const made = world.log_line(n++, at);
    if ((!grep || made.line.includes(grep)) && (!stream || made.stream === stream)) response.write(JSON.stringify(made) + '\n');
  };
  if (!since) for (let i = 0; i < 400; i += 1) line(Date.now() - (400 - i) * 700);
  const timer = setInterval(() => line(Date.now()), 500);
  request.on('close', () => clearInterval(timer));
}

server.on('upgrade', (request, socket) => {
  const subscriptions = new Map();
  const client = accept(request, socket, (message) => {
    if (message.op === 'ping') client.send({ op: 'pong', at: message.at });
    if (message.op === 'unsub') subscriptions.delete(message.id);
    if (message.op !== 'sub') return;
    subscriptions.set(message.id, { ...message, sent: new Map() });
    push(message.id, true);
  });
  const push = (id, first) => {
    const sub = subscriptions.get(id);
    if (sub.topic === 'events') {
      const set = world.events.filter((event) => event.seq > (sub.last ?? world.events.at(-1)?.seq ?? 0));
      sub.last = world.events.at(-1)?.seq ?? 0;
      if (set.length) client.send({ op: 'delta', id, seq: sub.last, set, del: [] });
      return;
    }
    const { rows, total } = world.list(sub.topic, sub.filter ?? '', sub.sort ?? '');
    const items = rows.slice(0, sub.limit ?? 200);
    const counts = { total, matching: rows.length };
    const now = new Map(items.map((row) => [world.key(sub.topic, row), JSON.stringify(row)]));
    if (first) client.send({ op: 'snapshot', id, items, counts, seq: 1 });
    const set = items.filter((row) => sub.sent.get(world.key(sub.topic, row)) !== now.get(world.key(sub.topic, row)));
    const del = [...sub.sent.keys()].filter((key) => !now.has(key));
    sub.sent = now;
    if (!first && (set.length || del.length)) client.send({ op: 'delta', id, seq: 2, set, del, counts });
  };
  client.send({ op: 'hello', hub_version: '0.3.1', build: 'dev', store_id: '0192f7c1-5a77-7bb0-8f5d-2b3d3a4c9e10' });
  const timer = setInterval(() => [...subscriptions.keys()].forEach((id) => push(id, false)), 250);
  client.onclose = () => clearInterval(timer);
});

setInterval(() => world.live(), 900);
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
