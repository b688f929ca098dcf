// The `drover up` of a state directory: begun when it is needed, found again, shared by the managers of this process.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { DroverClient } from "../client/client.js";
import { asBackendError, failures } from "./failures.js";
import { identityOf } from "./process_identity.js";

type Policy = "die" | "live";

const hosts = new Map<string, DroverHost>();

/** The one of this directory; `user` is whoever is going to release it. */
export function hostAt(program: string, directory: string, policy: Policy, user: object): DroverHost {
  const found = hosts.get(directory) ?? new DroverHost(program, directory, policy);
  if (found.policy !== policy)
    throw new TypeError(
      `BackendManager: ${directory} is shared, so onParentExit must be "${found.policy}" here too`,
    );
  hosts.set(directory, found);
  found.users.add(user);
  return found;
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export class DroverHost {
  readonly client: DroverClient;
  readonly users = new Set<object>();
  #ensuring: Promise<void> | undefined;
  #ours = false; // else it is another application's, and none of our business

  constructor(
    private readonly program: string,
    private readonly directory: string,
    readonly policy: Policy,
  ) {
    this.client = new DroverClient({ socket: join(directory, "hub.sock"), timeoutMs: 10_000 });
  }

  /** Its process is there; whether it answers is another question. */
  get runs(): boolean {
    return this.#pid() !== undefined;
  }

  /** Returns when it answers and ends as `policy` says. Throws BackendError. */
  ensure(): Promise<void> {
    this.#ensuring ??= this.#begin()
      .then(() => void (this.#ours = true))
      .catch((error: unknown) => {
        throw asBackendError(error);
      })
      .finally(() => (this.#ensuring = undefined));
    return this.#ensuring;
  }

  /** The last user of one that dies with us, or that has nothing to do any more (`idle`), ends it. */
  async release(user: object, idle: boolean): Promise<void> {
    this.users.delete(user);
    if (this.users.size > 0) return;
    hosts.delete(this.directory);
    if (!this.#ours || this.#pid() === undefined) return;
    if (this.policy === "die" || (idle && !(await this.#hasWork()))) await this.#run(["down"]);
  }

  async #begin(): Promise<void> {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    if (await this.#isAsWanted()) return;
    const life = this.policy === "die" ? ["--die-with", String(process.pid)] : [];
    await this.#run(["up", "--bare", "--detach", "--listen", "127.0.0.1:0", ...life]);
  }

  /** True: it runs. False: none does, any more. */
  async #isAsWanted(): Promise<boolean> {
    const pid = this.#pid();
    if (pid === undefined) return false;
    const owner = ownerOf(pid);
    if (owner === (this.policy === "die" ? process.pid : 0)) {
      if (await this.#answers()) return true;
      if (await goneWithin(pid, 5_000)) return false; // it was just dying; what it ran goes on
      if (await this.#answers()) return true;
    }
    if (owner !== 0 && owner !== process.pid) {
      // Its application is gone, and it is about to follow; or it is another one's.
      await goneWithin(owner, 1_000);
      if (identityOf(owner) !== undefined) throw failures.ownedByOther(owner);
      if (await goneWithin(pid, 60_000)) return false;
    }
    await this.#run(["down"]); // it lived on, and shall not any more; or the other way round; or it hangs
    return false;
  }

  async #answers(): Promise<boolean> {
    try {
      await this.client.get("/version");
      return true;
    } catch {
      return false;
    }
  }

  async #hasWork(): Promise<boolean> {
    try {
      for await (const one of this.client.list("/instances"))
        if (one.desired === "run" && one.state !== "failed") return true;
      return false;
    } catch {
      return true; // not known: it is left alone
    }
  }

  /** Of the `drover up` of this directory. */
  #pid(): number | undefined {
    try {
      const pid = Number.parseInt(readFileSync(join(this.directory, "up.pid"), "utf8"), 10);
      return pid > 1 && commandLine(pid).includes("up") ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** One call of the program; its end is waited for. */
  #run(args: readonly string[]): Promise<void> {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("DROVER_")),
    );
    env.DROVER_AGENT_LISTEN = "127.0.0.1:0"; // the usual ports belong to the machine's own Drover
    const all = [...args, "--state", this.directory, "--color", "never"];
    return new Promise((done, failed) =>
      execFile(this.program, all, { env, cwd: "/", timeout: 120_000 }, (error, _, said) => {
        if (!error) return done();
        failed(failures.runnerFailed([`drover ${args[0]} failed`, ...said.trim().split("\n").slice(-8)]));
      }),
    );
  }
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** With whom this `drover up` ends; 0: nobody. */
function ownerOf(pid: number): number {
  const words = commandLine(pid);
  const at = words.indexOf("--die-with");
  return at < 0 ? 0 : Number(words[at + 1]);
}

async function goneWithin(pid: number, ms: number): Promise<boolean> {
  const identity = identityOf(pid);
  for (let waited = 0; waited < ms; waited += 50) {
    if (identity === undefined || identityOf(pid) !== identity) return true;
    await pause(50);
  }
  return false;
}
