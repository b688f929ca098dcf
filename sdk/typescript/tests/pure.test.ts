// What needs no process: commands, texts of other systems, time.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { stackOf } from "../src/backend/drover_runner.js";
import { LineCutter } from "../src/backend/lines.js";
import { listeningInodes, parseLsof, parseNetstat } from "../src/backend/port_holder.js";
import { parseStat } from "../src/backend/process_identity.js";
import { findProgram, specOf } from "../src/backend/spec.js";
import { BackendManager, type Clock } from "../src/index.js";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "drover-sdk-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("what shall run", () => {
  it("has the documented defaults", () => {
    const spec = specOf({ port: 8882, apiKey: "k" });
    expect([spec.file, ...spec.args].join(" ")).toBe(
      "uv run python -m src.cli.main_cli start --host 127.0.0.1 --port 8882",
    );
    expect(spec).toMatchObject({
      healthCheckUrl: "http://127.0.0.1:8882/health",
      startupTimeoutMs: 30_000,
      healthCheckIntervalMs: 10_000,
      maxRestartAttempts: 3,
      stopTimeoutMs: 10_000,
      onParentExit: "die",
      environment: {
        AUTOMAGIK_OMNI_API_HOST: "127.0.0.1",
        AUTOMAGIK_OMNI_API_PORT: "8882",
        AUTOMAGIK_OMNI_API_KEY: "k",
        PYTHONUNBUFFERED: "1",
      },
    });
  });

  it("takes the packaged executable", () => {
    const spec = specOf({ port: 1, packaged: true, resourcesPath: "/app/resources", name: "omni" });
    expect(spec.file).toBe(
      join("/app/resources/backend", process.platform === "win32" ? "omni.exe" : "omni"),
    );
    expect(spec.args).toEqual(["start", "--host", "127.0.0.1", "--port", "1"]);
  });

  it("asks where one can be reached, and never localhost", () => {
    const url = (host: string) => specOf({ port: 1, host }).healthCheckUrl;
    expect(url("localhost")).toBe("http://127.0.0.1:1/health");
    expect(url("0.0.0.0")).toBe("http://127.0.0.1:1/health");
    expect(url("::")).toBe("http://[::1]:1/health");
    expect(specOf({ port: 1, host: "localhost" }).host).toBe("127.0.0.1");
    expect(specOf({ port: 1, healthCheckUrl: "http://localhost:1/x" }).healthCheckUrl).toBe(
      "http://127.0.0.1:1/x",
    );
  });

  it("gives the backend only what is declared", () => {
    process.env.SDK_TEST_SECRET = "s";
    process.env.SDK_TEST_WANTED = "w";
    const { environment } = specOf({
      port: 1,
      environmentPrefix: "P",
      inheritEnvironment: ["SDK_TEST_WANTED"],
      environment: { A: "b" },
    });
    expect(environment).toMatchObject({ P_HOST: "127.0.0.1", P_PORT: "1", SDK_TEST_WANTED: "w", A: "b" });
    expect(environment).not.toHaveProperty("SDK_TEST_SECRET");
    expect(environment).not.toHaveProperty("P_API_KEY");
  });

  it("finds programs as the system does", () => {
    mkdirSync(join(base, "bin"));
    writeFileSync(join(base, "bin/tool"), "");
    const env = { PATH: join(base, "bin") };
    expect(findProgram("tool", base, env)).toBeUndefined(); // not executable
    chmodSync(join(base, "bin/tool"), 0o755);
    expect(findProgram("tool", base, env)).toBe(join(base, "bin/tool"));
    expect(findProgram("./bin/tool", base, {})).toBe(join(base, "bin/tool"));
    expect(findProgram("bin", base, { PATH: base })).toBeUndefined(); // a folder
  });

  it("is a stack in which nothing is filled in", () => {
    const spec = specOf({
      port: 8882,
      apiKey: "a$b{{c}}",
      development: { command: ["x", "${HOME}"], cwd: "/" },
      maxRestartAttempts: 0,
    });
    expect(stackOf(spec, "backend", "/bin/x")).toMatchObject({
      name: "backend",
      services: {
        backend: {
          command: ["/bin/x", "$${HOME}"],
          environment: { AUTOMAGIK_OMNI_API_KEY: "a$$b{{{{c}}" },
          ports: [{ published: 8882 }],
          restart: { policy: "no" },
          stop: { signal: "SIGTERM", grace: "10000ms" },
        },
      },
    });
  });
});

describe("texts of other systems", () => {
  it("reads /proc/net/tcp", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:22B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0",
      "   1: 0100007F:22B2 0100007F:8000 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 100 0",
    ].join("\n");
    expect(listeningInodes(table, 8882)).toEqual(["4711"]);
    expect(listeningInodes(table, 80)).toEqual([]);
  });
  it("reads lsof", () => {
    expect(parseLsof("p4711\ncPython\nf3\n")).toEqual({ pid: 4711, command: "Python" });
    expect(parseLsof("")).toBeUndefined();
  });
  it("reads netstat, in German too", () => {
    const text =
      "\r\nAktive Verbindungen\r\n\r\n  Proto  Lokale Adresse         Remoteadresse          Status           PID\r\n" +
      "  TCP    127.0.0.1:18882        0.0.0.0:0              ABHÖREN          1\r\n" +
      "  TCP    127.0.0.1:8882         0.0.0.0:0              ABHÖREN          4711\r\n" +
      "  TCP    127.0.0.1:8882         127.0.0.1:50000        HERGESTELLT      4712\r\n";
    expect(parseNetstat(text, 8882)).toBe(4711);
    expect(parseNetstat(text, 80)).toBeUndefined();
  });
  it("reads /proc/PID/stat, whatever the name", () => {
    const rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
    expect(parseStat(`7 (a) Z (b) S ${rest}`)).toBe("4242");
    expect(parseStat(`7 (a) Z ${rest}`)).toBeUndefined();
  });
  it("cuts lines, characters whole", () => {
    const lines: string[] = [];
    const cutter = new LineCutter((line) => lines.push(line));
    const bytes = Buffer.from("eins\nzwei ü\r\n\ndrei");
    for (const byte of bytes) cutter.push(Buffer.from([byte]));
    cutter.end();
    expect(lines).toEqual(["eins\n", "zwei ü\r\n", "\n", "drei"]);
    cutter.push(Buffer.from("x".repeat(70_000)));
    expect(lines).toHaveLength(5);
  });
});

/** Sleeps pass at once; time is what has been slept. */
class FastClock implements Clock {
  slept: number[] = [];
  #now = 0;
  now = () => this.#now;
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((done) => setImmediate(done));
    if (signal?.aborted) return;
    this.#now += ms;
    this.slept.push(ms);
  }
}

describe.skipIf(process.platform === "win32")("time", () => {
  const options = (clock: Clock, port: number) =>
    ({
      port,
      clock,
      runner: "process",
      packaged: false,
      stateDirectory: base,
      development: { command: ["/bin/sleep", "1000"], cwd: base },
    }) as const;

  it("waits 30 s for health without taking them", async () => {
    const clock = new FastClock();
    const manager = new BackendManager(options(clock, 1)); // nobody listens on 1
    await expect(manager.start()).rejects.toMatchObject({
      summary: "Backend did not become healthy within 30000ms",
    });
    expect(clock.now()).toBeGreaterThanOrEqual(30_000);
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(10_000);
  });

  it("looks every 10 s and restarts after three bad looks, 1 s later", async () => {
    const server = http.createServer((_, answer) => answer.writeHead(looks++ < 2 ? 200 : 500).end());
    let looks = 0;
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const health = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const clock = new FastClock();
    const manager = new BackendManager({
      ...options(clock, 1),
      healthCheckUrl: health,
      maxRestartAttempts: 1,
    });
    const ended = new Promise<void>(
      (done) => void manager.onStatusChangeListener(({ status }) => status === "error" && done()),
    );
    await manager.start();
    await ended;
    expect(clock.slept.slice(0, 4)).toEqual([10_000, 10_000, 10_000, 10_000]); // one good look, three bad ones
    expect(clock.slept).toContain(1_000);
    expect(manager.getStatus()).toMatchObject({ status: "error", restartCount: 1 });
    expect(manager.getStatus().lastError).toContain("Max restart attempts reached, giving up");
    await manager.close();
    server.close();
  });
});
