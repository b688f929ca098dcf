// dist/esm and dist/cjs from one source: a main process of Electron may be either.
// Usage: build.mjs [FOLDER [--no-types]]
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [folder = join(root, "dist"), types] = process.argv.slice(2);
const sources = readdirSync(join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".ts"));

rmSync(folder, { recursive: true, force: true });
for (const [kind, module] of [
  ["esm", ts.ModuleKind.ES2022],
  ["cjs", ts.ModuleKind.CommonJS],
]) {
  for (const name of sources) {
    const options = { target: ts.ScriptTarget.ES2022, module, esModuleInterop: true, isolatedModules: true };
    const { outputText } = ts.transpileModule(readFileSync(join(root, "src", name), "utf8"), {
      compilerOptions: options,
    });
    const target = join(folder, kind, name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  writeFileSync(
    join(folder, kind, "package.json"),
    `${JSON.stringify({ type: kind === "esm" ? "module" : "commonjs" })}\n`,
  );
}

if (types !== "--no-types") {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const out = [
    "--noEmit",
    "false",
    "--emitDeclarationOnly",
    "--rootDir",
    join(root, "src"),
    "--outDir",
    join(folder, "esm"),
  ];
  execFileSync(process.execPath, [tsc, "-p", join(root, "tools/tsconfig.build.json"), ...out], {
    stdio: "inherit",
  });
  cpSync(join(folder, "esm"), join(folder, "cjs"), {
    recursive: true,
    filter: (path) => !/\.(js|json)$/.test(path),
  });
}
if (process.argv[2] === undefined) copyFileSync(join(root, "../../LICENSE"), join(root, "LICENSE"));
