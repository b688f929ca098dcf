// The package as others see it.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

import { root } from "./world.js";

const run = promisify(execFile);
const dist = process.env.SDK_DIST ?? "";
const names = [
  "BackendError",
  "BackendManager",
  "DroverClient",
  "DroverError",
  "callBackend",
  "registerBackendIpc",
];

it("is an ES module", async () => {
  const exported = (await import(pathToFileURL(join(dist, "esm/index.js")).href)) as object;
  expect(Object.keys(exported).sort()).toEqual(names);
});

it("is a CommonJS module", () => {
  const exported = createRequire(import.meta.url)(join(dist, "cjs/index.js")) as Record<
    string,
    new (options: object) => unknown
  >;
  expect(Object.keys(exported).sort()).toEqual(names);
  const Manager = exported.BackendManager;
  expect(
    Manager && (new Manager({ port: 1, runner: "process" }) as { getStatus(): unknown }).getStatus(),
  ).toEqual({ status: "stopped", restartCount: 0 });
});

it("has no dependency at run time", () => {
  const about = createRequire(import.meta.url)(join(root, "package.json")) as Record<string, unknown>;
  expect(about.dependencies).toBeUndefined();
  expect(about.peerDependencies).toBeUndefined();
});

it("passes the compiler, examples included", { timeout: 600_000 }, async () => {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const check = (project: string) =>
    run(process.execPath, [tsc, "--noEmit", "-p", join(root, project)], { timeout: 280_000 }).catch(
      (error: { stdout?: string }) => {
        throw new Error(error.stdout);
      },
    );
  await check("tsconfig.json");
  await check("examples/tsconfig.json");
});
