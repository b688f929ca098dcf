// Both runners give the same answers.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { BackendError, callBackend, registerBackendIpc } from "../src/index.js";
import { alive, ask, freePort, statesOf, until, World } from "./world.js";

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

async function failureOf(promise: Promise<unknown>): Promise<BackendError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BackendError);
  return error as BackendError;
}

describe.each(["drover", "process"] as const)("BackendManager, runner %s", (runner) => {
  it("starts, restarts and stops, and says so", async () => {
    const port = await freePort();
    const manager = await world.manager(runner, { port, apiKey: "k-1$x{{y" });
    const states = statesOf(manager);
    expect(manager.runner).toBe(runner);
    expect(manager.getStatus()).toEqual({ status: "stopped", restartCount: 0 });

    await manager.start();
    const first = manager.getStatus();
    expect(first).toMatchObject({ status: "running", restartCount: 0 });
    expect(first.lastError).toBeUndefined();
    expect(alive(first.pid)).toBe(true);
    expect(first.uptime).toBeGreaterThanOrEqual(0);
    const env = JSON.parse((await ask(port, "/env")).body) as Record<string, string>;
    expect(env).toMatchObject({
      TEST_API_HOST: "127.0.0.1",
      TEST_API_PORT: String(port),
      TEST_API_API_KEY: "k-1$x{{y",
      PYTHONUNBUFFERED: "1",
    });
    await manager.start(); // it runs already
    expect(manager.getStatus().pid).toBe(first.pid);

    await manager.restart();
    const second = manager.getStatus();
    expect(second).toMatchObject({ status: "running", restartCount: 0 });
    expect(second.pid).not.toBe(first.pid);
    expect(alive(first.pid)).toBe(false);

    await manager.stop();
    expect(manager.getStatus()).toEqual({ status: "stopped", restartCount: 0 });
    expect(alive(second.pid)).toBe(false);
    await manager.stop();
    expect(states).toEqual([
      "starting",
      "running",
      "stopping",
      "stopped",
      "starting",
      "running",
      "stopping",
      "stopped",
    ]);
  });

  it("gives stdout and stderr to the listeners, across restarts", async () => {
    const port = await freePort();
    const manager = await world.manager(runner, { port });
    const heard: string[] = [];
    const off = manager.onLogListener((stream, data) => heard.push(`${stream}: ${data}`));
    manager.onLogListener(() => {
      throw new Error("a listener's own fault");
    });
    await manager.start();
    await ask(port, "/say/hello", "POST");
    await until(
      "both streams",
      () => heard.includes("stdout: hello\n") && heard.includes("stderr: hello on stderr\n"),
    );
    await manager.restart();
    await ask(port, "/say/again", "POST");
    await until("the next process too", () => heard.includes("stdout: again\n"));
    expect(heard.filter((line) => line.includes("listening on"))).toHaveLength(2);
    off();
  });

  it("restarts after a crash three times, then gives up and says why", async () => {
    const port = await freePort();
    const starts = join(world.base, "starts");
    const manager = await world.manager(runner, { port, environment: { BACKEND_STARTS: starts } });
    const states = statesOf(manager);
    await manager.start();
    for (let count = 1; count <= 3; ++count) {
      await ask(port, "/exit/7", "POST");
      await until(
        `restart ${count}`,
        () => manager.getStatus().status === "running" && manager.getStatus().restartCount === count,
      );
      expect(manager.getStatus().lastError).toMatch(/^Backend process exited\n(.*\n)*.*leaving with 7/);
      expect(alive(manager.getStatus().pid)).toBe(true);
    }
    await ask(port, "/exit/7", "POST");
    await until("it gives up", () => manager.getStatus().status === "error");
    const status = manager.getStatus();
    expect(status.restartCount).toBe(3);
    expect(status.lastError?.split("\n")[0]).toBe("Max restart attempts reached, giving up");
    expect(status.lastError).toContain("leaving with 7");
    expect(status.pid).toBeUndefined();
    expect(world.starts(starts)).toHaveLength(4);

    await manager.start(); // by hand everything begins anew
    expect(manager.getStatus()).toMatchObject({ status: "running", restartCount: 0 });
    expect(manager.getStatus().lastError).toBeUndefined();
    await ask(port, "/exit/7", "POST");
    await until(
      "it is restarted again",
      () => manager.getStatus().status === "running" && manager.getStatus().restartCount === 1,
    );
    expect(states.slice(0, 7)).toEqual([
      "starting",
      "running",
      "starting",
      "running",
      "starting",
      "running",
      "starting",
    ]);
  });

  it("gives up when restarts do not help", async () => {
    const port = await freePort();
    const dies = join(world.base, "dies");
    const manager = await world.manager(runner, { port, environment: { BACKEND_DIES: dies } });
    await manager.start();
    writeFileSync(dies, "");
    await ask(port, "/exit/1", "POST");
    await until("it gives up", () => manager.getStatus().status === "error");
    const status = manager.getStatus();
    expect(status).toMatchObject({ restartCount: 3 });
    expect(status.lastError).toMatch(/^Max restart attempts reached, giving up\n/);
  });

  it("takes a backend that hangs for one that has crashed", async () => {
    const port = await freePort();
    const manager = await world.manager(runner, { port, healthCheckIntervalMs: 100 });
    await manager.start();
    const { pid } = manager.getStatus();
    await ask(port, "/sick", "POST");
    await until(
      "another process",
      () => manager.getStatus().status === "running" && manager.getStatus().restartCount === 1,
    );
    expect(manager.getStatus().pid).not.toBe(pid);
    expect(manager.getStatus().lastError).toMatch(/^Backend does not answer its health check\n(.*\n)*.*503/);
  });

  it("names an executable that is not there", async () => {
    const resources = join(world.base, "resources");
    const manager = await world.manager(runner, {
      packaged: true,
      resourcesPath: resources,
      name: "my-backend",
    });
    const error = await failureOf(manager.start());
    expect(error.code).toBe("executable_not_found");
    expect(error.message).toBe(
      `Backend executable not found at: ${join(resources, "backend", "my-backend")}`,
    );
    expect(manager.getStatus()).toEqual({ status: "error", lastError: error.message, restartCount: 0 });
    expect(await callBackend(manager, "start")).toEqual({ success: false, message: error.message });
  });

  it("tells an exit before it was healthy, with its last words", async () => {
    const starts = join(world.base, "starts");
    const manager = await world.manager(runner, {
      environment: { BACKEND_EXIT: "3", BACKEND_STARTS: starts },
      restartDelayMs: 2_000,
    });
    const error = await failureOf(manager.start());
    expect(error.code).toBe("exited_before_healthy");
    expect(error.summary).toBe("Backend process exited before becoming healthy");
    expect(error.message).toContain("3");
    expect(error.message).toContain("cannot open the database");
    expect(manager.getStatus()).toMatchObject({ status: "error", lastError: error.message });
    expect(world.starts(starts)).toHaveLength(1);
  });

  it("ends one that does not become healthy in time", async () => {
    const manager = await world.manager(runner, {
      startupTimeoutMs: 700,
      environment: { BACKEND_SILENT: "1" },
    });
    let pid: number | undefined;
    manager.onStatusChangeListener((status) => (pid ??= status.pid));
    const error = await failureOf(manager.start());
    expect(error.code).toBe("not_healthy_in_time");
    expect(error.summary).toBe("Backend did not become healthy within 700ms");
    expect(error.details.join("\n")).toContain("last look:");
    expect(pid).toBeGreaterThan(0);
    expect(alive(pid)).toBe(false);
    expect(manager.getStatus().status).toBe("error");
  });

  it("names who holds the port", async () => {
    const other = http.createServer((_, answer) => answer.end("not yours"));
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const { port } = other.address() as { port: number };
    const starts = join(world.base, "starts");
    const manager = await world.manager(runner, { port, environment: { BACKEND_STARTS: starts } });
    const error = await failureOf(manager.start());
    expect(error.code).toBe("port_in_use");
    expect(error.summary).toBe(`Port ${port} is already in use`);
    expect(error.message).toContain(`pid ${process.pid}`);
    expect(world.starts(starts)).toHaveLength(0);
    await new Promise((done) => other.close(done));
    await manager.start();
    expect(manager.getStatus().status).toBe("running");
  });

  it("kills what ignores SIGTERM, and what it has started", async () => {
    const manager = await world.manager(runner, {
      stopTimeoutMs: 400,
      environment: { BACKEND_DEAF: "1", BACKEND_CHILD: "1" },
    });
    await manager.start();
    const { pid } = manager.getStatus();
    await manager.stop();
    expect(alive(pid)).toBe(false);
    expect(manager.getStatus().status).toBe("stopped"); // world.end() looks for the child
  });

  it("stops in the middle of a start", async () => {
    const manager = await world.manager(runner, { environment: { BACKEND_SILENT: "1" } });
    const started = failureOf(manager.start());
    await until("its process", () => manager.getStatus().pid !== undefined);
    const { pid } = manager.getStatus();
    await manager.stop();
    expect((await started).code).toBe("start_cancelled");
    expect(manager.getStatus().status).toBe("stopped");
    expect(alive(pid)).toBe(false);
  });

  it("makes one process of a hundred calls", async () => {
    const starts = join(world.base, "starts");
    const manager = await world.manager(runner, { environment: { BACKEND_STARTS: starts } });
    await Promise.all(Array.from({ length: 100 }, () => manager.start()));
    expect(world.starts(starts)).toHaveLength(1);
  });

  it("looks after several side by side", async () => {
    const ports = [await freePort(), await freePort()] as const;
    const one = await world.manager(runner, { name: "one", port: ports[0] });
    const two = await world.manager(runner, { name: "two", port: ports[1] });
    const heard: string[] = [];
    two.onLogListener((_, data) => heard.push(data));
    await Promise.all([one.start(), two.start()]);
    const before = two.getStatus().pid;
    await one.restart();
    await one.stop();
    expect(two.getStatus()).toMatchObject({ status: "running", pid: before, restartCount: 0 });
    await ask(ports[1], "/say/two", "POST");
    await until("its line", () => heard.includes("two\n"));
    await one.close(); // the other one goes on
    expect((await ask(ports[1], "/health")).status).toBe(200);
    expect(two.getStatus().status).toBe("running");
  });

  it("answers Electron's IPC", async () => {
    const handlers = new Map<string, () => unknown>();
    const ipc = {
      handle: (channel: string, call: () => unknown) => void handlers.set(channel, call),
      removeHandler: (channel: string) => void handlers.delete(channel),
    };
    const manager = await world.manager(runner);
    const off = registerBackendIpc(ipc, manager);
    const call = (verb: string) => handlers.get(`backend:manager:${verb}`)?.();
    expect(await call("start")).toEqual({ success: true, message: "Backend started successfully" });
    expect(call("status")).toMatchObject({ status: "running", restartCount: 0 });
    expect(await call("restart")).toMatchObject({ success: true });
    expect(await call("stop")).toEqual({ success: true, message: "Backend stopped successfully" });
    expect(call("status")).toEqual({ status: "stopped", restartCount: 0 });
    off();
    expect(handlers.size).toBe(0);
  });
});

describe("BackendManager", () => {
  it("goes on when `drover up` is killed, and begins it again", async () => {
    const port = await freePort();
    const manager = await world.manager("drover", { port });
    const heard: string[] = [];
    manager.onLogListener((_, data) => heard.push(data));
    await manager.start();
    const { pid } = manager.getStatus();
    const up = world.upPid();
    process.kill(up, "SIGKILL");
    await until(
      "another drover up",
      () => existsSync(join(world.base, "state/up.pid")) && world.upPid() !== up && alive(world.upPid()),
      40,
    );
    expect(alive(pid)).toBe(true);
    await ask(port, "/say/still-here", "POST");
    await until("its line", () => heard.includes("still-here\n"), 30);
    expect(manager.getStatus()).toMatchObject({ status: "running", pid, restartCount: 0 });
    await ask(port, "/exit/1", "POST");
    await until(
      "its restart is seen",
      () => manager.getStatus().restartCount === 1 && manager.getStatus().status === "running",
    );
  });

  it("writes a log of a plain child", async () => {
    const port = await freePort();
    const manager = await world.manager("process", { port });
    await manager.start();
    await ask(port, "/say/hello", "POST");
    const log = join(world.base, "state/logs/backend.log");
    await until("the line", () => /Z stdout F hello$/m.test(readFileSync(log, "utf8")));
  });

  it("keeps two processes apart when one ends late", async () => {
    const manager = await world.manager("process", {
      environment: { BACKEND_CHILD: "1" },
      stopTimeoutMs: 500,
    });
    await manager.start();
    await Promise.all([manager.restart(), manager.restart(), manager.restart()]);
    const { pid } = manager.getStatus();
    await sleep(700);
    expect(alive(pid)).toBe(true);
    expect(manager.getStatus()).toMatchObject({ status: "running", pid });
  });

  it("refuses what cannot be meant", async () => {
    const wrong = [
      { port: 0 },
      { name: "a b" },
      { stateDirectory: "state" },
      { startupTimeoutMs: -1 },
      { maxRestartAttempts: 1.5 },
    ];
    for (const options of wrong)
      await expect(world.manager("process", options)).rejects.toThrow(/^BackendManager: /);
  });
});
