// What the tests stand on: a directory, free ports, real backends, and nothing left behind.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { BackendManager, type BackendManagerOptions, type BackendStatus } from "../src/index.js";

export const root = resolve(fileURLToPath(import.meta.url), "../..");
export const backendProgram = join(root, "tests/programs/backend.py");
const patience = Number(process.env.DROVER_E2E_PATIENCE ?? "1");

/** The folder with drover and drover-keeper. */
export function binaries(): string {
  const given = process.env.DROVER_BIN;
  if (given) return resolve(given);
  for (const preset of ["asan", "dev", "release"]) {
    const folder = resolve(root, "../../build", preset, "bin");
    if (existsSync(join(folder, "drover"))) return folder;
  }
  throw new Error("there is no drover: set DROVER_BIN");
}

export async function freePort(): Promise<number> {
  const probe = net.createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seconds = 20,
): Promise<NonNullable<T>> {
  const end = Date.now() + seconds * 1000 * patience;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(25);
  }
}

/** Runs; a zombie does not. */
export function alive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

export function ask(port: number, path: string, method = "GET"): Promise<{ status: number; body: string }> {
  return new Promise((done, failed) => {
    const request = http.request(
      { host: "127.0.0.1", port, path, method, agent: false, timeout: 5000 },
      (answer) => {
        let body = "";
        answer.on("data", (part: Buffer) => (body += part.toString()));
        answer.on("end", () => done({ status: answer.statusCode ?? 0, body }));
      },
    );
    request.on("error", failed);
    request.end();
  });
}

/** Processes with this text in their environment or command line. */
function processesOf(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) =>
      ["cmdline", "environ"].some((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, "latin1").includes(text);
        } catch {
          return false;
        }
      }),
    )
    .map(Number)
    .filter(alive);
}

/** A directory of its own; end() closes the managers and says what is left. */
export class World {
  readonly base = mkdtempSync(join(tmpdir(), "drover-sdk-"));
  readonly #managers: BackendManager[] = [];

  /** A manager of the test backend. */
  async manager(
    runner: "drover" | "process",
    options: Partial<BackendManagerOptions> = {},
  ): Promise<BackendManager> {
    const manager = new BackendManager(await this.options(runner, options));
    this.#managers.push(manager);
    return manager;
  }

  async options(
    runner: "drover" | "process",
    options: Partial<BackendManagerOptions> = {},
  ): Promise<BackendManagerOptions> {
    return {
      port: options.port ?? (await freePort()),
      runner,
      droverPath: join(binaries(), "drover"),
      stateDirectory: join(this.base, "state"),
      environmentPrefix: "TEST_API",
      development: { command: ["python3", backendProgram], cwd: this.base },
      packaged: false,
      restartDelayMs: 50,
      ...options,
      environment: { WORLD: this.base, ...options.environment },
    };
  }

  starts(path: string): number[] {
    try {
      return readFileSync(path, "utf8").trim().split("\n").map(Number);
    } catch {
      return [];
    }
  }

  /** Of the `drover up` in a state directory. */
  upPid(state = join(this.base, "state")): number {
    return Number.parseInt(readFileSync(join(state, "up.pid"), "utf8"), 10);
  }

  async end(): Promise<void> {
    for (const manager of this.#managers) await manager.close().catch(() => undefined);
    for (const state of readdirSync(this.base))
      if (existsSync(join(this.base, state, "hub.db"))) this.#down(join(this.base, state));
    const left = await this.#left();
    rmSync(this.base, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  }

  #down(state: string): void {
    try {
      execFileSync(join(binaries(), "drover"), ["down", "--state", state], {
        stdio: "ignore",
        timeout: 60_000,
      });
    } catch {
      // nothing runs there
    }
  }

  async #left(): Promise<string[]> {
    for (let tries = 0; tries < 100; ++tries) {
      if (processesOf(this.base).length === 0) return [];
      await sleep(50);
    }
    const left = processesOf(this.base);
    const names = left.map(
      (pid) => `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`,
    );
    for (const pid of left) process.kill(pid, "SIGKILL");
    return names;
  }
}

/** Every word that the status has been. */
export function statesOf(manager: BackendManager): string[] {
  const seen: string[] = [];
  manager.onStatusChangeListener(({ status }: BackendStatus) => {
    if (seen.at(-1) !== status) seen.push(status);
  });
  return seen;
}
