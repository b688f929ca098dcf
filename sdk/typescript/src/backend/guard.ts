// "Die with me", for a plain child process: who was killed with SIGKILL cannot end anything any more.
import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";

/** Reads until we are gone, however that came; then SIGTERM to the group, and SIGKILL after the grace. */
const script =
  'read -r _; kill -s TERM -- "-$1" 2>/dev/null || exit 0; i=0; ' +
  'while [ "$i" -lt "$2" ] && kill -s 0 -- "-$1" 2>/dev/null; do sleep 0.1; i=$((i+1)); done; ' +
  'kill -s KILL -- "-$1" 2>/dev/null';

/**
 * Ends the process group `leader` when this process is gone. A shell with a pipe from us: no second copy of the
 * application's runtime, and nothing to install. On Windows nothing is needed: libuv puts children into a job that
 * the system ends with us.
 */
export class Guard {
  readonly #shell: ChildProcess | undefined;

  constructor(leader: number, graceMs: number) {
    if (process.platform === "win32" || leader <= 1) return;
    this.#shell = spawn(
      "/bin/sh",
      ["-c", script, "drover-guard", String(leader), String(Math.ceil(graceMs / 100))],
      {
        stdio: ["pipe", "ignore", "ignore"],
        cwd: "/",
        detached: true, // it must outlive us, a Ctrl-C in our terminal too
      },
    );
    this.#shell.on("error", () => undefined);
    const pipe = this.#shell.stdin as Socket;
    pipe.on("error", () => undefined);
    pipe.unref();
    this.#shell.unref();
  }

  /** The group is gone: there is nothing to guard, and its number may be another's soon. */
  dismiss(): void {
    this.#shell?.kill("SIGKILL");
    this.#shell?.stdin?.destroy();
  }
}
