// What the backend writes, on its way to the listeners and to the log.
// A backend that dies with us writes into pipes; one that lives on must not lose its reader with us, so it writes
// into files, which are read behind it.
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from "node:fs";
import { join } from "node:path";

import { LineCutter } from "./lines.js";
import type { LogStream } from "./types.js";

export type OnLine = (stream: LogStream, line: string) => void;

const streams = ["stdout", "stderr"] as const;
const logBudget = 10 * 1024 * 1024; // bytes a file; one older file is kept

export function logFolder(stateDirectory: string): string {
  const folder = join(stateDirectory, "logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function moveAway(path: string): void {
  if (existsSync(path)) renameSync(path, `${path}.1`);
}

/** NAME.log: one line each, "<RFC 3339> stdout|stderr F <line>". A disk that refuses costs lines, not the backend. */
export class LogFile {
  readonly #path: string;
  #size: number;

  constructor(stateDirectory: string, name: string) {
    this.#path = join(logFolder(stateDirectory), `${name}.log`);
    this.#size = existsSync(this.#path) ? statSync(this.#path).size : 0;
  }

  write(stream: LogStream, line: string): void {
    const text = `${new Date().toISOString()} ${stream} F ${line.replace(/\r?\n$/, "")}\n`;
    try {
      if (this.#size > logBudget) {
        moveAway(this.#path);
        this.#size = 0;
      }
      appendFileSync(this.#path, text, { mode: 0o600 });
      this.#size += Buffer.byteLength(text);
    } catch {
      // the next line may find room again
    }
  }
}

/** The two files of a backend that lives on. */
export class OutputFiles {
  readonly #paths: Record<LogStream, string>;

  constructor(stateDirectory: string, name: string) {
    const folder = logFolder(stateDirectory);
    this.#paths = { stdout: join(folder, `${name}.stdout`), stderr: join(folder, `${name}.stderr`) };
  }

  /** For a new process. Close them when it has been started. */
  openForWriting(): [number, number] {
    for (const stream of streams) moveAway(this.#paths[stream]);
    return [openSync(this.#paths.stdout, "a", 0o600), openSync(this.#paths.stderr, "a", 0o600)];
  }

  /** From the beginning, or (`fromEnd`) what comes from now on. */
  follow(onLine: OnLine, fromEnd: boolean): OutputReader {
    return new OutputReader(
      streams.map((stream) => new FileTail(this.#paths[stream], fromEnd, (line) => onLine(stream, line))),
    );
  }
}

/** Reads on ten times a second, and at the end once more. */
export class OutputReader {
  readonly #timer = setInterval(() => this.#read(), 100);
  #ended = false;

  constructor(private readonly tails: FileTail[]) {}

  #read(): void {
    for (const tail of this.tails) tail.read();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#read();
    for (const tail of this.tails) tail.end();
  }
}

class FileTail {
  readonly #file: number;
  readonly #cutter: LineCutter;
  readonly #buffer = Buffer.alloc(64 * 1024);
  #at: number;

  constructor(path: string, fromEnd: boolean, onLine: (line: string) => void) {
    this.#file = openSync(path, "a+", 0o600);
    this.#at = fromEnd ? fstatSync(this.#file).size : 0;
    this.#cutter = new LineCutter(onLine);
  }

  read(): void {
    for (;;) {
      const count = readSync(this.#file, this.#buffer, 0, this.#buffer.length, this.#at);
      if (count === 0) break;
      this.#at += count;
      this.#cutter.push(this.#buffer.subarray(0, count));
    }
    if (this.#at <= logBudget) return;
    ftruncateSync(this.#file, 0); // all of it has been read; who writes appends
    this.#at = 0;
  }

  end(): void {
    this.#cutter.end();
    closeSync(this.#file);
  }
}
