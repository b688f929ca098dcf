// From the options to what shall run: command, environment, places.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";

import { realClock } from "./clock.js";
import { failures } from "./failures.js";
import type { BackendCommand, BackendManagerOptions, BackendSpec } from "./types.js";

const windows = process.platform === "win32";

/** What a program needs to find itself at home. Anything else is declared: a change of it is a change of the backend. */
const inherited = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"],
  ...["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV"],
  ...["SystemRoot", "windir", "ComSpec", "PATHEXT", "Path", "TEMP", "TMP", "USERNAME", "USERPROFILE"],
  ...["APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles", "SystemDrive", "HOMEDRIVE", "HOMEPATH"],
];

/** Electron's additions to `process`. */
interface ElectronProcess {
  resourcesPath?: string;
  defaultApp?: boolean;
  versions: { electron?: string };
}
const electron = process as unknown as ElectronProcess;

/** `localhost` is IPv6 for one side and IPv4 for the other. */
const addressOf = (host: string) => (host === "localhost" ? "127.0.0.1" : host);

/** Where one asks who listens on `host`. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function commandOf(options: BackendManagerOptions, name: string, host: string): BackendCommand {
  const packaged = options.packaged ?? (electron.versions.electron !== undefined && !electron.defaultApp);
  const where = ["start", "--host", host, "--port", String(options.port)];
  if (!packaged)
    return options.development ?? { command: ["uv", "run", "python", "-m", "src.cli.main_cli", ...where] };
  const resources = options.resourcesPath ?? electron.resourcesPath ?? resolve("resources");
  const folder = join(resources, "backend");
  return (
    options.production ?? { command: [join(folder, windows ? `${name}.exe` : name), ...where], cwd: folder }
  );
}

function environmentOf(options: BackendManagerOptions, host: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of [...inherited, ...(options.inheritEnvironment ?? [])]) {
    const value = process.env[name];
    if (value !== undefined) out[name] = value;
  }
  const prefix = options.environmentPrefix;
  const [hostName, portName, keyName] =
    prefix === undefined
      ? (["AUTOMAGIK_OMNI_API_HOST", "AUTOMAGIK_OMNI_API_PORT", "AUTOMAGIK_OMNI_API_KEY"] as const)
      : ([`${prefix}_HOST`, `${prefix}_PORT`, `${prefix}_API_KEY`] as const);
  out[hostName] = host;
  out[portName] = String(options.port);
  if (options.apiKey !== undefined) out[keyName] = options.apiKey;
  out.PYTHONUNBUFFERED = "1";
  return { ...out, ...options.environment };
}

function stateFolder(name: string): string {
  if (windows)
    return join(process.env.LOCALAPPDATA ?? join(homedir(), "AppData/Local"), "drover", "backends", name);
  if (process.platform === "darwin")
    return join(homedir(), "Library/Application Support/drover/backends", name);
  return join(process.env.XDG_STATE_HOME || join(homedir(), ".local/state"), "drover/backends", name);
}

function check(options: BackendManagerOptions, name: string): void {
  const wrong = (what: string) => new TypeError(`BackendManager: ${what}`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$/.test(name))
    throw wrong(`name "${name}": letters, digits, "-" and "_"`);
  if (!Number.isInteger(options.port) || options.port < 1 || options.port > 65535)
    throw wrong(`port ${options.port}: a number from 1 to 65535`);
  for (const key of [
    "startupTimeoutMs",
    "healthCheckIntervalMs",
    "stopTimeoutMs",
    "restartDelayMs",
    "restartWindowMs",
  ] as const)
    if (options[key] !== undefined && !(options[key] > 0)) throw wrong(`${key}: more than 0`);
  if (
    options.maxRestartAttempts !== undefined &&
    !(Number.isInteger(options.maxRestartAttempts) && options.maxRestartAttempts >= 0)
  )
    throw wrong("maxRestartAttempts: a whole number, 0 for none");
  if (options.stateDirectory !== undefined && !isAbsolute(options.stateDirectory))
    throw wrong(
      `stateDirectory ${options.stateDirectory}: an absolute path; what follows the working directory gets lost`,
    );
}

export function specOf(options: BackendManagerOptions): BackendSpec {
  const name = options.name ?? "backend";
  check(options, name);
  const host = addressOf(options.host ?? "127.0.0.1");
  const { command, cwd } = commandOf(options, name, host);
  const url = new URL(options.healthCheckUrl ?? `http://${reachable(host)}:${options.port}/health`);
  if (url.hostname === "localhost") url.hostname = "127.0.0.1";
  return {
    name,
    host,
    port: options.port,
    file: command[0],
    args: command.slice(1),
    cwd: resolve(cwd ?? "."),
    environment: environmentOf(options, host),
    healthCheckUrl: url.href,
    startupTimeoutMs: options.startupTimeoutMs ?? 30_000,
    healthCheckIntervalMs: options.healthCheckIntervalMs ?? 10_000,
    maxRestartAttempts: options.maxRestartAttempts ?? 3,
    stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
    restartDelayMs: options.restartDelayMs ?? 1_000,
    restartWindowMs: options.restartWindowMs ?? 600_000,
    onParentExit: options.onParentExit ?? "die",
    stateDirectory: options.stateDirectory ?? stateFolder(name),
    clock: options.clock ?? realClock,
  };
}

function runnable(path: string): boolean {
  try {
    accessSync(path, windows ? constants.F_OK : constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The file behind a program's name, absolute. Undefined: there is none that may be run. */
export function findProgram(
  file: string,
  cwd: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const endings = windows && !/\.(exe|com)$/i.test(file) ? [".exe", ".com", ""] : [""];
  const named = isAbsolute(file) || file.includes("/") || (windows && file.includes("\\"));
  const folders = named
    ? [cwd]
    : (environment.PATH ?? environment.Path ?? "").split(delimiter).filter(Boolean);
  for (const folder of folders)
    for (const ending of endings) {
      const path = resolve(folder, file + ending);
      if (runnable(path)) return path;
    }
  return undefined;
}

/** The same, or "Backend executable not found at: PATH". */
export function programOf(spec: BackendSpec): string {
  const found = findProgram(spec.file, spec.cwd, spec.environment);
  const named = spec.file.includes("/") || isAbsolute(spec.file);
  if (found === undefined)
    throw failures.executableNotFound(named ? resolve(spec.cwd, spec.file) : spec.file);
  if (!existsSync(spec.cwd)) throw failures.runnerFailed([`there is no directory ${spec.cwd}`]);
  return found;
}
