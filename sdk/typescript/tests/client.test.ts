// The client against a real hub, over its Unix socket and over HTTP.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

import { DroverClient, DroverError, type DroverEvent, type LogLine } from "../src/index.js";
import { binaries, root, until } from "./world.js";

const run = promisify(execFile);
const drover = join(binaries(), "drover");
let state: string;
let client: DroverClient;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "drover-sdk-"));
  const env = { ...process.env, DROVER_AGENT_LISTEN: "127.0.0.1:0" };
  await run(
    drover,
    [
      "up",
      "--bare",
      "--detach",
      "--listen",
      "127.0.0.1:0",
      "--state",
      state,
      "--die-with",
      String(process.pid),
    ],
    { env, timeout: 60_000 },
  );
  client = new DroverClient({ socket: join(state, "hub.sock") });
});
afterAll(() => {
  execFileSync(drover, ["down", "--state", state], { stdio: "ignore", timeout: 60_000 });
  rmSync(state, { recursive: true, force: true });
});

const counting = (name: string) => ({
  name,
  services: {
    talk: {
      command: [
        "/bin/sh",
        "-c",
        'i=0; while [ "$$i" -lt 100000 ]; do i=$$((i+1)); echo "line $$i"; sleep 0.02; done',
      ],
      working_dir: "/",
    },
  },
});

async function ready(stack: string): Promise<void> {
  await until(`${stack} is ready`, async () => {
    for await (const one of client.list("/instances", { query: { filter: `stack:${stack}`, limit: 1 } }))
      if (one.state !== "ready") return false;
    return true;
  });
}

/** Passes bytes on; cut() breaks every connection. */
class Cutter {
  #sockets = new Set<net.Socket>();
  #server = net.createServer((near) => {
    const far = net.connect(join(state, "hub.sock"));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => undefined).on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  static #count = 0;
  readonly path = join(state, `cut${++Cutter.#count}.sock`);
  readonly open = () => new Promise<void>((done) => this.#server.listen(this.path, done));
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
  close(): void {
    this.cut();
    this.#server.close();
  }
}

it("applies, lists, looks, operates and deletes", async () => {
  const applied = await client.apply("one", counting("one"));
  expect(applied).toMatchObject({ stack: "one", revision: 1, changed: true });
  await ready("one");
  expect((await client.apply("one", counting("one"))).changed).toBe(false);
  const instance = await client.get("/instances/{id}", { path: { id: "one:talk-1" } });
  expect(instance).toMatchObject({ stack: "one", service: "talk", state: "ready", desired: "run" });
  const stopping = (await client.post("/services/{stack}/{service}/stop", {
    path: { stack: "one", service: "talk" },
  })) as { id: string };
  expect((await client.operation(stopping.id)).state).toBe("succeeded");
  expect((await client.get("/instances/{id}", { path: { id: "one:talk-1" } })).state).toBe("stopped");
  const names = [];
  for await (const node of client.list("/nodes")) names.push(node.name);
  expect(names).toEqual(["local"]);
  await client.delete("/stacks/{stack}", { path: { stack: "one" } });
});

it("pages through a list", async () => {
  const services = Object.fromEntries(
    ["a", "b", "c"].map((name) => [name, { command: ["/bin/sleep", "1000"], working_dir: "/" }]),
  );
  await client.apply("paged", { name: "paged", services });
  const names = [];
  for await (const one of client.list("/services", { query: { filter: "stack:paged", limit: 1 } }))
    names.push(one.name);
  expect(names.sort()).toEqual(["a", "b", "c"]);
  await client.delete("/stacks/{stack}", { path: { stack: "paged" } });
});

it("says what was wrong", async () => {
  const wrong = await client
    .apply("bad", { name: "bad", services: { web: { comand: ["x"] } } })
    .catch((error: unknown) => error);
  expect(wrong).toBeInstanceOf(DroverError);
  expect((wrong as DroverError).status).toBe(400);
  expect((wrong as DroverError).errors.some((one) => one.path?.includes("comand"))).toBe(true);
  await expect(client.get("/stacks/{stack}", { path: { stack: "none" } })).rejects.toMatchObject({
    status: 404,
    code: "not_found",
  });
  const nobody = new DroverClient({ socket: join(state, "nobody.sock") });
  await expect(nobody.get("/version")).rejects.toMatchObject({ status: 0, code: "unreachable" });
});

it("works over HTTP with a token, and not without", async () => {
  const { token } = (await client.post("/tokens", { body: { name: "sdk" } })) as { token: string };
  const port = await until("the address", async () => {
    const ui = execFileSync("cat", [join(state, "up.pid")], { encoding: "utf8" });
    return /http:\/\/127\.0\.0\.1:(\d+)/.exec(ui)?.[1];
  });
  const url = `http://127.0.0.1:${port}`;
  const { version } = await client.get("/version");
  expect((await new DroverClient({ url, token }).get("/summary")).hub_version).toBe(version);
  await expect(new DroverClient({ url }).get("/summary")).rejects.toMatchObject({ status: 401 });
});

it("gives up on who does not answer", async () => {
  const silent = http.createServer(() => undefined);
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  const { port } = silent.address() as net.AddressInfo;
  const slow = new DroverClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 100 });
  await expect(slow.get("/version")).rejects.toMatchObject({ status: 0, code: "timeout" });
  silent.closeAllConnections();
  silent.close();
});

it("resumes events where the connection broke: none twice, none missed", async () => {
  const cutter = new Cutter();
  await cutter.open();
  const through = new DroverClient({ socket: cutter.path });
  const enough = new AbortController();
  const seen: DroverEvent[] = [];
  let breaks = 0;
  const since = await client.position();
  const reading = (async () => {
    for await (const event of through.events({
      since,
      signal: enough.signal,
      onDisconnect: () => void ++breaks,
    }))
      seen.push(event);
  })();
  for (let round = 1; round <= 4; ++round) {
    await client.apply(`e${round}`, counting(`e${round}`));
    await until(`round ${round}`, () => seen.some((event) => event.stack === `e${round}`), 40);
    cutter.cut();
    await client.delete("/stacks/{stack}", { path: { stack: `e${round}` } }); // nobody listens now
  }
  const gone = (round: number) =>
    seen.some((event) => event.type === "instance.deleted" && event.stack === `e${round}`);
  await until("the ends of all", () => [1, 2, 3, 4].every(gone), 60);
  const numbers = seen.map((event) => event.seq);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  expect(breaks).toBeGreaterThanOrEqual(4);

  const again: number[] = [];
  const first = seen[2];
  for await (const event of client.events({ since: first?.position ?? "", signal: enough.signal })) {
    again.push(event.seq);
    if (again.length === 5) break;
  }
  expect(again).toEqual([1, 2, 3, 4, 5].map((step) => (first?.seq ?? 0) + step));
  enough.abort();
  await reading;
  cutter.close();
});

it("follows a log through broken connections: each line once", async () => {
  await client.apply("talk", counting("talk"));
  await ready("talk");
  const cutter = new Cutter();
  await cutter.open();
  const through = new DroverClient({ socket: cutter.path });
  const enough = new AbortController();
  const seen: LogLine[] = [];
  const reading = (async () => {
    for await (const line of through.logs({ instance: "talk:talk-1", follow: true, signal: enough.signal }))
      seen.push(line);
  })();
  for (let round = 1; round <= 3; ++round) {
    const before = seen.length;
    await until("more lines", () => seen.length > before + 20, 40);
    cutter.cut();
  }
  const before = seen.length;
  await until("the last ones", () => seen.length > before + 20, 40);
  enough.abort();
  await reading;
  const numbers = seen.map(({ line }) => Number(line.split(" ")[1]));
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  expect(seen.every((line) => line.stream === "stdout")).toBe(true);

  const found: string[] = [];
  for await (const line of client.logs({ target: "talk", grep: "line [23]$" }))
    found.push(`${line.instance} ${line.line}`);
  expect(found).toEqual(["talk/talk-1 line 2", "talk/talk-1 line 3"]);
  cutter.close();
  await client.delete("/stacks/{stack}", { path: { stack: "talk" } });
});

it("has types that are those of the hub", async () => {
  await run(process.execPath, [join(root, "tools/generate.mjs"), "--check"], {
    env: { ...process.env, DROVER_BIN: binaries() },
    timeout: 120_000,
  });
});
