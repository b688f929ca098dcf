import http from "node:http";
import https from "node:https";

import { DroverError } from "./errors.js";

/** Where the hub is: its Unix socket (no login), or its address with a token. */
export type Endpoint =
  | { socket: string }
  | {
      url: string;
      /** `drv_…`, from `drover token`. */
      token?: string;
      /** PEM of the CA to trust beside the system's, from `drover hub trust`. */
      ca?: string | Buffer;
    };

export type QueryValue = string | number | boolean | undefined;

export interface Outgoing {
  method: string;
  /** Below /api/v1, encoded already. */
  path: string;
  query?: Readonly<Record<string, QueryValue>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** Longest silence, ms. */
  silenceMs: number;
}

function pathOf(base: string, request: Outgoing): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) query.set(key, String(value));
  const text = query.toString();
  return `${base}/api/v1${request.path}${text && `?${text}`}`;
}

function optionsOf(endpoint: Endpoint, request: Outgoing): https.RequestOptions {
  const common = { method: request.method, agent: false, timeout: request.silenceMs } as const;
  const signal = request.signal ? { signal: request.signal } : {};
  if ("socket" in endpoint)
    return { ...common, ...signal, socketPath: endpoint.socket, path: pathOf("", request) };
  const url = new URL(endpoint.url);
  return {
    ...common,
    ...signal,
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port || (url.protocol === "https:" ? 443 : 80),
    path: pathOf(url.pathname.replace(/\/$/, ""), request),
    ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
  };
}

function headersOf(endpoint: Endpoint, request: Outgoing, body: string | undefined): Record<string, string> {
  const token = "url" in endpoint && endpoint.token ? { Authorization: `Bearer ${endpoint.token}` } : {};
  const content =
    body === undefined
      ? {}
      : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) };
  return { Accept: "application/json", ...token, ...content, ...request.headers };
}

/** The answer's beginning; its body is still to be read. Throws DroverError for a status of 400 and above. */
export async function open(endpoint: Endpoint, request: Outgoing): Promise<http.IncomingMessage> {
  const body =
    request.body === undefined
      ? undefined
      : typeof request.body === "string"
        ? request.body
        : JSON.stringify(request.body);
  const secure = "url" in endpoint && new URL(endpoint.url).protocol === "https:";
  const answer = await new Promise<http.IncomingMessage>((done, failed) => {
    const options = { ...optionsOf(endpoint, request), headers: headersOf(endpoint, request, body) };
    const sent = secure ? https.request(options, done) : http.request(options, done);
    sent.on("timeout", () => sent.destroy(timeoutError(request)));
    sent.on("error", (error) =>
      failed(request.signal?.aborted ? request.signal.reason : DroverError.unreachable(error)),
    );
    sent.end(body);
  });
  if ((answer.statusCode ?? 500) < 400) return answer;
  throw DroverError.fromAnswer(answer.statusCode ?? 500, await textOf(answer));
}

function timeoutError(request: Outgoing): Error {
  const error = new Error(`${request.method} ${request.path}: nothing heard for ${request.silenceMs}ms`);
  error.name = "TimeoutError";
  return error;
}

export async function textOf(answer: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of answer) parts.push(part as Buffer);
  } catch (error) {
    throw DroverError.unreachable(error as Error);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The lines of a body, without their ends. Throws DroverError when it breaks off. */
export async function* linesOf(answer: http.IncomingMessage): AsyncGenerator<string, void> {
  let rest = "";
  answer.setEncoding("utf8");
  try {
    for await (const part of answer) {
      const lines = (rest + (part as string)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    throw DroverError.unreachable(error as Error);
  } finally {
    answer.destroy();
  }
  if (rest) yield rest;
}
