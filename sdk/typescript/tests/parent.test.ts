// What becomes of the backend when its application ends, in whatever way.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { BackendError, type BackendManagerOptions, type BackendStatus } from "../src/index.js";
import { alive, ask, freePort, root, until, World } from "./world.js";

let world: World;
let parents: ChildProcess[];
beforeEach(() => {
  world = new World();
  parents = [];
});
afterEach(async () => {
  for (const parent of parents) parent.kill("SIGKILL");
  await world.end();
});

async function application(
  options: BackendManagerOptions,
  ...more: string[]
): Promise<{ parent: ChildProcess; status: BackendStatus }> {
  const program = join(root, "tests/programs/parent.mjs");
  const parent = spawn(process.execPath, [program, JSON.stringify(options), ...more], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true, // a group of its own, as a desktop starts it
  });
  parents.push(parent);
  const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
  return { parent, status: JSON.parse(line) as BackendStatus };
}

async function ended(parent: ChildProcess): Promise<void> {
  if (parent.exitCode === null && parent.signalCode === null) await once(parent, "exit");
}

describe.each(["drover", "process"] as const)("the end of the application, runner %s", (runner) => {
  it.each(["the process", "its whole group"])("die with me: kill -9 of %s", async (what) => {
    const options = await world.options(runner, {
      stopTimeoutMs: 1_000,
      environment: { BACKEND_CHILD: "1" },
    });
    const { parent, status } = await application(options);
    expect(alive(status.pid)).toBe(true);
    const up = runner === "drover" ? world.upPid() : undefined;
    process.kill(what === "the process" ? (parent.pid as number) : -(parent.pid as number), "SIGKILL");
    await ended(parent);
    await until("the backend is gone", () => !alive(status.pid), 30);
    await until("drover up is gone", () => !alive(up), 30); // world.end() looks for the rest of it
  });

  it("die with me: a new application starts it again", async () => {
    const options = await world.options(runner);
    const { parent, status } = await application(options);
    parent.kill("SIGKILL");
    await ended(parent);
    const manager = await world.manager(runner, options); // at once: the old one is only about to go
    await manager.start();
    expect(manager.getStatus().status).toBe("running");
    expect(manager.getStatus().pid).not.toBe(status.pid);
    await until("the old one is gone", () => !alive(status.pid));
  });

  it("live on: kill -9, and the next application finds it", async () => {
    const port = await freePort();
    const options = await world.options(runner, { port, onParentExit: "live" });
    const { parent, status } = await application(options);
    process.kill(-(parent.pid as number), "SIGKILL");
    await ended(parent);
    expect((await ask(port, "/health")).status).toBe(200);

    const manager = await world.manager(runner, options);
    const heard: string[] = [];
    manager.onLogListener((_, data) => heard.push(data));
    await manager.start();
    expect(manager.getStatus()).toMatchObject({ status: "running", pid: status.pid, restartCount: 0 });
    await ask(port, "/say/found", "POST");
    await until("its output", () => heard.includes("found\n"));
    await ask(port, "/exit/1", "POST");
    await until(
      "a restart",
      () => manager.getStatus().status === "running" && manager.getStatus().restartCount === 1,
    );
    await manager.stop();
    expect(manager.getStatus().status).toBe("stopped");
    await expect(ask(port, "/health")).rejects.toThrow();
  });

  it("live on: another configuration is another backend", async () => {
    const options = await world.options(runner, { onParentExit: "live" });
    const { parent, status } = await application(options);
    parent.kill("SIGKILL");
    await ended(parent);
    const manager = await world.manager(runner, { ...options, apiKey: "new" });
    await manager.start();
    expect(manager.getStatus().pid).not.toBe(status.pid);
    expect(alive(status.pid)).toBe(false);
    await manager.stop();
  });

  it.each(["die", "live"] as const)("close() lets the application end (%s)", async (onParentExit) => {
    const port = await freePort();
    const options = await world.options(runner, { port, onParentExit });
    const { parent, status } = await application(options, "end");
    await ended(parent);
    expect(parent.exitCode).toBe(0);
    expect(alive(status.pid)).toBe(onParentExit === "live");
    if (onParentExit === "die") return;
    const manager = await world.manager(runner, options);
    await manager.stop(); // of the earlier application's
    expect(alive(status.pid)).toBe(false);
  });
});

it.each(["drover", "process"] as const)(
  "refuses what another application looks after: %s",
  async (runner) => {
    const options = await world.options(runner);
    const { parent, status } = await application(options);
    const manager = await world.manager(runner, options);
    const error: unknown = await manager.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackendError);
    expect((error as BackendError).message).toContain(`pid ${parent.pid}`);
    await manager.close();
    expect(alive(status.pid)).toBe(true); // not even the end of this one touches it
  },
);
