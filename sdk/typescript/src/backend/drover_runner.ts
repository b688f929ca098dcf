// The backend as a service of Drover: it survives the death of each of Drover's processes, and stopped means that
// nothing of it is left, not even what it has put behind.
import type { DroverClient, FollowOptions } from "../client/client.js";
import { DroverError } from "../client/errors.js";
import type { Instance } from "../client/types.js";
import { hostAt, type DroverHost } from "./drover_host.js";
import { asBackendError, failures, type BackendError } from "./failures.js";
import { describeHolder } from "./port_holder.js";
import { programOf } from "./spec.js";
import type { BackendSpec, BackendState, Listener, Runner } from "./types.js";

const lookEvery = 100; // ms, while a verb waits
const stopMargin = 15_000;

export class DroverRunner implements Runner {
  readonly kind = "drover";
  readonly #spec: BackendSpec;
  readonly #listener: Listener;
  readonly #host: DroverHost;
  readonly #name: string;
  #following: AbortController | undefined;
  #loops: Promise<unknown> = Promise.resolve();
  #inVerb = false;
  #startedRestarts = 0; // what the instance had counted when it was started by hand
  #restarts = 0;
  #failure: BackendError | undefined;
  #idle = true;
  #givenUp: Promise<unknown> | undefined; // Drover would try again some minutes later: it is told to stop

  constructor(program: string, spec: BackendSpec, listener: Listener) {
    this.#spec = spec;
    this.#listener = listener;
    this.#name = spec.name.toLowerCase().replaceAll("_", "-");
    this.#host = hostAt(program, spec.stateDirectory, spec.onParentExit, this);
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#inVerb = true;
    await this.#endGivingUp();
    this.#restarts = 0;
    this.#failure = undefined;
    this.#report("starting");
    try {
      const file = programOf(this.#spec);
      await this.#host.ensure();
      this.#idle = false;
      const ready = await this.#startAndWait(file, signal);
      this.#startedRestarts = ready.restarts;
      this.#report("running", ready);
    } catch (error) {
      this.#failure = asBackendError(error);
      if (!this.#idle) await this.#stopAndWait().catch(() => undefined); // the first failure is the one to tell
      this.#report("error");
      throw this.#failure;
    } finally {
      this.#inVerb = false;
    }
    await this.#lookAgain().catch(() => undefined); // what came while nobody listened; the next event tells it too
  }

  async stop(): Promise<void> {
    this.#inVerb = true;
    await this.#endGivingUp();
    this.#report("stopping");
    try {
      if (!this.#idle || this.#host.runs) {
        await this.#host.ensure();
        await this.#stopAndWait();
      }
      this.#report("stopped");
    } finally {
      this.#inVerb = false;
    }
  }

  async close(): Promise<void> {
    if (this.#spec.onParentExit === "die" && !this.#idle) await this.stop();
    this.#following?.abort();
    await this.#loops;
    await this.#host.release(this, this.#idle);
  }

  // ---- verbs

  get #client(): DroverClient {
    return this.#host.client;
  }

  async #startAndWait(file: string, signal: AbortSignal): Promise<Instance> {
    const { clock, startupTimeoutMs } = this.#spec;
    const before = await this.#look();
    const position = await this.#client.position(signal);
    await this.#client.apply(this.#name, stackOf(this.#spec, this.#name, file));
    await this.#client.post("/services/{stack}/{service}/start", { path: this.#path() });
    this.#follow(position);
    const until = clock.now() + startupTimeoutMs;
    for (;;) {
      const seen = await this.#look();
      if (signal.aborted) throw failures.startCancelled();
      if (seen && isWell(seen)) return seen;
      if (seen) this.#report("starting", seen);
      if (seen) throwIfFailed(this.#spec, seen, before);
      if (clock.now() >= until) throw await this.#late(seen);
      await clock.sleep(lookEvery, signal);
    }
  }

  async #late(seen: Instance | undefined): Promise<BackendError> {
    const lines = [];
    for await (const line of this.#client.logs({ instance: this.#instance(), tail: 10 }))
      lines.push(line.line);
    const port = `port ${this.#spec.port}: ${await describeHolder(this.#spec.port)}`;
    return failures.notHealthyInTime(this.#spec.startupTimeoutMs, [
      `last look: ${seen?.reason || "none"}`,
      port,
      ...lines,
    ]);
  }

  async #stopAndWait(): Promise<void> {
    const { clock, stopTimeoutMs } = this.#spec;
    if (!(await this.#look())) return;
    await this.#client.post("/services/{stack}/{service}/stop", { path: this.#path() });
    const until = clock.now() + stopTimeoutMs + stopMargin;
    for (;;) {
      const seen = await this.#look();
      if (!seen || (seen.desired !== "run" && ["stopped", "failed", "completed"].includes(seen.state))) break;
      if (clock.now() >= until)
        throw failures.runnerFailed([`it does not end: ${seen.state} ${seen.reason}`]);
      await clock.sleep(lookEvery);
    }
    this.#idle = true;
  }

  // ---- what is

  #path(): { stack: string; service: string } {
    return { stack: this.#name, service: this.#name };
  }

  #instance(): string {
    return `${this.#name}:${this.#name}-1`;
  }

  async #look(): Promise<Instance | undefined> {
    try {
      return await this.#client.get("/instances/{id}", { path: { id: this.#instance() } });
    } catch (error) {
      if (error instanceof DroverError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Once: events and logs, until close(). Where `drover up` has died it is begun again; the backend goes on. */
  #follow(position: string): void {
    if (this.#following) return;
    const following = new AbortController();
    this.#following = following;
    const options = {
      signal: following.signal,
      onDisconnect: async () => {
        if (following.signal.aborted || this.#idle) return;
        await this.#host.ensure().catch((error: BackendError) => {
          if (error.code === "owned_by_other") throw error; // else the next try comes by itself
        });
      },
    };
    const since = new Date().toISOString();
    const failed = (error: unknown) => {
      if (following.signal.aborted) return;
      this.#following = undefined; // the next start() begins anew
      this.#failure = asBackendError(error);
      this.#report("error");
    };
    this.#loops = Promise.all([
      this.#followEvents({ ...options, since: position }).catch(failed),
      this.#followLogs({ ...options, since }).catch(failed),
    ]);
  }

  async #followEvents(options: FollowOptions & { since: string }): Promise<void> {
    for await (const event of this.#client.events(options))
      if (event.stack === this.#name && !this.#inVerb && !this.#givenUp) await this.#lookAgain();
  }

  async #lookAgain(): Promise<void> {
    const seen = await this.#look();
    if (!seen || this.#inVerb || this.#givenUp) return;
    this.#judge(seen);
    if (stateOf(seen) === "error") this.#givenUp = this.#stopAndWait().catch(() => undefined);
  }

  async #endGivingUp(): Promise<void> {
    await this.#givenUp;
    this.#givenUp = undefined;
  }

  async #followLogs(options: FollowOptions & { since: string }): Promise<void> {
    for await (const line of this.#client.logs({ ...options, instance: this.#instance(), follow: true }))
      this.#listener.log(line.stream, `${line.line}\n`);
  }

  /** What has happened by itself. */
  #judge(seen: Instance): void {
    const words = [seen.last_exit, ...seen.last_lines].filter(Boolean);
    if (seen.restarts < this.#startedRestarts) this.#startedRestarts = 0;
    this.#restarts = seen.restarts - this.#startedRestarts;
    const state = stateOf(seen);
    if (state === "error") this.#failure = this.#whyGivenUp([seen.reason, ...words]);
    else if (seen.state === "waiting" && isPortTrouble(seen))
      this.#failure = failures.portInUse(this.#spec.port, seen.reason);
    else if (seen.state === "backoff" || seen.state === "unhealthy")
      this.#failure = seen.reason.startsWith("unhealthy")
        ? failures.unhealthy(seen.reason)
        : failures.exited(words);
    this.#report(state, seen);
  }

  /** Some ends are not tried again at all: what cannot be executed, say. */
  #whyGivenUp(words: string[]): BackendError {
    return this.#restarts >= this.#spec.maxRestartAttempts
      ? failures.restartLimit(words)
      : failures.exited(words);
  }

  #report(state: BackendState, seen?: Instance): void {
    const lives = seen?.pid !== undefined && state !== "stopped" && state !== "error";
    this.#listener.report({
      state,
      pid: lives ? seen.pid : undefined,
      startedAt: lives && seen.started_at !== undefined ? Date.parse(seen.started_at) : undefined,
      restarts: this.#restarts,
      failure: this.#failure,
    });
  }
}

// ---- pure

function isWell(seen: Instance): boolean {
  return seen.state === "ready" && seen.desired === "run" && !seen.outdated;
}

const isPortTrouble = (seen: Instance) => /^port \d+/.test(seen.reason);

function throwIfFailed(spec: BackendSpec, seen: Instance, before: Instance | undefined): void {
  if (seen.state === "waiting" && isPortTrouble(seen)) throw failures.portInUse(spec.port, seen.reason);
  if (before && seen.incarnation <= before.incarnation) return; // nothing new has been tried yet
  if (seen.state !== "backoff" && seen.state !== "failed") return;
  throw failures.exitedBeforeHealthy([seen.last_exit || seen.reason, ...seen.last_lines]);
}

function stateOf(seen: Instance): BackendState {
  switch (seen.state) {
    case "ready":
    case "unhealthy": // does not answer now: not the same as down
      return "running";
    case "failed":
      return "error";
    case "stopping":
    case "stuck":
      return "stopping";
    case "stopped":
    case "completed":
      return "stopped";
    default:
      return "starting";
  }
}

/** Neither a variable of the reader's nor a placeholder of the host's. */
const literal = (text: string) => text.replaceAll("$", "$$$$").replaceAll("{{", "{{{{");
const ms = (value: number) => `${Math.ceil(value)}ms`;

/** One service, as a stack file says it. */
export function stackOf(spec: BackendSpec, name: string, file: string): object {
  const look = { http: literal(spec.healthCheckUrl), timeout: "5s" };
  const service = {
    command: [file, ...spec.args].map(literal),
    working_dir: literal(spec.cwd),
    environment: Object.fromEntries(
      Object.entries(spec.environment).map(([key, value]) => [key, literal(value)]),
    ),
    ports: [{ name: "http", published: spec.port }],
    probes: {
      start: { ...look, interval: "500ms" },
      live: { ...look, interval: ms(spec.healthCheckIntervalMs), failures: 3 },
      // The manager is earlier where somebody waits; this is for restarts.
      start_timeout: ms(spec.startupTimeoutMs + 2_000),
    },
    restart:
      spec.maxRestartAttempts === 0
        ? { policy: "no" }
        : {
            policy: "always",
            backoff: `${ms(spec.restartDelayMs)}..${ms(Math.max(30_000, spec.restartDelayMs))}`,
            give_up: `${spec.maxRestartAttempts} in ${ms(spec.restartWindowMs)}`,
          },
    stop: { signal: "SIGTERM", grace: ms(spec.stopTimeoutMs) },
  };
  return { name, services: { [name]: service } };
}
