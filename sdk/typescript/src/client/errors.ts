/** One fault of the input: where, and what to do. */
export interface ProblemPlace {
  path?: string;
  line?: number;
  column?: number;
  message: string;
  hint?: string;
}

/** What the hub said no with (RFC 9457), or why it could not be asked (`status` 0). */
export class DroverError extends Error {
  override readonly name = "DroverError";

  constructor(
    /** HTTP status; 0: no answer. */
    readonly status: number,
    /** The hub's word for it: not_found, conflict, …; unreachable or timeout when there was no answer. */
    readonly code: string,
    message: string,
    /** What to do about it; empty when the hub has no advice. */
    readonly hint = "",
    readonly errors: readonly ProblemPlace[] = [],
  ) {
    super(message);
  }

  static fromAnswer(status: number, body: string): DroverError {
    const problem = parse(body);
    const text = [problem.title, problem.detail].filter(Boolean).join(": ") || `status ${status}`;
    return new DroverError(
      status,
      problem.code ?? "internal",
      text,
      problem.hint ?? "",
      problem.errors ?? [],
    );
  }

  static unreachable(cause: Error): DroverError {
    const timeout = cause.name === "TimeoutError";
    const error = new DroverError(0, timeout ? "timeout" : "unreachable", cause.message);
    error.cause = cause;
    return error;
  }
}

interface Problem {
  title?: string;
  detail?: string;
  code?: string;
  hint?: string;
  errors?: ProblemPlace[];
}

function parse(body: string): Problem {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // a proxy's page, say
  }
  return { detail: body.slice(0, 200) };
}
