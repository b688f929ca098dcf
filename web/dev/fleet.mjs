// A made-up fleet that changes by itself.
import { randomUUID } from 'node:crypto';

const ago = (s) => new Date(Date.now() - s * 1000).toISOString();
const pick = (items) => items[Math.floor(Math.random() * items.length)];

const plan = [
  ['shop', 'redis', 1, { redis: 6379 }, []],
  ['shop', 'migrate', 1, {}, ['redis']],
  ['shop', 'api', 3, { http: 8001 }, ['redis', 'migrate']],
  ['shop', 'worker', 2, {}, ['redis']],
  ['shop', 'web', 1, { http: 8080 }, ['api']],
  ['media', 'transcode', 4, {}, []],
  ['media', 'thumbs', 2, { http: 8301 }, []],
  ['media', 'player', 1, { http: 8300 }, ['thumbs']],
  ['metrics', 'collector', 3, { grpc: 4317, http: 4318 }, []],
  ['metrics', 'grafana', 1, { http: 3000 }, ['collector']],
  ['home', 'mqtt', 1, { mqtt: 1883 }, []],
  ['home', 'zigbee', 1, {}, ['mqtt']],
];

export function fleet({ empty = false } = {}) {
  const tables = { nodes: [], stacks: [], services: [], instances: [], tasks: [], deployments: [], operations: [] };
  const events = [];
  if (!empty) fill(tables);

  function event(type, subject, message, level = 'info', more = {}) {
    const seq = (events.at(-1)?.seq ?? 0) + 1;
    events.push({ seq, time: ago(0), type, subject, message, level, stack: '', service: '', instance_name: '', node: '', data: {}, who: { actor: 'system', origin: 'reconcile', correlation: '' }, ...more });
    if (events.length > 500) events.shift();
  }
  for (const i of tables.instances.slice(0, 18)) event('instance.state', `instance ${i.stack}/${i.name}`, `${i.state} on ${i.node}`, i.state === 'backoff' ? 'warn' : 'info', { stack: i.stack, node: i.node });
  if (!empty) event('node.lost', 'node pve4', 'no heartbeat for 30 s', 'error', { node: 'pve4' });

  const key = (topic, row) => (topic === 'stacks' ? row.name : topic === 'summary' ? 'summary' : row.id);

  function summary() {
    const { nodes, services, instances, tasks } = tables;
    const bad = ['failed', 'unhealthy', 'backoff', 'stuck', 'lost'];
    const agent_versions = {};
    for (const node of nodes) if (node.version) agent_versions[node.version] = (agent_versions[node.version] ?? 0) + 1;
    return {
      hub_version: '0.3.1', store_id: 's', hub_state: 'ok',
      nodes: nodes.length, nodes_online: nodes.filter((n) => n.state === 'online').length,
      services: services.length, services_ok: services.filter((s) => ['ready', 'completed'].includes(s.state)).length,
      services_failing: services.filter((s) => bad.includes(s.state)).length,
      instances: instances.length, instances_ready: instances.filter((i) => i.state === 'ready').length,
      instances_failing: instances.filter((i) => bad.includes(i.state)).length,
      tasks_open: tasks.filter((t) => ['pending', 'assigned', 'running'].includes(t.state)).length,
      tasks_failed: tasks.filter((t) => t.state === 'failed').length, deployments_live: 0, agent_versions,
    };
  }

  function list(topic, filter, sort) {
    if (topic === 'summary') return { rows: [summary()], total: 1 };
    const all = tables[topic] ?? [];
    let rows = all.filter((row) => filter.split(/\s+/).filter(Boolean).every((word) => matches(row, word)));
    if (sort) {
      const down = sort.startsWith('-');
      const by = down ? sort.slice(1) : sort;
      rows = [...rows].sort((a, b) => (a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : 0) * (down ? -1 : 1));
    }
    return { rows, total: all.length };
  }

  function service_state(id) {
    const service = tables.services.find((s) => s.id === id);
    const own = tables.instances.filter((i) => `${i.stack}/${i.service}` === id);
    service.ready = own.filter((i) => i.state === 'ready').length;
    const worst = own.find((i) => ['failed', 'backoff', 'unhealthy', 'lost'].includes(i.state)) ?? own.find((i) => !['ready', 'completed'].includes(i.state)) ?? own[0];
    service.state = worst.state;
    service.reason = worst.reason;
    service.failing = own.filter((i) => ['failed', 'backoff', 'unhealthy', 'lost'].includes(i.state)).length;
    service.restarts = own.reduce((sum, i) => sum + i.restarts, 0);
  }
  tables.services.forEach((s) => service_state(s.id));

  function operate({ kind, all, targets = [] }, dry) {
    const hit = (i) => all || targets.some((t) => [i.stack, `${i.stack}/${i.service}`, `${i.stack}/${i.name}`, i.id].includes(t));
    const chosen = tables.instances.filter(hit);
    const skip = (i) => (kind === 'start' ? i.desired === 'run' && i.state === 'ready' : kind === 'stop' ? i.state === 'stopped' : i.service === 'migrate');
    const items = chosen.filter((i) => !skip(i)).map((i) => ({ instance: i.id, stack: i.stack, instance_name: i.name, node: i.node, restart_generation: 0, ok: null, message: '' }));
    const excluded = chosen.filter(skip).map((i) => ({ instance: `${i.stack}/${i.name}`, reason: kind === 'start' ? 'runs already' : kind === 'stop' ? 'is stopped already' : 'is a job' }));
    if (dry) return { items, excluded };
    const operation = { id: randomUUID(), kind, state: 'running', scope: all ? 'all' : targets.join(', '), items, who: { actor: 'user:admin', origin: 'ui', correlation: '' }, created_at: ago(0), finished_at: null };
    tables.operations.unshift(operation);
    items.forEach((item, n) => setTimeout(() => step(operation, n), 300 + n * 180));
    return operation;
  }

  function step(operation, n) {
    const item = operation.items[n];
    const instance = tables.instances.find((i) => i.id === item.instance);
    instance.desired = operation.kind === 'stop' ? 'stop' : 'run';
    instance.state = operation.kind === 'stop' ? 'stopped' : 'ready';
    instance.reason = '';
    instance.since = ago(0);
    service_state(`${instance.stack}/${instance.service}`);
    operation.items = operation.items.map((each, i) => (i === n ? { ...each, ok: true } : each));
    if (operation.items.every((each) => each.ok !== null)) Object.assign(operation, { state: 'succeeded', finished_at: ago(0) });
    event('instance.state', `instance ${instance.stack}/${instance.name}`, instance.state, 'info', { stack: instance.stack });
  }

  function act(topic, id, verb, method) {
    if (topic === 'nodes') {
      const node = tables.nodes.find((n) => n.name === id || n.id === id);
      if (verb === 'cordon' || verb === 'uncordon') node.cordoned = verb === 'cordon';
      if (verb === 'drain' || verb === 'undrain') node.draining = node.cordoned = verb === 'drain';
    }
    if (topic === 'tasks' && verb === 'cancel') tables.tasks.find((t) => t.id === id).cancel_requested = true;
    if (topic === 'stacks' && method === 'DELETE') tables.stacks.find((s) => s.name === id).state = 'deleting';
  }

  function live() {
    if (empty) return;
    for (const task of tables.tasks.filter((t) => t.state === 'running')) task.progress = (task.progress + 7) % 100;
    const node = pick(tables.nodes);
    if (node.state === 'online') node.last_seen = ago(0);
    if (Math.random() < 0.3) {
      const i = pick(tables.instances.filter((each) => each.service === 'transcode'));
      i.state = i.state === 'ready' ? 'unhealthy' : 'ready';
      i.reason = i.state === 'ready' ? '' : 'GET /health: 503';
      i.since = ago(0);
      service_state(`${i.stack}/${i.service}`);
      event('instance.state', `instance ${i.stack}/${i.name}`, `${i.state}${i.reason ? `: ${i.reason}` : ''}`, i.state === 'ready' ? 'info' : 'warn', { stack: i.stack, node: i.node });
    }
  }

  return { events, key, list, operate, act, live, revisions, log_line };
}

function matches(row, word) {
  const not = word.startsWith('-');
  const [name, value] = word.replace(/^-/, '').split(/:(.*)/);
  const text = (v) => (Array.isArray(v) ? v : [String(v ?? '')]);
  const hit = value === undefined
    ? ['id', 'name', 'stack', 'service', 'instance', 'type'].some((k) => String(row[k] ?? '').includes(name))
    : text(row[name]).some((v) => value.split('|').some((p) => new RegExp(`^${p.replaceAll('*', '.*')}$`).test(v)));
  return hit !== not;
}

function revisions() {
  return [3, 2, 1].map((number) => ({ number, digest: 'b2:7f3a9c51d2e8', who: { actor: 'user:anna', origin: 'cli', correlation: '' }, at: ago(number === 3 ? 8000 : 400000 / number), succeeded: number !== 2, current: number === 3 }));
}

function log_line(n, at) {
  const samples = [
    '\x1b[32mINFO\x1b[0m  request served path=/api/items status=\x1b[32m200\x1b[0m took=12ms',
    '\x1b[32mINFO\x1b[0m  request served path=/api/items/42 status=\x1b[32m200\x1b[0m took=8ms',
    '\x1b[33mWARN\x1b[0m  slow query took=412ms \x1b[2mselect * from items where owner = $1\x1b[0m',
    '\x1b[36mDEBUG\x1b[0m cache miss key=items:42 <script>alert(1)</script>',
    '\x1b[1;31mERROR\x1b[0m upstream closed the connection, retrying in 200ms (1/3)',
  ];
  const which = n % 11 === 7 ? 4 : n % 5 === 3 ? 2 : n % 4;
  return { time: new Date(at).toISOString(), stream: which === 4 ? 'stderr' : 'stdout', line: `${samples[which % samples.length]} n=${n}` };
}

function fill(tables) {
  const versions = ['0.3.1', '0.3.1', '0.3.0', '0.2.7'];
  for (let n = 1; n <= 4; n += 1) {
    const away = n === 4;
    tables.nodes.push({
      id: randomUUID(), name: `pve${n}`, state: away ? 'lost' : 'online', message: away ? 'no heartbeat for 30 s' : '', cordoned: n === 3, draining: false,
      labels: { zone: n < 3 ? 'a' : 'b' }, version: versions[n - 1], version_match: ['same', 'same', 'patch', 'minor'][n - 1], hostname: `pve${n}.lan`,
      os: 'Debian 12', kernel: '6.1.0-18', arch: 'x86_64', address: `10.0.0.${10 + n}`, level: 'cgroup v2', cpus: 8 * n, memory: 34359738368 * n,
      instances: 0, running: 0, failing: 0, joined_at: ago(900000), connected_at: away ? null : ago(40000), last_seen: ago(away ? 95 : 1),
    });
  }
  for (const [stack, name, count, ports, depends_on] of plan) {
    const job = name === 'migrate';
    tables.services.push({ id: `${stack}/${name}`, name, stack, kind: job ? 'job' : 'service', driver: 'process', state: 'ready', reason: '', desired: count, instances: count, ready: count, failing: 0, nodes: [], ports, restarts: 0, revision: 3, depends_on });
    for (let n = 1; n <= count; n += 1) {
      const node = tables.nodes[(n + name.length) % 4];
      const state = job ? 'completed' : name === 'thumbs' && n === 1 ? 'backoff' : name === 'zigbee' ? 'failed' : node.name === 'pve4' ? 'lost' : name === 'worker' && n === 2 ? 'starting' : 'ready';
      const reason = { backoff: 'exit 1, 3 times', failed: 'gave up after 5 starts in 60 s: exit 1', lost: 'node pve4 is lost', starting: 'waiting for ready: GET /health' }[state] ?? '';
      const up = state === 'ready' || state === 'starting';
      tables.instances.push({
        id: randomUUID(), name: `${name}-${n}`, stack, service: name, kind: job ? 'job' : 'service', index: n - 1, node: node.name, desired: 'run', state, reason, since: ago(300 * n), health: up ? 'healthy' : 'none',
        fresh: node.name !== 'pve4', as_of: node.name === 'pve4' ? ago(95) : null, revision: 3, outdated: false, task: null, task_type: '', pid: up ? 4000 + tables.instances.length * 17 : null, started_at: up ? ago(300 * n) : null,
        ready_at: null, next_try: state === 'backoff' ? ago(-9) : null, restarts: state === 'backoff' ? 3 : state === 'failed' ? 5 : 0, last_exit: up ? '' : 'exit 1', last_lines: up || job ? [] : ['Traceback (most recent call last):', "ConnectionRefusedError: [Errno 111] can't open /dev/ttyUSB0"],
        ports: Object.fromEntries(Object.entries(ports).map(([k, v]) => [k, v + n - 1])), incarnation: 1, epoch: 1,
      });
      const service = tables.services.at(-1);
      if (!service.nodes.includes(node.name)) service.nodes.push(node.name);
      node.instances += 1;
      if (state === 'ready') node.running += 1;
      else if (state !== 'completed') node.failing += 1;
    }
  }
  for (const name of new Set(plan.map(([stack]) => stack))) {
    const own = tables.instances.filter((i) => i.stack === name);
    const failing = own.filter((i) => ['failed', 'backoff', 'lost'].includes(i.state)).length;
    tables.stacks.push({ name, state: failing ? 'degraded' : 'ready', message: failing ? `${failing} of ${own.length} instances are not well` : '', revision: 3, services: new Set(own.map((i) => i.service)).size, instances: own.length, ready: own.length - failing, failing, deployment: null, created_at: ago(500000), updated_at: ago(8000) });
  }
  const states = ['running', 'assigned', 'pending', 'completed', 'failed', 'completed', 'cancelled', 'completed', 'completed', 'completed', 'completed', 'completed'];
  states.forEach((state, n) => {
    const i = tables.instances[(n * 3) % tables.instances.length];
    const done = ['completed', 'failed', 'cancelled'].includes(state);
    const attempt = { number: 1, assigned_at: ago(60 * n + 6), started_at: ago(60 * n + 5), ended_at: state === 'running' ? null : ago(60 * n), outcome: state === 'failed' ? 'attempt_failed' : state === 'completed' ? 'succeed' : '', error: state === 'failed' ? 'port 8080 is held by pid 4711 (nginx)' : '', output: state === 'failed' ? ['bind() to 0.0.0.0:8080 failed (98: Address already in use)'] : [] };
    tables.tasks.push({
      id: randomUUID(), type: pick(['deploy', 'restart', 'update', 'stop']), state, stack: i.stack, service: i.service, instance: i.name, instance_id: i.id, node: i.node, priority: 5, attempt: state === 'pending' ? 0 : 1, max_attempts: 4, progress: state === 'running' ? 40 : 0,
      message: state === 'failed' ? 'port 8080 is held by pid 4711 (nginx)' : state === 'pending' ? 'waits for redis: ready' : state === 'running' ? 'waiting for the process' : '', cancel_requested: false, deployment: null, operation: null, retry_of: null, depends_on: [], actor: pick(['user:anna', 'token:ci', 'system']), origin: 'cli', correlation: '4bf92f3577b34da6a3ce929d0e0e4736', created_at: ago(60 * n + 10), started_at: state === 'pending' ? null : ago(60 * n + 5), finished_at: done ? ago(60 * n) : null, attempts: state === 'pending' ? [] : [attempt],
    });
    if (state === 'running') Object.assign(i, { task: tables.tasks.at(-1).id, task_type: tables.tasks.at(-1).type });
  });
}
