// The backend as a plain child process: macOS, Windows, and Linux without Drover.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Child } from "./child.js";
import { asBackendError, failures, type BackendError } from "./failures.js";
import { Guard } from "./guard.js";
import { lookAtHealth } from "./health.js";
import { describeHolder, portIsTaken } from "./port_holder.js";
import { identityOf } from "./process_identity.js";
import type { BackendSpec, Listener, Runner } from "./types.js";

const healthTimeout = 5_000;
const badLooks = 3; // in a row: it hangs
const longestDelay = 30_000;

/** Of the last process, so that a later application finds it. */
interface Known {
  pid: number;
  identity: string;
  startedAt: number;
  digest: string;
  /** The application that has started it or found it. */
  owner: { pid: number; identity: string | undefined };
}

export class ProcessRunner implements Runner {
  readonly kind = "process";
  readonly #spec: BackendSpec;
  readonly #listener: Listener;
  readonly #digest: string;
  #child: Child | undefined;
  #guard: Guard | undefined;
  #life = new AbortController(); // of what was started by hand
  #watching: Promise<void> = Promise.resolve();
  #restarts = 0;
  #recent: number[] = []; // automatic restarts within the window
  #failure: BackendError | undefined;

  constructor(spec: BackendSpec, listener: Listener) {
    this.#spec = spec;
    this.#listener = listener;
    const { clock: _, ...rest } = spec;
    this.#digest = createHash("sha256").update(JSON.stringify(rest)).digest("hex");
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#life = new AbortController();
    this.#restarts = 0;
    this.#recent = [];
    this.#failure = undefined;
    this.#report("starting");
    mkdirSync(this.#spec.stateDirectory, { recursive: true, mode: 0o700 });
    const either = AbortSignal.any([signal, this.#life.signal]);
    try {
      if (!(await this.#foundAgain())) {
        if (await this.#portTaken())
          throw failures.portInUse(this.#spec.port, await describeHolder(this.#spec.port));
        this.#launch();
      }
      await this.#untilHealthy(either);
    } catch (error) {
      await this.#endChild();
      this.#failure = asBackendError(error);
      this.#report("error");
      throw this.#failure;
    }
    this.#report("running");
    this.#watching = this.#watch(this.#life.signal).catch((error: unknown) => {
      this.#failure = asBackendError(error);
      this.#report("error");
    });
  }

  async stop(): Promise<void> {
    this.#life.abort();
    this.#report("stopping");
    if (!this.#child) await this.#foundAgain();
    await this.#endChild();
    await this.#watching;
    this.#report("stopped");
  }

  async close(): Promise<void> {
    if (this.#spec.onParentExit === "die") return this.#child ? this.stop() : undefined;
    this.#life.abort();
    await this.#watching;
    this.#child?.letGo();
  }

  // ---- one process

  #launch(): void {
    const child = Child.start(this.#spec, (stream, line) => this.#listener.log(stream, line));
    this.#child = child;
    if (this.#spec.onParentExit === "die") this.#guard = new Guard(child.pid, this.#spec.stopTimeoutMs);
    const identity = identityOf(child.pid);
    if (identity !== undefined) this.#remember({ pid: child.pid, identity, startedAt: child.startedAt });
    this.#report("starting");
  }

  async #endChild(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    await child.end(this.#spec.stopTimeoutMs, this.#spec.clock);
    if (this.#child !== child) return; // a newer one is not ours to forget
    this.#child = undefined;
    this.#guard?.dismiss();
    this.#guard = undefined;
    rmSync(this.#recordPath(), { force: true });
  }

  /** Throws: it exited, it did not become healthy in time, or `signal`. */
  async #untilHealthy(signal: AbortSignal): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const { clock, startupTimeoutMs, healthCheckUrl } = this.#spec;
    const until = clock.now() + startupTimeoutMs;
    const ended = child.exited.then((exit) => ({ exit }));
    let pause = 50;
    for (;;) {
      const left = Math.max(1, until - clock.now());
      const seen = await Promise.race([ended, lookAtHealth(healthCheckUrl, Math.min(healthTimeout, left))]);
      if (signal.aborted) throw failures.startCancelled();
      if (typeof seen === "object")
        throw failures.exitedBeforeHealthy([seen.exit.text, ...child.lastLines()]);
      if (seen === undefined) return;
      if (clock.now() >= until)
        throw failures.notHealthyInTime(startupTimeoutMs, await this.#whyNotHealthy(seen, child));
      await Promise.race([ended, clock.sleep(pause, signal)]);
      pause = Math.min(pause * 2, 500);
    }
  }

  async #whyNotHealthy(seen: string, child: Child): Promise<string[]> {
    const taken = await this.#portTaken();
    const port = taken ? await describeHolder(this.#spec.port) : "nobody listens there";
    return [`last look: ${seen}`, `port ${this.#spec.port}: ${port}`, ...child.lastLines()];
  }

  // ---- while it runs

  /** Until it is stopped by hand, or given up. */
  async #watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      const why = await this.#untilBad(signal);
      if (!why) return;
      this.#failure = why;
      if (!(await this.#bringBack(signal))) return;
      this.#report("running");
    }
  }

  /** Why it may not stay as it is; undefined: `signal`. */
  async #untilBad(signal: AbortSignal): Promise<BackendError | undefined> {
    const child = this.#child;
    if (!child) return undefined;
    const ended = child.exited.then((exit) => failures.exited([exit.text, ...child.lastLines()]));
    for (let bad = 0; ;) {
      const early = new AbortController();
      const either = AbortSignal.any([signal, early.signal]);
      const exited = await Promise.race([
        ended,
        this.#spec.clock.sleep(this.#spec.healthCheckIntervalMs, either),
      ]);
      early.abort();
      if (signal.aborted) return undefined;
      if (exited) return exited;
      const seen = await lookAtHealth(this.#spec.healthCheckUrl, healthTimeout);
      bad = seen === undefined ? 0 : bad + 1;
      if (seen !== undefined && bad >= badLooks) return failures.unhealthy(`${bad} times in a row: ${seen}`);
    }
  }

  /** True: it is healthy again. */
  async #bringBack(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      await this.#endChild();
      if (signal.aborted) return false;
      if (!this.#mayRestart()) return this.#giveUp();
      const delay = Math.min(longestDelay, this.#spec.restartDelayMs * 2 ** (this.#recent.length - 1));
      this.#report("starting");
      await this.#spec.clock.sleep(delay, signal);
      await this.#untilPortIsFree(signal);
      if (signal.aborted) return false;
      try {
        this.#launch();
        await this.#untilHealthy(signal);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        this.#failure = asBackendError(error);
      }
    }
  }

  /** Counts one more; false: there have been enough. */
  #mayRestart(): boolean {
    const { clock, maxRestartAttempts, restartWindowMs } = this.#spec;
    const now = clock.now();
    this.#recent = this.#recent.filter((at) => now - at < restartWindowMs);
    if (this.#recent.length >= maxRestartAttempts) return false;
    this.#recent.push(now);
    this.#restarts += 1;
    return true;
  }

  #giveUp(): false {
    const last = this.#failure;
    this.#failure = failures.restartLimit([
      `${this.#recent.length} restarts within ${this.#spec.restartWindowMs / 1000} s`,
      ...(last ? [`last: ${last.summary}`, ...last.details] : []),
    ]);
    this.#report("error");
    return false;
  }

  /** A stranger on the port costs no restart. */
  async #untilPortIsFree(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#portTaken())) {
      this.#failure = failures.portInUse(this.#spec.port, await describeHolder(this.#spec.port));
      this.#report("starting");
      await this.#spec.clock.sleep(this.#spec.restartDelayMs, signal);
    }
  }

  // ---- what an earlier application has left

  /** True: it lives on, as this one would have started it. Anything else of ours is ended. */
  async #foundAgain(): Promise<boolean> {
    const known = this.#recall();
    if (!known || identityOf(known.pid) !== known.identity) return false;
    const { owner } = known;
    if (owner.pid !== process.pid && identityOf(owner.pid) === owner.identity)
      throw failures.ownedByOther(owner.pid);
    this.#child = Child.adopt(this.#spec, known, (stream, line) => this.#listener.log(stream, line));
    if (this.#spec.onParentExit === "live" && known.digest === this.#digest) {
      this.#remember(known);
      this.#report("starting");
      return true;
    }
    await this.#endChild();
    return false;
  }

  #recordPath(): string {
    return join(this.#spec.stateDirectory, `${this.#spec.name}.process.json`);
  }

  #remember({ pid, identity, startedAt }: Pick<Known, "pid" | "identity" | "startedAt">): void {
    const owner = { pid: process.pid, identity: identityOf(process.pid) };
    const known: Known = { pid, identity, startedAt, digest: this.#digest, owner };
    writeFileSync(this.#recordPath(), JSON.stringify(known), { mode: 0o600 });
  }

  #recall(): Known | undefined {
    try {
      const value = JSON.parse(readFileSync(this.#recordPath(), "utf8")) as Partial<Known>;
      const whole = typeof value.pid === "number" && typeof value.identity === "string" && value.owner;
      return whole ? (value as Known) : undefined;
    } catch {
      return undefined;
    }
  }

  // ----

  #portTaken(): Promise<boolean> {
    return portIsTaken(this.#spec.host, this.#spec.port);
  }

  #report(state: "stopped" | "starting" | "running" | "stopping" | "error"): void {
    this.#listener.report({
      state,
      pid: this.#child?.pid,
      startedAt: this.#child?.startedAt,
      restarts: this.#restarts,
      failure: this.#failure,
    });
  }
}
