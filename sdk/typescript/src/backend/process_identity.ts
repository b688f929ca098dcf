// A pid alone may become another process; pid and start time do not.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What tells this process from a later one with the same pid. Undefined: it does not run. */
export function identityOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return process.platform === "win32"
      ? output("powershell", ["-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`])
      : output("ps", ["-o", "lstart=", "-p", String(pid)]);
  } catch {
    return undefined;
  }
}

function output(file: string, args: string[]): string | undefined {
  const text = execFileSync(file, args, {
    encoding: "utf8",
    timeout: 10_000,
    windowsHide: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return text.trim() || undefined;
}

/** Cheap enough to be asked often. */
export function stillRuns(pid: number, identity: string): boolean {
  if (process.platform === "linux") return identityOf(pid) === identity;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Field 22 of /proc/PID/stat, counted behind the name, which may hold anything. A zombie does not run. */
export function parseStat(text: string): string | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}
