import { setTimeout as sleep } from "node:timers/promises";

import { DroverError } from "./errors.js";
import { linesOf, open, textOf, type Endpoint, type Outgoing, type QueryValue } from "./transport.js";
import type {
  Answer,
  Applied,
  Body,
  DroverEvent,
  Item,
  ListPath,
  LogLine,
  Method,
  Operations,
  PathOf,
  PathParameters,
} from "./types.js";

/** Endpoint and the longest silence, ms (30,000), after which a request is given up. */
export type DroverClientOptions = Endpoint & { timeoutMs?: number };

export interface CallOptions {
  query?: Readonly<Record<string, QueryValue>>;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

export type RequestOptions<M extends Method, P extends PathOf<M>> = CallOptions &
  (PathParameters<M, P> extends undefined ? { path?: undefined } : { path: PathParameters<M, P> }) & {
    body?: Body<M, P>;
  };

/** May be left out where the path has no parameters. */
type Rest<M extends Method, P extends PathOf<M>> =
  PathParameters<M, P> extends undefined ? [options?: RequestOptions<M, P>] : [options: RequestOptions<M, P>];

export interface FollowOptions {
  signal?: AbortSignal | undefined;
  /** Asked before each try to connect again; when it throws, following ends with that. */
  onDisconnect?: ((cause: unknown) => Promise<void> | void) | undefined;
}

export interface EventOptions extends FollowOptions {
  /** `position` of the last event that was seen; without: from now on. */
  since?: string;
}

export interface LogOptions extends FollowOptions {
  /** One instance: id, or "stack:name". */
  instance?: string;
  /** Several: "stack", "stack/service", …, comma-separated. */
  target?: string;
  tail?: number;
  /** RFC 3339, or a duration ago ("10m"). */
  since?: string;
  /** Regular expression. */
  grep?: string;
  stream?: "stdout" | "stderr";
  /** Stay, across restarts of instance, agent and hub, until `signal` is aborted. */
  follow?: boolean;
}

const silenceOfStream = 45_000; // the hub says something every 15 s
const pauses = [100, 200, 500, 1000, 2000, 5000];

/** The hub's REST API, typed from its OpenAPI document. Keeps no connection open between requests. */
export class DroverClient {
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;

  constructor(options: DroverClientOptions) {
    this.#endpoint = options;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  get<P extends PathOf<"get">>(path: P, ...rest: Rest<"get", P>): Promise<Answer<"get", P>> {
    return this.request("get", path, ...rest);
  }
  post<P extends PathOf<"post">>(path: P, ...rest: Rest<"post", P>): Promise<Answer<"post", P>> {
    return this.request("post", path, ...rest);
  }
  put<P extends PathOf<"put">>(path: P, ...rest: Rest<"put", P>): Promise<Answer<"put", P>> {
    return this.request("put", path, ...rest);
  }
  patch<P extends PathOf<"patch">>(path: P, ...rest: Rest<"patch", P>): Promise<Answer<"patch", P>> {
    return this.request("patch", path, ...rest);
  }
  delete<P extends PathOf<"delete">>(path: P, ...rest: Rest<"delete", P>): Promise<Answer<"delete", P>> {
    return this.request("delete", path, ...rest);
  }

  /** One request. Throws DroverError. */
  async request<M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    ...rest: Rest<M, P>
  ): Promise<Answer<M, P>> {
    const options = (rest[0] ?? {}) as CallOptions & { path?: Record<string, string>; body?: unknown };
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(options.path?.[name] ?? ""),
    );
    const answer = await open(this.#endpoint, this.#outgoing(method, filled, options));
    const text = await textOf(answer);
    return (text ? JSON.parse(text) : {}) as Answer<M, P>;
  }

  /** All items of a list, page by page. */
  async *list<P extends ListPath>(path: P, options: CallOptions = {}): AsyncGenerator<Item<P>, void> {
    let cursor: string | null = null;
    do {
      const query = { ...options.query, ...(cursor === null ? {} : { cursor }) };
      const answer = await open(this.#endpoint, this.#outgoing("get", path, { ...options, query }));
      const page = JSON.parse(await textOf(answer)) as { items: Item<P>[]; next: string | null };
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** Makes this what shall run. `stack`: a stack file, as a value or as YAML or JSON text; relative paths in it mean nothing here. */
  async apply(name: string, stack: object | string, options: CallOptions = {}): Promise<Applied> {
    const headers = {
      "Content-Type": typeof stack === "string" ? "application/yaml" : "application/json",
      ...options.headers,
    };
    const path = `/stacks/${encodeURIComponent(name)}`;
    const answer = await open(
      this.#endpoint,
      this.#outgoing("put", path, { ...options, headers, body: stack }),
    );
    return JSON.parse(await textOf(answer)) as Applied;
  }

  /** The operation when it has ended. */
  async operation(
    id: string,
    options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<Operations> {
    const until = Date.now() + (options.timeoutMs ?? 300_000);
    for (;;) {
      const found = await this.get("/operations/{id}", { path: { id }, signal: options.signal });
      if (found.state !== "running") return found;
      if (Date.now() > until) throw new DroverError(0, "timeout", `operation ${id} has not ended`);
      await sleep(100, undefined, options.signal ? { signal: options.signal } : {});
    }
  }

  /** Where events() begins now: nothing that happens from here on is missed. */
  async position(signal?: AbortSignal): Promise<string> {
    const { store_id } = await this.get("/summary", { signal });
    const answer = await open(
      this.#endpoint,
      this.#outgoing("get", "/events", { query: { limit: 1 }, signal }),
    );
    const newest = (await textOf(answer)).trim().split("\n").at(-1); // one more may have come meanwhile
    return `${store_id}:${newest ? (JSON.parse(newest) as { seq: number }).seq : 0}`;
  }

  /** What happens, from `since` or from now on, for ever. A broken connection is resumed: nothing is missed. */
  async *events(options: EventOptions = {}): AsyncGenerator<DroverEvent, void> {
    let since = options.since;
    const connect = async () => {
      since ??= await this.position(options.signal);
      return open(this.#endpoint, {
        ...this.#outgoing("get", "/events", { query: { since, follow: true }, signal: options.signal }),
        headers: { Accept: "text/event-stream" },
        silenceMs: silenceOfStream,
      });
    };
    for await (const [field, value] of this.#resumed(connect, options)) {
      if (field === "id") since = value;
      else if (field === "data" && since !== undefined)
        yield { ...(JSON.parse(value) as Omit<DroverEvent, "position">), position: since };
    }
  }

  /** What programs wrote. With `follow` a broken connection is resumed after the last line. */
  async *logs(options: LogOptions): AsyncGenerator<LogLine, void> {
    const { signal, onDisconnect: _, instance, follow = false, ...query } = options;
    const path = instance === undefined ? "/logs" : `/instances/${encodeURIComponent(instance)}/logs`;
    const seen = new SeenLines();
    const connect = () => {
      const asked = seen.last === undefined ? query : { ...query, tail: undefined, since: seen.last };
      const outgoing = this.#outgoing("get", path, { query: { ...asked, follow }, signal });
      return open(this.#endpoint, { ...outgoing, silenceMs: follow ? 0 : this.#timeoutMs });
    };
    const lines = follow ? this.#resumedLines(connect, options, seen) : linesOf(await connect());
    for await (const text of lines) {
      if (!text) continue;
      const line = JSON.parse(text) as LogLine;
      if (seen.isNew(line)) yield line;
    }
  }

  #outgoing(method: string, path: string, options: CallOptions & { body?: unknown }): Outgoing {
    return {
      method: method.toUpperCase(),
      path,
      silenceMs: this.#timeoutMs,
      ...(options.query ? { query: options.query } : {}),
      ...(options.headers ? { headers: options.headers } : {}),
      ...(options.body === undefined ? {} : { body: options.body }),
      signal: options.signal,
    };
  }

  async *#resumed(connect: Connect, options: FollowOptions): AsyncGenerator<[string, string], void> {
    for await (const line of this.#resumedLines(connect, options)) {
      const colon = line.indexOf(":");
      if (colon > 0) yield [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    }
  }

  /** Lines of one connection after the other; ends quietly when `signal` is aborted. */
  async *#resumedLines(
    connect: Connect,
    options: FollowOptions,
    seen?: SeenLines,
  ): AsyncGenerator<string, void> {
    for (let failures = 0; !options.signal?.aborted;) {
      let cause: unknown;
      try {
        for await (const line of linesOf(await connect())) {
          failures = 0;
          yield line;
        }
      } catch (error) {
        if (options.signal?.aborted) return;
        if (error instanceof DroverError && error.status >= 400 && error.status < 500 && error.status !== 429)
          throw error;
        cause = error;
      }
      await options.onDisconnect?.(cause);
      await pause(pauses[Math.min(failures++, pauses.length - 1)] ?? 5000, options.signal);
      seen?.again();
    }
  }
}

type Connect = () => Promise<Awaited<ReturnType<typeof open>>>;

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch {
    // aborted: the loop looks
  }
}

/** Which lines a resumed stream repeats: those of the last time, which `since` includes. */
class SeenLines {
  last: string | undefined;
  #counts = new Map<string, number>();
  #repeated = new Map<string, number>();

  again(): void {
    this.#repeated = new Map(this.#counts);
  }

  isNew(line: LogLine): boolean {
    const key = `${line.instance ?? ""} ${line.stream} ${line.line}`;
    if (line.time === this.last) {
      const before = this.#repeated.get(key) ?? 0;
      if (before > 0) {
        this.#repeated.set(key, before - 1);
        return false;
      }
    } else {
      this.last = line.time;
      this.#counts.clear();
      this.#repeated.clear();
    }
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return true;
  }
}
