// The package as it is published, for the tests that run programs of their own: SDK_DIST.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export default function build(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "drover-sdk-dist-"));
  const script = resolve(fileURLToPath(import.meta.url), "../../tools/build.mjs");
  execFileSync(process.execPath, [script, join(folder, "dist"), "--no-types"], {
    stdio: "inherit",
    timeout: 300_000,
  });
  process.env.SDK_DIST = join(folder, "dist");
  return () => rmSync(folder, { recursive: true, force: true });
}
