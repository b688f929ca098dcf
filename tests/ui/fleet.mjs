// A real hub and real agents on this machine, in a temporary directory, on free ports; ended by pid.
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until `ask` gives something; throws with `what` after `limit` ms. */
export async function until(what, ask, limit = 20_000) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}${last ? ` (${last.message})` : ''}`);
    await pause(100);
  }
}

function free_port() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const lives = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** An agent's keeper outlives it on purpose: its lock file says who it is. */
async function end_keeper(fleet, state) {
  const text = await readFile(join(state, 'keeper.lock'), 'utf8').catch(() => '');
  const pids = text.split(/\s+/).map(Number).filter((pid) => pid > 1 && lives(pid));
  if (pids.length) await fleet.cli_in(state, 'down', '--timeout', '5s').catch(() => {});
  for (const pid of pids.filter(lives)) process.kill(pid, 'SIGTERM');
  await until('the keeper ends', () => !pids.some(lives), 10_000);
}

export class Fleet {
  agents = new Map();
  output = '';

  constructor(bin, dir) {
    this.drover = join(bin, 'drover');
    this.dir = dir;
    this.state = join(dir, 'hub');
    this.log = createWriteStream(join(dir, 'output.log'));
  }

  static async start(bin, nodes) {
    const fleet = new Fleet(bin, await mkdtemp(join(tmpdir(), 'drover-ui-')));
    try {
      await mkdir(fleet.state);
      fleet.port = await free_port();
      await fleet.start_hub();
      for (const node of nodes) await fleet.add_agent(node);
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw new Error(`${error.message}\n${fleet.output.slice(-3000)}`);
    }
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async start_hub() {
    const flags = ['--listen', `127.0.0.1:${this.port}`, '--state', this.state, '--heartbeat', '200ms', '--lost-after', '1500ms'];
    this.hub = this.spawn(['hub', ...flags]);
    await until('the hub answers', async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** The link that the hub printed at its first start. */
  login_link() {
    return until('the hub prints a login link', () => /https?:\/\/\S+#login=[\w.~-]+/.exec(this.output)?.[0]);
  }

  async add_agent(name) {
    const state = join(this.dir, name);
    await mkdir(state);
    const line = (await this.cli('token', 'create')).trim();
    await this.cli_in(state, 'node', 'join', line, '--name', name);
    this.agents.set(name, { state, port: await free_port(), ports: this.next_ports() });
    this.start_agent(name);
    await until(`${name} is online`, async () => (await this.get('node', 'ls')).some((n) => n.name === name && n.state === 'online'));
  }

  /** Each agent has ports of its own to give, since all are on this one machine. */
  next_ports() {
    const first = 21_000 + this.agents.size * 500 + Math.floor(Math.random() * 8) * 1_500;
    return `${first}-${first + 499}`;
  }

  start_agent(name) {
    const agent = this.agents.get(name);
    agent.process = this.spawn(['agent', '--state', agent.state, '--listen', `127.0.0.1:${agent.port}`, '--ports', agent.ports]);
  }

  spawn(args) {
    const child = spawn(this.drover, args, { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    const keep = (data) => {
      this.output = (this.output + data).slice(-100_000);
      this.log.write(data);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.ended = new Promise((resolve) => child.on('exit', resolve));
    return child;
  }

  cli(...args) {
    return this.cli_in(this.state, ...args);
  }
  async cli_in(state, ...args) {
    const { stdout } = await run(this.drover, [...args, '--state', state], { timeout: 60_000 });
    return stdout;
  }
  async get(...args) {
    return JSON.parse(await this.cli(...args, '-o', 'json')).items;
  }

  async apply(name, text) {
    const file = join(this.dir, `${name}.yaml`);
    await writeFile(file, text);
    await this.cli('apply', file, '-d');
  }

  /** Ends a process by its pid: politely, then not. */
  async end(child, signal = 'SIGTERM') {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const gone = await Promise.race([child.ended.then(() => true), pause(15_000)]);
    if (!gone) {
      child.kill('SIGKILL');
      await child.ended;
    }
  }

  /** Stops everything that runs, then agents and hub; nothing is left behind. */
  async stop() {
    try {
      for (const stack of await this.get('stack', 'ls').catch(() => [])) await this.cli('rm', stack.name, '--yes', '--wait').catch(() => {});
      await until('all is gone', async () => (await this.get('ps')).length === 0, 20_000).catch(() => {});
      for (const agent of this.agents.values()) {
        await this.end(agent.process);
        await end_keeper(this, agent.state);
      }
      await this.end(this.hub);
    } finally {
      this.log.end();
      if (process.env.DROVER_UI_KEEP) console.log(`kept: ${this.dir}`);
      else await rm(this.dir, { recursive: true, force: true });
    }
  }
}
