import { DroverRunner } from "./drover_runner.js";
import { asBackendError } from "./failures.js";
import { ProcessRunner } from "./process_runner.js";
import { findProgram, specOf } from "./spec.js";
import type {
  BackendManagerOptions,
  BackendSpec,
  BackendStatus,
  Listener,
  LogStream,
  Report,
  Runner,
} from "./types.js";

export type StatusListener = (status: BackendStatus) => void;
export type LogListener = (stream: LogStream, data: string) => void;

/**
 * Looks after one backend process: environment, readiness by its health check, restarts with an end, a stop that
 * leaves nothing behind, and failures that say what happened.
 *
 * The verbs may be called at any time and any number of times: they run one after the other, and each returns when
 * what it asks for is so. stop() ends a start() that is under way. Failures are BackendError.
 */
export class BackendManager {
  readonly #runner: Runner;
  readonly #statusListeners = new Set<StatusListener>();
  readonly #logListeners = new Set<LogListener>();
  #report: Report = { state: "stopped", restarts: 0 };
  #last: Promise<unknown> = Promise.resolve();
  #starts = new Set<AbortController>();
  #restarting: Promise<void> | undefined;
  #mayLiveOn: boolean;

  constructor(options: BackendManagerOptions) {
    const spec = specOf(options);
    const listener: Listener = {
      report: (report) => this.#take(report),
      log: (stream, data) => tell(this.#logListeners, (one) => one(stream, data)),
    };
    this.#runner = makeRunner(options, spec, listener);
    this.#mayLiveOn = spec.onParentExit === "live";
  }

  /** Which of the two looks after it. */
  get runner(): "drover" | "process" {
    return this.#runner.kind;
  }

  /** Returns when it is healthy; at once when it runs already. */
  start(): Promise<void> {
    const abort = new AbortController();
    this.#starts.add(abort);
    return this.#next(async () => {
      try {
        if (this.#report.state !== "running") await this.#runner.start(abort.signal);
      } finally {
        this.#starts.delete(abort);
      }
    });
  }

  /** Returns when nothing of it runs. */
  stop(): Promise<void> {
    for (const start of this.#starts) start.abort();
    return this.#next(async () => {
      // Before the first verb one may live on from an earlier application.
      if (this.#report.state !== "stopped" || this.#mayLiveOn) await this.#runner.stop();
      this.#mayLiveOn = false;
    });
  }

  /** Returns when a new process is healthy. Called again meanwhile: that is the same restart. */
  restart(): Promise<void> {
    this.#restarting ??= Promise.all([this.stop(), this.start()])
      .then(() => undefined)
      .finally(() => (this.#restarting = undefined));
    return this.#restarting;
  }

  /**
   * For the end of the application: what dies with it is stopped, what lives on is let go. Nothing of this object
   * keeps the process alive afterwards.
   */
  close(): Promise<void> {
    for (const start of this.#starts) start.abort();
    return this.#next(() => this.#runner.close());
  }

  getStatus(): BackendStatus {
    const { state, pid, startedAt, restarts, failure } = this.#report;
    return {
      status: state,
      ...(pid === undefined ? {} : { pid }),
      ...(startedAt === undefined ? {} : { uptime: Math.max(0, Date.now() - startedAt) }),
      ...(failure === undefined ? {} : { lastError: failure.message }),
      restartCount: restarts,
    };
  }

  /** Called after each change. Returns what takes the listener away again. */
  onStatusChangeListener(listener: StatusListener): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  /** Called for each line of output, with its end. Returns what takes the listener away again. */
  onLogListener(listener: LogListener): () => void {
    this.#logListeners.add(listener);
    return () => void this.#logListeners.delete(listener);
  }

  #next<T>(verb: () => Promise<T>): Promise<T> {
    const result = this.#last.then(verb, verb).catch((error: unknown) => {
      throw asBackendError(error);
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  #take(report: Report): void {
    const before = JSON.stringify({ ...this.getStatus(), uptime: undefined });
    this.#report = report;
    const status = this.getStatus();
    if (JSON.stringify({ ...status, uptime: undefined }) === before) return;
    tell(this.#statusListeners, (one) => one(status));
  }
}

/** A listener that throws is its own fault, and nobody else's. */
function tell<T>(listeners: Set<T>, call: (listener: T) => void): void {
  for (const listener of listeners) {
    try {
      call(listener);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}

function makeRunner(options: BackendManagerOptions, spec: BackendSpec, listener: Listener): Runner {
  const wanted = options.runner ?? "auto";
  if (wanted === "process") return new ProcessRunner(spec, listener);
  const drover =
    process.platform === "linux" ? findProgram(options.droverPath ?? "drover", "/", process.env) : undefined;
  if (drover !== undefined) return new DroverRunner(drover, spec, listener);
  if (wanted === "auto") return new ProcessRunner(spec, listener);
  throw new TypeError(
    `BackendManager: runner "drover" needs Linux and the program drover (${options.droverPath ?? "not found in PATH"})`,
  );
}
