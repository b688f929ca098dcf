import type { BackendError } from "./failures.js";

export type BackendState = "stopped" | "starting" | "running" | "stopping" | "error";

export interface BackendStatus {
  status: BackendState;
  pid?: number;
  /** ms since this process was started. */
  uptime?: number;
  /** Of the last failure, since start() or restart() was called; it stays when a restart has helped. */
  lastError?: string;
  /** Automatic restarts since start() or restart() was called. */
  restartCount: number;
}

export type LogStream = "stdout" | "stderr";

/** Time as a parameter: tests do not wait. */
export interface Clock {
  /** ms; only differences mean something. */
  now(): number;
  /** Returns early when `signal` is aborted; never throws. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Program and arguments; no shell. */
export interface BackendCommand {
  command: readonly [string, ...string[]];
  /** Absolute, or below where the application was started. */
  cwd?: string;
}

export interface BackendManagerOptions {
  /** Where the backend listens (127.0.0.1; localhost is taken as that). */
  host?: string;
  port: number;
  apiKey?: string;
  /** http://HOST:PORT/health. Any status from 200 to 399 is good. */
  healthCheckUrl?: string;
  startupTimeoutMs?: number;
  healthCheckIntervalMs?: number;
  /** Within `restartWindowMs`; 0: none. */
  maxRestartAttempts?: number;

  /** Names the backend: production executable, stack, files of state. Letters, digits, "-", "_". */
  name?: string;
  development?: BackendCommand;
  production?: BackendCommand;
  /** Which of the two; without: as Electron says, else development. */
  packaged?: boolean;
  /** Folder with backend/NAME; without: Electron's. */
  resourcesPath?: string;
  /** X: the backend gets X_HOST, X_PORT and X_API_KEY. Without: AUTOMAGIK_OMNI_API_HOST, …_PORT, …_KEY. */
  environmentPrefix?: string;
  environment?: Readonly<Record<string, string>>;
  /** Names of further variables of this process that the backend gets too. */
  inheritEnvironment?: readonly string[];

  /** From SIGTERM to SIGKILL (10,000). */
  stopTimeoutMs?: number;
  /** Before the first restart (1,000); doubles with each, up to 30 s. */
  restartDelayMs?: number;
  /** 600,000. */
  restartWindowMs?: number;
  /** When this process ends, however it does: the backend ends too, or it lives on and is found again. */
  onParentExit?: "die" | "live";

  /** auto: Drover on Linux where it is installed, a plain child process elsewhere. */
  runner?: "auto" | "drover" | "process";
  /** The program `drover`; without: found in PATH. */
  droverPath?: string;
  /** Absolute. Managers with the same one share a `drover up`. Without: one of this name below the user's state folder. */
  stateDirectory?: string;
  clock?: Clock;
}

/** What a runner needs to know: every default filled in. */
export interface BackendSpec {
  name: string;
  host: string;
  port: number;
  file: string;
  args: readonly string[];
  cwd: string;
  environment: Readonly<Record<string, string>>;
  healthCheckUrl: string;
  startupTimeoutMs: number;
  healthCheckIntervalMs: number;
  maxRestartAttempts: number;
  stopTimeoutMs: number;
  restartDelayMs: number;
  restartWindowMs: number;
  onParentExit: "die" | "live";
  stateDirectory: string;
  clock: Clock;
}

/** What a runner sees of the backend. `failure`: why it is not as it should be, or was not before. */
export interface Report {
  state: BackendState;
  pid?: number | undefined;
  /** Date.now() of its start. */
  startedAt?: number | undefined;
  restarts: number;
  failure?: BackendError | undefined;
}

export interface Listener {
  report(report: Report): void;
  /** A line, with its end; the last one of a process may have none. */
  log(stream: LogStream, data: string): void;
}

/** Runs one backend. The manager calls one verb at a time. */
export interface Runner {
  readonly kind: "drover" | "process";
  /** Returns when it is healthy. Throws BackendError, and then nothing of it runs. `signal`: stop trying. */
  start(signal: AbortSignal): Promise<void>;
  /** Returns when nothing of it runs. */
  stop(): Promise<void>;
  /** Lets go: nothing is watched any more. What dies with this process is stopped, what lives on is left. */
  close(): Promise<void>;
}
