// Who listens on a port: from /proc on Linux, from lsof on macOS, from netstat and tasklist on Windows.
import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import net from "node:net";

import { holderText, type Holder } from "./failures.js";

/** True: somebody listens there, or it may not be used. */
export function portIsTaken(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = net.createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => done(error.code === "EADDRINUSE"));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => done(false)));
  });
}

/** "held by pid 4711 (python3 app.py)"; when nobody may be seen: that. */
export async function describeHolder(port: number): Promise<string> {
  const holder = await findHolder(port);
  return holder ? holderText(holder) : "held by a process that cannot be seen from here";
}

export async function findHolder(port: number): Promise<Holder | undefined> {
  try {
    if (process.platform === "linux") return await holderOnLinux(port);
    if (process.platform === "win32") return await holderOnWindows(port);
    return parseLsof(await output("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]));
  } catch {
    return undefined;
  }
}

function output(file: string, args: string[]): Promise<string> {
  return new Promise((done, failed) =>
    execFile(file, args, { timeout: 5000, windowsHide: true }, (error, text) =>
      error ? failed(error) : done(text),
    ),
  );
}

/** Inodes of the listening sockets (state 0A) of this port, from the text of /proc/net/tcp. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  return rows.filter((row) => row[1]?.endsWith(wanted) && row[3] === "0A").flatMap((row) => row[9] ?? []);
}

async function holderOnLinux(port: number): Promise<Holder | undefined> {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => ""));
  const inodes = new Set((await Promise.all(tables)).flatMap((table) => listeningInodes(table, port)));
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined && inodes.has(inode))
        return { pid: Number(pid), command: await commandOf(pid) };
    }
  }
  return undefined;
}

async function commandOf(pid: string): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.replace(/\0/g, " ").trim().slice(0, 200) || "?";
}

/** Of `lsof -Fpc`: lines p<pid>, c<command>. */
export function parseLsof(text: string): Holder | undefined {
  const pid = /^p(\d+)$/m.exec(text)?.[1];
  return pid === undefined ? undefined : { pid: Number(pid), command: /^c(.*)$/m.exec(text)?.[1] ?? "?" };
}

/** Of `netstat -ano -p TCP`: the pid that listens on this port. A listener's foreign port is 0, in any language. */
export function parseNetstat(text: string, port: number): number | undefined {
  for (const line of text.split("\n")) {
    const [protocol, local, foreign, , pid] = line.trim().split(/\s+/);
    if (protocol === "TCP" && local?.endsWith(`:${port}`) && foreign?.endsWith(":0")) return Number(pid);
  }
  return undefined;
}

async function holderOnWindows(port: number): Promise<Holder | undefined> {
  const pid = parseNetstat(await output("netstat", ["-ano", "-p", "TCP"]), port);
  if (pid === undefined) return undefined;
  const list = await output("tasklist", ["/FI", `PID eq ${pid}`, "/FO", "CSV", "/NH"]).catch(() => "");
  return { pid, command: /^"([^"]+)"/m.exec(list)?.[1] ?? "?" };
}
