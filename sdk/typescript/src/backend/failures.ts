/** What went wrong, for programs. */
export type BackendErrorCode =
  | "executable_not_found"
  | "not_healthy_in_time"
  | "exited_before_healthy"
  | "restart_limit"
  | "port_in_use"
  | "exited"
  | "unhealthy"
  | "start_cancelled"
  | "owned_by_other"
  | "runner_failed";

/** `message`: its first line is the name of the failure; the lines after it say more (exit status, last output). */
export class BackendError extends Error {
  override readonly name = "BackendError";

  constructor(
    readonly code: BackendErrorCode,
    readonly summary: string,
    readonly details: readonly string[] = [],
  ) {
    super([summary, ...details].join("\n"));
  }

  /** The same failure, with more to say. */
  with(details: readonly string[]): BackendError {
    return new BackendError(this.code, this.summary, [...this.details, ...details]);
  }
}

export interface Holder {
  pid: number;
  command: string;
}

export const holderText = (holder: Holder) => `held by pid ${holder.pid} (${holder.command})`;

export const failures = {
  executableNotFound: (path: string) =>
    new BackendError("executable_not_found", `Backend executable not found at: ${path}`),
  notHealthyInTime: (ms: number, details: readonly string[]) =>
    new BackendError("not_healthy_in_time", `Backend did not become healthy within ${ms}ms`, details),
  exitedBeforeHealthy: (details: readonly string[]) =>
    new BackendError("exited_before_healthy", "Backend process exited before becoming healthy", details),
  restartLimit: (details: readonly string[]) =>
    new BackendError("restart_limit", "Max restart attempts reached, giving up", details),
  portInUse: (port: number, who: string) =>
    new BackendError("port_in_use", `Port ${port} is already in use`, [who]),
  exited: (details: readonly string[]) => new BackendError("exited", "Backend process exited", details),
  unhealthy: (detail: string) =>
    new BackendError("unhealthy", "Backend does not answer its health check", [detail]),
  startCancelled: () => new BackendError("start_cancelled", "Backend was stopped before it became healthy"),
  ownedByOther: (pid: number) =>
    new BackendError("owned_by_other", `Backend is looked after by another application (pid ${pid})`),
  runnerFailed: (details: readonly string[]) =>
    new BackendError("runner_failed", "Backend cannot be looked after", details),
};

/** Anything that was thrown, as a failure with a name. */
export function asBackendError(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  return failures.runnerFailed([error instanceof Error ? error.message : String(error)]);
}
