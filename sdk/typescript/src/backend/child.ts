// One process of the backend: begun, or found again; ended with everything that it has started.
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";

import { LastLines, LineCutter } from "./lines.js";
import { LogFile, OutputFiles, type OnLine } from "./output.js";
import { stillRuns } from "./process_identity.js";
import { programOf } from "./spec.js";
import type { BackendSpec, Clock, LogStream } from "./types.js";

const windows = process.platform === "win32";

export interface Exit {
  /** "exit code 3", "signal SIGSEGV", … */
  text: string;
}

/** What a process says, on its way to the listeners; the last of it is kept. */
class Said {
  readonly #errors = new LastLines();
  readonly #all = new LastLines();

  constructor(private readonly onLine: OnLine) {}

  readonly pass = (stream: LogStream, line: string): void => {
    this.#all.push(line);
    if (stream === "stderr") this.#errors.push(line);
    this.onLine(stream, line);
  };

  /** On stderr, or at all when it said nothing there. */
  lastLines(): string[] {
    return this.#errors.all().length > 0 ? this.#errors.all() : this.#all.all();
  }
}

interface Parts {
  pid: number;
  startedAt: number;
  said: Said;
  exited: Promise<Exit>;
  /** Nothing of it keeps this process alive any more. */
  letGo: () => void;
}

/** A process in a group of its own; `exited` when its leader has ended and its output has been read. */
export class Child {
  readonly pid: number;
  /** Date.now() of its start. */
  readonly startedAt: number;
  readonly exited: Promise<Exit>;
  readonly #parts: Parts;
  #hasExited = false;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.pid = parts.pid;
    this.startedAt = parts.startedAt;
    this.exited = parts.exited.then((exit) => {
      this.#hasExited = true;
      return exit;
    });
  }

  /** Throws "Backend executable not found at: …". */
  static start(spec: BackendSpec, onLine: OnLine): Child {
    const file = programOf(spec);
    const said = new Said(onLine);
    return new Child(
      spec.onParentExit === "die" ? startInPipes(spec, file, said) : startInFiles(spec, file, said),
    );
  }

  /** One that lives on from an earlier application: its exit status is lost, its end is not. */
  static adopt(
    spec: BackendSpec,
    known: { pid: number; identity: string; startedAt: number },
    onLine: OnLine,
  ): Child {
    const said = new Said(onLine);
    const reader = new OutputFiles(spec.stateDirectory, spec.name).follow(said.pass, true);
    let timer: NodeJS.Timeout | undefined;
    const exited = new Promise<Exit>((done) => {
      timer = setInterval(() => {
        if (stillRuns(known.pid, known.identity)) return;
        clearInterval(timer);
        reader.end();
        done({ text: "exit status unknown: another application had started it" });
      }, 250);
    });
    const letGo = () => {
      clearInterval(timer);
      reader.end();
    };
    return new Child({ pid: known.pid, startedAt: known.startedAt, said, exited, letGo });
  }

  lastLines(): string[] {
    return this.#parts.said.lastLines();
  }

  /** It goes on without us. */
  letGo(): void {
    this.#parts.letGo();
  }

  /** SIGTERM to it, SIGKILL to all that is left after `graceMs` or, when it has ended, after a moment. */
  async end(graceMs: number, clock: Clock): Promise<void> {
    if (windows) return this.#endOnWindows();
    if (!this.#hasExited) {
      signal(this.pid, "SIGTERM");
      await unlessEnded(this.exited, graceMs, clock);
    }
    if (groupLives(this.pid) && this.#hasExited) {
      signal(-this.pid, "SIGTERM"); // what it has left behind
      for (let waited = 0; waited < 500 && groupLives(this.pid); waited += 20) await realPause(20);
    }
    signal(-this.pid, "SIGKILL");
    await this.exited;
    for (let waited = 0; waited < 5_000 && groupLives(this.pid); waited += 20) await realPause(20);
  }

  /** There is no SIGTERM: the tree is ended at once. */
  async #endOnWindows(): Promise<void> {
    if (this.#hasExited) return;
    await new Promise<void>((done) =>
      spawn("taskkill", ["/PID", String(this.pid), "/T", "/F"], { stdio: "ignore", windowsHide: true })
        .on("error", () => done())
        .on("exit", () => done()),
    );
    await this.exited;
  }
}

const realPause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

function startInPipes(spec: BackendSpec, file: string, said: Said): Parts {
  const log = new LogFile(spec.stateDirectory, spec.name);
  const child = launch(spec, file, "pipe", "pipe");
  for (const stream of ["stdout", "stderr"] as const) {
    const cutter = new LineCutter((line) => {
      log.write(stream, line);
      said.pass(stream, line);
    });
    child[stream]?.on("data", (data: Buffer) => cutter.push(data)).on("close", () => cutter.end());
  }
  return {
    pid: child.pid ?? -1,
    startedAt: Date.now(),
    said,
    exited: endOf(child),
    letGo: () => child.unref(),
  };
}

function startInFiles(spec: BackendSpec, file: string, said: Said): Parts {
  const files = new OutputFiles(spec.stateDirectory, spec.name);
  const [out, err] = files.openForWriting();
  let child: ChildProcess;
  try {
    child = launch(spec, file, out, err);
  } finally {
    closeSync(out);
    closeSync(err);
  }
  const reader = files.follow(said.pass, false);
  const letGo = () => {
    child.unref();
    reader.end();
  };
  return {
    pid: child.pid ?? -1,
    startedAt: Date.now(),
    said,
    exited: endOf(child).finally(() => reader.end()),
    letGo,
  };
}

function launch(spec: BackendSpec, file: string, out: number | "pipe", err: number | "pipe"): ChildProcess {
  return spawn(file, [...spec.args], {
    cwd: spec.cwd,
    env: spec.environment,
    stdio: ["ignore", out, err],
    // A group of its own. On Windows that would take it out of our job, which ends it with us.
    detached: !windows || spec.onParentExit === "live",
    windowsHide: true,
  });
}

/** Output that a grandchild holds open does not delay the end. */
async function endOf(child: ChildProcess): Promise<Exit> {
  const exit = await new Promise<Exit>((done) => {
    child.once("error", (error) => done({ text: error.message }));
    child.once("exit", (code, killed) => done({ text: killed ? `signal ${killed}` : `exit code ${code}` }));
  });
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  await Promise.race([closed, realPause(100)]);
  return exit;
}

async function unlessEnded(exited: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  const enough = new AbortController();
  await Promise.race([exited, clock.sleep(ms, enough.signal)]);
  enough.abort();
}

/** False: there is nothing to signal. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return pid !== 0 && Math.abs(pid) !== 1 && process.kill(pid, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const groupLives = (leader: number) => leader > 1 && signal(-leader, 0);
