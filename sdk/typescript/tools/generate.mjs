// src/client/schema.ts from the OpenAPI document of a real hub: DROVER_BIN names the folder of the binaries.
// With --check nothing is written; exit status 1 when the file is not what the hub says.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "src/client/schema.ts");

function get(socketPath, path) {
  return new Promise((done, failed) => {
    const request = http.get({ socketPath, path, timeout: 5000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part));
      answer.on("end", () => (answer.statusCode === 200 ? done(text) : failed(new Error(text))));
    });
    request.on("timeout", () => request.destroy(new Error("the hub does not answer")));
    request.on("error", failed);
  });
}

async function openapi() {
  const bin = process.env.DROVER_BIN;
  if (!bin) throw new Error("DROVER_BIN is not set: the folder with drover and drover-keeper");
  const state = mkdtempSync(join(tmpdir(), "drover-sdk-"));
  const hub = spawn(resolve(bin, "drover"), ["hub", "--state", state, "--listen", "127.0.0.1:0"], {
    stdio: "ignore",
  });
  const ended = new Promise((done) => hub.on("exit", done));
  try {
    for (let tries = 0; ; ++tries) {
      try {
        return JSON.parse(await get(join(state, "hub.sock"), "/api/v1/openapi.json"));
      } catch (error) {
        if (tries > 200) throw error;
        await sleep(100);
      }
    }
  } finally {
    hub.kill("SIGKILL");
    await ended;
    rmSync(state, { recursive: true, force: true });
  }
}

const text =
  "// Made by `npm run generate` from the hub's OpenAPI document; do not edit.\n\n" +
  astToString(await openapiTS(await openapi(), { emptyObjectsUnknown: true }));
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") === text) process.exit(0);
  console.error("src/client/schema.ts is not what this hub's OpenAPI document says: npm run generate");
  process.exit(1);
}
writeFileSync(target, text);
